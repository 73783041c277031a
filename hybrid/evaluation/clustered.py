"""Intervals and tests for images that come in groups, such as several images of each patient.

Images of one group resemble each other, so n images in groups tell less than n independent images. Everything here
measures how much the groups vary, not the images, and uses Student's distribution, because there may be few groups.
If every group has one image, the usual methods apply, and nothing here is used.
"""

from statistics import NormalDist

import numpy as np

from hybrid.evaluation import intervals
from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.delong import ClusteredAreas, components
from hybrid.evaluation.differences import ROUNDING, Difference, without_spread
from hybrid.evaluation.groups import group_sums
from hybrid.evaluation.independent import normal_variance
from hybrid.evaluation.intervals import Interval
from hybrid.evaluation.student import two_sided


def share_interval(correct: np.ndarray, groups: np.ndarray, strata: np.ndarray, level: float) -> Interval | None:
    """Return the interval of the share of correct images.

    It is Wilson's interval for the number of independent images whose share would have the same variance, with a
    quantile of Student's distribution. The variance is that of a ratio of two sums over the groups (Cochran 1977,
    section 6.3), within each stratum. If the share is 0 or 1, each group counts as one image.

    Parameters
    ----------
    correct : ndarray of bool, shape (n,)
        Whether each image is predicted correctly.
    groups : ndarray of int, shape (n,)
        The number of each image's group.
    strata : ndarray of int, shape (n_groups,)
        The stratum of each group; groups without images here are ignored.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        The lower and upper bound; None if all images are of one group.
    """
    from scipy.stats import t

    images = np.bincount(groups, minlength=len(strata))
    used = images > 0
    n_groups, share = int(used.sum()), float(correct.mean())
    if n_groups < 2:
        return None
    if share in (0, 1):
        return intervals.wilson(share, n_groups, level)
    deviation = group_sums(correct - share, groups, len(strata))[used]
    _, code, rows = np.unique(strata[used], return_inverse=True, return_counts=True)
    within = deviation - (np.bincount(code, deviation) / rows)[code]
    squares, rows = np.bincount(code, within**2)[rows > 1], rows[rows > 1]
    variances = squares * rows / (rows - 1) / len(correct) ** 2
    variance = variances.sum()
    if not variance > ROUNDING**2:  # every group has the same share
        return intervals.wilson(share, n_groups, level)
    degrees = variance**2 / np.sum(variances**2 / (rows - 1))
    quantile = float(t.ppf((1 + level) / 2, degrees))
    return intervals.wilson(share, float(share * (1 - share) / variance), level, quantile)


def area_interval(truth: np.ndarray, scores: np.ndarray, groups: np.ndarray, level: float) -> Interval | None:
    """Return the interval of a ROC AUC on the scale of log-odds, with Obuchowski's variance (1997).

    The quantiles are Student's. With few groups of a class the variance is often much too small, so the variance that
    two normal classes with this area have is averaged in with the weight of one group of each class.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Whether each image is of the class.
    scores : ndarray of shape (n,)
        The score of each image; higher means the class.
    groups : ndarray of int, shape (n,)
        The number of each image's group.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        None if the area is 0 or 1, if its variance is 0, or if all images with or without the class are of one group.
    """
    from scipy.stats import t

    areas = ClusteredAreas.from_scores(truth, scores[None], groups)
    area = float(areas.area[0])
    if not areas.covariance[0, 0] > ROUNDING**2 or area in (0, 1):
        return None
    sides = [
        (part[0] - area, groups[rows])
        for rows, part in zip((truth, ~truth), components(truth, scores[None]), strict=True)
    ]
    images = np.array([len(deviation) for deviation, _ in sides])
    n_groups = np.array([len(np.unique(group)) for _, group in sides])
    of_images = np.array([np.sum(deviation**2) for deviation, _ in sides])
    of_groups = np.array([np.sum(np.bincount(group, deviation) ** 2) for deviation, group in sides])
    alike = max(1.0, of_groups.sum() / of_images.sum())  # 1 if the images of a group do not resemble each other
    spread = (of_groups + alike * normal_variance(area) * images / n_groups) / images**2
    degrees = spread.sum() ** 2 / np.sum(spread**2 / (n_groups - 1))
    variance = float(spread.sum() + areas.shared[0, 0])
    if not variance > ROUNDING**2:
        return None
    return _on_logit_scale(area, variance**0.5 / (area * (1 - area)), float(t.ppf((1 + level) / 2, degrees)))


