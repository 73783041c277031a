"""`hybrid validate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import (
    json_option,
    new_data_options,
    on_bad_option,
    parse_prevalence,
    read_new_data,
    workspace_option,
)
from hybrid.cli.output import (
    format_metric,
    loud_warnings,
    print_footnotes,
    print_json,
    print_line,
    print_notes,
    print_table,
    progress_bar,
    warn,
)
from hybrid.cli.subgroups import print_subgroup_scores
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.wording import Footnotes

if TYPE_CHECKING:
    from hybrid.evaluation import UnpairedTest
    from hybrid.external.result import ExternalResult
    from hybrid.run import Validation

_CLASSES = (
    click.option(
        "--map",
        "class_map",
        multiple=True,
        metavar="CLASS=CLASS",
        help="A class of DATA and the model's name for it, such as Pneumonia=PNEUMONIA (repeatable). 'Covid=' leaves "
        "the images of a class out. Classes with the same name need no map; others are never guessed.",
    ),
    click.option(
        "--positive", default=None, help="Positive class of a binary task. Default: the positive class of the model."
    ),
)
_IMAGES = (
    click.option(
        "--split",
        type=click.Choice(["train", "val", "test"]),
        default=None,
        help="Split of DATA to measure on. Default: all images.",
    ),
    click.option(
        "--also",
        multiple=True,
        metavar="DATA",
        shell_complete=completion.datasets,
        help="A further dataset (repeatable). Models and datasets then form one table.",
    ),
    click.option(
        "--keep-known",
        is_flag=True,
        help="Keep images that are also among those the model was made with. Default: leave them out and count them.",
    ),
    click.option(
        "--hide-test",
        is_flag=True,
        help="Compare with the model's validation images, so that no score on its own test images is shown.",
    ),
    click.option(
        "--shift/--no-shift",
        default=True,
        show_default=True,
        help="Whether to test if the images are like those that the model learnt from.",
    ),
)
_SCORES = (
    click.option(
        "--by",
        "subgroups",
        multiple=True,
        metavar="COLUMN[:BINS][+COLUMN]",
        help="Also score subgroups of the images by a further column of DATA (repeatable): sex, age:50,70 with limits "
        "of bins, or sex+view for combinations.",
    ),
    click.option(
        "--metric",
        default=None,
        shell_complete=completion.metrics,
        help="Metric of the main result. Default: ROC AUC, or its mean over the classes.",
    ),
    click.option(
        "--level",
        type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
        default=0.95,
        show_default=True,
        help="Coverage of the intervals.",
    ),
    click.option(
        "--prevalence",
        default=None,
        metavar="SHARE|SHARES",
        help="Share of the positive class where the model would be used, such as 0.05, or a=0.05,b=0.2 for classes or "
        "labels. The predictive values there are added to the scores. No model is changed.",
    ),
)


@documented_command(
    ("A model of the workspace on another hospital's images", "hybrid validate svm-PICTURES other_hospital"),
    ("Where a class has another name", "hybrid validate svm-PICTURES B --map Pneumonia=PNEUMONIA"),
    ("For whom does it work there?", "hybrid validate svm-PICTURES b.csv --by sex --by age:50,70"),
    ("Predictive values where 5% are positive", "hybrid validate svm-PICTURES B --prevalence 0.05"),
    ("Several models on two datasets, as one table", "hybrid validate svm-PICTURES forest-PICTURES A --also B"),
    ("A model that somebody sent, with the patients' ids", "hybrid validate model.zip b.csv --group-column patient"),
)
@click.argument("models", nargs=-1, required=True, shell_complete=completion.models_or_files)
@click.argument("data", shell_complete=completion.datasets)
@in_group("Classes", *_CLASSES)
@in_group("Images", *_IMAGES)
@in_group("Scores", *_SCORES)
@on_bad_option
@new_data_options
@workspace_option
@json_option
def validate(
    models: tuple[str, ...],
    data: str,
    class_map: tuple[str, ...],
    positive: str | None,
    split: str | None,
    also: tuple[str, ...],
    keep_known: bool,
    hide_test: bool,
    shift: bool,
    subgroups: tuple[str, ...],
    metric: str | None,
    level: float,
    prevalence: str | None,
    on_bad: str,
    workspace: Path,
    as_json: bool,
    **given: Any,
) -> None:
    """Measure saved MODELS on other labelled DATA, and compare with the scores on their own test images.

    MODELS are names of fitted models of the workspace, folders of saved models, or .zip files of those; DATA is a
    dataset as for hybrid data. All scores have intervals, the model's own threshold is used, and differences are tested
    for different images. Reports, records and predictions are saved in external/MODEL/DATASET in the workspace;
    external/summary.html shows several models and datasets in one table. A comparison with a model's own test images is
    a look at test, which is added to the history of its workspace.
    """
    from hybrid.external.class_mapping import parse_class_map
    from hybrid.run import validate as run

    mapped = parse_class_map(class_map)
    datasets = [read_new_data(one, on_bad=on_bad, **given) for one in (data, *also)]
    with loud_warnings(), progress_bar("reading images") as progress:
        validation = run(
            list(models),
            datasets,
            split=split,
            class_map=mapped,
            metric=metric,
            pos_label=positive,
            level=level,
            hide_test=hide_test,
            keep_known=keep_known,
            subgroups=subgroups,
            shift=shift,
            prevalence=parse_prevalence(prevalence),
            workspace=workspace,
            on_bad=on_bad,
            by="hybrid validate",
            progress=progress,
        )
        written = validation.save(workspace)
    for result in validation:
        for image, reason in result.data.skipped.items():
            warn(f"Skipped {image}: {reason}")
    if as_json:
        print_json(validation.to_dict() | {"files": [str(path) for path in written]})
        return
    _show(validation, written)


def _show(validation: "Validation", written: list[Path]) -> None:
    if len(validation) > 1:
        _print_pairs(validation)
    for result in validation:
        click.echo()
        for sentence in result.sentences():
            print_line(sentence)
        if len(validation) == 1:
            _print_scores(result)
            _print_classes(result)
        if result.subgroups:
            print_subgroup_scores(result.subgroups, result.model)
        print_notes(result.details)
        print_notes(result.notes)
    print_notes(validation.notes)
    for report, result in zip(written, validation, strict=False):
        click.echo()
        print_line(f"Saved {report.parent}")
        print_line(
            f"Report of {result.model} on {result.dataset}: {report}" if len(validation) > 1 else f"Report: {report}"
        )
    if len(validation) > 1:
        click.echo()
        print_line(f"All models and datasets in one page: {written[len(validation)]}")


def _print_pairs(validation: "Validation") -> None:
    rows, notes = [], Footnotes()
    for result, row in zip(validation, validation.rows(), strict=True):
        test = result.difference(result.metric)
        own = "–" if result.internal is None else format_metric(
            result.internal.evaluation.metrics[result.metric], interval=False
        )  # fmt: skip
        score = format_metric(result.evaluation.metrics[result.metric], notes=notes)
        cells = [score, own, _change(test), _p_text(row["p_adjusted"])]
        rows.append([result.model, result.dataset, result.evaluation.images, *cells])
    metric = validation.results[0].metric
    columns = ["model", "dataset", "images", metric, "own", "difference", "p adjusted"]
    print_table(f"{metric} on other data, with intervals", columns, rows, left=3)
    print_footnotes(notes)


def _print_scores(result: "ExternalResult") -> None:
    notes, internal = Footnotes(), result.internal
    columns = ["metric", result.dataset, *([result.own_name, "difference", "p"] if internal else [])]
    rows = []
    for name in TASKS[result.evaluation.task].terminal:
        row = [name, format_metric(result.evaluation.metrics[name], notes=notes)]
        if internal:
            test = result.difference(name)
            own = format_metric(internal.evaluation.metrics[name], notes=notes)
            row += [own, _change(test), "–" if test is None else test.probability.removeprefix("= ")]
        rows.append(row)
    print_table(f"{result.model}: scores with {result.evaluation.level:.0%} intervals", columns, rows)
    print_footnotes(notes)
    print_notes([f"Intervals hold for {result.evaluation.population}. Differences in accuracy and other shares are in "
                 "percentage points; p is for each score alone."] if internal else [])  # fmt: skip


def _print_classes(result: "ExternalResult") -> None:
    if result.evaluation.task == "binary":
        return
    notes, shown = Footnotes(), TASKS[result.evaluation.task].changing_classes
    tests = {(test.label, test.metric): test for test in result.class_differences}
    rows = [
        [
            label,
            scores["support"],
            *(
                text
                for name in shown
                for text in (format_metric(scores[name], notes=notes), _change(tests.get((label, name))))
            ),
        ]
        for label, scores in result.evaluation.per_class.items()
    ]
    what = "label" if result.evaluation.task == "multilabel" else "class"
    columns = [what, "images", *(title for name in shown for title in (name, "difference"))]
    print_table(f"each {what}", columns, rows)
    print_footnotes(notes)


def _change(test: "UnpairedTest | None") -> str:
    if test is None or test.difference is None:
        return "–"
    bounds = f" [{test.interval}]" if test.low is not None else ""
    return f"{test.figure(test.difference, '+')}{bounds}"


def _p_text(value: float | None) -> str:
    from hybrid.evaluation.paired_test import p_text

    return "–" if value is None else p_text(value).removeprefix("= ")
