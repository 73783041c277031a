"""The result of comparing two models on the same images, as values and as a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hybrid.evaluation.groups import GROUP, images_of_groups
from hybrid.evaluation.holm import holm_steps
from hybrid.evaluation.metrics import LOWER_IS_BETTER, METRICS
from hybrid.evaluation.student import bounds


@dataclass(frozen=True)
class PairedTest:
    """The difference of two models in one metric on the same images, and a test of whether it is due to chance.

    Attributes
    ----------
    first, second : str
        Names of the models.
    metric : str
        Name of the metric.
    difference : float or None
        The value of the first model minus that of the second; None if one of them is not defined.
    low, high : float or None
        Bounds of the interval of the difference, for this difference alone.
    p_value : float or None
        Two-sided p-value; None if there are too few images for a test.
    p_adjusted : float or None
        The p-value with Holm's correction for all tests of the family.
    test : {"McNemar, exact", "DeLong", "paired bootstrap", "corrected resampled t", "McNemar, clustered, exact", \
"DeLong, clustered", "paired bootstrap of groups"}
        The test that the p-value comes from.
    n : int
        Number of images.
    level : float
        Coverage of the interval.
    error : float or None
        Standard error of the difference.
    degrees : float or None
        Degrees of freedom of Student's distribution, which the difference follows in units of its standard error; None
        for the normal distribution.
    low_adjusted, high_adjusted : float or None
        Bounds of the interval at the level at which Holm's correction tested the difference. It excludes 0 exactly if
        the models can be told apart; only McNemar's exact test can be stricter.
    corrected_for : int
        Number of tests of the family, which Holm's correction is for.
    n_groups : int or None
        Number of groups, such as patients, that the images come from; None if no groups were given.
    group_name : str
        What a group is called in words, such as "patient".
    unit : {"image", "group"}
        What `n` counts: images, or groups of which each is one case.
    margin : float or None
        The margin of a non-inferiority test; None if there is none.
    p_margin, p_margin_adjusted : float or None
        One-sided p-value of the hypothesis that the first model is worse than the second by the margin or more, and
        the same with Holm's correction.
    at_worst : float or None
        By how much the first model may be worse than the second, at the level at which Holm's correction tested it. It
        is below the margin exactly if the first model is not inferior, and negative if the model is better in any case.
    """

    first: str
    second: str
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_adjusted: float | None
    test: str
    n: int
    level: float = 0.95
    error: float | None = None
    degrees: float | None = None
    low_adjusted: float | None = None
    high_adjusted: float | None = None
    corrected_for: int = 1
    n_groups: int | None = None
    margin: float | None = None
    p_margin: float | None = None
    p_margin_adjusted: float | None = None
    at_worst: float | None = None
    unit: str = "image"
    group_name: str = GROUP

    @property
    def alpha(self) -> float:
        """The level of the test, 1 − `level`."""
        return round(1 - self.level, 12)

    @property
    def distinguishable(self) -> bool:
        """Whether the adjusted p-value is below 1 − `level`."""
        return self.p_adjusted is not None and self.p_adjusted < self.alpha

    @property
    def not_inferior(self) -> bool:
        """Whether the first model is shown to be worse than the second by less than the margin, if by anything.

        The test is one-sided, at half of 1 − `level`.
        """
        return self.p_margin_adjusted is not None and self.p_margin_adjusted < self.alpha / 2

    def sentence(self) -> str:
        """Return the result as a sentence.

        Its difference is the value of the model that is named first minus that of the other.

        Examples
        --------
        >>> test = PairedTest("svm", "forest", "f1", 0.03, -0.01, 0.07, 0.16, 0.16, "paired bootstrap", 99)
        >>> print(test.sentence())
        svm and forest cannot be told apart on these 99 images (f1: +0.030, 95% interval −0.010 to 0.070, p = .16)
        """
        unit = self.unit if self.unit == "image" else self.group_name
        on = f"on these {images_of_groups(self.n, self.n_groups, unit, self.group_name)}"
        if self.difference is None:
            return (
                f"{self.first} and {self.second} cannot be compared by {self.metric} {on}: it is not defined for both"
            )
        if self.p_adjusted is None:
            return f"{self.first} and {self.second} cannot be tested by {self.metric} {on}, which are too few for it"
        if not self.distinguishable:
            return f"{self.first} and {self.second} cannot be told apart {on} ({self._figures()})"
        if self.verdict == "better":
            return f"{self.first} is better than {self.second} {on} ({self._figures()})"
        return f"{self.second} is better than {self.first} {on} ({self._figures(-1)})"

    __str__ = sentence

    @property
    def verdict(self) -> str:
        """What the test says of the first model: "better", "worse", "cannot be told apart", or why there is no test."""
        if self.difference is None:
            return "not defined"
        if self.p_adjusted is None:
            return "too few images"
        if not self.distinguishable:
            return "cannot be told apart"
        return "better" if (self.difference > 0) != (self.metric in LOWER_IS_BETTER) else "worse"

    def figure(self, value: float | None, sign: str = "") -> str:
        """Return a difference as text, in percentage points for metrics that are shares; a dash if it is None.

        Examples
        --------
        >>> test = PairedTest("svm", "forest", "accuracy", 0.0312, None, None, None, None, "McNemar, exact", 99)
        >>> test.figure(test.difference, sign="+"), test.figure(-0.0004)
        ('+3.1', '0.0')
        """
        return difference_text(self.metric, value, sign)

    def between(self, low: float | None, high: float | None) -> str:
        """Return an interval as text, such as "−0.010 to 0.070"; a dash if there is none."""
        return "–" if low is None or high is None else f"{self.figure(low)} to {self.figure(high)}"

    @property
    def probability(self) -> str:
        """The adjusted p-value as text, such as "= .016" or "< .001"."""
        return p_text(self.p_adjusted)

    @property
    def in_points(self) -> bool:
        """Whether differences are shown in percentage points."""
        return shown_in_points(self.metric)

    def _figures(self, sign: int = 1) -> str:
        difference, low, high, low_adjusted, high_adjusted = (
            None if value is None else sign * value
            for value in (self.difference, self.low, self.high, self.low_adjusted, self.high_adjusted)
        )
        if sign < 0:
            low, high, low_adjusted, high_adjusted = high, low, high_adjusted, low_adjusted
        text = f"{self.metric}: {self.figure(difference, '+')}{' points' if self.in_points else ''}"
        if low is not None:
            text += f", {self.level:.0%} interval {self.between(low, high)}"
        if self.corrected_for > 1 and low_adjusted is not None:
            text += f", adjusted for {self.corrected_for} tests {self.between(low_adjusted, high_adjusted)}"
        adjusted = "" if self.p_value == self.p_adjusted and self.corrected_for == 1 else "adjusted "
        text = f"{text}, {adjusted}p {self.probability}"
        return f"{text}; {self.contradiction}" if self.contradiction else text

    @property
    def contradiction(self) -> str:
        """Explanation of why interval and decision disagree, which they can only for McNemar's test; mostly ""."""
        low, high = self.low_adjusted, self.high_adjusted
        if self.p_adjusted is None or low is None or high is None or self.distinguishable != (low <= 0 <= high):
            return ""
        return f"the test decides: {self.test.split(',')[0]}'s is exact, the interval is an approximation"

    def to_dict(self) -> dict[str, Any]:
        """Return the test as a dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "PairedTest":
        """Return the test from the dict that :meth:`to_dict` returned.

        Raises
        ------
        TypeError
            If a field is missing or unknown.
        """
        return cls(**saved)


def shown_in_points(metric: str) -> bool:
    """Return whether differences of a metric are shown in percentage points."""
    return metric in METRICS and METRICS[metric].in_points


def difference_text(metric: str, value: float | None, sign: str = "") -> str:
    """Return a difference as text, in percentage points for metrics that are shares; a dash if it is None.

    Examples
    --------
    >>> difference_text("accuracy", 0.0312, sign="+"), difference_text("brier", -0.0004), difference_text("f1", None)
    ('+3.1', '0.000', '–')
    """
    if value is None:
        return "–"
    scale, digits = (100, 1) if shown_in_points(metric) else (1, 3)
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return f"{round(scale * value, digits) + 0.0:{sign}.{digits}f}".replace("-", "−")


def holm(tests: Sequence[PairedTest]) -> list[PairedTest]:
    """Return the tests with Holm's correction (1979) for their number; tests without a p-value do not count.

    The adjusted interval of a difference is that of the level at which the correction tested it, or at which it
    stopped before.

    Examples
    --------
    >>> blank = PairedTest("a", "b", "f1", 0.1, None, None, None, None, "paired bootstrap", 9)
    >>> [test.p_adjusted for test in holm([replace(blank, p_value=p) for p in (0.25, 0.125, 0.5)])]
    [0.5, 0.375, 0.5]
    """
    if not tests:
        return []
    alpha = tests[0].alpha
    steps = holm_steps([test.p_value for test in tests], alpha)
    number = sum(step is not None for step in steps)
    return [
        test
        if step is None
        else replace(test, p_adjusted=step[0], corrected_for=number, **_adjusted_interval(test, 1 - alpha / step[1]))
        for test, step in zip(tests, steps, strict=True)
    ]


def _adjusted_interval(test: PairedTest, level: float) -> dict[str, Any]:
    if test.difference is None or test.error is None:
        return {}
    low, high = bounds(test.difference, test.error, test.degrees, level)
    return {"low_adjusted": low, "high_adjusted": high}


def p_text(p: float | None) -> str:
    """Return a p-value as text, such as "= .016" or "< .001"."""
    if p is None or p >= 0.995:
        return "= 1"
    if p < 0.001:
        return "< .001"
    return f"= {p:.{2 if p >= 0.1 else 3}f}".replace("0.", ".")
