"""The new images that are farthest from the reference images, by the distance to their nearest neighbours."""

from dataclasses import dataclass
from typing import Any

import numpy as np

NEIGHBOURS = 5
_AT_ONCE = 512  # rows whose distances are computed together; bounds the memory
_MOST_REFERENCE = 5000
_MOST_COMPARED = 1000  # reference images whose own distances say how far is unusual


@dataclass(frozen=True)
class FarImage:
    """A new image and how far it is from the reference images.

    Attributes
    ----------
    id : str
    distance : float
        Mean cosine distance to its five nearest reference images, from 0 to 2.
    farther_than : float
        Share of the reference images that are nearer to the other groups of the reference than this image is.
    """

    id: str
    distance: float
    farther_than: float

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"id": self.id, "distance": self.distance, "farther_than": self.farther_than}


def farthest(
    X: np.ndarray,
    is_new: np.ndarray,
    ids: np.ndarray,
    groups: np.ndarray | None = None,
    most: int = 8,
    seed: int = 0,
) -> tuple[FarImage, ...]:
    """Return the new images that are farthest from the reference images, the farthest first.

    Parameters
    ----------
    X : ndarray of shape (n, width)
        Embeddings. They are centred on the reference images and scaled to length 1.
    is_new : ndarray of bool, shape (n,)
        Whether each image is new.
    ids : ndarray of str, shape (n,)
    groups : ndarray of int, shape (n,), optional
        Group of each image. A neighbour is always of another group.
    most : int, default=8
        Greatest number of images.
    seed : int, default=0
        Of more than 5,000 reference images, 5,000 are drawn.

    Returns
    -------
    tuple of FarImage
        Empty if there are fewer than six reference images.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(scale=0.1, size=(40, 8))
    >>> X[:, 0] += np.tile([1, -1], 20)  # two kinds of images
    >>> X[39] = [0, 0, 0, 0, 0, 0, 0, 1]
    >>> [one.id for one in farthest(X, np.arange(40) > 30, np.arange(40).astype(str), most=1)]
    ['39']
    """
    rng = np.random.default_rng(seed)
    reference, new = np.flatnonzero(~is_new), np.flatnonzero(is_new)
    reference = np.sort(rng.permutation(reference)[:_MOST_REFERENCE])
    if len(reference) <= NEIGHBOURS or not len(new):
        return ()
    group = np.arange(len(X)) if groups is None else groups
    centred = X - X[reference].mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    among = unit[reference]
    some = np.sort(rng.permutation(reference)[:_MOST_COMPARED])
    usual = np.sort(_distances(unit[some], among, group[some], group[reference]))
    distance = _distances(unit[new], among, group[new], group[reference])
    order = np.argsort(-distance, kind="stable")[:most]
    return tuple(
        FarImage(str(ids[new[row]]), float(distance[row]), float(np.searchsorted(usual, distance[row]) / len(usual)))
        for row in order
    )


def _distances(rows: np.ndarray, among: np.ndarray, group: np.ndarray, group_among: np.ndarray) -> np.ndarray:
    """Return the mean distance of each row to its nearest rows of other groups, ndarray of shape (m,)."""
    distances = np.empty(len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        far = 1 - rows[part] @ among.T
        far[group[part, None] == group_among[None, :]] = 2
        distances[part] = np.partition(far, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    return distances
