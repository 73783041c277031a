"""Intervals of likelihood ratios, which are ratios of two shares: among images of a class, and among all other images.

The positive likelihood ratio compares how often images are predicted as the class, the negative one how often they are
not. Its logarithm is closer to a normal distribution than the ratio itself, so the interval is symmetric on that scale
(Simel, Samsa and Matchar 1991, J. Clin. Epidemiol. 44, 763–770).
"""

from collections.abc import Sequence

import numpy as np

from hybrid.evaluation.groups import group_sums
from hybrid.evaluation.intervals import ROUNDING, Bounds, Interval
from hybrid.evaluation.student import bounds

Sizes = tuple[float, float]
_LARGEST = 700.0  # logarithm of a number that float64 can hold


def ratio_interval(shares: Sequence[float], sizes: Sizes, level: float) -> Bounds:
    """Return the interval of a likelihood ratio by the log method, for independent images.

    If the share is 0 or 1 on either side, the ratio or its variance would be 0 or infinite. Half an image is then added
    to each of the four counts. A ratio of 0 keeps 0 as its lower bound, and an infinite one has no upper bound.

    Parameters
    ----------
    shares : sequence of float
        The two shares: among images with and without the class.
    sizes : tuple of float
        Number of images with and without the class, or of images of a simple random sample with the same variance.
    level : float
        Coverage, such as 0.95.

    Examples
    --------
    >>> [round(bound, 2) for bound in ratio_interval((0.8, 0.1), (100, 200), 0.95)]
    [5.22, 12.26]
    """
    counts = [share * size for share, size in zip(shares, sizes, strict=True)]
    numbers = list(sizes)
    if any(share in (0, 1) for share in shares):
        counts, numbers = [count + 0.5 for count in counts], [number + 1 for number in numbers]
    error = sum(1 / count - 1 / number for count, number in zip(counts, numbers, strict=True)) ** 0.5
    middle = np.log(counts[0] / numbers[0]) - np.log(counts[1] / numbers[1])
    return open_ended(shares, bounds(float(middle), float(error), None, level))


def clustered_ratio_interval(said: np.ndarray, true: np.ndarray, groups: np.ndarray, level: float) -> Bounds:
    """Return the interval of a likelihood ratio for images in groups.

    The variance of its logarithm is that of the sums of the influence of each group's images, from images with the
    class, from images without it, and from groups that have both, as for the ROC AUC (Obuchowski 1997), with a quantile
    of Student's distribution. If the share is 0 or 1 on either side, or the same in every group, each group counts as
    one image of :func:`ratio_interval`.

    Parameters
    ----------
    said : ndarray of bool, shape (n,)
        Whether each image is predicted as the class, or for the negative likelihood ratio, whether it is not.
    true : ndarray of bool, shape (n,)
        Whether each image is of the class. There must be images with and without it.
    level : float
        Coverage, such as 0.95.
    groups : ndarray of int, shape (n,)
        The number of each image's group. Images with and without the class come from at least two groups each.
    """
    n_groups, shares, sums, sizes = int(groups.max()) + 1, [], [], []
    for side in (true, ~true):
        share = float(said[side].mean())
        deviation = (said[side] - share) / (side.sum() * (share or 1.0))
        shares.append(share)
        sums.append(group_sums(deviation, groups[side], n_groups))
        sizes.append(len(np.unique(groups[side])))
    parts = [_corrected(np.sum(own**2), size) for own, size in zip(sums, sizes, strict=True)]
    shared = _corrected(-2 * np.sum(sums[0] * sums[1]), n_groups)
    variance = sum(parts) + shared
    if any(share in (0, 1) for share in shares) or not variance > ROUNDING**2:
        return ratio_interval(shares, (sizes[0], sizes[1]), level)
    degrees = sum(parts) ** 2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    return open_ended(shares, bounds(float(np.log(shares[0] / shares[1])), variance**0.5, degrees, level))


def _corrected(squares: float, size: int) -> float:
    """Return an unbiased variance of a sum over so many groups."""
    return float(squares) * size / (size - 1)


def open_ended(shares: Sequence[float], ends: Interval) -> Bounds:
    """Return bounds of the logarithm as those of the ratio, open if a share is 0 or the bound is too large."""
    low, high = ends
    return (
        0.0 if shares[0] == 0 or low < -_LARGEST else float(np.exp(low)),
        None if shares[1] == 0 or high > _LARGEST else float(np.exp(high)),
    )
