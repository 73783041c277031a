"""Which metric orders the models of a task, and which way is better."""

import math
from collections.abc import Container

from hybrid.evaluation import LOWER_IS_BETTER, Metric
from hybrid.evaluation.metrics import overall_name
from hybrid.evaluation.registry.tasks import TASKS

__all__ = ["LOWER_IS_BETTER", "MAIN_METRICS", "badness", "ordering_metric"]

MAIN_METRICS = {task: chosen.ordering for task, chosen in TASKS.items()}


def ordering_metric(asked: str | None, task: str, known: Container[str]) -> tuple[str, tuple[str, ...]]:
    """Return what the models of a task are ordered by, with a remark where that is not what was asked for.

    Examples
    --------
    >>> ordering_metric("roc_auc", "multiclass", ["accuracy", "mcc"])
    ('accuracy', ('roc_auc does not exist for a multiclass task; ordered by accuracy.',))
    """
    main = MAIN_METRICS[task]
    asked = None if asked is None else overall_name(asked)
    if asked is None or asked in known:
        return asked or main, ()
    return main, (f"{asked} does not exist for a {task} task; ordered by {main}.",)


def badness(metric: Metric, name: str) -> float:
    """Return what sorts the best first, and what is not defined last."""
    if metric.value is None:
        return math.inf
    return metric.value if name in LOWER_IS_BETTER else -metric.value
