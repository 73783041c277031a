"""The random forest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from hybrid.classifiers.base import Head


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
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class.
    n_jobs : int or None, default=-1
        Threads of the training; -1 is one for each core.
    random_state : int or None, default=0
        Seed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> RandomForest(n_estimators=10).fit(X, y).predict(X[:1])
    array([0])
    """

    def __init__(
        self,
        n_estimators: int = 300,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 2,
        max_features: str | int | float | None = "sqrt",
        class_weight: str | dict[Any, float] | None = "balanced",
        n_jobs: int | None = -1,
        random_state: int | None = 0,
    ):
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return the values worth trying for each parameter, as GridSearchCV takes them."""
        return {"min_samples_leaf": [1, 2, 5], "max_features": ["sqrt", 0.1, 0.3]}

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
        trees = len(self.models_[0].estimators_)
        n_classes = 2 if self.multilabel_ else len(self.classes_)
        return (trees * super()._probabilities(X) + 1 / n_classes) / (trees + 1)
