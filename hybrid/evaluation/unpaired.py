"""Differences between scores on different images, such as a hospital's own and another one's: intervals and tests.

Nothing is drawn again here: the interval of a difference follows from the intervals of its two scores by the method of
variance estimates recovery (Zou and Donner 2008). For shares of independent images it is Newcombe's hybrid score
interval (1998, method 10), and for the ROC AUC it rests on DeLong's variances. Groups, such as patients, and skewed
distributions are taken into account as the intervals of the scores do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import exp, hypot, log
from statistics import NormalDist
from typing import Any

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.calibration_line import CalibrationLine
from hybrid.evaluation.metrics import LOWER_IS_BETTER, METRICS, overall_name
from hybrid.evaluation.paired_test import difference_text, p_text, shown_in_points
from hybrid.evaluation.registry.tasks import MEANS_OF_RECALLS
from hybrid.evaluation.result import Evaluation, Metric

_SMALLEST, _ROUNDING = 1e-9, 1e-12
_NARROWEST, _WIDEST, _STEPS = 1e-6, 1e3, 60  # factors of the intervals among which the one that ends at 0 is sought
NOT_COMPARED = "depends on the number of images, so that it is not compared between different images"


@dataclass(frozen=True)
class UnpairedTest:
    """The difference of a score between two sets of different images, and a test of whether it is due to chance.

    Attributes
    ----------
    metric : str
        Name of the metric, or ``"slope"`` or ``"intercept"`` of the calibration line.
    label : object
        The class whose score it is; None for a score of all images.
    first, second : float or None
        The scores on the first and the second set of images.
    difference : float or None
        The first score minus the second; None if one of them is not defined.
    low, high : float or None
        Bounds of the interval of the difference.
    p_value : float or None
        Two-sided p-value of the test that inverts the interval: below 1 − `level` exactly if the interval excludes 0.
        None if there is no interval.
    level : float
        Coverage of the interval.
    note : str
        Why there is no interval; usually empty.
    """

    metric: str
    label: Any
    first: float | None
    second: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    level: float = 0.95
    note: str = ""

    @property
    def alpha(self) -> float:
        """The level of the test, 1 − `level`."""
        return round(1 - self.level, 12)

    @property
    def distinguishable(self) -> bool:
        """Whether the p-value is below 1 − `level`."""
        return self.p_value is not None and self.p_value < self.alpha

    @property
    def verdict(self) -> str:
        """What the test says of the first score: "better", "worse", "cannot be told apart", or why there is no test."""
        if self.difference is None:
            return "not defined"
        if self.p_value is None:
            return "not tested"
        if not self.distinguishable:
            return "cannot be told apart"
        if self.metric not in METRICS:
            return "differs"
        return "better" if (self.difference > 0) != (self.metric in LOWER_IS_BETTER) else "worse"

    def figure(self, value: float | None, sign: str = "") -> str:
        """Return a difference as text, in percentage points for metrics that are shares; a dash if it is None."""
        return difference_text(self.metric, value, sign)

    @property
    def in_points(self) -> bool:
        """Whether differences are shown in percentage points."""
        return shown_in_points(self.metric)

    @property
    def interval(self) -> str:
        """The interval as text, such as "−0.010 to 0.070"; a dash if there is none."""
        return "–" if self.low is None else f"{self.figure(self.low)} to {self.figure(self.high)}"

    @property
    def probability(self) -> str:
        """The p-value as text, such as "= .016" or "< .001"; a dash if there is no test."""
        return "–" if self.p_value is None else p_text(self.p_value)

    def to_dict(self) -> dict[str, Any]:
        """Return the test as a dict of JSON values."""
        return asdict(self)


def unpaired_tests(
    first: Evaluation,
    second: Evaluation,
    metrics: Sequence[str] | None = None,
    *,
    per_class: bool = False,
    correlation: Mapping[str, float] | None = None,
) -> list[UnpairedTest]:
    """Compare the scores of two evaluations on different images.

    Parameters
    ----------
    first, second : Evaluation
        The evaluations, such as of one model on two datasets, with intervals of the same level.
    metrics : sequence of str, optional
        Names of the metrics. By default all that both evaluations have.
    per_class : bool, default=False
        Whether to compare the scores of each class instead of those of all images.
    correlation : mapping of str to float, optional
        The correlation of the two scores by metric, if the images are not independent, because some patients have
        images in both sets. By default 0.

    Returns
    -------
    list of UnpairedTest

    Raises
    ------
    InputError
        If the evaluations have different tasks, classes or levels or no intervals, or a metric is unknown.

    Notes
    -----
    With the bounds l1, u1 of the first score a and l2, u2 of the second score b, the interval of d = a − b ends at
    d − √((a − l1)² + (u2 − b)²) and d + √((u1 − a)² + (b − l2)²) [1]_. If both are Wilson's, it is Newcombe's hybrid
    score interval [2]_. The p-value belongs to the factor by which both intervals can be widened before that of the
    difference contains 0: Wilson's intervals in their own way, those of ROC AUC and other scores between 0 and 1 on the
    scale of log-odds; by Student's distribution with the degrees of freedom of the smaller side. For the ROC AUC of
    independent images this is DeLong's test for different images, on that scale. Calibration errors (``ece``) have no
    interval, because they depend on the number of images.

    References
    ----------
    .. [1] Zou, G. Y., Donner, A. "Construction of confidence limits about effect measures: a general approach."
       Statistics in Medicine 27, 2008.
    .. [2] Newcombe, R. G. "Interval estimation for the difference between independent proportions." Statistics in
       Medicine 17, 1998.

    Examples
    --------
    >>> from hybrid.evaluation import evaluate
    >>> here = evaluate([0] * 50 + [1] * 50, [0] * 48 + [1] * 50 + [0] * 2, [0, 1])
    >>> there = evaluate([0] * 50 + [1] * 50, [0] * 30 + [1] * 68 + [0] * 2, [0, 1])
    >>> test, = unpaired_tests(there, here, ["specificity"])
    >>> test.verdict, test.figure(test.difference), test.interval
    ('worse', '−36.0', '−50.1 to −20.4')
    """
    _check(first, second)
    known = [name for name in first.metrics if name in second.metrics]
    metrics = metrics if metrics is None or per_class else [overall_name(name) for name in metrics]
    if metrics is not None and (unknown := [name for name in metrics if name not in known and not per_class]):
        raise unknown_name("metric", unknown[0], known)
    if not per_class:
        rho = correlation or {}
        names = known if metrics is None else metrics
        return [_test(name, None, first, second, rho.get(name, 0.0)) for name in names]
    return [
        _test(name, label, first, second)
        for label in first.classes
        for name, score in first.per_class[label].items()
        if isinstance(score, Metric) and (metrics is None or name in metrics)
    ]


def line_tests(first: CalibrationLine, second: CalibrationLine) -> list[UnpairedTest]:
    """Compare the calibration slopes and intercepts of a model on different, independent images.

    Parameters
    ----------
    first, second : CalibrationLine
        With intervals of the same level.

    Returns
    -------
    list of UnpairedTest
        That of the slope and that of the intercept.
    """
    tests = []
    for name in ("slope", "intercept"):
        one, other = (
            Metric(*(getattr(line, f"{name}{end}") for end in ("", "_low", "_high"))) for line in (first, second)
        )
        tests.append(_compare(name, None, one, other, _straight, first.level, None))
    return tests


def _check(first: Evaluation, second: Evaluation) -> None:
    for what, one, other in (
        ("tasks", first.task, second.task),
        ("classes", list(first.classes), list(second.classes)),
        ("positive classes", first.positive, second.positive),
        ("levels of their intervals", first.level, second.level),
    ):
        if one != other:
            raise InputError(f"The evaluations have different {what}: {one} and {other}. Give equal ones.")
    if not (first.n_boot and second.n_boot):
        raise InputError("The evaluations have no intervals, because n_boot is 0: evaluate with bootstrap draws.")


def _test(name: str, label: Any, first: Evaluation, second: Evaluation, rho: float = 0.0) -> UnpairedTest:
    one, other = (_score(name, label, result) for result in (first, second))
    degrees = min(_degrees(name, label, result) for result in (first, second))
    return _compare(name, label, one, other, _scale_of(name), first.level, degrees, rho)


def _score(name: str, label: Any, result: Evaluation) -> Metric:
    """Return a score; a mean of the recalls of independent images has the interval that follows from theirs."""
    if label is not None:
        return result.per_class[label][name]
    if name not in MEANS_OF_RECALLS or result.clustered or result.weighted:
        return result.metrics[name]
    recalls = [scores["recall"] for scores in result.per_class.values() if scores["support"]]
    return mean_of_shares(recalls) or result.metrics[name]


def mean_of_shares(shares: Sequence[Metric]) -> Metric | None:
    """Return the mean of shares of different images, with its interval by the method of variance estimates recovery.

    With ten images of a class it holds more often than that of bootstrap draws. None if a share has no interval.

    Examples
    --------
    >>> print(mean_of_shares([Metric(0.9, 0.8, 0.95), Metric(0.7, 0.4, 0.9)]))
    0.800 (0.642–0.903)
    """
    bounded = [(one.value, *one.interval) for one in shares if one.value is not None and one.interval is not None]
    if not bounded or len(bounded) < len(shares):
        return None
    value = sum(share for share, _, _ in bounded) / len(bounded)
    below = hypot(*(share - low for share, low, _ in bounded)) / len(bounded)
    above = hypot(*(high - share for share, _, high in bounded)) / len(bounded)
    return Metric(value, value - below, value + above)


def _degrees(name: str, label: Any, result: Evaluation) -> float:
    """Return the degrees of freedom of a score: those of its images, or of their groups, on the smaller side."""
    metric, of_class = METRICS[name], result.positive if label is None else label
    if of_class is None or metric.share_of == "images" or metric.needs == "probabilities":
        units = (result.n_groups or result.n) if result.clustered else result.n
        return max(units - 1.0, 1.0)
    positives, negatives = _units_of_sides(of_class, result)
    side = {"positives": positives, "negatives": negatives}.get(metric.share_of, min(positives, negatives))
    return max(side - 1.0, 1.0)


def _units_of_sides(label: Any, result: Evaluation) -> tuple[int, int]:
    """Return the numbers of images, or of groups, with and without a class. Groups may have images of several."""
    if not result.clustered:
        positives = result.per_class[label]["support"]
        return positives, result.n - positives
    with_class = {other: scores["groups"] for other, scores in result.per_class.items()}
    others = [groups for other, groups in with_class.items() if other != label]
    rest = (result.n_groups or 0) - with_class[label]
    return with_class[label], max(rest, *others) if result.task != "multilabel" else max(rest, 2)


Scale = Callable[[float, float, float], float]
"""Takes a score, a bound of its interval and a factor, and returns the bound of the interval of that many widths."""


def _compare(
    name: str,
    label: Any,
    one: Metric,
    other: Metric,
    scale: Scale,
    level: float,
    degrees: float | None,
    rho: float = 0.0,
) -> UnpairedTest:
    first, second = one.value, other.value
    if first is None or second is None:
        return UnpairedTest(name, label, first, second, None, level=level, note=one.note or other.note)
    difference = first - second
    if name in METRICS and METRICS[name].interval == "calibration":
        return UnpairedTest(name, label, first, second, difference, level=level, note=NOT_COMPARED)
    if one.interval is None or other.interval is None:
        note = "one of the scores has no interval"
        return UnpairedTest(name, label, first, second, difference, level=level, note=note)
    low, high = _interval((first, *one.interval), (second, *other.interval), rho)
    p_value = _p_value((first, *one.interval), (second, *other.interval), scale, level, degrees, rho)
    return UnpairedTest(name, label, first, second, difference, low, high, p_value, level)


Bounded = tuple[float, float, float]  # a score and the bounds of its interval


def _interval(one: Bounded, other: Bounded, rho: float = 0.0) -> tuple[float, float]:
    """Return the interval of the difference of two scores by the method of variance estimates recovery."""
    (a, a_low, a_high), (b, b_low, b_high) = one, other
    return a - b - _reach(a - a_low, b_high - b, rho), a - b + _reach(a_high - a, b - b_low, rho)


def _reach(one: float, other: float, rho: float) -> float:
    """Return how far the interval of a difference reaches from it, by the distances of the bounds of both scores."""
    return float(max(one**2 + other**2 - 2 * rho * one * other, 0.0) ** 0.5)


def _p_value(one: Bounded, other: Bounded, scale: Scale, level: float, degrees: float | None, rho: float) -> float:
    """Return the p-value of the factor of the intervals at which that of the difference ends at 0."""
    from scipy.special import stdtr, stdtrit

    if abs(one[0] - other[0]) < _ROUNDING:
        return 1.0
    if one[0] < other[0]:
        one, other = other, one

    def excludes(factor: float) -> bool:
        toward = one[0] - scale(one[0], one[1], factor), scale(other[0], other[2], factor) - other[0]
        return _reach(*toward, rho) < one[0] - other[0]

    smallest, largest = log(_NARROWEST), log(_WIDEST)
    for _ in range(_STEPS):
        middle = (smallest + largest) / 2
        smallest, largest = (middle, largest) if excludes(exp(middle)) else (smallest, middle)
    factor, share = exp(smallest), (1 + level) / 2
    if degrees is None:
        return 2 * NormalDist().cdf(-factor * NormalDist().inv_cdf(share))
    return 2 * float(stdtr(degrees, -factor * stdtrit(degrees, share)))


def _scale_of(name: str) -> Scale:
    metric = METRICS[name]
    if metric.interval == "ratio":
        return _on_log_scale
    if metric.share_of or metric.interval == "jackknife":
        return _as_wilson
    return _on_logit_scale if metric.higher_is_better and name != "mcc" else _straight


def _straight(value: float, bound: float, factor: float) -> float:
    return value + factor * (bound - value)


def _on_log_scale(value: float, bound: float, factor: float) -> float:
    if value == 0:
        return bound * factor
    return float(value * (max(bound, _SMALLEST) / value) ** factor)


def _as_wilson(value: float, bound: float, factor: float) -> float:
    """Return the bound of Wilson's interval of a share: where (value − bound)² = c bound (1 − bound)."""
    if bound in (0, 1, value):
        return bound
    c = factor**2 * (value - bound) ** 2 / (bound * (1 - bound))
    half = (c * (value * (1 - value) + c / 4)) ** 0.5
    return (value + c / 2 + (half if bound > value else -half)) / (1 + c)


def _on_logit_scale(value: float, bound: float, factor: float) -> float:
    """Return the bound of the interval of a score between 0 and 1, on the scale of log-odds."""
    if value in (0, 1):
        return _as_wilson(value, bound, factor)
    own = value / (1 - value)
    odds = own * (max(bound, _SMALLEST) / max(1 - bound, _SMALLEST) / own) ** factor
    return odds / (1 + odds)
