"""Confidence intervals from bootstrap draws, and for scores that do not vary between draws."""

from statistics import NormalDist

import numpy as np

METHODS = ("bca", "percentile")
ROUNDING = 1e-12  # equal scores may differ by this much
MIN_DEFINED = 0.9  # minimum share of draws in which the score must be defined
_NORMAL = NormalDist()

Interval = tuple[float, float]
Bounds = tuple[float | None, float | None]


def percentile(draws: np.ndarray, level: float) -> Interval | None:
    """Return the percentile interval of a score's bootstrap values (Efron and Tibshirani 1993, ch. 13).

    Its coverage is too low if the bootstrap distribution is biased or skewed, especially for scores near 1. In extreme
    cases the interval does not even contain the score.

    Parameters
    ----------
    draws : ndarray of shape (n_boot,)
        The score in each draw; NaN if it is not defined.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        The lower and upper bound. None if too few draws have a value, or if all have the same value: the interval
        would have no width and look certain.
    """
    return _between(draws, (1 - level) / 2, (1 + level) / 2)


def bca(value: float, draws: np.ndarray, level: float, acceleration: float, widening: float = 1.0) -> Interval | None:
    """Return the bias-corrected and accelerated interval (Efron 1987).

    Parameters
    ----------
    value : float
        The score on all images.
    draws : ndarray of shape (n_boot,)
        The score in each draw; NaN if it is not defined.
    level : float
        Coverage, such as 0.95.
    acceleration : float
        A sixth of the skewness of the influence of the images.
    widening : float, default=1.0
        Factor of the normal quantiles, for few images or groups.

    Returns
    -------
    tuple of float or None
        As in :func:`percentile`. Also None if all draws lie on one side of the score.
    """
    shift = bias(value, draws)
    if shift is None:
        return None
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        moved = shift + widening * _NORMAL.inv_cdf(share)
        ends.append(_NORMAL.cdf(shift + moved / max(1 - acceleration * moved, 1e-6)))
    return _between(draws, *ends)


def bias(value: float, draws: np.ndarray) -> float | None:
    """Return the bias correction: the normal quantile of the share of draws below the score; None if that is 0 or 1.

    Draws that equal the score count half, because scores of few images take few values.
    """
    share = _share_below(value, draws[~np.isnan(draws)])
    return _NORMAL.inv_cdf(share) if 0 < share < 1 else None


def calibration_error(value: float, draws: np.ndarray, level: float, calibrated: float) -> Bounds | None:
    """Return the interval of an expected calibration error, or only its upper bound.

    On few images the error is biased upwards, and in the draws once more by the same amount. Percentile and BCa
    intervals would therefore be too high, so the distribution of the draws is mirrored (the basic bootstrap; Davison
    and Hinkley 1997, section 5.2). If a calibrated model could have this error by chance, or if the bias exceeds the
    spread of the draws, there is no lower bound. The upper bound is then at least the error itself.

    Parameters
    ----------
    value, draws, level
        As in :func:`bca`.
    calibrated : float
        The largest error expected by chance from a calibrated model.

    Returns
    -------
    tuple or None
        The lower bound, or None, and the upper bound. None if there are no bounds, as in :func:`percentile`.
    """
    bounds = percentile(draws, level)
    if bounds is None:
        return None
    low, high = 2 * value - bounds[1], 2 * value - bounds[0]
    if value <= calibrated or not low < value < high:
        return None, min(1.0, max(value, high))
    return max(0.0, low), min(1.0, high)


def wilson(share: float, n: float, level: float, quantile: float | None = None) -> Interval:
    """Return the score interval of a proportion of `n` images (Wilson 1927), which has a width even at 0 and 1.

    `quantile` replaces the normal quantile of `level`.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(1.0, 12, 0.95)]
    [0.758, 1.0]
    """
    z2 = (quantile or _NORMAL.inv_cdf((1 + level) / 2)) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (share * (1 - share) / n + z2 / (4 * n**2))) ** 0.5 / (1 + z2 / n)
    # At 0 and 1 the bound is exact: rounding must not exclude the score.
    return (0.0 if share == 0 else middle - half, 1.0 if share == 1 else middle + half)


def perfect_auc(n_positive: float, n_negative: float, level: float) -> Interval:
    """Return the interval of a ROC AUC of 1 by method 5 of Newcombe (2006), Stat. Med. 25, 559–573.

    The lower bound is the area whose own interval, with the standard error of Hanley and McNeil (1982), ends at 1.

    Examples
    --------
    >>> [round(end, 3) for end in perfect_auc(10, 10, 0.95)]
    [0.8, 1.0]
    """
    z2 = _NORMAL.inv_cdf((1 + level) / 2) ** 2
    others = (n_positive + n_negative) / 2 - 1
    low, high = 0.0, 1.0
    for _ in range(60):  # bisection: the error grows with the area, the distance to 1 falls
        area = (low + high) / 2
        variance = area * (1 + others * ((1 - area) / (2 - area) + area / (1 + area))) / (n_positive * n_negative)
        low, high = (area, high) if 1 - area > z2 * variance else (low, area)
    return low, 1.0


def _between(draws: np.ndarray, low: float, high: float) -> Interval | None:
    """Return two quantiles of the draws, by the mid-distribution function (Ma, Genton and Parzen 2011).

    Equal draws are placed at the middle of their share of the distribution. A score of 100 images takes few values;
    its bounds then do not jump from one value to the next, and the coverage stays close to the nominal level.
    """
    defined = draws[~np.isnan(draws)]
    if len(defined) == 0 or len(defined) < MIN_DEFINED * len(draws):
        return None
    if np.ptp(defined) < ROUNDING:
        return None
    values, counts = np.unique(defined, return_counts=True)
    middles = (np.cumsum(counts) - counts / 2) / len(defined)
    ends = np.interp((low, high), middles, values)
    return (float(ends[0]), float(ends[1])) if ends[0] < ends[1] else None


def _share_below(value: float, draws: np.ndarray) -> float:
    if len(draws) == 0:
        return 0.0
    return float(((draws < value).mean() + (draws <= value).mean()) / 2)
