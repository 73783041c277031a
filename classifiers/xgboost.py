"""The XGBoost head: gradient-boosted trees."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray
from scipy.special import expit

from hybrid.classifiers.base import Head


class XGBoost(Head):
    """Gradient-boosted trees (XGBoost, histogram method).

    Parameters
    ----------
    n_estimators : int, default=300
        Number of boosting rounds.
    learning_rate : float, default=0.1
        Shrinkage of each tree.
    max_depth : int, default=3
        Maximum depth of a tree.
    colsample_bytree : float, default=0.1
        Fraction of the columns that each tree uses. Embeddings are wide and redundant, so a small fraction suffices.
    subsample : float, default=1.0
        Fraction of the rows that each tree uses.
    reg_lambda : float, default=1.0
        L2 penalty on the leaf weights.
    min_child_weight : float, default=1.0
        Minimum sum of the hessians in a leaf.
    max_bin : int, default=64
        Number of histogram bins of each column.
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class.
    n_jobs : int or None, default=None
        Number of threads. None leaves the choice to OpenMP, which shares the cores fairly inside a joblib worker.
    random_state : int, default=0
        Seed.

    Attributes
    ----------
    model_ : xgboost.XGBClassifier
        The fitted classifier, also for multi-label targets. This head has no `models_`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> XGBoost(n_estimators=10).fit(X, y).predict(X[:1])
    array([0])
    """

    def __init__(
        self,
        n_estimators: int = 300,
        *,
        learning_rate: float = 0.1,
        max_depth: int = 3,
        colsample_bytree: float = 0.1,
        subsample: float = 1.0,
        reg_lambda: float = 1.0,
        min_child_weight: float = 1.0,
        max_bin: int = 64,
        class_weight: str | dict[Any, float] | None = "balanced",
        n_jobs: int | None = None,
        random_state: int = 0,
    ):
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.colsample_bytree = colsample_bytree
        self.subsample = subsample
        self.reg_lambda = reg_lambda
        self.min_child_weight = min_child_weight
        self.max_bin = max_bin
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return a parameter grid for GridSearchCV with the values worth trying."""
        return {"max_depth": [2, 3, 5], "n_estimators": [150, 300], "colsample_bytree": [0.1, 0.3]}

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        if self.multilabel_:
            self.model_ = self._fit_labels(X, codes, weights)
        else:
            self.model_ = self._fit_target(X, codes, weights, groups)

    def _fit_target(
        self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None
    ) -> xgboost.XGBClassifier:
        return self._classifier().fit(X, codes, sample_weight=weights)

    def _fit_labels(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray) -> xgboost.XGBClassifier:
        # XGBoost accepts one weight per row, not one per row and label, so the weights go into the objective.
        model = self._classifier(objective=_weighted_logistic(codes, weights))
        model.fit(X, codes)
        # The booster applies the logistic function itself. The custom objective is dropped because it holds the data.
        return model.set_params(objective="binary:logistic")

    def _probabilities(self, X: NDArray) -> NDArray[np.floating]:
        return self.model_.predict_proba(X)

    def _classifier(self, **params: Any) -> xgboost.XGBClassifier:
        own_params = {name: value for name, value in self.get_params().items() if name != "class_weight"}
        return xgboost.XGBClassifier(tree_method="hist", **own_params, **params)


def _weighted_logistic(codes: NDArray[np.int64], weights: NDArray) -> Callable:
    """Return XGBoost's objective "binary:logistic" with a weight for each row and label."""

    def objective(_: NDArray, margins: NDArray) -> tuple[NDArray, NDArray]:
        p = expit(margins.reshape(codes.shape))
        return weights * (p - codes), np.maximum(weights * p * (1 - p), 1e-16)

    return objective