def score_interval(
    value: float, drawn: np.ndarray, without: np.ndarray, blocks: JackknifeBlocks, level: float
) -> Interval | None:
    """Return the interval of a score between 0 and 1 from draws of groups, symmetric on the logit scale.

    The standard deviation of the draws is corrected for the number of groups. Quantiles of the draws would be too
    narrow for few groups.

    Parameters
    ----------
    value : float
        The score on all images.
    drawn : ndarray of shape (n_boot,)
        The score in each draw; NaN if it is not defined.
    without : ndarray of shape (n_blocks,)
        The score without each jackknife block.
    blocks : JackknifeBlocks
        The jackknife blocks, which are made of whole groups.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        None if the score is 0 or 1, if too few draws have a value, or if all have the same value.
    """
    from scipy.stats import t

    defined = drawn[~np.isnan(drawn)]
    if not 0 < value < 1 or len(defined) < max(2, intervals.MIN_DEFINED * len(drawn)) or np.ptp(defined) < ROUNDING:
        return None
    inside = defined.min() > 0 and defined.max() < 1
    spread = np.std(_logit(defined)) if inside else np.std(defined) / (value * (1 - value))
    _, factor, degrees = map(float, blocks.variance(value, without))
    return _on_logit_scale(value, float(factor**0.5 * spread), float(t.ppf((1 + level) / 2, degrees)))


def widening(value: float, without: np.ndarray, blocks: JackknifeBlocks, level: float) -> float:
    """Return the factor by which normal quantiles are too small for this number of groups (Hesterberg 2015)."""
    from scipy.stats import t

    _, factor, degrees = map(float, blocks.variance(value, without))
    share = (1 + level) / 2
    return float(factor**0.5 * t.ppf(share, degrees) / NormalDist().inv_cdf(share))


def clustered_mcnemar(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> float:
    """Return the p-value of McNemar's exact test for groups.

    In each group, the images that only the first model predicts correctly are counted, minus those that only the second
    one does. If the models are equally good, each of these differences might as well have the other sign. The p-value
    is the share of all assignments of signs whose sum is at least as far from 0. The statistic is that of Durkalski,
    Palesch, Lipsitz and Rust (2003), with the images as weights; instead of a chi-squared approximation, which rejects
    too often with few groups, its exact distribution is used. If every group has one image, this is McNemar's exact
    test.

    Parameters
    ----------
    first, second : ndarray of bool, shape (n,)
        Whether each model predicts each image correctly.
    groups : ndarray of int, shape (n,)
        The number of each image's group.

    Examples
    --------
    >>> right, wrong = np.ones(10, bool), np.zeros(10, bool)
    >>> of_two, alone = np.repeat([0, 1, 2, 3, 4], 2), np.arange(10)
    >>> [round(clustered_mcnemar(right, wrong, groups), 6) for groups in (of_two, alone)]
    [0.0625, 0.001953]
    """
    from scipy.special import gammaln

    differences = np.bincount(groups, first.astype(float) - second).astype(int)
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    chance = np.ones(1)  # of each number of images in the groups with a positive sign
    for size, count in zip(sizes, counts, strict=True):
        term = np.zeros(size * count + 1)
        positive = np.arange(count + 1)
        logarithm = gammaln(count + 1) - gammaln(positive + 1) - gammaln(count - positive + 1)
        term[::size] = np.exp(logarithm - count * np.log(2))
        chance = np.convolve(chance, term)
    total = len(chance) - 1
    sums = 2 * np.arange(total + 1) - total
    return float(min(1.0, chance[np.abs(sums) >= abs(differences.sum())].sum()))


def clustered_delong(areas: ClusteredAreas, pairs: list[tuple[int, int]]) -> list[Difference]:
    """Return the difference of the ROC AUC of each pair of models, by DeLong's test for groups (Obuchowski 1997)."""
    differences = []
    for i, j in pairs:
        value = float(areas.area[i] - areas.area[j])
        contrast = np.zeros(len(areas.area))
        contrast[i], contrast[j] = 1, -1
        variance, degrees = areas.contrast(contrast)
        if not variance > ROUNDING**2:
            differences.append(without_spread(value))
            continue
        error = variance**0.5
        differences.append(Difference(value, error, degrees, two_sided(value, error, degrees)))
    return differences


def _on_logit_scale(value: float, error: float, quantile: float) -> Interval:
    from scipy.special import expit

    middle = np.log(value / (1 - value))
    low, high = (float(expit(middle + sign * quantile * error)) for sign in (-1, 1))
    return low, high


def _logit(share: np.ndarray) -> np.ndarray:
    return np.log(share / (1 - share))
