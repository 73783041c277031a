"""The part of the report on corrupted images: what `hybrid stress` measured for the chosen model."""

from contextlib import suppress
from typing import TYPE_CHECKING

from hybrid.errors import InputError
from hybrid.evaluation import Metric
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.words import interval, metric_name, score
from hybrid.report.parts.part import Part
from hybrid.robustness.record import StressedScores, StressRecord, stress_records
from hybrid.workspace.fitted_models import workspace_of
from hybrid.workspace.model_record import ModelRecord

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

_SCORES = 3


def robustness(leaderboard: "Leaderboard") -> Part | None:
    """Return the scores of the chosen model on corrupted images; None if `hybrid stress` was not run for it."""
    records = runs_of(leaderboard.models[leaderboard.chosen_number or 0])
    if not records:
        return None
    lead, tables, drawings = [], [], []
    for number, record in enumerate(records, start=1):
        lead += [*record.sentences(), *record.notes]
        tables.append(_table(f"robustness-{number}", record))
        label = metric_name(record.metric)
        title = f"{record.dataset}{f', {record.split}' if record.split else ''}: {label} on corrupted images"
        words = f"{title}, with {record.level:.0%} intervals, by kind and strength. {' '.join(record.sentences())}"
        drawings.append(Drawing(f"robustness-{number}", title, words, record.plot()))
    return Part("robustness", "Robustness", lead, tables, drawings)


def runs_of(model: ModelRecord) -> list[StressRecord]:
    """Return the stress runs of a model; [] if it is in no workspace. Damaged records are left out."""
    workspace = workspace_of(model)
    if workspace is not None:
        with suppress(InputError):
            return stress_records(workspace, model)
    return []


def _table(name: str, record: StressRecord) -> Table:
    metrics = [record.metric, *(one for one in TASKS[record.task].report if one != record.metric)][:_SCORES]
    columns = [Column("corruption", "corruption", numeric=False), *(Column(one, metric_name(one)) for one in metrics)]
    columns.append(Column("difference", f"difference in {metric_name(record.metric)}"))
    rows = [[Cell("none", "none"), *(_score(one, record.clean[one]) for one in metrics), Cell(None, "–")]]
    for scores in record.scores:
        kind = Cell(scores.words, scores.words, also={"kind": scores.corruption, "strength": scores.strength})
        rows.append([kind, *(_score(one, scores.metrics[one]) for one in metrics), _difference(scores, record.metric)])
    images = f"{record.images_of_groups} of {record.dataset}"
    caption = f"Scores on {images}; differences from the unchanged images by {record.test}"
    return Table(name, caption, columns, rows)


def _score(name: str, metric: Metric) -> Cell:
    return Cell(
        metric.value, score(metric.value), interval(metric), {f"{name}_low": metric.low, f"{name}_high": metric.high}
    )


def _difference(scores: StressedScores, metric: str) -> Cell:
    also = {"difference_low": scores.low, "difference_high": scores.high, "p_adjusted": scores.p_adjusted}
    bounds = "" if scores.low is None else f"{score(scores.low)} to {score(scores.high)}"
    tone = ("worse" if scores.is_worse(metric) else "better") if scores.distinguishable else ""
    return Cell(scores.difference, score(scores.difference), bounds, also, tone)
