"""The part of the report on subgroups of the images: a table and a chart for each division of the images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hybrid import plots
from hybrid.evaluation import Evaluation
from hybrid.evaluation.paired_test import p_text
from hybrid.evaluation.subgroups.few import FEWEST
from hybrid.evaluation.subgroups.result import Gap, Subgroup, SubgroupScores
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.elements.tables import metric_cell
from hybrid.report.elements.words import listed, metric_name, score, spoken, with_interval
from hybrid.report.parts.part import Part
from hybrid.wording import Footnotes, number
from hybrid.workspace.workspace import slug

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard
    from hybrid.comparison.subgroups import ComparedSubgroups
    from hybrid.external.measured import MeasuredModel

_MOST_DESCRIBED = 12
_HOW = (
    "Each subgroup is compared with all other images. P-values are adjusted for the number of subgroups by Holm's "
    "correction, and the worst of several subgroups is partly the unluckiest. A gap says that the model performs "
    "differently, not why: subgroups may differ in how hard their images are. Not compared are subgroups with fewer "
    f"than {FEWEST} images, or fewer than {FEWEST} with or without a class that the score needs; where several images "
    "show one patient, patients are counted."
)


def subgroups(leaderboard: "Leaderboard") -> Part | None:
    """Return the scores of subgroups; None if they were not asked for."""
    result = leaderboard.subgroups
    if result is None:
        return None
    name = leaderboard.chosen or leaderboard.names[0]
    number = leaderboard.names.index(name)
    label, scores = leaderboard.label(name), result.scores[name]
    tables, drawings = subgroup_elements(scores, label, leaderboard.evaluations[number])
    lead = [spoken(text) for metric in scores.metrics for text in scores.sentences(metric)]
    if len(leaderboard.names) > 1:
        lead = [f"The following is about {label}. The last table has the other models.", *lead]
        tables.append(_worst_table(result, leaderboard))
    return Part(
        "subgroups",
        "Subgroups",
        lead,
        tables,
        drawings,
        [_table_of_records(result.records)],
        {"how": [*scores.notes, _HOW]},
    )


def external_subgroups(result: "MeasuredModel") -> Part | None:
    """Return the scores of a model on subgroups of other data; None if they were not asked for."""
    scores = result.subgroups
    if scores is None:
        return None
    tables, drawings = subgroup_elements(scores, result.model, result.evaluation)
    lead = [spoken(text) for metric in scores.metrics for text in scores.sentences(metric)]
    saved = [_table_of_records(scores.records)]
    return Part("subgroups", "Subgroups", lead, tables, drawings, saved, {"how": [*scores.notes, _HOW]})


def subgroup_elements(
    scores: SubgroupScores, model: str, whole: Evaluation | None = None
) -> tuple[list[Table], list[Drawing]]:
    """Return a table and a chart of each division of the images.

    Parameters
    ----------
    scores : SubgroupScores
    model : str
        Name of the model in captions.
    whole : Evaluation, optional
        The scores on all images, which are then the first row of each chart.
    """
    tables = [_table(scores, column, model) for column in scores.columns]
    return tables, [_drawing(scores, column, model, whole) for column in scores.columns]


def _table(scores: SubgroupScores, column: str, model: str) -> Table:
    metric, *others = scores.metrics
    members, notes = scores.of(column), Footnotes()
    with_positives = any(subgroup.positives is not None for subgroup in members)
    columns = [Column("subgroup", column, numeric=False), Column("images", "images")]
    columns += [Column("positives", "positive")] if with_positives else []
    columns += [
        Column(metric, metric_name(metric)),
        Column("difference", "gap to all others"),
        Column("p", "adjusted p"),
    ]
    columns += [Column(name, metric_name(name)) for name in others]
    rows = [
        [
            text_cell(subgroup.name),
            Cell(subgroup.evaluation.n, f"{subgroup.evaluation.n:,}", _groups(subgroup)),
            *([Cell(subgroup.positives, f"{subgroup.positives:,}")] if with_positives else []),
            metric_cell(metric, subgroup.metric(metric), notes),
            *_gap_cells(subgroup.gaps[metric], notes),
            *(metric_cell(name, subgroup.metric(name), notes) for name in others),
        ]
        for subgroup in members
    ]
    worst = scores.worst(column, metric)
    marked = next((i for i, subgroup in enumerate(members) if subgroup is worst), None)
    caption = (
        f"Scores of {model} by {column}, with 95% intervals; the worst subgroup by {metric_name(metric)} is marked"
    )
    return Table(f"subgroups-{slug(column)}", caption, columns, rows, True, marked, notes.lines)


def _groups(subgroup: Subgroup) -> str:
    n = subgroup.evaluation.n_groups
    return "" if n is None or not subgroup.evaluation.clustered else number(n, subgroup.evaluation.group_name)


def _gap_cells(gap: Gap, notes: Footnotes) -> list[Cell]:
    if gap.test is None or gap.test.p_value is None:
        reason = gap.reason or (gap.test.note if gap.test else "")
        return [Cell(None, f"–{notes.mark(reason)}", also={"reason": reason}), Cell(None, "–")]
    test = gap.test
    also = {"difference_low": test.low, "difference_high": test.high}
    tone = gap.verdict if gap.distinguishable else ""
    probability = p_text(gap.p_adjusted).removeprefix("= ")
    return [
        Cell(test.difference, test.figure(test.difference, "+"), test.interval, also, tone),
        Cell(gap.p_adjusted, probability, gap.verdict if gap.distinguishable else ""),
    ]


def _drawing(scores: SubgroupScores, column: str, model: str, whole: Evaluation | None) -> Drawing:
    metric, members = scores.metrics[0], scores.of(column)
    rows = [("all images", whole)] if whole is not None else []
    rows += [(f"{subgroup.name} ({subgroup.evaluation.n:,})", subgroup.evaluation) for subgroup in members]
    values = [(name, result.metrics[metric]) for name, result in rows]
    worst = scores.worst(column, metric)
    chosen = next((i for i, (_, result) in enumerate(rows) if worst and result is worst.evaluation), None)
    figure = plots.interval_chart(
        [name for name, _ in values],
        [value.value for _, value in values],
        [value.interval for _, value in values],
        label=metric_name(metric),
        chosen=chosen,
    )
    described = listed([f"{name} {with_interval(value)}" for name, value in values], _MOST_DESCRIBED)
    words = f"{metric_name(metric)} of {model} by {column} with 95% intervals: {described}."
    title = f"{metric_name(metric)} of {model} by {column}, with 95% intervals and numbers of images"
    return Drawing(f"subgroups-{slug(column)}", title, words, figure)


def _worst_table(result: "ComparedSubgroups", leaderboard: "Leaderboard") -> Table:
    metric, columns = result.metric, [Column("model", "model", numeric=False)]
    columns += [Column(f"worst_{column}", column) for column in result.columns]
    rows = []
    for name in leaderboard.names:
        cells = [Cell(name, leaderboard.label(name))]
        for column in result.columns:
            worst = result.scores[name].worst(column, metric)
            value = None if worst is None else worst.metric(metric).value
            below = "" if worst is None else worst.name
            cells.append(Cell(value, score(value), below, {f"subgroup_{column}": below}))
        rows.append(cells)
    caption = f"{metric_name(metric)} of each model on its worst subgroup"
    return Table("worst-subgroups", caption, columns, rows, sortable=True, marked=leaderboard.chosen_number)


def _table_of_records(records: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of all subgroups and metrics, which is saved."""
    columns = [Column(key, key.replace("_", " ")) for key in records[0]]
    rows = [[Cell(value, str(value)) for value in record.values()] for record in records]
    return Table("subgroups", "Subgroups", columns, rows)
