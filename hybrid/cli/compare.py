"""`hybrid compare`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.compare_options import CHOICE, DOMAINS, SCORES, TESTS
from hybrid.cli.compared_pairs import print_tests, print_tests_per_group
from hybrid.cli.cross_validation import run_cross_validation, show_cross_validation
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import (
    heads_cluster_option,
    json_option,
    on_cluster,
    parse_prevalence,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import (
    format_metric,
    print_footnotes,
    print_json,
    print_line,
    print_notes,
    print_table,
    progress_bar,
    warn,
)
from hybrid.cli.subgroups import show_subgroups
from hybrid.cli.usefulness import print_usefulness
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.wording import Footnotes, number
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.evaluation import Metric
    from hybrid.run import Comparison
    from hybrid.workspace.model_record import ModelRecord

_COLUMNS = 5  # further scores, besides the one by which models are sorted


@documented_command(
    ("All models of the workspace, on test", "hybrid compare"),
    ("Without a look at test", "hybrid compare --hide-test"),
    ("Two models only", "hybrid compare svm-PICTURES forest-PICTURES"),
    ("Is anything better than the model in use now?", "hybrid compare --reference network-own"),
    ("Also with 5 folds, repeated twice", "hybrid compare --cv 5x2"),
    ("Predictive values where 5% are positive", "hybrid compare --prevalence 0.05"),
    ("Test images are a consecutive series of patients", "hybrid compare --varying-classes"),
    (
        "Which model is best at a hospital that it has not seen?",
        "hybrid compare --cv-domains hospital --choose domains",
    ),
    ("Does the model work for everybody?", "hybrid compare --by sex --by age:50,70 --by sex+view"),
)
@click.argument("models", nargs=-1, shell_complete=completion.models)
@in_group("Images and scores", *SCORES, DOMAINS, heads_cluster_option)
@in_group("Choice of the model", *CHOICE)
@in_group("Tests of differences", *TESTS)
@seed_option
@workspace_option
@json_option
def compare(
    models: tuple[str, ...],
    cluster: str | None,
    split: str,
    metric: str | None,
    choose: str | None,
    order_by: str,
    hide_test: bool,
    reference: str | None,
    all_pairs: bool,
    primary: tuple[str, ...],
    margin: float | None,
    per_group: str | None,
    by: tuple[str, ...],
    fixed_classes: bool,
    prevalence: str | None,
    cv: str | None,
    cv_domains: str | None,
    seed: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """Compare fitted MODELS of the workspace on the same images, by default all of them.

    The command shows which model is chosen on validation, and from which models it differs by more than chance. By
    default each model is compared with the chosen one, by the metric by which it was chosen. Scores on validation have
    a footnote that says what the validation images also chose, since such scores are too good.

    It writes report.html, the checklist for a paper (checklist.md), comparison.json, comparison.csv and pairs.csv to
    reports/ in the workspace, or to reports/SPLIT/ for another split than test. An earlier report of other models or
    settings is kept: it is moved to earlier/DATE-TIME/ beside them. Every look at test is added to the
    history of the workspace, which hybrid plan shows.
    """
    from hybrid.comparison.choice import BY_DOMAINS
    from hybrid.comparison.pair_settings import PairSettings
    from hybrid.run import compare_results
    from hybrid.run.stated import stated
    from hybrid.workspace.fitted_models import load_records

    if cv and cv_domains:
        raise click.UsageError("--cv and --cv-domains are two ways to divide the images: give one of them.")
    if choose == BY_DOMAINS and not cv_domains:
        raise click.UsageError("--choose domains needs the domains: name their column, as in --cv-domains hospital.")
    if cluster and not (cv or cv_domains):
        raise click.UsageError("--cluster divides a cross-validation: give --cv or --cv-domains with it.")
    if hide_test:
        split = "val"
    place = Workspace(workspace)
    records = load_records(place, sorted(models) or None)
    tested = PairSettings.of(reference, "all" if all_pairs else None, primary, margin)
    if not as_json:
        for sentence in stated(records, split, metric, tested):
            print_line(f"{sentence}.")
    with progress_bar("looking for copies in train") as progress:
        comparison = compare_results(
            records,
            split=split,
            metric=metric,
            choose=choose,
            fixed_by="--choose",
            order_by=order_by,
            by="hybrid compare",
            tested=tested,
            per_group=per_group,
            subgroups=by,
            fixed_classes=fixed_classes,
            prevalence=parse_prevalence(prevalence),
            progress=progress,
        )
    if cv or cv_domains:
        with on_cluster(cluster):
            crossed = run_cross_validation(place, cv, seed, metric, models, cv_domains)
        comparison = comparison.cross_validated(crossed)
    save_and_show(comparison, place.reports if split == "test" else place.reports / split, as_json)


def save_and_show(comparison: "Comparison", folder: Path, as_json: bool, **more: Any) -> None:
    """Write a comparison into a folder and print it. A sentence says where an earlier one was moved, if there was one.

    JSON is the only thing on standard output, so the sentence is on standard error then. The values of `more` are
    added to it.
    """
    moved: list[str] = []
    written = comparison.save(folder, moved.append)
    if as_json:
        for sentence in moved:
            print_line(sentence, err=True)
        for text in dict.fromkeys(text for one in comparison.leaderboards for text in one.warnings):
            warn(f"WARNING: {text}")
        print_json(comparison.to_dict() | more | {"files": [str(path) for path in written]})
    else:
        show_comparison(comparison, written, moved)


def show_comparison(comparison: "Comparison", written: Sequence[Path], moved: Sequence[str] = ()) -> None:
    """Print the answer, the scores of the models, conclusions from them, their costs and the paths of the saved files.

    Parameters
    ----------
    comparison : Comparison
    written : sequence of Path
        The files of the comparison, from `Comparison.save`.
    moved : sequence of str, default=()
        Sentences on an earlier comparison that was moved.
    """
    from hybrid.report.parts.answer import answer

    for leaderboard in comparison.leaderboards:
        about = f"{leaderboard.dataset}: " if len(comparison.leaderboards) > 1 else ""
        click.echo()
        print_line(f"{about}{answer(leaderboard)}")
        click.echo()
        _print_leaderboard(leaderboard, comparison.split)
        if leaderboard.subgroups:
            show_subgroups(leaderboard.subgroups, leaderboard.chosen, leaderboard.label)
        if leaderboard.crossed:
            show_cross_validation(leaderboard.crossed, leaderboard.label)
    for leaderboard in comparison.leaderboards:
        _print_costs(leaderboard)
    print_notes(comparison.notes)
    for sentence in moved:
        print_line(sentence)
    print_line(f"Saved {', '.join(str(path) for path in written[1:4])}")
    print_line(f"Report: {written[0]}")


def _print_leaderboard(leaderboard: "Leaderboard", split: str) -> None:
    others = [name for name in TASKS[leaderboard.task].terminal if name != leaderboard.metric][:_COLUMNS]
    by_validation = [leaderboard.validation(model) for model in leaderboard.models]
    validated = ["on val"] if any(by_validation) else []
    notes = Footnotes()
    rows = [
        [
            _name(leaderboard, model),
            *([_on_validation(leaderboard, model, by, notes)] if validated else []),
            *(
                format_metric(result.metrics[name], interval=name == leaderboard.metric, notes=notes)
                + notes.mark(leaderboard.validation_note(model, name, split))
                for name in (leaderboard.metric, *others)
            ),
        ]
        for model, result, by in zip(leaderboard.models, leaderboard.evaluations, by_validation, strict=True)
    ]
    images = leaderboard.evaluations[0].images
    order = f"best {leaderboard.metric} on {leaderboard.ordered_by} first"
    title = (
        f"{leaderboard.dataset}, {split}: {images}, {order}, with 95% interval (those of other scores: in the report)"
    )
    print_table(title, ["model", *validated, leaderboard.metric, *others], rows, optional=len(others))
    print_footnotes(notes)
    print_notes([f"Intervals hold for {leaderboard.evaluations[0].population}."])
    _print_per_group(leaderboard, [leaderboard.metric, *others])
    print_notes(leaderboard.label_notes)
    print_tests(leaderboard)
    print_usefulness(leaderboard)
    print_notes(
        [*leaderboard.notes, *(f"{one.sentence()}." for one in leaderboard.seeds if one.metric == leaderboard.metric)]
    )
    print_notes([one.sentence for one in leaderboard.score_changes if one.test.distinguishable])
    if leaderboard.shift and leaderboard.shift.found:
        print_notes(leaderboard.shift.properties_found)
    for text in leaderboard.warnings:
        warn(f"WARNING: {text}")
    _print_without_leakage(leaderboard, [leaderboard.metric, *others])


def _print_costs(leaderboard: "Leaderboard") -> None:
    from hybrid.comparison.costs import cost_notes

    columns = ["model", "train s", "extract s", "fit s", "predict s", "parameters", "width", "MB"]
    with_processor = any(model.processor for model in leaderboard.models)
    title = (
        "costs: processor seconds, in brackets wall-clock seconds" if with_processor else "costs: wall-clock seconds"
    )
    costs = [[_name(leaderboard, model), *_costs(model, with_processor)] for model in leaderboard.models]
    print_table(title, columns, costs)
    print_notes(cost_notes(leaderboard.models, leaderboard.labels))


def _print_per_group(leaderboard: "Leaderboard", shown: Sequence[str]) -> None:
    """Print the scores with each group of images as one case, if they were asked for."""
    if leaderboard.per_group is None:
        return
    notes, scores = Footnotes(), leaderboard.per_group.scores
    rows = [
        [
            _name(leaderboard, model),
            *(
                format_metric(scores[model.name].metrics[name], interval=name == shown[0], notes=notes)
                for name in shown
            ),
        ]
        for model in leaderboard.models
    ]
    name = leaderboard.per_group.group_name
    title = f"per {name}: {number(leaderboard.per_group.groups, name)}"
    print_table(title, ["model", *shown], rows, optional=len(shown) - 1)
    print_footnotes(notes)
    print_tests_per_group(leaderboard)
    print_notes([leaderboard.per_group.sentence(), *leaderboard.significance_per_group])


def _print_without_leakage(leaderboard: "Leaderboard", shown: Sequence[str]) -> None:
    """Print scores with all images, and without the images that are also in train."""
    if not leaderboard.leakage or not leaderboard.leakage.ids:
        return
    if without := leaderboard.leakage.without:
        rows = [
            [
                _name(leaderboard, model),
                *(_with_and_without(result.metrics[name], other.metrics[name]) for name in shown),
            ]
            for model, result in zip(leaderboard.models, leaderboard.evaluations, strict=True)
            if (other := without[model.name])
        ]
        images, copies = next(iter(without.values())).images, len(leaderboard.leakage.ids)
        print_table(
            f"with all images → without the {copies} that are also in train ({images})", ["model", *shown], rows
        )
    warn(f"WARNING: {leaderboard.leakage.sentence(leaderboard.split)}")


def _with_and_without(whole: Any, other: Any) -> str:
    return f"{format_metric(whole, interval=False)} → {format_metric(other, interval=False)}"


def _on_validation(leaderboard: "Leaderboard", model: "ModelRecord", by: "Metric | None", notes: Footnotes) -> str:
    if by is None:
        return "–"
    remark = leaderboard.validation_note(model, leaderboard.metric)
    return format_metric(by, interval=False, notes=notes) + notes.mark(remark)


def _name(leaderboard: "Leaderboard", model: "ModelRecord") -> str:
    label = leaderboard.label(model.name)
    return f"{label} ←" if model.name == leaderboard.chosen else label


def _costs(model: "ModelRecord", with_processor: bool) -> list[str]:
    times = _times(model, "seconds")
    if with_processor:
        times = [f"{busy} ({clock})" for busy, clock in zip(_times(model, "processor"), times, strict=True)]
    return [
        *times,
        *("–" if value is None else f"{value:,}" for value in (model.parameters, model.width)),
        "–" if model.bytes is None else f"{model.bytes / 1e6:.1f}",
    ]


def _times(model: "ModelRecord", measure: str) -> list[str]:
    from hybrid.comparison.costs import PARTS, times_of

    values = [getattr(times_of(model, measure), part) for part in PARTS]
    return ["–" if value is None else f"{value:.1f}" for value in values]
