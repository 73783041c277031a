"""How labels follow from the probabilities of a fitted head, in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid.classifiers.prior import default_thresholds
from hybrid.wording import and_more

_MOST_LABELS = 5


def threshold_rule(head: Any, labels: Sequence[Any], multilabel: bool) -> str:
    """Return the thresholds of a fitted head and their origin; "" if the labels are those that are most probable.

    Parameters
    ----------
    head : estimator
        A fitted classifier.
    labels : sequence of length k
        Names of the classes or labels.
    multilabel : bool
        Whether the columns are independent labels.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> head = SimpleNamespace(aim="recall=0.95", thresholds_=np.array([0.0817]))
    >>> threshold_rule(head, ["normal", "pneumonia"], False)
    'pneumonia is predicted from a probability of 0.082 on (the threshold for recall=0.95)'
    """
    thresholds, ratio = getattr(head, "thresholds_", None), getattr(head, "prior_ratio_", None)
    if thresholds is None and (ratio is None or np.allclose(ratio, ratio[:, :1])):
        return ""
    if thresholds is None and not multilabel and len(labels) > 2:
        return "The classes are weighted, so that a rare class is predicted from a lower probability on"
    chosen = thresholds is not None
    values = thresholds if thresholds is not None else default_thresholds(ratio, len(labels) if multilabel else 1)
    if multilabel:
        reason = f"the thresholds for {head.aim}" if chosen else "which follow from the class weights"
        pairs = [f"{label} {shown_threshold(value)}" for label, value in zip(labels, values, strict=True)]
        return f"Labels are predicted from these probabilities on: {and_more(pairs, _MOST_LABELS)} ({reason})"
    reason = f"the threshold for {head.aim}" if chosen else "which follows from the class weights"
    positive = getattr(head, "positive", None)
    column = 1 if positive is None else list(head.classes_).index(positive)
    threshold = values[0] if chosen or column == 1 else 1 - values[0]  # a chosen one is that of the positive class
    return f"{predicted_from(labels[column], threshold)} ({reason})"


def predicted_from(label: object, threshold: float) -> str:
    """Return the threshold of a class in words.

    Examples
    --------
    >>> predicted_from("pneumonia", 0.589)
    'pneumonia is predicted from a probability of 0.589 on'
    """
    return f"{label} is predicted from a probability of {shown_threshold(threshold)} on"


def shown_threshold(value: float) -> str:
    """Return a threshold with three decimals, or with two digits if it is small.

    Examples
    --------
    >>> shown_threshold(0.0817), shown_threshold(0.00041)
    ('0.082', '0.00041')
    """
    return f"{value:.3f}" if value >= 0.01 else f"{value:.2g}"
