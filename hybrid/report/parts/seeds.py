"""The part of the report on training seeds: the spread of the scores of a network that was trained several times."""

from typing import TYPE_CHECKING

from hybrid.comparison.seeds import SeedSpread
from hybrid.report.elements.table import Cell, Column, Table
from hybrid.report.elements.words import metric_name, score
from hybrid.report.parts.answer import SPLITS
from hybrid.report.parts.part import Part

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

_LEAD = (
    "The models of a row differ only in the seed of their network's training, which sets the first weights, the order "
    "of the images and the augmentation. The intervals and tests elsewhere on this page do not include this spread. "
    "A difference between two networks that is no larger than this spread says little about their architectures."
)


def seeds(leaderboard: "Leaderboard") -> Part | None:
    """Return mean and spread over training seeds; None if no network was trained with several seeds."""
    if not leaderboard.seeds:
        return None
    return Part("seeds", "Training seeds", [_LEAD], [_table(leaderboard)])


def _table(leaderboard: "Leaderboard") -> Table:
    spreads = {(spread.name, spread.metric, spread.split): spread for spread in leaderboard.seeds}
    names = {spread.name: spread for spread in leaderboard.seeds}
    kinds = list(dict.fromkeys((spread.metric, spread.split) for spread in leaderboard.seeds))
    columns = [Column("model", "model", numeric=False), Column("seeds", "seeds")]
    columns += [Column(f"{metric}_{split}", f"{metric_name(metric)}, {SPLITS[split]}") for metric, split in kinds]
    rows = [
        [
            Cell(name, leaderboard.label(name)),
            Cell(len(spread.models), str(len(spread.models))),
            *(_cell(f"{metric}_{split}", spreads.get((name, metric, split))) for metric, split in kinds),
        ]
        for name, spread in names.items()
    ]
    return Table("seeds", "Means over training seeds, with SD, lowest and highest", columns, rows, sortable=True)


def _cell(key: str, spread: SeedSpread | None) -> Cell:
    if spread is None:
        return Cell(None, "–")
    also = {f"{key}_sd": spread.sd, f"{key}_lowest": spread.lowest, f"{key}_highest": spread.highest}
    sub = f"SD {score(spread.sd)}, {score(spread.lowest)}–{score(spread.highest)}"
    return Cell(spread.mean, score(spread.mean), sub, also)
