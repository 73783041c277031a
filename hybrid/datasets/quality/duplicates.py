"""Find images that occur more than once, with identical bytes or identical pixels."""

from collections import defaultdict

import numpy as np

from hybrid.classifiers.fold_groups import connected
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset
from hybrid.datasets.quality.measure import Measures


def undecodable(examined: ExaminedDataset) -> list[Cluster]:
    """Return the images that cannot be read or decoded, with the reasons."""
    return [examined.cluster([row], reason) for row, reason in sorted(examined.measures.bad.items())]


def byte_identical(examined: ExaminedDataset) -> list[Cluster]:
    """Return clusters of images whose files or arrays are identical."""
    return [examined.cluster(rows) for rows in rows_of_repeated(examined.measures.keys, examined.measures.readable)]


def pixel_identical(examined: ExaminedDataset) -> list[Cluster]:
    """Return clusters of images with identical pixels of which not all files are identical."""
    keys = examined.measures.keys
    same_pixels = rows_of_repeated(examined.measures.rows["pixels"], examined.measures.readable)
    return [examined.cluster(rows) for rows in same_pixels if (keys[rows] != keys[rows[0]]).any()]


def rows_of_repeated(digests: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each digest that occurs more than once in the rows of a mask.

    Parameters
    ----------
    digests : ndarray of shape (n,) or (n, 32)
        Digest of each image.
    mask : ndarray of bool, shape (n,)
        The rows to look at.

    Returns
    -------
    list of ndarray of int
        The rows of each repeated digest.
    """
    rows_of: defaultdict[bytes, list[int]] = defaultdict(list)
    for row in np.flatnonzero(mask).tolist():
        rows_of[digests[row].tobytes()].append(row)
    return [np.array(rows) for rows in rows_of.values() if len(rows) > 1]


def is_first(measures: Measures) -> np.ndarray:
    """Return a mask, of shape (n,), of the images that have no identical image before them.

    Images that cannot be decoded are in the mask.
    """
    first = np.ones(len(measures), bool)
    for rows in rows_of_repeated(measures.rows["pixels"], measures.readable):
        first[rows[1:]] = False
    return first


def duplicate_clusters(measures: Measures, pairs: np.ndarray | None = None) -> np.ndarray:
    """Return the number of each image's cluster of copies.

    Parameters
    ----------
    measures : Measures
        The measurements of the images.
    pairs : ndarray of int, shape (m, 2), optional
        Pairs of images that count as copies in addition to the identical ones.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbers from 0. An image without copies is a cluster of its own.
    """
    repeated = rows_of_repeated(measures.rows["pixels"], measures.readable)
    edges = [np.column_stack([rows[:-1], rows[1:]]) for rows in repeated]
    edges += [] if pairs is None else [pairs]
    return connected(len(measures), np.concatenate([np.empty((0, 2), int), *edges]))
