"""The part of the report on scores per group of images, such as per patient."""

from typing import TYPE_CHECKING

from hybrid.evaluation.registry.tasks import TASKS
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.tables import metric_cell
from hybrid.report.elements.words import metric_name
from hybrid.report.parts.part import Part
from hybrid.wording import Footnotes

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard


def per_group(leaderboard: "Leaderboard") -> Part | None:
    """Return the scores of each model with each group as one case; None if they were not asked for."""
    result = leaderboard.per_group
    if result is None:
        return None
    names = tuple(dict.fromkeys([leaderboard.metric, *TASKS[leaderboard.task].report]))
    columns = [Column("model", "model", numeric=False), *(Column(name, metric_name(name)) for name in names)]
    notes = Footnotes()
    rows = [
        [
            Cell(model, leaderboard.label(model)),
            *(metric_cell(name, result.scores[model].metrics[name], notes) for name in names),
        ]
        for model in leaderboard.names
    ]
    caption = f"Scores with each of the {result.groups:,} groups as one case"
    table = Table("per-group", caption, columns, rows, sortable=True, notes=notes.lines)
    return Part("per-group", "Results per group, such as per patient", [result.sentence()], [table])
