"""Non-inferiority: whether a model is worse than a reference by less than a margin that was chosen in advance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Protocol

from hybrid.evaluation.groups import images_of_groups
from hybrid.evaluation.holm import holm_steps
from hybrid.evaluation.metrics import LOWER_IS_BETTER
from hybrid.evaluation.paired_test import PairedTest, p_text
from hybrid.evaluation.student import bounds, lower_tail

_NORMAL = NormalDist()


class Deficit(Protocol):
    """By how much a model is worse than the reference: an estimate with its uncertainty."""

    def p_value(self, margin: float) -> float:
        """Return the one-sided p-value of the hypothesis that the true deficit is the margin or more."""

    def at_most(self, alpha: float) -> float:
        """Return the upper bound of the true deficit at a one-sided level; below each margin that is rejected."""


@dataclass(frozen=True)
class EstimatedDeficit:
    """A deficit with a standard error.

    Attributes
    ----------
    value, error : float
    degrees : float or None
        Degrees of freedom of Student's distribution; None for the normal one.
    """

    value: float
    error: float
    degrees: float | None = None

    def p_value(self, margin: float) -> float:
        """See :class:`Deficit`."""
        return lower_tail((self.value - margin) / self.error, self.degrees)

    def at_most(self, alpha: float) -> float:
        """See :class:`Deficit`."""
        return bounds(self.value, self.error, self.degrees, 1 - 2 * alpha)[1]


@dataclass(frozen=True)
class ShareDeficit:
    """The deficit of a share of correct images, by the score test of Tango (1998), Stat. Med. 17, 891–908.

    Unlike an estimate with a standard error it also holds where few images are predicted differently, or none.

    Attributes
    ----------
    only_model, only_reference : int
        Number of images that only one of both predicts correctly.
    n : int
        Number of images.

    Examples
    --------
    >>> round(ShareDeficit(4, 6, 400).p_value(0.02), 4), round(ShareDeficit(4, 6, 400).at_most(0.025), 4)
    (0.0501, 0.0236)
    """

    only_model: int
    only_reference: int
    n: int

    def p_value(self, margin: float) -> float:
        """See :class:`Deficit`."""
        return _NORMAL.cdf(-self._score(margin))

    def at_most(self, alpha: float) -> float:
        """See :class:`Deficit`."""
        low, high, needed = (self.only_reference - self.only_model) / self.n, 1.0, -_NORMAL.inv_cdf(alpha)
        for _ in range(50):  # bisection: the score grows with the margin
            middle = (low + high) / 2
            low, high = (middle, high) if self._score(middle) < needed else (low, middle)
        return high

    def _score(self, margin: float) -> float:
        """Return the distance of the counts from a true deficit, in standard errors at the most likely shares."""
        n, b, c = self.n, self.only_model, self.only_reference
        linear = -b - c - (2 * n - b + c) * margin
        share = ((linear**2 - 8 * n * c * margin * (1 + margin)) ** 0.5 - linear) / (
            4 * n
        )  # only the reference is right
        variance = n * (2 * share - margin * (1 + margin))
        distance = b - c + n * margin
        if variance > 0:
            return distance / variance**0.5
        return 0.0 if distance == 0 else float("inf") if distance > 0 else float("-inf")


def with_margin(tests: Sequence[PairedTest], deficits: Sequence[Deficit | None], margin: float) -> list[PairedTest]:
    """Return tests that also say whether the first model of each is worse than the second by less than a margin.

    Holm's correction is for all of them. They are one-sided, at half of 1 − level.

    Parameters
    ----------
    tests : sequence of PairedTest
    deficits : sequence of Deficit or None
        By how much the first model of each test is worse; None if it cannot be estimated.
    margin : float
        In the units of the metric.
    """
    if not tests:
        return []
    alpha = tests[0].alpha / 2
    p_values = [None if deficit is None else deficit.p_value(margin) for deficit in deficits]
    found = []
    for test, deficit, p_value, step in zip(tests, deficits, p_values, holm_steps(p_values, alpha), strict=True):
        test = replace(test, margin=margin, p_margin=p_value)
        if deficit is not None and step is not None:
            test = replace(test, p_margin_adjusted=step[0], at_worst=deficit.at_most(alpha / step[1]))
        found.append(test)
    return found


def estimated_deficit(test: PairedTest) -> EstimatedDeficit | None:
    """Return by how much the first model of a test is worse; None if the difference has no standard error."""
    if test.difference is None or not test.error:
        return None
    sign = 1 if test.metric in LOWER_IS_BETTER else -1
    return EstimatedDeficit(sign * test.difference, test.error, test.degrees)


def margin_sentence(test: PairedTest) -> str:
    """Return the result of a non-inferiority test as a sentence; "" if there is none.

    Examples
    --------
    >>> test = PairedTest("knn", "svm", "f1", -0.004, -0.015, 0.007, 0.4, 0.4, "paired bootstrap", 400)
    >>> print(margin_sentence(replace(test, margin=0.02, p_margin=0.002, p_margin_adjusted=0.004, at_worst=0.016)))
    knn is not inferior to svm by a margin of 0.020 on these 400 images (f1: at worst 0.016 worse, adjusted p = .004)
    """
    if test.margin is None:
        return ""
    on = f"on these {images_of_groups(test.n, test.n_groups, group=test.group_name)}"
    points = " points" if test.in_points else ""
    margin = f"by a margin of {test.figure(test.margin)}{points} {on}"
    if test.at_worst is None:
        return f"Whether {test.first} is inferior to {test.second} {margin} cannot be tested by {test.metric}"
    adjusted = "" if test.p_margin == test.p_margin_adjusted else "adjusted "
    size, direction = at_worst_text(test).split()
    figures = f"({test.metric}: at worst {size}{points} {direction}, {adjusted}p {p_text(test.p_margin_adjusted)})"
    if test.not_inferior:
        return f"{test.first} is not inferior to {test.second} {margin} {figures}"
    return f"{test.first} is not shown to be not inferior to {test.second} {margin} {figures}"


def at_worst_text(test: PairedTest) -> str:
    """Return how good the first model is at worst as text, such as "0.016 worse"; a dash if it cannot be said."""
    if test.at_worst is None:
        return "–"
    return f"{test.figure(abs(test.at_worst))} {'worse' if test.at_worst > 0 else 'better'}"
