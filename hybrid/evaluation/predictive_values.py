"""Predictive values at a prevalence that differs from that of the test images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.evaluation.decision_curve import check_share
from hybrid.evaluation.intervals import Bounds
from hybrid.evaluation.likelihood_ratios import clustered_ratio_interval, ratio_interval
from hybrid.evaluation.notes import ALWAYS_PREDICTED, NEVER_PREDICTED, SINGLE_GROUP
from hybrid.evaluation.one_class import OneClass, one_class
from hybrid.evaluation.result import Metric


@dataclass(frozen=True)
class PredictiveValues:
    """The predictive values of a model at a prevalence.

    Attributes
    ----------
    positive : object
        The class.
    prevalence : float
        The share of the class in the population.
    ppv, npv : Metric
        Positive predictive value: the share of images of the class among those that are predicted as the class.
        Negative predictive value: the share of other images among those that are not.
    level : float
        Coverage of the intervals.
    """

    positive: Any
    prevalence: float
    ppv: Metric
    npv: Metric
    level: float = 0.95

    def __str__(self) -> str:
        return f"At a prevalence of {self.prevalence:.3g} of {self.positive}: PPV {self.ppv}, NPV {self.npv}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        values = {"ppv": self.ppv.to_dict(), "npv": self.npv.to_dict()}
        return {"positive": self.positive, "prevalence": self.prevalence, "level": self.level} | values


def predictive_values(
    y_true: Any,
    y_pred: Any,
    classes: Sequence | None = None,
    *,
    prevalence: float,
    pos_label: Any = None,
    groups: Any = None,
    level: float = 0.95,
) -> PredictiveValues:
    """Return the positive and negative predictive value at a prevalence.

    Predictive values follow from sensitivity, specificity and prevalence. Test images rarely have the shares of the
    classes that a clinic has, so the precision on these images is not the predictive value there.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,), or (n, n_labels) of 0 and 1
        True and predicted labels, as in :func:`hybrid.evaluate`.
    classes : sequence, optional
        As in :func:`hybrid.evaluate`.
    prevalence : float
        Share of the class in the population, above 0 and below 1.
    pos_label : object, optional
        The class or label. By default the second class of two; for more classes, and for several labels, it must be
        named, and is taken against the rest.
    groups : array-like of shape (n,), optional
        Group of each image, such as its patient.
    level : float, default=0.95
        Coverage of the intervals.

    Returns
    -------
    PredictiveValues

    Raises
    ------
    InputError
        If the input is not valid, the class is not named, or there are no images with or without the class.

    Notes
    -----
    The intervals are those of the logit method [1]_, which treats the prevalence as known: the odds of a predictive
    value are the likelihood ratio multiplied by the odds of the prevalence, and their logarithm is close to normal.
    With groups, the variance is that of the sums over the groups. If no image of one side is wrong, or none is right,
    half an image is added to each count. The values hold if the images of each class are like those of the population,
    whatever the shares of the classes.

    References
    ----------
    .. [1] Mercaldo, N. D., Lau, K. F. and Zhou, X. H. "Confidence intervals for predictive values with an emphasis to
       case-control studies." Statistics in Medicine 26, 2170–2183, 2007.

    Examples
    --------
    >>> y = [1] * 100 + [0] * 100
    >>> predicted = [1] * 90 + [0] * 10 + [1] * 5 + [0] * 95
    >>> values = predictive_values(y, predicted, [0, 1], prevalence=0.05)
    >>> values.ppv.bounds_text(), round(values.ppv.value, 3), round(values.npv.value, 4)
    ('0.287–0.691', 0.486, 0.9945)
    """
    check_share("prevalence", prevalence)
    one = one_class(y_true, y_pred, classes, None, pos_label, groups, True, "A predictive value")
    return values_of(one, prevalence, level)


def values_of(one: OneClass, prevalence: float, level: float) -> PredictiveValues:
    """Return the predictive values of one class against the rest."""
    if one.truth.all() or not one.truth.any():
        raise InputError(f"Predictive values need images with and without {one.name!r}; there are no such images.")
    ppv = _value(one, one.predicted, NEVER_PREDICTED, prevalence, level, False)
    npv = _value(one, ~one.predicted, ALWAYS_PREDICTED, prevalence, level, True)
    return PredictiveValues(one.name, prevalence, ppv, npv, level)


def _value(one: OneClass, said: np.ndarray, note: str, prevalence: float, level: float, negative: bool) -> Metric:
    """Return the predictive value of images about which something is said, from their likelihood ratio."""
    if not said.any():
        return Metric(None, note=note)
    shares = [float(said[side].mean()) for side in (one.truth, ~one.truth)]
    odds = prevalence / (1 - prevalence)
    true, false = shares[0] * odds, shares[1]
    value = (false if negative else true) / (true + false)
    bounds = _ratio_bounds(one, said, shares, level)
    if bounds is None:
        return Metric(value, note=SINGLE_GROUP)
    low, high = (1.0 if bound is None else bound * odds / (1 + bound * odds) for bound in bounds)
    return Metric(value, 1 - high, 1 - low) if negative else Metric(value, low, high)


def _ratio_bounds(one: OneClass, said: np.ndarray, shares: list[float], level: float) -> Bounds | None:
    if one.groups is None:
        return ratio_interval(shares, (float(one.truth.sum()), float((~one.truth).sum())), level)
    if any(len(np.unique(one.groups[side])) < 2 for side in (one.truth, ~one.truth)):
        return None
    return clustered_ratio_interval(said, one.truth, one.groups, level)
