"""The scorer of a search: one metric with the same value as in `evaluate`."""

from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.registry.spec import MetricSpec
from hybrid.evaluation.weighted_scores import WeightedScores


class Scorer:
    """A scorer for scikit-learn's searches.

    Parameters
    ----------
    metric : MetricSpec
        The metric. If lower is better, the score is its negative.
    pos_label : object, optional
        The positive class of a binary task. By default the second class.
    """

    def __init__(self, metric: MetricSpec, pos_label: Any = None):
        self._spec, self._pos_label = metric, pos_label

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self._spec.name

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        """Return the score of a fitted classifier on images or embeddings X and labels y."""
        y = np.asarray(y)
        proba = predicted = None
        if not self._spec.threshold_free:
            predicted = estimator.predict(X)
        elif hasattr(estimator, "predict_proba"):
            proba = estimator.predict_proba(X)
        else:
            raise InputError(
                f"{self.metric} needs probabilities, but the head has no predict_proba. Choose by a metric of "
                "predicted classes, such as balanced_accuracy."
            )
        classes = range(y.shape[1]) if y.ndim == 2 else estimator.classes_
        return self.sign * self.value(y, proba, classes, predicted)

    @property
    def sign(self) -> int:
        """1 if higher is better, else -1."""
        return 1 if self._spec.higher_is_better else -1

    def value(self, y: Any, proba: Any, classes: Any, predicted: Any = None) -> float:
        """Return the value of the metric; NaN if it is not defined."""
        problem = check_problem(y, proba, classes, predicted, self._pos_label)
        overall, _ = WeightedScores(problem, [self.metric])(np.ones((1, len(problem.truth))))
        return float(overall[self.metric][0])

    def __repr__(self) -> str:
        return f"Scorer({self.metric!r})"
