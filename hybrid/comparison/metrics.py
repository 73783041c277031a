"""Which metric orders the models of a task, and which way is better."""

import math

from hybrid.evaluation import LOWER_IS_BETTER, Metric

__all__ = ["LOWER_IS_BETTER", "MAIN_METRICS", "badness"]

MAIN_METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "multilabel": "average_precision_macro"}


def badness(metric: Metric, name: str) -> float:
    """Return what sorts the best first, and what is not defined last."""
    if metric.value is None:
        return math.inf
    return metric.value if name in LOWER_IS_BETTER else -metric.value
