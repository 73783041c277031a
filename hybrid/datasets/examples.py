"""Example images of the findings of `hybrid data`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets.quality.finding import Cluster, Finding
from hybrid.extractors.images.decoding import BadImageError, decode_within, read_bytes

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
        for images in _image_rows([cluster for cluster in finding.clusters if cluster.rows]):
            row = [
                (str(dataset.ids[index]), ", ".join([str(dataset.split[index]), *filter(None, [reason])]), pixels)
                for index, reason in images
                if (pixels := _pixels(dataset, index)) is not None
            ]
            if row:
                rows.append((title, row))
                title = ""
    return rows


def _image_rows(clusters: list[Cluster]) -> list[list[tuple[int, str]]]:
    """Return the index and the reason of each image to show, one row per cluster.

    Clusters in several splits come first, then those with several labels. Clusters of single images share one row.
    """
    if clusters and all(len(cluster.rows) == 1 for cluster in clusters):
        spread = np.unique(np.linspace(0, len(clusters) - 1, _COLUMNS).astype(int))
        return [[(clusters[i].rows[0], clusters[i].reason) for i in spread]]
    clusters = sorted(clusters, key=lambda cluster: (len(cluster.splits) < 2, len(cluster.labels) < 2))
    return [[(row, cluster.reason) for row in cluster.rows[:_COLUMNS]] for cluster in clusters[:_ROWS]]


def _pixels(dataset: "Dataset", index: int) -> np.ndarray | None:
    try:
        data = read_bytes(str(dataset.X[index])) if dataset.of_files else dataset.X[index]
        return np.asarray(decode_within(data, _SIDE, str(dataset.ids[index]), dataset.reading))
    except BadImageError:
        return None
