"""Images that show what the checks found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets.quality.finding import Cluster, Finding
from hybrid.extractors.images.decode import BadImageError, decode_within, read_bytes

if TYPE_CHECKING:
    from hybrid.datasets import Dataset

_ROWS = 3  # clusters shown of each finding
_COLUMNS = 5
_SIDE = 200  # pixels

Row = tuple[str, list[tuple[str, str, np.ndarray]]]


def example_rows(findings: Sequence[Finding], dataset: "Dataset") -> list[Row]:
    """Return rows of images for `hybrid.plots.example_grid`: a few clusters, or single images, of each finding."""
    rows: list[Row] = []
    for finding in findings:
        title = finding.title
        for images in _shown([cluster for cluster in finding.clusters if cluster.rows]):
            row = [
                (str(dataset.ids[number]), ", ".join([str(dataset.split[number]), *filter(None, [reason])]), pixels)
                for number, reason in images
                if (pixels := _pixels(dataset, number)) is not None
            ]
            if row:
                rows.append((title, row))
                title = ""
    return rows


def _shown(clusters: list[Cluster]) -> list[list[tuple[int, str]]]:
    """Return rows of images, each with the reason of its cluster.

    Clusters in several splits or under several labels come first. Clusters of a single image share a row.
    """
    if clusters and all(len(cluster.rows) == 1 for cluster in clusters):
        chosen = np.unique(np.linspace(0, len(clusters) - 1, _COLUMNS).astype(int))
        return [[(clusters[number].rows[0], clusters[number].reason) for number in chosen]]
    clusters = sorted(clusters, key=lambda cluster: (len(cluster.splits) < 2, len(cluster.labels) < 2))
    return [[(row, cluster.reason) for row in cluster.rows[:_COLUMNS]] for cluster in clusters[:_ROWS]]


def _pixels(dataset: "Dataset", row: int) -> np.ndarray | None:
    try:
        data = read_bytes(str(dataset.X[row])) if dataset.of_files else dataset.X[row]
        return np.asarray(decode_within(data, _SIDE, str(dataset.ids[row])))
    except BadImageError:
        return None
