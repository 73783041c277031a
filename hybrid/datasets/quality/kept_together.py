"""Groups of images that must stay in one split: those of one patient, identical ones, near-duplicates."""

from pathlib import Path

import numpy as np

from hybrid.datasets.parts.groups import merge_groups
from hybrid.datasets.parts.raw import LabelledImages
from hybrid.datasets.quality.duplicates import duplicate_groups
from hybrid.datasets.quality.measure import measure
from hybrid.datasets.quality.near_duplicates import near_duplicate_pairs
from hybrid.errors import unknown_name
from hybrid.progress import Progress

COPIES = ("duplicates", "near-duplicates", "none")


def groups_kept_together(
    dataset: LabelledImages, copies: str = "duplicates", progress: Progress | None = None, cache: Path | None = None
) -> tuple[np.ndarray | None, int]:
    """Return the groups of images that a split must not divide.

    A group of the dataset is merged with every group that holds a copy of one of its images.

    Parameters
    ----------
    dataset : Dataset
    copies : {"duplicates", "near-duplicates", "none"}, default="duplicates"
        Which copies stay together: identical images, nearly identical ones as well, or none.
    progress, cache
        As for `measure`.

    Returns
    -------
    groups : ndarray of str, shape (n,), or None
        The name of each image's group, which is the first group or the first image in it. None if no images have to
        stay together.
    sets_of_copies : int
        Number of sets of copies that are kept together.
    """
    if copies not in COPIES:
        raise unknown_name("kind of copies", copies, COPIES)
    if copies == "none":
        return dataset.groups, 0
    measures = measure(dataset.X, progress, cache)
    pairs = near_duplicate_pairs(measures).pairs if copies == "near-duplicates" else None
    copies_of = duplicate_groups(measures, pairs)
    sets_of_copies = int((np.bincount(copies_of) > 1).sum())
    if not sets_of_copies:
        return dataset.groups, 0
    names = dataset.ids if dataset.groups is None else dataset.groups
    merged = merge_groups(copies_of, np.unique(names, return_inverse=True)[1])
    _, first, group = np.unique(merged, return_index=True, return_inverse=True)
    return names[first][group], sets_of_copies
