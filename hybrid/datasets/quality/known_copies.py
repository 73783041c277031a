"""Copies among images that are known without decoding them: identical files, and near-duplicates that were found."""

import numpy as np

from hybrid.classifiers.fold_groups import fold_groups, merge_groups
from hybrid.datasets.quality.duplicates import duplicate_clusters
from hybrid.datasets.quality.measure import Measures
from hybrid.datasets.quality.near_duplicates import near_duplicate_pairs
from hybrid.datasets.quality.records import RECORD, MeasurementMemory
from hybrid.extractors.store.store import default_cache
from hybrid.wording import number


def known_copies(keys: np.ndarray) -> np.ndarray:
    """Return the number of each image's cluster of copies, from 0.

    Images with the same digest are copies. So are images with identical pixels, and near-duplicates, among the images
    that were measured before, by `hybrid data` or by a split that keeps them together.

    Parameters
    ----------
    keys : ndarray of uint8 of shape (n, 32)
        SHA-256 digests of the images.

    Returns
    -------
    ndarray of int of shape (n,)
    """
    identical = np.unique(np.ascontiguousarray(keys).view("V32").ravel(), return_inverse=True)[1].ravel()
    digests = keys.view("V32").ravel().tolist()
    found = MeasurementMemory(default_cache()).find(digests)
    if not found:
        return identical
    rows = np.zeros(len(keys), RECORD)
    for row, digest in enumerate(digests):
        if digest in found:
            rows[row] = found[digest]
    missing = {row: "not measured" for row, digest in enumerate(digests) if digest not in found}
    measures = Measures(rows, keys, missing)
    return merge_groups(identical, duplicate_clusters(measures, near_duplicate_pairs(measures).pairs))


def groups_with_copies(groups: np.ndarray | None, ids: np.ndarray, copies: np.ndarray) -> np.ndarray | None:
    """Return the group of each image, where copies of an image are of one group.

    Parameters
    ----------
    groups : ndarray of str of shape (n,), or None
        Group of each image, such as its patient.
    ids : ndarray of str of shape (n,)
        Names of the images, after which groups of copies are named if there are no other groups.
    copies : ndarray of int of shape (n,)
        The result of :func:`known_copies`.

    Returns
    -------
    ndarray of str of shape (n,), or None
        None if there are neither groups nor copies.
    """
    together = fold_groups(groups, copies)
    if together is None:
        return None
    names = ids if groups is None else groups
    _, first, group = np.unique(together, return_index=True, return_inverse=True)
    return names[first][group]


def copies_in_folds(keys: np.ndarray, cluster_of: np.ndarray) -> list[str]:
    """Return a sentence about the copies among some images, if there are any.

    Parameters
    ----------
    keys : ndarray of uint8 of shape (n, 32)
        Digests of the images.
    cluster_of : ndarray of int of shape (n,)
        The result of :func:`known_copies`.
    """
    sizes = np.bincount(cluster_of)
    sizes = sizes[sizes > 1]
    if not len(sizes):
        return []
    distinct = len(np.unique(keys, axis=0))
    near = ", identical or nearly identical," if distinct > len(np.unique(cluster_of)) else ""
    return [
        f"{sizes.sum():,} training images{near} are copies of each other, in {number(len(sizes), 'set')}: each set is "
        "kept together in every fold."
    ]
