"""The k-nearest-neighbours head with cosine distance."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.classifiers.base import Head
from hybrid.errors import InputError

MIN_DISTANCE = 1e-10  # smaller distances are raised to this; such a neighbour outvotes all others
_BLOCK_VALUES = 2**24  # number of similarities or differences that are computed at a time


class KNN(Head):
    """k-nearest neighbours with cosine distance and votes weighted by the inverse of the distance.

    This head is a common way to evaluate embeddings: nothing is trained, so the result depends on the embeddings
    alone. A neighbour votes for its class with the weight of its row (sample weight times class weight), divided by
    its distance. One additional vote is split evenly between the classes, as in `RandomForest`, so that no class gets
    a probability of exactly 0. For multi-label targets the neighbours are the same for every label.

    Each training image is its own nearest neighbour, so scores on the training images are meaningless. The fitted head
    keeps all training embeddings.

    Parameters
    ----------
    n_neighbors : int, default=11
        Number of neighbours. If there are fewer training rows, all of them are used.
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class.

    Attributes
    ----------
    embeddings_ : ndarray of shape (n_samples, n_features)
        The training embeddings, float32, scaled to length 1. This head has no `models_`.
    votes_ : ndarray of shape (n_samples, n_outputs, n_classes)
        The weight of each row at the index of its class, and 0 elsewhere. For multi-label targets there is one output
        for each label, with two classes; otherwise there is one output.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> KNN(n_neighbors=5).fit(X, y).predict(X[:1])
    array([0])
    """

    embeddings_: NDArray[np.float32]
    votes_: NDArray[np.float64]

    def __init__(self, n_neighbors: int = 11, *, class_weight: str | dict[Any, float] | None = "balanced"):
        self.n_neighbors = n_neighbors
        self.class_weight = class_weight

    def memory_needed(self, n_samples: int, n_features: int, n_classes: int) -> float:
        """Return the bytes of the normalised embeddings, and of two arrays of float64 from which they are computed."""
        return 20.0 * n_samples * n_features + 8 * n_samples * n_classes

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return a parameter grid for GridSearchCV with the values worth trying."""
        return {"n_neighbors": [3, 5, 11, 21, 51]}

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        if isinstance(self.n_neighbors, bool) or not isinstance(self.n_neighbors, Integral) or self.n_neighbors < 1:
            raise InputError(f"n_neighbors={self.n_neighbors!r} was given; expected a whole number, 1 or more.")
        n_classes = 2 if self.multilabel_ else len(self.classes_)
        columns = codes if self.multilabel_ else codes[:, None]
        self.embeddings_ = _normalised(X)
        self.votes_ = np.eye(n_classes)[columns] * weights.reshape(*columns.shape, 1)

    def _fit_target(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> Any:
        raise NotImplementedError("the neighbours of all labels are the same")

    def _probabilities(self, X: NDArray) -> NDArray[np.float64]:
        rows, k = _normalised(X), min(self.n_neighbors, len(self.embeddings_))
        size = max(1, _BLOCK_VALUES // max(len(self.embeddings_), k * rows.shape[1]))
        blocks = [self._votes(rows[start : start + size], k) for start in range(0, len(rows), size)]
        votes = np.concatenate(blocks)
        shares = votes / votes.sum(axis=2, keepdims=True)
        shares = (k * shares + 1 / votes.shape[2]) / (k + 1)
        return shares[:, :, 1] if self.multilabel_ else shares[:, 0]

    def _votes(self, rows: NDArray[np.float32], k: int) -> NDArray[np.float64]:
        """Return the sums of the votes of each row's k nearest neighbours, of shape (n, n_outputs, n_classes)."""
        similarity = rows @ self.embeddings_.T
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        # The float32 products only find the neighbours. Distances are computed from the differences in float64, because
        # 1 - similarity would lose the digits that distinguish close neighbours.
        difference = rows[:, None].astype(np.float64) - self.embeddings_[nearest]
        distance = np.einsum("nkw,nkw->nk", difference, difference) / 2
        return np.einsum("nk,nkoc->noc", 1 / np.maximum(distance, MIN_DISTANCE), self.votes_[nearest])


def _normalised(X: NDArray) -> NDArray[np.float32]:
    """Return the rows scaled to length 1; a row of zeros is not changed."""
    length = np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
    return (X / np.where(length > 0, length, 1)).astype(np.float32)
