"""Confidence intervals of shares of images, of the ROC AUC and of averaged scores, for independent images."""

from collections.abc import Callable

import numpy as np

from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.intervals import MIN_DEFINED, ROUNDING, Interval, wilson
from hybrid.evaluation.student import bounds

Rows = np.ndarray
Choice = Callable[[Rows, Rows], Rows]

# Which images count in a share, and which of them count as right, from true and predicted labels of a class.
SHARES: dict[str, tuple[Choice, Choice]] = {
    "images": (lambda true, predicted: np.ones_like(true), lambda true, predicted: true == predicted),
    "positives": (lambda true, predicted: true, lambda true, predicted: true & predicted),
    "negatives": (lambda true, predicted: ~true, lambda true, predicted: ~true & ~predicted),
    "predicted": (lambda true, predicted: predicted, lambda true, predicted: true & predicted),
    "not_predicted": (lambda true, predicted: ~predicted, lambda true, predicted: ~true & ~predicted),
    "either": (lambda true, predicted: true | predicted, lambda true, predicted: true & predicted),
}


def share_interval(share_of: str, true: Rows, predicted: Rows, strata: np.ndarray, level: float) -> Interval | None:
    """Return the interval of a share of images, such as recall or precision, in a stratified sample.

    It is Wilson's interval for the number of images whose share would have the same variance in a simple random sample;
    strata that differ change the variance (Yan and Su 2010). Bootstrap draws have the same variance, but their
    quantiles jump from one possible share to the next.

    Parameters
    ----------
    share_of : str
        A key of `SHARES`: among which images.
    true, predicted : ndarray of bool, shape (n,)
        Whether each image is of the class, and whether it is predicted as the class.
    strata : ndarray of int, shape (n,)
        The stratum of each image. All images of a stratum have the same value of `true`, or there is one stratum.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        None if there are no such images.
    """
    counts, right = (chosen(true, predicted) for chosen in SHARES[share_of])
    if not counts.any():
        return None
    share, images = float(right.sum() / counts.sum()), int(counts.sum())
    if 0 < share < 1:
        return wilson(share, effective_images(share_of, true, predicted, strata) or images, level)
    return wilson(share, images, level)


def effective_images(share_of: str, true: Rows, predicted: Rows, strata: np.ndarray) -> float | None:
    """Return the size of a simple random sample whose share has the same variance; None if one stratum decides it."""
    _, first, code, rows = np.unique(strata, return_index=True, return_inverse=True, return_counts=True)
    if len(rows) == 1:
        return None
    # Half an image of each outcome is added to each stratum, so that no variance is 0.
    predicted_share = (np.bincount(code, predicted) + 0.5) / (rows + 1)
    counted, right = (
        np.array([chosen(true[first], np.full(len(rows), outcome)) for outcome in (True, False)], dtype=float)
        for chosen in SHARES[share_of]
    )
    outcomes = np.array([predicted_share, 1 - predicted_share])
    total = np.sum(rows * outcomes * counted)
    share = np.sum(rows * outcomes * right) / total
    # How much an image changes the share if it is predicted as the class instead of not.
    change = np.subtract(*(right - share * counted))
    if np.count_nonzero(change) < 2:
        return None
    variance = np.sum(rows**2 / np.maximum(rows - 1, 1) * outcomes.prod(axis=0) * change**2) / total**2
    return float(share * (1 - share) / variance)


def area_interval(true: Rows, scores: np.ndarray, level: float) -> Interval | None:
    """Return the interval of a ROC AUC: DeLong's variance (1988) on the scale of log-odds, with Student's quantiles.

    With few images of a class, DeLong's variance is often much too small, so the variance that two normal classes with
    this area have is averaged in with the weight of two images of each class.

    Parameters
    ----------
    true : ndarray of bool, shape (n,)
        Whether each image is of the class.
    scores : ndarray of shape (n,)
        The score of each image; higher means the class.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        None if the area is 0 or 1, if all scores are equal, or if there are fewer than two images with or without the
        class.
    """
    sides = scores[true], scores[~true]
    if min(map(len, sides)) < 2:
        return None
    parts = [_placements(*sides), _placements(*sides[::-1])]
    area = float(parts[0].mean())
    if area in (0, 1) or all(np.ptp(part) == 0 for part in parts):
        return None
    from scipy.special import expit, logit

    normal = normal_variance(area)
    spread = [(np.sum((part - part.mean()) ** 2) + 2 * normal) / len(part) / (len(part) + 1) for part in parts]
    degrees = sum(spread) ** 2 / sum(own**2 / (len(part) - 1) for own, part in zip(spread, parts, strict=True))
    ends = bounds(float(logit(area)), float(sum(spread) ** 0.5 / (area * (1 - area))), float(degrees), level)
    return float(expit(ends[0])), float(expit(ends[1]))


def normal_variance(area: float) -> float:
    """Return the variance of the placements of one class in the other, if both are normal with this ROC AUC."""
    from scipy.special import ndtri, owens_t

    return float(area - 2 * owens_t(ndtri(area), 3**-0.5) - area**2)


def _placements(side: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the share of the other side that each score of a side exceeds; ties count half."""
    ordered = np.sort(other)
    return (np.searchsorted(ordered, side, "left") + np.searchsorted(ordered, side, "right")) / (2 * len(other))


def score_interval(
    value: float, drawn: np.ndarray, without: np.ndarray, blocks: JackknifeBlocks, positives: np.ndarray, level: float
) -> Interval | None:
    """Return the interval of a score between 0 and 1 by Wilson's formula, with the jackknife's variance.

    Parameters
    ----------
    value : float
        The score on all images.
    drawn : ndarray of shape (n_boot,)
        The score in each bootstrap draw. There is no interval if too few draws have a value.
    without : ndarray of shape (n_blocks,)
        The score without each jackknife block.
    blocks : JackknifeBlocks
        The jackknife blocks.
    positives : ndarray of int, shape (k,)
        Number of images of each class that the score is a mean over. With few images the jackknife's variance is
        often too small, so the variance of a share is added, divided by this number.
    level : float
        Coverage, such as 0.95.
    """
    from scipy.special import stdtrit

    if not 0 < value < 1 or np.isnan(drawn).mean() > 1 - MIN_DEFINED:
        return None
    variance, _, degrees = map(float, blocks.variance(value, without))
    if not variance > ROUNDING**2:
        return None
    added = float(np.sum(1.0 / positives**2)) / len(positives) ** 2
    size = 1 / (variance / (value * (1 - value)) + added)
    return wilson(value, size, level, float(stdtrit(degrees, (1 + level) / 2)))
