"""Intervals for images that count differently, with one group per image or with several images of each group.

The variance of a weighted score follows from the deviation of each image, multiplied by its weight. With a few large
weights the sum of their squares is often much too small: if the only mistakes are images of little weight, the score
looks nearly certain. It is therefore averaged with the sum that is expected if deviations do not depend on the weights.
Student's degrees of freedom are those of Kish's effective number of images.
``benchmarks/interval_coverage.py --weighted`` simulates how often these intervals hold.
"""

import numpy as np

from hybrid.evaluation.groups import group_sums
from hybrid.evaluation.independent import normal_variance
from hybrid.evaluation.intervals import ROUNDING, Bounds, Interval, wilson
from hybrid.evaluation.likelihood_ratios import open_ended, ratio_interval
from hybrid.evaluation.sample_weights import degrees_by_stratum, size_of, variance_by_stratum
from hybrid.evaluation.student import bounds


def share_interval(
    counted: np.ndarray,
    right: np.ndarray,
    groups: np.ndarray,
    strata: np.ndarray,
    weights: np.ndarray,
    level: float,
) -> Interval | None:
    """Return the interval of a weighted share: Wilson's, for the number of images that would have the same variance.

    Parameters
    ----------
    counted, right : ndarray of bool, shape (n,)
        Among which images the share is taken, and which of these are right.
    groups : ndarray of int, shape (n,)
        The number of each image's group, or of the image.
    strata : ndarray of int, shape (n_groups,)
        The stratum of each group.
    weights : ndarray of shape (n,)
        The weight of each image, as whole numbers.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        The lower and upper bound. None if the share is taken among the images of a single group.
    """
    from scipy.special import stdtrit

    if len(np.unique(groups[counted])) < 2:
        return None
    total, size = weights[counted].sum(), size_of(groups[counted], weights[counted])
    share = float(weights[right].sum() / total)
    if share in (0, 1):
        return wilson(share, size, level)
    # Images that do not count have no deviation. They matter if the number of images that do is fixed with theirs.
    rows = np.isin(strata[groups], strata[groups[counted]]) if np.ptp(strata) else counted
    code, own = np.unique(groups[rows], return_inverse=True)
    sums = np.bincount(own, (weights * (right - share * counted))[rows])
    stratum = strata[code]
    variances = variance_by_stratum(sums, np.bincount(own, weights[rows]), stratum) / total**2
    degrees = degrees_by_stratum(np.bincount(own, (weights * counted)[rows]), stratum)
    variance = float(variances.sum())
    if not variance > ROUNDING**2:  # every group has the same share
        return wilson(share, size, level)
    quantile = stdtrit(variance**2 / np.sum(variances**2 / degrees), (1 + level) / 2)
    return wilson(share, share * (1 - share) / variance, level, float(quantile))


def area_interval(
    truth: np.ndarray, scores: np.ndarray, groups: np.ndarray, weights: np.ndarray, level: float
) -> Interval | None:
    """Return the interval of a weighted ROC AUC on the scale of log-odds, with the variance of Obuchowski (1997).

    With few images of a class the variance is often much too small, so the variance that two normal classes with this
    area have is averaged in with the weight of one group of each class.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Whether each image is of the class.
    scores : ndarray of shape (n,)
        The score of each image; higher means the class.
    groups, weights, level
        As in :func:`share_interval`.

    Returns
    -------
    tuple of float or None
        None if the area is 0 or 1, if its variance is 0, or if all images with or without the class are of one group.
    """
    from scipy.special import expit, logit

    n_groups, sides = int(groups.max()) + 1, (truth, ~truth)
    if min(len(np.unique(groups[side])) for side in sides) < 2:
        return None
    of_truth, of_rest = (
        _share_below(scores[side], scores[other], weights[other]) for side, other in (sides, sides[::-1])
    )
    area = float(np.average(of_truth, weights=weights[truth]))
    sums, spread, degrees = [], [], []
    for side, right in zip(sides, (of_truth, 1 - of_rest), strict=True):
        own, group = weights[side], groups[side]
        deviation = own * (right - area)
        of_group = group_sums(deviation, group, n_groups)
        alike = max(1.0, float(np.sum(of_group**2) / max(np.sum(deviation**2), ROUNDING)))  # 1 for independent images
        normal = alike * normal_variance(area) * np.sum(own**2) / len(np.unique(group))
        variance, freedom = _variance_of_sum(deviation, group, own)
        sums.append(of_group / own.sum())
        spread.append((variance + normal) / own.sum() ** 2)
        degrees.append(freedom)
    shared = 2 * float(sums[0] @ sums[1]) * n_groups / (n_groups - 1)  # of groups with images of both sides
    variance = sum(spread) + shared
    if not 0 < area < 1 or not variance > ROUNDING**2:
        return None
    freedom = sum(spread) ** 2 / sum(own**2 / of_side for own, of_side in zip(spread, degrees, strict=True))
    ends = bounds(float(logit(area)), variance**0.5 / (area * (1 - area)), freedom, level)
    return float(expit(ends[0])), float(expit(ends[1]))


