"""The random forest head."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning

from hybrid.classifiers.base import Head
from hybrid.errors import InputError

_NODE_BYTES = 64  # of a node of a tree, without the shares of the classes


class RandomForest(Head):
    """Random forest; for multi-label targets, one forest for each label.

    The probability is the mean over the trees and one additional vote that is split evenly between the
    classes, so that no class gets a probability of exactly 0.

    Parameters
    ----------
    n_estimators : int, default=300
        Number of trees.
    max_depth : int or None, default=None
        Maximum depth of a tree. None does not limit it.
    min_samples_leaf : int, default=2
        Minimum number of samples in a leaf.
    max_features : {"sqrt", "log2"}, int, float or None, default="sqrt"
        Number of columns considered at each split, as in scikit-learn's `RandomForestClassifier`.
    pls : int or None, default=None
        Maximum number of components of partial least squares [1]_ that replace the columns; None keeps the columns. A
        split of a tree looks at one column only, but a network that was not trained on these classes spreads the
        information about them over all columns. For such embeddings, 8 to 16 components give a better and faster
        forest. For a network trained on these classes, they do not help. A row with a weight counts like as many rows;
        for multi-label targets, its weight is the mean over the labels.
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class.
    n_jobs : int or None, default=-1
        Number of threads for training; -1 uses one for each core.
    random_state : int or None, default=0
        Seed.

    Attributes
    ----------
    centre_ : ndarray of shape (n_features,)
        Weighted mean that is subtracted from the embeddings. Exists only if `pls` is given.
    projection_ : ndarray of shape (n_features, n_components)
        Matrix that projects the centred embeddings to the components. Exists only if `pls` is given.

    References
    ----------
    .. [1] S. Wold, M. Sjöström, L. Eriksson (2001). PLS-regression: a basic tool of chemometrics. Chemometrics and
       Intelligent Laboratory Systems 58.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> RandomForest(n_estimators=10).fit(X, y).predict(X[:1])
    array([0])
    """

    memory_advice = "give it fewer trees (n_estimators), larger leaves (min_samples_leaf) or a max_depth"
    pls: int | None = None  # forests that were saved before this parameter existed use this default
    centre_: NDArray[np.float64]
    projection_: NDArray[np.float64]

    def __init__(
        self,
        n_estimators: int = 300,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 2,
        max_features: str | int | float | None = "sqrt",
        pls: int | None = None,
        class_weight: str | dict[Any, float] | None = "balanced",
        n_jobs: int | None = -1,
        random_state: int | None = 0,
    ):
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.pls = pls
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    def memory_needed(self, n_samples: int, n_features: int, n_classes: int) -> float:
        """Return the bytes of the embeddings and of trees whose leaves are as small as they may be."""
        leaves = n_samples / max(1, self.min_samples_leaf)
        if self.max_depth is not None:
            leaves = min(leaves, 2.0**self.max_depth)
        return 4.0 * n_samples * n_features + self.n_estimators * 2 * leaves * (_NODE_BYTES + 8 * n_classes)

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return a parameter grid for GridSearchCV with the values worth trying."""
        return {"min_samples_leaf": [1, 2, 5], "pls": [None, 4, 16]}

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        if self.pls is not None:
            X = self._fit_projection(X, codes, weights)
        super()._fit_codes(X, codes, weights, groups)

    def _fit_projection(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray) -> NDArray[np.float64]:
        if isinstance(self.pls, bool) or not isinstance(self.pls, Integral) or self.pls < 1:
            raise InputError(f"pls={self.pls!r} was given; expected the number of components (1 or more) or None.")
        target = codes if self.multilabel_ or len(self.classes_) == 2 else np.eye(len(self.classes_))[codes]
        row_weights = weights.mean(axis=1) if weights.ndim == 2 else weights
        self.centre_ = np.average(X.astype(np.float64, copy=False), axis=0, weights=row_weights)
        root = np.sqrt(row_weights / row_weights.mean())[:, None]
        rows = root * (X - self.centre_)
        values = root * (target.reshape(len(X), -1) - np.average(target, axis=0, weights=row_weights))
        with warnings.catch_warnings():
            # Fewer components than asked for explain y completely; the remaining ones stay zero.
            warnings.filterwarnings("ignore", "y residual is constant")
            # If two directions are equally good, the iteration ends between them.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # With each row and its negative, scikit-learn subtracts means of zero from these weighted, centred rows.
            mirrored = np.vstack([rows, -rows]), np.vstack([values, -values])
            least_squares = PLSRegression(min(self.pls, *X.shape), scale=False).fit(*mirrored)
        self.projection_ = least_squares.x_rotations_
        return self._project(X)

    def _project(self, X: NDArray) -> NDArray[np.float64]:
        return (X - self.centre_) @ self.projection_

    def _fit_target(
        self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None
    ) -> RandomForestClassifier:
        model = RandomForestClassifier(
            self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        with parallel_config(backend="threading"):  # threads share the rows; another backend would send them to others
            model.fit(X, codes, sample_weight=weights)
        # Several threads would add up the votes in a different order on each call, which changes the last bits.
        return model.set_params(n_jobs=1)

    def _probabilities(self, X: NDArray) -> NDArray[np.floating]:
        if self.pls is not None:
            X = self._project(X)
        trees = len(self.models_[0].estimators_)
        n_classes = 2 if self.multilabel_ else len(self.classes_)
        return (trees * super()._probabilities(X) + 1 / n_classes) / (trees + 1)
