"""The random forest."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning

from hybrid.classifiers.base import Head
from hybrid.errors import InputError


class RandomForest(Head):
    """Random forest; for multi-label targets one for each label.

    The probability is the mean over the trees, with one vote more that is split evenly between the
    classes: no class that the forest knows gets a probability of exactly 0.

    Parameters
    ----------
    n_estimators : int, default=300
        Number of trees.
    max_depth : int or None, default=None
        Depth of a tree at most.
    min_samples_leaf : int, default=2
        Samples in a leaf at least.
    max_features : {"sqrt", "log2"}, int, float or None, default="sqrt"
        Columns tried at each split.
    pls : int or None, default=None
        Components of partial least squares [1]_, at most, that the trees see in place of the columns. A split of a tree
        looks at one column, but a network that never saw these classes spreads them over all: there 8 to 16
        components make a better forest, and a quicker one. Features of a network trained for these classes do
        without.
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class.
    n_jobs : int or None, default=-1
        Threads of the training; -1 is one for each core.
    random_state : int or None, default=0
        Seed.

    Attributes
    ----------
    centre_ : ndarray of shape (n_features,)
        With `pls`: what is subtracted from the embeddings.
    projection_ : ndarray of shape (n_features, n_components)
        With `pls`: what they are multiplied with.

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

    pls: int | None = None  # here, too, for forests that were saved before they had one
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

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return the values worth trying for each parameter, as GridSearchCV takes them."""
        return {"min_samples_leaf": [1, 2, 5], "pls": [None, 4, 16]}

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        if self.pls is not None:
            X = self._fit_projection(X, codes)
        super()._fit_codes(X, codes, weights, groups)

    def _fit_projection(self, X: NDArray, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        if isinstance(self.pls, bool) or not isinstance(self.pls, Integral) or self.pls < 1:
            raise InputError(f"pls={self.pls!r} was given; expected a number of components, 1 or more, or None.")
        target = codes if self.multilabel_ or len(self.classes_) == 2 else np.eye(len(self.classes_))[codes]
        self.centre_ = X.mean(axis=0, dtype=np.float64)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "y residual is constant")  # fewer say all there is: the others stay zero
            warnings.simplefilter("ignore", ConvergenceWarning)  # a direction between two that are as good
            least_squares = PLSRegression(min(self.pls, *X.shape), scale=False).fit(X, target)
        self.projection_ = least_squares.x_rotations_
        return self._project(X)

    def _project(self, X: NDArray) -> NDArray[np.float64]:
        return (X - self.centre_) @ self.projection_

    def _fit_one(
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
        model.fit(X, codes, sample_weight=weights)
        # Threads add up the votes in any order, so that the last bits would change from call to call.
        return model.set_params(n_jobs=1)

    def _probabilities(self, X: NDArray) -> NDArray[np.floating]:
        if self.pls is not None:
            X = self._project(X)
        trees = len(self.models_[0].estimators_)
        n_classes = 2 if self.multilabel_ else len(self.classes_)
        return (trees * super()._probabilities(X) + 1 / n_classes) / (trees + 1)
