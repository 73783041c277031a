"""Groups of images that must be in the same split: the images of one patient, and copies of an image."""

from pathlib import Path

import numpy as np

from hybrid.datasets.parts.groups import merge_groups
from hybrid.datasets.parts.raw import LabelledImages
from hybrid.datasets.quality.duplicates import duplicate_clusters
from hybrid.datasets.quality.measure import measure
from hybrid.datasets.quality.near_duplicates import near_duplicate_pairs
from hybrid.errors import unknown_name
from hybrid.progress import Progress

COPIES = ("duplicates", "near-duplicates", "none")


def groups_kept_together(
    dataset: LabelledImages, copies: str = "duplicates", progress: Progress | None = None, cache: Path | None = None
) -> tuple[np.ndarray | None, int]:
    """Return the groups of images that a split must not divide.

    Groups of the dataset are merged if an image of one has a copy in the other.

    Parameters
    ----------
    dataset : Dataset
        The images and their groups.
    copies : {"duplicates", "near-duplicates", "none"}, default="duplicates"
        Which copies stay together: identical images, nearly identical ones as well, or none.
    progress, cache
        As for `measure`.

    Returns
    -------
    groups : ndarray of str, shape (n,), or None
        Name of each image's merged group, which is that of its first group or image. None if the dataset has no groups
        and there are no copies.
    n_clusters : int
        Number of clusters of copies that are kept together.
    """
    if copies not in COPIES:
        raise unknown_name("kind of copies", copies, COPIES)
    if copies == "none":
        return dataset.groups, 0
    measures = measure(dataset.X, progress, cache)
    pairs = near_duplicate_pairs(measures).pairs if copies == "near-duplicates" else None
    cluster_of = duplicate_clusters(measures, pairs)
    n_clusters = int((np.bincount(cluster_of) > 1).sum())
    if not n_clusters:
        return dataset.groups, 0
    names = dataset.ids if dataset.groups is None else dataset.groups
    merged = merge_groups(cluster_of, np.unique(names, return_inverse=True)[1])
    _, first, group = np.unique(merged, return_index=True, return_inverse=True)
    return names[first][group], n_clusters
