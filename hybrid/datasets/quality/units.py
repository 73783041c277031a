"""Which images must stay in one split: those of one group, identical ones, near-duplicates."""

from pathlib import Path

import numpy as np

from hybrid.datasets.parts.raw import LabelledImages
from hybrid.datasets.quality.duplicates import together
from hybrid.datasets.quality.measure import measure
from hybrid.datasets.quality.near_duplicates import near_pairs
from hybrid.errors import unknown_name
from hybrid.progress import Progress

TOGETHER = ("duplicates", "near-duplicates", "none")


def units(
    dataset: LabelledImages, kept: str = "duplicates", progress: Progress | None = None, cache: Path | None = None
) -> tuple[np.ndarray | None, int]:
    """Return what must not be divided, as groups, (n,) of str; None if each image stands alone.

    A group takes in whatever is a copy of one of its images, with the groups of those.

    Parameters
    ----------
    dataset : Dataset
    kept : {"duplicates", "near-duplicates", "none"}, default="duplicates"
        Which copies stay together: identical images, nearly identical ones as well, or none.
    progress, cache
        As for `measure`.

    Returns
    -------
    groups : ndarray of str, (n,), or None
        Named by the first group, or else the first image, in each.
    copies : int
        Number of sets of copies that are kept together.
    """
    if kept not in TOGETHER:
        raise unknown_name("kind of copies", kept, TOGETHER)
    names = dataset.ids if dataset.groups is None else dataset.groups
    if kept == "none":
        return dataset.groups, 0
    measures = measure(dataset.X, progress, cache)
    copy = together(measures, near_pairs(measures).pairs if kept == "near-duplicates" else None)
    copies = int((np.bincount(copy) > 1).sum())
    if not copies:
        return dataset.groups, 0
    whole = joined(copy, np.unique(names, return_inverse=True)[1])
    _, first, unit = np.unique(whole, return_index=True, return_inverse=True)
    return names[first][unit], copies


def joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the finest numbering, (n,), in which all that either numbering, (n,), puts together stays together.

    Examples
    --------
    >>> joined(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # a graph of both kinds of parts, in which an image is an edge
    size = int(one.max(initial=-1)) + 1
    total = size + int(other.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(one), bool), (one, size + other)), shape=(total, total))
    return connected_components(graph, directed=False)[1][one]
