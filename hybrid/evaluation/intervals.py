"""Confidence intervals: from bootstrap draws, and for what no draw varies."""

from statistics import NormalDist

import numpy as np

METHODS = ("bca", "percentile")
MIN_DEFINED = 0.9  # an interval needs a value in at least this share of the draws
_NORMAL = NormalDist()

Interval = tuple[float, float]


def percentile(draws: np.ndarray, level: float) -> Interval | None:
    """Return the percentile interval of a score's bootstrap values (Efron and Tibshirani 1993, ch. 13).

    Its coverage falls short where the score is biased or skewed in the draws, near 1 above all, and in extreme
    cases it does not hold the score itself.

    Parameters
    ----------
    draws : ndarray of shape (n_boot,)
        The score in each draw, NaN where it is not defined.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        Low and high; None where too few draws have a value, or where all have the same: a score of 1.0 would
        get an interval without width and look certain.
    """
    return _between(draws, (1 - level) / 2, (1 + level) / 2)


def bca(value: float, draws: np.ndarray, level: float, acceleration: float) -> Interval | None:
    """Return the bias-corrected and accelerated interval (Efron 1987), low and high as of :func:`percentile`.

    Parameters
    ----------
    value : float
        The score of the data.
    draws : ndarray of shape (n_boot,)
    level : float
    acceleration : float
        A sixth of the skewness of the images' influence.

    Returns
    -------
    tuple of float or None
        None also where all draws lie on one side of the score.
    """
    shift = bias(value, draws)
    if shift is None:
        return None
    ends = []
    for share in ((1 - level) / 2, (1 + level) / 2):
        moved = shift + _NORMAL.inv_cdf(share)
        ends.append(_NORMAL.cdf(shift + moved / max(1 - acceleration * moved, 1e-6)))
    return _between(draws, *ends)


def bias(value: float, draws: np.ndarray) -> float | None:
    """Return how many standard deviations the score lies above the middle of its draws; None where above or below all.

    Draws equal to the score count half: scores of few images take few values.
    """
    share = _share_below(value, draws[~np.isnan(draws)])
    return _NORMAL.inv_cdf(share) if 0 < share < 1 else None


def calibration_error(value: float, draws: np.ndarray, level: float, calibrated: float) -> Interval | None:
    """Return the interval of an expected calibration error.

    The error of few images is too large, and that of their draws larger by the same once more: percentile and BCa would
    lie above the truth, so the draws are mirrored (the basic bootstrap; Davison and Hinkley 1997, section 5.2). The
    low end is 0 where a calibrated model would show as much by chance.

    Parameters
    ----------
    value, draws, level
        As for :func:`bca`.
    calibrated : float
        The largest error that a calibrated model would show.
    """
    bounds = percentile(draws, level)
    if bounds is None:
        return None
    low = 0.0 if value <= calibrated else max(0.0, min(value, 2 * value - bounds[1]))
    return low, min(1.0, max(value, 2 * value - bounds[0]))


def wilson(share: float, n: float, level: float) -> Interval:
    """Return the score interval of a proportion of `n` images (Wilson 1927), which has width at 0 and 1 too.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(1.0, 12, 0.95)]
    [0.758, 1.0]
    """
    z2 = _NORMAL.inv_cdf((1 + level) / 2) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (share * (1 - share) / n + z2 / (4 * n**2))) ** 0.5 / (1 + z2 / n)
    # At 0 and 1 the end is exact; rounding must not put the score outside.
    return (0.0 if share == 0 else middle - half, 1.0 if share == 1 else middle + half)


def share_right(right: np.ndarray, strata: np.ndarray, level: float) -> Interval:
    """Return the interval of the share of images that are right, where the images of each stratum are given in number.

    Wilson's, with the number of images that, drawn from one pot, would vary as much: strata that differ vary less (Yan
    and Su 2010). Draws would say the same, but their quantiles jump from one possible share to the next.

    Parameters
    ----------
    right : ndarray of bool, shape (n,)
    strata : ndarray of int, shape (n,)
    level : float
    """
    share, (_, code, rows) = float(right.mean()), np.unique(strata, return_inverse=True, return_counts=True)
    if len(rows) == 1 or share in (0, 1):
        return wilson(share, len(right), level)
    # Half an image right and half wrong is added to each stratum: none has a variance of 0.
    each = (np.bincount(code, right) + 0.5) / (rows + 1)
    whole = np.average(each, weights=rows)
    variance = np.sum(rows * each * (1 - each) * rows / np.maximum(rows - 1, 1)) / rows.sum() ** 2
    return wilson(share, float(whole * (1 - whole) / variance), level)


def perfect_auc(n_positive: int, n_negative: int, level: float) -> Interval:
    """Return the interval of a ROC AUC of 1, by the score-like method 5 of Newcombe (2006), Stat. Med. 25, 559–573.

    The low end is the area whose standard error, as of Hanley and McNeil (1982), just reaches up to 1.

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
    """Return two quantiles of the draws, by the mid-distribution (Ma, Genton and Parzen 2011).

    Equal draws stand at the middle of their share of the distribution. For a score of 100 images, which takes few
    values, the ends then do not jump from one to the next, and the coverage stays close to what is asked for.
    """
    defined = draws[~np.isnan(draws)]
    if len(defined) == 0 or len(defined) < MIN_DEFINED * len(draws):
        return None
    values, counts = np.unique(defined, return_counts=True)
    if len(values) == 1:
        return None
    middles = (np.cumsum(counts) - counts / 2) / len(defined)
    ends = np.interp((low, high), middles, values)
    return (float(ends[0]), float(ends[1])) if ends[0] < ends[1] else None


def _share_below(value: float, draws: np.ndarray) -> float:
    if len(draws) == 0:
        return 0.0
    return float(((draws < value).mean() + (draws <= value).mean()) / 2)
