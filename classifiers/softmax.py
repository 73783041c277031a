"""The softmax head: multinomial logistic regression."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from hybrid.classifiers.base import Head


class Softmax(Head):
    """Multinomial logistic regression; for multi-label targets, one logistic regression for each label.

    The model is that of a network's classification layer with an L2 penalty, but it is trained to the optimum.

    Parameters
    ----------
    C : float, default=0.01
        Inverse strength of the regularisation. The default suits standardised embeddings.
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class.
    max_iter : int, default=1000
        Maximum number of L-BFGS iterations.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> Softmax(C=1).fit(X, y).predict(X[:1])
    array([0])
    """

    def __init__(
        self,
        C: float = 0.01,
        *,
        class_weight: str | dict[Any, float] | None = "balanced",
        max_iter: int = 1000,
    ):
        self.C = C
        self.class_weight = class_weight
        self.max_iter = max_iter

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return a parameter grid for GridSearchCV with the values worth trying."""
        return {"C": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0]}

    @property
    def n_iter_(self) -> int:
        """Number of L-BFGS iterations; for multi-label targets, the maximum over the labels."""
        return max(int(model.n_iter_.max()) for model in self.models_)

    def _fit_target(
        self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None
    ) -> LogisticRegression:
        return LogisticRegression(C=self.C, max_iter=self.max_iter).fit(X, codes, sample_weight=weights)
