"""Groups of images that must be in the same split: the images of one patient, and copies of an image."""

from pathlib import Path

import numpy as np

from hybrid.classifiers.fold_groups import merge_groups
from hybrid.datasets.quality.duplicates import duplicate_clusters
from hybrid.datasets.quality.measure import measure
from hybrid.datasets.quality.near_duplicates import near_duplicate_pairs
from hybrid.errors import unknown_name
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.progress import Progress
from hybrid.wording import number

COPIES = ("duplicates", "near-duplicates", "none")


def groups_kept_together(
    X: np.ndarray,
    groups: np.ndarray | None,
    ids: np.ndarray,
    copies: str = "duplicates",
    progress: Progress | None = None,
    cache: Path | None = None,
    reading: Reading = AS_STATED,
) -> tuple[np.ndarray | None, int]:
    """Return the groups of images that a split must not divide.

    Groups are merged if an image of one has a copy in the other.

    Parameters
    ----------
    X : ndarray of shape (n,), (n, h, w) or (n, h, w, 3)
        Paths or pixels of the images.
    groups : ndarray of str, shape (n,), or None
        Group of each image, such as its patient.
    ids : ndarray of str, shape (n,)
        Unique names of the images.
    copies : {"duplicates", "near-duplicates", "none"}, default="duplicates"
        Which copies stay together: identical images, nearly identical ones as well, or none.
    progress, cache, reading
        As for `measure`.

    Returns
    -------
    groups : ndarray of str, shape (n,), or None
        Name of each image's merged group, which is that of its first group or image. None if there are neither groups
        nor copies.
    n_clusters : int
        Number of clusters of copies that are kept together.
    """
    if check_copies(copies) == "none":
        return groups, 0
    cluster_of = _clusters(X, copies, progress, cache, reading)
    n_clusters = int((np.bincount(cluster_of) > 1).sum())
    if not n_clusters:
        return groups, 0
    names = ids if groups is None else groups
    merged = merge_groups(cluster_of, np.unique(names, return_inverse=True)[1])
    _, first, group = np.unique(merged, return_index=True, return_inverse=True)
    return names[first][group], n_clusters


def copies_note(n_clusters: int, copies: str) -> list[str]:
    """Return a sentence about the copies that were kept together, or an empty list if there are none."""
    return [f"{number(n_clusters, 'set')} of {copies} kept together."] if n_clusters else []


def check_copies(copies: str) -> str:
    """Return a name in `COPIES`. Raise `InputError` if it is another one."""
    if copies not in COPIES:
        raise unknown_name("kind of copies to keep together,", copies, COPIES)
    return copies


def _clusters(
    X: np.ndarray, copies: str, progress: Progress | None, cache: Path | None, reading: Reading
) -> np.ndarray:
    """Return the number of each image's cluster of copies."""
    if X.dtype.kind != "U" and copies == "duplicates":  # arrays of one shape: no need to measure them
        keys, _ = ImageSource(X).digests(FileDigests())
        return np.unique(keys.view("V32").ravel(), return_inverse=True)[1]
    measures = measure(X, progress, cache, reading)
    pairs = near_duplicate_pairs(measures).pairs if copies == "near-duplicates" else None
    return duplicate_clusters(measures, pairs)
