"""The tables of the report: models, confusion matrices, classes and data."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.comparison.costs import PARTS, cost_notes
from hybrid.evaluation import CalibrationLine, Evaluation, Metric, calibration_line
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.elements.words import count, interval, metric_name, score, seconds, size
from hybrid.wording import Footnotes, plural_of
from hybrid.workspace.predictions import known_groups

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

COSTS = (
    ("parameters", "parameters", count),
    ("width", "width", count),
    ("bytes", "on disk", size),
)
_MEASURES = {"processor": "processor time", "seconds": "wall-clock time"}
HEAT_LEVELS = 10
MOST_CLASSES_IN_A_MATRIX = 20
COUNTS = (
    ("true_positives", "true positives"),
    ("false_negatives", "false negatives"),
    ("false_positives", "false positives"),
    ("true_negatives", "true negatives"),
)


def model_table(leaderboard: "Leaderboard") -> Table:
    """Return a table with one row per model: its scores with intervals. Columns without values are left out."""
    shown = TASKS[leaderboard.task]
    names = [leaderboard.metric, *(name for name in (*shown.report, *shown.calibration) if name != leaderboard.metric)]
    names = [name for name in names if any(name in result.metrics for result in leaderboard.evaluations)]
    chosen, chosen_by = leaderboard.chosen_number, f"val_{leaderboard.metric}"
    columns = [Column("model", "model", numeric=False), *(Column(name, metric_name(name)) for name in names)]
    by_validation, notes = [leaderboard.validation(model) for model in leaderboard.models], Footnotes()
    if validated := any(by_validation):
        columns.insert(1, Column(chosen_by, f"{metric_name(leaderboard.metric)}, validation"))
    cells = [
        [
            Cell(model.name, leaderboard.label(model.name), sub="the chosen model" if number == chosen else ""),
            *(
                [metric_cell(chosen_by, by, notes, leaderboard.validation_note(model, leaderboard.metric))]
                if validated
                else []
            ),
            *(
                metric_cell(
                    name,
                    result.metrics.get(name),
                    notes,
                    leaderboard.validation_note(model, name, leaderboard.split),
                )
                for name in names
            ),
        ]
        for number, (model, result, by) in enumerate(
            zip(leaderboard.models, leaderboard.evaluations, by_validation, strict=True)
        )
    ]
    first = leaderboard.evaluations[0]
    caption = f"Scores with {first.level:.0%} intervals for {first.population}"
    return Table("models", caption, columns, cells, sortable=True, marked=chosen, notes=notes.lines)


def cost_table(leaderboard: "Leaderboard") -> Table:
    """Return a table with one row per model: its times and sizes. Columns without values are left out."""
    rows = leaderboard.rows
    costs = [cost for cost in COSTS if any(row.get(cost[0]) for row in rows)]
    measure = "processor" if any(model.processor for model in leaderboard.models) else "seconds"
    times = [part for part in PARTS if any(row[f"{one}_{part}"] for row in rows for one in ("seconds", "processor"))]
    columns = [Column("model", "model", numeric=False), *(Column(f"{measure}_{part}", part) for part in times)]
    columns += [Column(key, title) for key, title, _ in costs]
    cells = [
        [
            Cell(row["model"], leaderboard.label(row["model"])),
            *(_time_cell(row, part, measure) for part in times),
            *(Cell(row.get(key), show(row.get(key))) for key, _, show in costs),
        ]
        for row in rows
    ]
    below = ", with wall-clock time below it" if measure == "processor" else ""
    caption = f"Costs: {_MEASURES[measure]} of each step{below}, and sizes"
    notes = cost_notes(leaderboard.models, leaderboard.labels)
    return Table("costs", caption, columns, cells, sortable=True, marked=leaderboard.chosen_number, notes=notes)


def calibration_table(leaderboard: "Leaderboard") -> Table:
    """Return a table with the calibration slope and intercept of each model, with their intervals."""
    lines = [
        calibration_line(
            part.y,
            part.proba,
            part.classes.tolist(),
            pos_label=result.positive,
            groups=known_groups(leaderboard.predictions),
            level=result.level,
        )
        for part, result in zip(leaderboard.predictions, leaderboard.evaluations, strict=True)
    ]
    names = ["slope"] if leaderboard.task == "multiclass" else ["slope", "intercept"]
    columns = [Column("model", "model", numeric=False), *(Column(name, f"calibration {name}") for name in names)]
    cells = [
        [Cell(name, label), *(_line_cell(line, what) for what in names)]
        for name, label, line in zip(leaderboard.names, leaderboard.labels, lines, strict=True)
    ]
    return Table("calibration", "Calibration", columns, cells, sortable=True, marked=leaderboard.chosen_number)


def _line_cell(line: CalibrationLine, name: str) -> Cell:
    value, low, high = (getattr(line, part) for part in (name, f"{name}_low", f"{name}_high"))
    if value is None:
        return Cell(None, "–", "not defined")
    return Cell(value, score(value), f"{score(low)} to {score(high)}", {f"{name}_low": low, f"{name}_high": high})


def _time_cell(row: Mapping[str, Any], part: str, measure: str) -> Cell:
    """Return the time for one part of a model's work; processor time has the time by the wall clock below it."""
    wall, busy = row[f"seconds_{part}"], row[f"processor_{part}"]
    if part == "train" and not wall:  # nothing was trained
        return Cell(row[f"{measure}_{part}"], seconds(None), also={"seconds_train": wall})
    if measure == "seconds":
        return Cell(wall, seconds(wall))
    return Cell(busy, seconds(busy), f"{seconds(wall)} wall-clock", {f"seconds_{part}": wall})


