"""Pictures of what was found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets.quality.finding import Cluster, Finding
from hybrid.extractors.images.decode import BadImageError, decode_within, read_bytes

if TYPE_CHECKING:
    from hybrid.datasets import Dataset

_ROWS = 3  # groups shown of each finding
_COLUMNS = 5
_SIDE = 200  # pixels

Row = tuple[str, list[tuple[str, str, np.ndarray]]]


def example_rows(findings: Sequence[Finding], dataset: "Dataset") -> list[Row]:
    """Return rows of images for `hybrid.plots.example_grid`: a few groups, or single images, of each finding."""
    rows: list[Row] = []
    for finding in findings:
        title = finding.title
        for images in _shown([group for group in finding.groups if group.rows]):
            row = [
                (str(dataset.ids[number]), ", ".join([str(dataset.split[number]), *filter(None, [reason])]), pixels)
                for number, reason in images
                if (pixels := _pixels(dataset, number)) is not None
            ]
            if row:
                rows.append((title, row))
                title = ""
    return rows


def _shown(groups: list[Cluster]) -> list[list[tuple[int, str]]]:
    """Return rows of images, each with the reason of its group: those in several splits or under several labels first.

    Where each image is found by itself, they share a row.
    """
    if groups and all(len(group.rows) == 1 for group in groups):
        places = np.unique(np.linspace(0, len(groups) - 1, _COLUMNS).astype(int))
        return [[(groups[place].rows[0], groups[place].reason) for place in places]]
    groups = sorted(groups, key=lambda group: (len(group.splits) < 2, len(group.labels) < 2))
    return [[(row, group.reason) for row in group.rows[:_COLUMNS]] for group in groups[:_ROWS]]


def _pixels(dataset: "Dataset", row: int) -> np.ndarray | None:
    try:
        data = read_bytes(str(dataset.X[row])) if dataset.of_files else dataset.X[row]
        return np.asarray(decode_within(data, _SIDE, str(dataset.ids[row])))
    except BadImageError:
        return None
