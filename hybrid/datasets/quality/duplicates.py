"""Images that are there more than once: byte for byte, pixel for pixel."""

from collections import defaultdict

import numpy as np

from hybrid.datasets.parts.groups import connected
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset
from hybrid.datasets.quality.measure import Measures


def undecodable(subject: ExaminedDataset) -> list[Cluster]:
    """Return the images that cannot be read or decoded, each with the reason."""
    return [subject.cluster([row], reason) for row, reason in sorted(subject.measures.bad.items())]


def byte_identical(subject: ExaminedDataset) -> list[Cluster]:
    """Return images whose files, or arrays, are the same."""
    return [subject.cluster(rows) for rows in alike(subject.measures.keys, subject.measures.readable)]


def pixel_identical(subject: ExaminedDataset) -> list[Cluster]:
    """Return images of the same pixels in files that differ, all copies of each."""
    keys = subject.measures.keys
    found = alike(subject.measures.rows["pixels"], subject.measures.readable)
    return [subject.cluster(rows) for rows in found if (keys[rows] != keys[rows[0]]).any()]


def alike(digests: np.ndarray, among: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each digest, (n,) or (n, 32), that is there more than once among some rows, (n,) of bool."""
    rows_of: defaultdict[bytes, list[int]] = defaultdict(list)
    for row in np.flatnonzero(among).tolist():
        rows_of[digests[row].tobytes()].append(row)
    return [np.array(rows) for rows in rows_of.values() if len(rows) > 1]


def is_first(measures: Measures) -> np.ndarray:
    """Return which images are the first of their pixels, (n,) of bool; those that cannot be decoded are."""
    first = np.ones(len(measures), bool)
    for rows in alike(measures.rows["pixels"], measures.readable):
        first[rows[1:]] = False
    return first


def duplicate_groups(measures: Measures, pairs: np.ndarray | None = None) -> np.ndarray:
    """Return the number of each image's group of copies.

    Parameters
    ----------
    measures : Measures
    pairs : ndarray of int, shape (m, 2), optional
        Pairs of images that count as copies in addition to the identical ones.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    edges = [np.column_stack([rows[:-1], rows[1:]]) for rows in alike(measures.rows["pixels"], measures.readable)]
    edges += [] if pairs is None else [pairs]
    return connected(len(measures), np.concatenate([np.empty((0, 2), int), *edges]))
