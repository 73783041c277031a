"""The part of the report on compared images that are also in train, with every score with and without them."""

from typing import TYPE_CHECKING

from hybrid.evaluation import Metric
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.words import listed, metric_name, score
from hybrid.report.parts.answer import SPLITS
from hybrid.report.parts.part import Part

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

_MOST_NAMED = 12


def leakage(leaderboard: "Leaderboard") -> Part | None:
    """Return the scores without the images that are also in train; None if there are no such images."""
    leaked = leaderboard.leakage
    if leaked is None or not leaked.ids:
        return None
    lead = [leaked.sentence(SPLITS[leaderboard.split]), f"These images are {listed(list(leaked.ids), _MOST_NAMED)}."]
    return Part("copies", "Images that are also in train", lead, [_table(leaderboard)] if leaked.without else [])


def _table(leaderboard: "Leaderboard") -> Table:
    assert leaderboard.leakage is not None
    without = leaderboard.leakage.without
    names = [leaderboard.metric, *(name for name in leaderboard.evaluations[0].metrics if name != leaderboard.metric)]
    columns = [Column("model", "model", numeric=False), *(Column(name, metric_name(name)) for name in names)]
    rows = [
        [
            Cell(model, leaderboard.label(model)),
            *(_cell(name, result.metrics[name], without[model].metrics[name]) for name in names),
        ]
        for model, result in zip(leaderboard.names, leaderboard.evaluations, strict=True)
    ]
    images = next(iter(without.values())).images
    caption = f"Scores on the {images} that are not in train, and below on all {leaderboard.leakage.n}"
    return Table("without-copies", caption, columns, rows, sortable=True)


def _cell(name: str, on_all: Metric, without: Metric) -> Cell:
    return Cell(without.value, score(without.value), f"{score(on_all.value)} on all", {f"{name}_with": on_all.value})
