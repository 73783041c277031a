"""The part of the report on scores per group of images, such as per patient."""

from typing import TYPE_CHECKING

from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.report.elements.pair_tables import pair_table, paired_table, reference_table
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.tables import metric_cell
from hybrid.report.elements.words import metric_name, spoken
from hybrid.report.parts.part import Part
from hybrid.wording import Footnotes, plural_of

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
    caption = f"Scores with each of the {result.groups:,} {plural_of(result.group_name)} as one case"
    table = Table("per-group", caption, columns, rows, sortable=True, notes=notes.lines)
    tables, saved = _tests(leaderboard)
    lead = [result.sentence(), *map(spoken, leaderboard.significance_per_group)]
    return Part("per-group", _title(result.group_name), lead, [table, *tables], (), saved)


def _title(group: str) -> str:
    return "Results per group, such as per patient" if group == GROUP else f"Results per {group}"


def _tests(leaderboard: "Leaderboard") -> tuple[list[Table], list[Table]]:
    """Return the tables of the differences by the primary metrics, and the table of all tests that is saved."""
    if not leaderboard.pairs_per_group:
        return [], []
    labels, tables = dict(zip(leaderboard.names, leaderboard.labels, strict=True)), []
    for metric in leaderboard.primary:
        tests = [test for test in leaderboard.pairs_per_group if test.metric == metric]
        draw = pair_table if leaderboard.reference is None else reference_table
        tables.append(draw(f"per-group-differences-{metric}", tests, labels, metric))
    return tables, [paired_table("per-group-tests", leaderboard.pairs_per_group)]