def likelihood_ratio_interval(
    said: np.ndarray, truth: np.ndarray, groups: np.ndarray, weights: np.ndarray, level: float
) -> Bounds:
    """Return the interval of a weighted likelihood ratio, symmetric on the scale of logarithms.

    If the share is 0 or 1 on either side, it is that of :func:`~hybrid.evaluation.likelihood_ratios.ratio_interval` for
    the effective numbers of groups, extended to the ratio itself if the only mistakes have little weight.

    Parameters
    ----------
    said : ndarray of bool, shape (n,)
        Whether each image is predicted as the class, or for the negative likelihood ratio, whether it is not.
    truth, groups, weights, level
        As in :func:`area_interval`. Images with and without the class come from at least two groups each.
    """
    n_groups, shares, sums, spread, degrees = int(groups.max()) + 1, [], [], [], []
    for side in (truth, ~truth):
        own, group = weights[side], groups[side]
        share = float(weights[side & said].sum() / own.sum())
        deviation = own * (said[side] - share) / (own.sum() * (share or 1.0))
        variance, freedom = _variance_of_sum(deviation, group, own)
        shares.append(share)
        sums.append(group_sums(deviation, group, n_groups))
        spread.append(variance)
        degrees.append(freedom)
    variance = sum(spread) - 2 * float(sums[0] @ sums[1]) * n_groups / (n_groups - 1)
    if any(share in (0, 1) for share in shares) or not variance > ROUNDING**2:
        sizes = [size_of(groups[side], weights[side]) for side in (truth, ~truth)]
        low, high = ratio_interval(shares, (sizes[0], sizes[1]), level)
        ratio = shares[0] / shares[1] if shares[1] else np.inf
        return min(low or 0.0, ratio), None if high is None else max(high, ratio)
    freedom = sum(spread) ** 2 / sum(own**2 / of_side for own, of_side in zip(spread, degrees, strict=True))
    return open_ended(shares, bounds(float(np.log(shares[0] / shares[1])), variance**0.5, freedom, level))


def _variance_of_sum(deviation: np.ndarray, groups: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return the variance of a sum of weighted deviations of images in groups, and its degrees of freedom."""
    own = np.unique(groups, return_inverse=True)[1]
    sums, of_group = np.bincount(own, deviation), np.bincount(own, weights)
    one_stratum = np.zeros(len(sums), dtype=np.intp)
    variance, degrees = variance_by_stratum(sums, of_group, one_stratum), degrees_by_stratum(of_group, one_stratum)
    return float(variance[0]), float(degrees[0])


def _share_below(scores: np.ndarray, others: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of the weight of other images that each score exceeds; ties count half."""
    order = np.argsort(others, kind="stable")
    ordered, below = others[order], np.append(0.0, np.cumsum(weights[order]))
    ends = [below[np.searchsorted(ordered, scores, side)] for side in ("left", "right")]
    return (ends[0] + ends[1]) / (2 * below[-1])
