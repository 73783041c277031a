"""The part of the report on the cross-validation: means, spread over folds and over seeds, what can be told apart."""

from typing import TYPE_CHECKING, Any

from hybrid import plots
from hybrid.evaluation import Metric
from hybrid.evaluation.metrics import TASKS
from hybrid.report.elements import tables
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.words import interval, listed, metric_name, score, seconds, spoken
from hybrid.report.parts.models import said_of
from hybrid.report.parts.part import Part

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.comparison.cross_validation_result import CrossValidation

FLATTERED = "flattered"
_MOST_DESCRIBED = 12


def cross_validation(leaderboard: "Leaderboard") -> Part | None:
    """Return how the models do when each is fitted anew in every fold; None where that was not asked for."""
    found = leaderboard.crossed
    if found is None:
        return None
    names = {row["model"]: leaderboard.label(row["model"]) for row in found.rows}
    shown, saved, said = [_table(found, names, leaderboard)], [], said_of(None, [], names)
    if pairs := found.pairs:
        shown.append(tables.pair_table("cross-validation-differences", pairs, names, found.metric, ", over the folds"))
        saved.append(tables.paired_table("cross-validation-tests", pairs))
        said = said_of(leaderboard.chosen, pairs, names)
    return Part("cross", "Cross-validation", _lead(found), shown, [_drawing(found, names, leaderboard)], saved, said)


def cross_words(leaderboard: "Leaderboard", model: str) -> str:
    """Return a sentence on how one model does in the cross-validation; "" where there is none of it."""
    found = leaderboard.crossed
    row = next((row for row in found.rows if row["model"] == model), None) if found else None
    if found is None or row is None:
        return ""
    folds = f"{found.folds} folds × {found.repeats} of the {found.images:,} images of train and validation"
    spread = f"SD over folds {score(row['sd_folds'])}, over seeds {score(row['sd_seeds'])}"
    flattered = f" ({FLATTERED})" if row["flattered"] else ""
    figure = f"{score(row['mean'])} ({interval(_metric(row))})"
    return f"Cross-validated, {folds}: {metric_name(found.metric)} {figure}, {spread}{flattered}."


def _lead(found: "CrossValidation") -> list[str]:
    often = {1: "once", 2: "twice"}.get(found.repeats, f"{found.repeats} times")
    words = (
        f"The {found.images:,} images of train and validation together were divided into {found.folds} folds {often}, "
        "and every model was fitted anew for each fold; test was not used. Thresholds and calibrations were chosen "
        "anew inside each fold. The SD over folds shows how much the score depends on the images that a model is "
        "scored on. The SD over seeds, which is that of the means of the repeats, shows how much the score depends on "
        "the division into folds and on the seed of the head."
    )
    tests = (
        "Each pair of models is compared with the corrected resampled t-test, which accounts for folds that share "
        "training images; p-values with Holm's correction over all pairs."
    )
    return [words, *([tests] if len(found.models) > 1 else []), *map(spoken, found.notes)]


def _table(found: "CrossValidation", names: dict[str, str], leaderboard: "Leaderboard") -> Table:
    others = [name for name in TASKS[found.task].report if name != found.metric and name in found.rows[0]]
    columns = [
        Column("model", "model", numeric=False),
        Column(found.metric, f"{metric_name(found.metric)}, mean"),
        Column("sd_folds", "SD over folds"),
        Column("sd_seeds", "SD over seeds"),
        *(Column(name, f"{metric_name(name)}, mean") for name in others),
        Column("seconds", "seconds"),
    ]
    rows = [
        [
            Cell(row["model"], names[row["model"]], FLATTERED if row["flattered"] else "",
                 {"flattered": row["flattered"]}),
            tables.metric_cell(found.metric, _metric(row)),
            *(Cell(row[key], score(row[key])) for key in ("sd_folds", "sd_seeds", *others)),
            Cell(row["seconds"], seconds(row["seconds"])),
        ]
        for row in found.rows
    ]  # fmt: skip
    caption = f"Means over {found.folds} folds × {found.repeats}, with 95% intervals"
    marked = next((number for number, row in enumerate(found.rows) if row["model"] == leaderboard.chosen), None)
    return Table("cross-validation", caption, columns, rows, sortable=True, marked=marked)


def _drawing(found: "CrossValidation", names: dict[str, str], leaderboard: "Leaderboard") -> Drawing:
    rows, label = found.rows, metric_name(found.metric)
    metrics = [_metric(row) for row in rows]
    labels = [names[row["model"]] for row in rows]
    said = [f"{name} {score(one.value)} ({interval(one)})" for name, one in zip(labels, metrics, strict=True)]
    words = f"{label} of each model over the folds with its 95% interval: {listed(said, _MOST_DESCRIBED)}."
    marked = next((number for number, row in enumerate(rows) if row["model"] == leaderboard.chosen), None)
    figure = plots.interval_chart(
        labels, [one.value for one in metrics], [one.interval for one in metrics], label=label, chosen=marked
    )
    return Drawing("cross-validation", f"{label}, cross-validated, with 95% intervals", words, figure)


def _metric(row: dict[str, Any]) -> Metric:
    return Metric(row["mean"], row["low"], row["high"])