def metric_cell(name: str, metric: Metric | None, notes: Footnotes, remark: str = "") -> Cell:
    """Return a score with its interval below it. `notes` receives the reason if it or its interval is missing.

    `remark` is a footnote of the score itself.
    """
    if metric is None:
        return Cell(None, "–")
    also: dict[str, Any] = {f"{name}_low": metric.low, f"{name}_high": metric.high}
    if metric.reason:
        also |= {f"{name}_reason": metric.reason}
    missing = "not defined" if metric.value is None else "no interval"
    below = f"{interval(metric) or missing} {notes.mark(metric.reason)}" if metric.reason else interval(metric)
    return Cell(metric.value, f"{score(metric.value)}{notes.mark(remark)}", below, also)


def confusion_table(name: str, model: str, result: Evaluation) -> Table:
    """Return a model's confusion matrix: counts, and shares of the row, which set the colour of the cells."""
    labels = [str(label) for label in result.classes]
    if result.task == "multilabel":
        columns = [Column("label", "label", numeric=False), *(Column(*column) for column in COUNTS)]
        rows = [
            [text_cell(label), *_counted(counts[1, ::-1]), *_counted(counts[0, ::-1])]
            for label, counts in zip(labels, result.confusion, strict=True)
        ]
        return Table(name, f"{model}: images with and without each label", columns, rows)
    columns = [
        Column("true", "true ↓ predicted →", numeric=False),
        *(Column(f"predicted_{label}", label) for label in labels),
    ]
    rows = [[text_cell(label), *_counted(row)] for label, row in zip(labels, result.confusion, strict=True)]
    return Table(name, model, columns, rows)


def _counted(counts: np.ndarray) -> list[Cell]:
    shares = counts / max(counts.sum(), 1)
    return [
        Cell(int(n), f"{n:,}", _per_cent(share) if n else "", tone=f"heat{round(share * HEAT_LEVELS)}" if n else "none")
        for n, share in zip(counts.tolist(), shares.tolist(), strict=True)
    ]


def _per_cent(share: float) -> str:
    """Return a share as text, with 0% and 100% only for exact values."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def confused_table(result: Evaluation, most: int = 15) -> Table:
    """Return the most often confused pairs of classes, for a confusion matrix that is too large to read."""
    wrong = result.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [(i, j) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True) if wrong[i, j]]
    support = result.confusion.sum(axis=1)
    rows = [
        [
            text_cell(result.classes[i]),
            text_cell(result.classes[j]),
            Cell(int(wrong[i, j]), f"{wrong[i, j]:,} of {support[i]:,}", also={"of": int(support[i])}),
        ]
        for i, j in pairs
    ]
    columns = [Column("true", "true", False), Column("predicted", "predicted", False), Column("images", "images")]
    return Table("most-confused", "Most often confused", columns, rows, sortable=True)


def class_table(result: Evaluation) -> Table:
    """Return the scores of each class or label against the rest."""
    names = [name for name in TASKS[result.task].report_classes if name in next(iter(result.per_class.values()))]
    what, notes = "label" if result.task == "multilabel" else "class", Footnotes()
    counts = {"images": "support"} | ({"groups": "groups"} if result.clustered else {})
    columns = [
        Column(what, what, numeric=False),
        *(Column(name, plural_of(result.group_name) if name == "groups" else name) for name in counts),
    ]
    columns += [Column(name, metric_name(name)) for name in names]
    rows = [
        [
            text_cell(label),
            *(Cell(scores[key], f"{scores[key]:,}") for key in counts.values()),
            *(metric_cell(name, scores[name], notes) for name in names),
        ]
        for label, scores in result.per_class.items()
    ]
    return Table("classes", f"Each {what} against the rest", columns, rows, sortable=True, notes=notes.lines)


def count_table(counts: Mapping[str, Mapping[str, int]], total: Sequence[int], multilabel: bool) -> Table:
    """Return a table with the number of images of each class in each split.

    Parameters
    ----------
    counts : mapping of str to mapping of str to int
        Counts by split and class, as in `Dataset.counts_by_split`.
    total : sequence of int
        Number of images in each split, which differs from the sum of the counts if images have several labels or none.
    multilabel : bool
        Whether images can have several labels.
    """
    what = "label" if multilabel else "class"
    labels = list(next(iter(counts.values())))
    columns = [Column(what, what, numeric=False), *(Column(split, split) for split in counts)]
    rows = [
        [
            text_cell(label),
            *(
                Cell(of[label], f"{of[label]:,} ({of[label] / max(n, 1):.0%})")
                for of, n in zip(counts.values(), total, strict=True)
            ),
        ]
        for label in labels
    ]
    rows.append([text_cell("all images"), *(Cell(n, f"{n:,}") for n in total)])
    return Table("data", f"Images of each {what} in each split", columns, rows, marked=len(rows) - 1)
