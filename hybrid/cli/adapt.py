"""`hybrid adapt`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import (
    data_options,
    json_option,
    on_bad_option,
    read_data,
    seed_option,
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
    shell_command,
)
from hybrid.errors import InputError
from hybrid.wording import Footnotes

if TYPE_CHECKING:
    from hybrid.adaptation import Adaptation

_ADAPTING = (
    click.option(
        "--with",
        "images",
        type=click.IntRange(min=1),
        default=None,
        metavar="N",
        help="Number of images to adapt to, drawn at random by class and in whole groups. The model is judged on the "
        "others, which must be at least as many.",
    ),
    click.option(
        "--with-split",
        "splits",
        default=None,
        metavar="SPLITS",
        help="Adapt to the images of this split instead, or of several: train,val. The model is judged on the others.",
    ),
    click.option(
        "--method",
        default="auto",
        show_default=True,
        metavar="METHOD",
        help="threshold: a new threshold. intercept, calibration: probabilities with a new intercept, or a new "
        "intercept and slope. refit: the head fitted to old and new images together. auto: a cross-validation within "
        "the adapting images chooses one of these, except for threshold, or none.",
    ),
    click.option(
        "--aim",
        default=None,
        metavar="AIM",
        help="Objective of the threshold, as in `hybrid fit`. Default: that of the model; if it has none, what follows "
        "from the class weights.",
    ),
    click.option(
        "--map",
        "class_map",
        multiple=True,
        metavar="THEIRS=OURS",
        help="The model's class for a class of DATA with another name (repeatable). THEIRS= leaves its images out.",
    ),
    click.option("--name", default=None, help="Name of the adapted model. Default: made from the model and DATA."),
)
_CURVE = (
    click.option(
        "--metric",
        default=None,
        shell_complete=completion.metrics,
        help="Score that the curve and the sentences are about. Default: balanced accuracy, or the macro average of F1 "
        "for several labels.",
    ),
    click.option(
        "--draws",
        type=click.IntRange(0),
        default=10,
        show_default=True,
        help="Number of draws of the curve of scores against labelled images. 0: no curve.",
    ),
)


@documented_command(
    ("Adapt to 50 images of another hospital", "hybrid adapt svm-PICTURES OTHER_HOSPITAL --with 50"),
    ("Only the threshold, again for a sensitivity", "hybrid adapt svm-X NEW --with 100 --method threshold"),
    ("Patients stay together", "hybrid adapt svm-X NEW.csv --group-column id --with 100"),
    ("Adapt to the train split, judge on the others", "hybrid adapt svm-PICTURES NEW --with-split train"),
)
@click.argument("model", shell_complete=completion.models_or_files)
@click.argument("data", shell_complete=completion.files)
@in_group("Adapting", *_ADAPTING)
@in_group("How many images", *_CURVE)
@data_options
@on_bad_option
@seed_option
@workspace_option
@json_option
def adapt(model: str, data: str, workspace: Path, as_json: bool, **given: Any) -> None:
    """Adapt a saved MODEL to another site with some labelled images of DATA, and judge it on the others.

    The command shows the scores of the model before and after, on the same images, and a curve that says how many
    images are worth labelling. It saves a new model that names its parent, and a report. Images that the model has seen
    before, in training, validation or test, are left out, and patients (--group-column) are never in both parts.

    MODEL is the name of a fitted model of the workspace, the folder of a saved model, or a .zip of that folder. A refit
    needs the embedding sets that it was fitted to.
    """
    images, splits = given.pop("images"), given.pop("splits")
    if (images is None) == (splits is None):
        raise click.UsageError("Give the images to adapt to: --with N for a random draw, or --with-split train.")
    from hybrid.adaptation import CHOICES
    from hybrid.adaptation import adapt as adapt_model
    from hybrid.errors import unknown_name
    from hybrid.external.class_mapping import parse_class_map

    if given["method"] not in CHOICES:
        raise unknown_name("method", given["method"], CHOICES)
    chosen = {name: given.pop(name) for name in ("method", "aim", "metric", "name", "draws")}
    class_map = parse_class_map(given.pop("class_map"))
    seed, on_bad = given["seed"], given["on_bad"]
    with loud_warnings():
        dataset = read_data(data, to_fit=False, **given)
        with progress_bar("extracting") as extracting, progress_bar("drawing images") as drawing:
            draws = chosen.pop("draws")
            result = adapt_model(
                model,
                dataset,
                images=images,
                split=None if splits is None else [one.strip() for one in splits.split(",")],
                class_map=class_map or None,
                curve=draws > 0,
                draws=max(draws, 1),
                random_state=seed,
                workspace=workspace,
                on_bad=on_bad,
                progress=extracting,
                curve_progress=drawing,
                **chosen,
            )
    report = _report(result, workspace)
    if as_json:
        print_json(result.to_dict() | {"report": str(report)})
        return
    _show(result)
    print_line(f"Report: {report}")
    if result.model:
        print_line(f"Saved {result.folder}: {shell_command('hybrid', 'predict', _handle(result))} IMAGES…")


def _report(result: "Adaptation", workspace: Path) -> Path:
    """Write the report into the workspace and return its path."""
    from hybrid.workspace.workspace import Workspace, slug

    name = result.model or slug(result.ancestry.parent, "adapted", result.ancestry.data)
    return result.to_html(Workspace(workspace).reports / f"adapt-{name}.html")[0]


def _handle(result: "Adaptation") -> str:
    """Return what other commands find the adapted model by: its name, or its folder if it has no record."""
    from hybrid.workspace.workspace import METRICS

    has_record = result.folder is not None and (result.folder.parent / METRICS).is_file()
    return str(result.model if has_record else result.folder)


def _show(result: "Adaptation") -> None:
    print_line(result.answer)
    notes, names = Footnotes(), list(result.evaluations)[::-1]
    differences = {test.metric: test for test in result.tests}
    rows = []
    for metric in result.metrics:
        scores = [format_metric(result.evaluations[name].metrics[metric], notes=notes) for name in names]
        test = differences.get(metric)
        if test is not None:
            scores += [test.figure(test.difference, "+"), test.between(test.low, test.high), test.probability]
        rows.append([metric, *scores])
    compared = ["difference", "95% interval", "p"] if differences else []
    print_table(f"on {result.judging} images of {result.ancestry.data}", ["metric", *names, *compared], rows)
    print_footnotes(notes)
    if result.curve:
        _show_curve(result)
    print_notes([*result.advice, *result.notes])


def _show_curve(result: "Adaptation") -> None:
    from hybrid.evaluation.metrics import format_score

    curve = result.curve
    if curve is None:
        raise InputError("There is no curve.")
    rows = []
    for method in curve.methods:
        points = [curve.point(method, size) for size in curve.sizes]
        rows.append(
            [
                method,
                *("–" if one.mean is None else f"{format_score(one.mean)} ±{format_score(one.sd)}" for one in points),
            ]
        )
    title = f"{curve.metrics[0]} by labelled images (mean ± SD of {curve.draws} draws)"
    print_table(title, ["method", *map(str, curve.sizes)], rows)
