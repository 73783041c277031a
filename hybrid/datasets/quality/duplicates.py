"""Images that are there more than once: byte for byte, pixel for pixel."""

from collections import defaultdict

import numpy as np

from hybrid.datasets.quality.finding import Cluster, ExaminedDataset
from hybrid.datasets.quality.measure import Measures


def undecodable(subject: ExaminedDataset) -> list[Cluster]:
    """Return the images that cannot be read or decoded, each with the reason."""
    return [subject.group([row], reason) for row, reason in sorted(subject.measures.bad.items())]


def byte_identical(subject: ExaminedDataset) -> list[Cluster]:
    """Return images whose files, or arrays, are the same."""
    return [subject.group(rows) for rows in alike(subject.measures.keys, subject.measures.readable)]


def pixel_identical(subject: ExaminedDataset) -> list[Cluster]:
    """Return images of the same pixels in files that differ, all copies of each."""
    keys = subject.measures.keys
    found = alike(subject.measures.rows["pixels"], subject.measures.readable)
    return [subject.group(rows) for rows in found if (keys[rows] != keys[rows[0]]).any()]


def alike(digests: np.ndarray, among: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each digest, (n,) or (n, 32), that is there more than once among some rows, (n,) of bool."""
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    for row in np.flatnonzero(among).tolist():
        places[digests[row].tobytes()].append(row)
    return [np.array(rows) for rows in places.values() if len(rows) > 1]


def is_first(measures: Measures) -> np.ndarray:
    """Return which images are the first of their pixels, (n,) of bool; those that cannot be decoded are."""
    first = np.ones(len(measures), bool)
    for rows in alike(measures.rows["pixels"], measures.readable):
        first[rows[1:]] = False
    return first


def together(measures: Measures, pairs: np.ndarray | None = None) -> np.ndarray:
    """Return a number for each image, (n,): the same for identical ones, and for pairs (m, 2) if there are any."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = [np.column_stack([rows[:-1], rows[1:]]) for rows in alike(measures.rows["pixels"], measures.readable)]
    one, other = np.concatenate([np.empty((0, 2), int), *edges, *([] if pairs is None else [pairs])]).T
    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(measures),) * 2)
    return connected_components(graph, directed=False)[1]
