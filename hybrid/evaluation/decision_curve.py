"""Decision curves: the net benefit of acting on a model's probabilities, against acting on all images or on none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from hybrid.errors import InputError
from hybrid.evaluation.labels import log_odds
from hybrid.evaluation.one_class import OneClass, one_class
from hybrid.evaluation.share_difference import Share, difference_interval

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = tuple(np.round(np.arange(0.01, 1, 0.01), 2).tolist())


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """The net benefit of a model at each threshold probability, with intervals.

    Attributes
    ----------
    positive : object
        The class on which one would act, such as the disease that is treated.
    prevalence : float
        The share of this class that the net benefit refers to.
    named : bool
        Whether the prevalence was named. Otherwise it is that of the test images.
    n : int
        Number of images.
    n_groups : int or None
        Number of groups, such as patients, if a group has several images.
    level : float
        Coverage of the intervals.
    thresholds : ndarray of float64, shape (m,)
        Threshold probabilities.
    net_benefit, low, high : ndarray of float64, shape (m,)
        Net benefit of the model, in true positives per image, and the bounds of its interval; NaN if it has none.
    treat_all : ndarray of float64, shape (m,)
        Net benefit of acting on all images. That of acting on none is 0.
    gain, gain_low, gain_high : ndarray of float64, shape (m,)
        By how much the model's net benefit is higher than that of acting on all images, with its interval.
    """

    positive: Any
    prevalence: float
    named: bool
    n: int
    n_groups: int | None
    level: float
    thresholds: np.ndarray
    net_benefit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    treat_all: np.ndarray
    gain: np.ndarray
    gain_low: np.ndarray
    gain_high: np.ndarray

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """The ranges of threshold probabilities at which the model has a higher net benefit than all and none."""
        return _ranges(self.thresholds, (self.net_benefit > 0) & (self.gain > 0))

    @property
    def certain_ranges(self) -> list[tuple[float, float]]:
        """The ranges at which both advantages exceed chance: the intervals lie above 0."""
        return _ranges(self.thresholds, (self.low > 0) & (self.gain_low > 0))

    def sentences(self, name: str = "the model") -> list[str]:
        """Return in words where acting on the model's predictions is worth more than all or none, and how surely."""
        worth = _widest(self.ranges)
        if worth is None:
            first, last = self.thresholds[[0, -1]]
            return [
                f"At no threshold probability from {_short(first)} to {_short(last)} does {name} have a higher net "
                "benefit than treating all or none."
            ]
        first_sentence = f"{_spoken(worth)} {name} has a higher net benefit than treating all or none."
        intervals = f"{self.level:.0%} intervals"
        certain = _widest([ends for ends in self.certain_ranges if worth[0] <= ends[0] and ends[1] <= worth[1]])
        if certain is None:
            return [first_sentence, f"Nowhere there do both {intervals} exclude that this is chance."]
        where = "" if certain == worth else f" {_spoken(certain).lower()}"
        return [first_sentence, f"The {intervals} exclude that this is chance{where}."]

    def __str__(self) -> str:
        return " ".join(self.sentences())

    def at(self, threshold: float) -> dict[str, float]:
        """Return the values at one of the threshold probabilities, as in :meth:`table`."""
        row = int(np.argmin(np.abs(self.thresholds - threshold)))
        if not np.isclose(self.thresholds[row], threshold):
            raise InputError(f"The decision curve has no threshold probability {threshold:g}: give it as thresholds.")
        return {name: float(values[row]) for name, values in self._columns().items()}

    def _columns(self) -> dict[str, np.ndarray]:
        names = ("net_benefit", "low", "high", "treat_all", "gain", "gain_low", "gain_high")
        return {"threshold": self.thresholds} | {name: getattr(self, name) for name in names}

    def table(self) -> "pd.DataFrame":
        """Return one row for each threshold probability."""
        import pandas as pd

        return pd.DataFrame(self._columns())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; None for bounds that are not defined."""
        fields = ("positive", "prevalence", "named", "n", "n_groups", "level")
        values = {
            name: [None if np.isnan(value) else value for value in column.tolist()]
            for name, column in self._columns().items()
        }
        ranges = {"ranges": self.ranges, "certain_ranges": self.certain_ranges}
        return {name: getattr(self, name) for name in fields} | values | ranges


def decision_curve(
    y_true: Any,
    proba: Any,
    classes: Sequence | None = None,
    *,
    pos_label: Any = None,
    groups: Any = None,
    thresholds: Sequence[float] | None = None,
    prevalence: float | None = None,
    proba_prevalence: float | None = None,
    level: float = 0.95,
    fixed_classes: bool = True,
) -> DecisionCurve:
    """Return the net benefit of a model over threshold probabilities.

    A threshold probability says from which probability of the disease on one would treat, and thereby how many
    treatments in vain one treatment that is needed is worth: at .10, nine. The net benefit counts the treated images
    with the disease, minus those without it weighted by these odds, per image [1]_. A model is worth using at a
    threshold probability if its net benefit is higher than that of treating all images and of treating none. This
    needs calibrated probabilities, and a share of the disease as in the population in which the model would be used.

    Parameters
    ----------
    y_true, proba, classes
        As in :func:`hybrid.evaluate`. Probabilities are needed.
    pos_label : object, optional
        The class or label on which one would act. By default the second class of two; for more classes, and for several
        labels, it must be named, and is taken against the rest.
    groups : array-like of shape (n,), optional
        Group of each image, such as its patient.
    thresholds : sequence of float, optional
        Threshold probabilities above 0 and below 1. By default .01, .02, …, .99.
    prevalence : float, optional
        Share of the class in the population. By default that of the images.
    proba_prevalence : float, optional
        The share of the class that the probabilities refer to, such as that of the training images. If a `prevalence`
        is given as well, the probabilities are converted to it by Bayes' rule. By default they are used as they are.
    level : float, default=0.95
        Coverage of the intervals.
    fixed_classes : bool, default=True
        Whether intervals hold for images with the same share of each class, as in :func:`hybrid.evaluate`. With a
        `prevalence` they hold for this one.

    Returns
    -------
    DecisionCurve

    Raises
    ------
    InputError
        If the input is not valid, the class is not named, or there are no images with or without the class.

    Notes
    -----
    The net benefit is a difference of two weighted shares of images. Its interval joins Wilson's intervals of these
    shares [2]_, with a design effect and Student's distribution for images in groups, and with the correlation of the
    shares where both vary together.

    References
    ----------
    .. [1] Vickers, A. J. and Elkin, E. B. "Decision curve analysis: a novel method for evaluating prediction models."
       Medical Decision Making 26, 565–574, 2006.
    .. [2] Zou, G. Y. and Donner, A. "Construction of confidence limits about effect measures." Statistics in Medicine
       27, 1693–1702, 2008.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 3, 2000)
    >>> curve = decision_curve(rng.random(2000) < p, p, [False, True], thresholds=[0.1, 0.2, 0.3])
    >>> curve.net_benefit.round(3).tolist(), curve.treat_all.round(3).tolist()
    ([0.193, 0.139, 0.098], [0.178, 0.075, -0.057])
    """
    one = one_class(y_true, proba, classes, None, pos_label, groups, fixed_classes, "A decision curve")
    if one.proba is None:
        raise InputError(
            "A decision curve needs probabilities, but only predicted labels were given: give predict_proba."
        )
    if one.truth.all() or not one.truth.any():
        raise InputError(f"A decision curve needs images with and without {one.name!r}; there are no such images.")
    for name, value in (("prevalence", prevalence), ("proba_prevalence", proba_prevalence)):
        if value is not None:
            check_share(name, value)
    steps = np.asarray(THRESHOLDS if thresholds is None else thresholds, np.float64).ravel()
    if not len(steps) or not ((steps > 0) & (steps < 1)).all():
        raise InputError("Threshold probabilities must lie above 0 and below 1.")
    scores = one.proba
    if prevalence is not None and proba_prevalence is not None:
        scores = shifted(scores, proba_prevalence, prevalence)
    net_benefit, low, high, gain, gain_low, gain_high = np.array(
        [_at(one, scores, step, prevalence, level) for step in steps]
    ).T
    share = float(one.truth.mean()) if prevalence is None else prevalence
    return DecisionCurve(
        positive=one.name,
        prevalence=share,
        named=prevalence is not None,
        n=len(one.truth),
        n_groups=None if one.groups is None else int(one.groups.max()) + 1,
        level=level,
        thresholds=steps,
        net_benefit=net_benefit,
        low=low,
        high=high,
        treat_all=share - (1 - share) * steps / (1 - steps),
        gain=gain,
        gain_low=gain_low,
        gain_high=gain_high,
    )


def shifted(proba: np.ndarray, of: float, to: float) -> np.ndarray:
    """Return probabilities that refer to one share of the class as those that refer to another, by Bayes' rule.

    Examples
    --------
    >>> shifted(np.array([0.5, 0.9]), 0.5, 0.1).round(3).tolist()
    [0.1, 0.5]
    """
    return expit(log_odds(proba) + logit(to) - logit(of))


def check_share(name: str, value: float) -> None:
    """Raise `InputError` unless the value is a share above 0 and below 1."""
    if not 0 < value < 1:
        raise InputError(f"{name}={value!r} was given; expected a share above 0 and below 1, such as 0.05.")


def _at(one: OneClass, scores: np.ndarray, threshold: float, prevalence: float | None, level: float) -> list[float]:
    """Return net benefit and gain over treating all at one threshold, each with its bounds."""
    treated, odds = scores >= threshold, threshold / (1 - threshold)
    if prevalence is None and not one.fixed:  # shares of all images
        everything = np.ones_like(one.truth)
        sides, weights = (everything, everything), (1.0, odds)
    else:  # shares of the images with and without the class
        share = float(one.truth.mean()) if prevalence is None else prevalence
        sides, weights = (one.truth, ~one.truth), (share, (1 - share) * odds)
    hits, alarms = Share(treated & one.truth, sides[0], weights[0]), Share(treated & ~one.truth, sides[1], weights[1])
    misses, spared = (
        Share(~treated & one.truth, sides[0], weights[0]),
        Share(~treated & ~one.truth, sides[1], weights[1]),
    )
    return [
        *difference_interval(hits, alarms, one.groups, one.strata, level),
        *difference_interval(spared, misses, one.groups, one.strata, level),
    ]


def _ranges(thresholds: np.ndarray, chosen: np.ndarray) -> list[tuple[float, float]]:
    """Return the first and last threshold of each run of chosen thresholds."""
    edges = np.flatnonzero(np.diff(np.r_[False, chosen, False].astype(int)))
    return [(float(thresholds[first]), float(thresholds[last - 1])) for first, last in edges.reshape(-1, 2)]


def _widest(ranges: list[tuple[float, float]]) -> tuple[float, float] | None:
    return max(ranges, key=lambda ends: ends[1] - ends[0], default=None)


def _spoken(ends: tuple[float, float]) -> str:
    low, high = map(_short, ends)
    if low == high:
        return f"At a threshold probability of {low}"
    return f"Between threshold probabilities of {low} and {high}"


def _short(probability: float) -> str:
    return f"{probability:.2f}".removeprefix("0")
