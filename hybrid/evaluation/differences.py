"""Differences between two models on the same images: intervals and p-values by McNemar, DeLong and bootstrap."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.delong import delong
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.intervals import MIN_DEFINED
from hybrid.evaluation.metrics import METRICS

ROUNDING = 1e-12  # equal differences may differ by this much


@dataclass(frozen=True)
class Difference:
    """A difference with its interval and two-sided p-value; None for values that cannot be computed."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def correct_images(problem: CheckedInput, metric: str) -> np.ndarray | None:
    """Return which images the model predicts correctly, for a metric that McNemar's test applies to; otherwise None.

    For sensitivity these are only the positive images, for specificity only the negative ones.
    """
    if METRICS[metric].paired_test != "McNemar":
        return None
    agree = (problem.truth == problem.predicted).all(axis=1)
    if METRICS[metric].share_of == "images":
        return agree
    positive = problem.truth[:, problem.classes.index(problem.positive)]
    return agree[positive if METRICS[metric].share_of == "positives" else ~positive]


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p-value of McNemar's exact test: a binomial test on the images that only one model predicts correctly.

    Parameters
    ----------
    first, second : ndarray of bool, shape (n,)
        Whether each model predicts each image correctly.
    """
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return float(binomtest(only_first, only_first + only_second).pvalue) if only_first + only_second else 1.0


def delong_differences(
    truth: np.ndarray, scores: np.ndarray, pairs: list[tuple[int, int]], level: float
) -> list[Difference]:
    """Return the difference of the ROC AUC of each pair of models, by DeLong's test.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Whether each image is positive.
    scores : ndarray of shape (n_models, n)
        The scores of each model; higher means positive.
    pairs : list of (int, int)
        The rows of `scores` to compare.
    level : float
        Coverage of the intervals.
    """
    if truth.all() or not truth.any():
        return [Difference(None)] * len(pairs)
    area, covariance = delong(truth, scores)
    normal = NormalDist()
    differences = []
    for i, j in pairs:
        value = float(area[i] - area[j])
        variance = float(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
        if not variance > ROUNDING**2:
            differences.append(_without_spread(value))
            continue
        half = normal.inv_cdf((1 + level) / 2) * variance**0.5
        differences.append(Difference(value, value - half, value + half, 2 * normal.cdf(-abs(value) / variance**0.5)))
    return differences


def bootstrap_difference(
    value: float, drawn: np.ndarray, without: np.ndarray, blocks: JackknifeBlocks, level: float
) -> Difference:
    """Return a difference with its interval and p-value by the paired bootstrap.

    The p-value is the share of draws that are at least as far from the difference as the difference is from 0. The
    symmetric interval contains the values that this test does not reject (Hall 1988). With few images the draws vary
    too little, so their distances are widened by a correction of their variance and by Student's distribution
    (Hesterberg 2015).

    Parameters
    ----------
    value : float
        The difference on all images; NaN if it is not defined.
    drawn : ndarray of shape (n_boot,)
        The difference in each draw.
    without : ndarray of shape (n_blocks,)
        The difference without each jackknife block.
    blocks : JackknifeBlocks
        The jackknife blocks.
    level : float
        Coverage of the interval.
    """
    from scipy.stats import t

    defined = drawn[~np.isnan(drawn)]
    if np.isnan(value):
        return Difference(None)
    distance = np.abs(defined - value)
    if len(defined) == 0 or len(defined) < MIN_DEFINED * len(drawn) or distance.max() < ROUNDING:
        return _without_spread(float(value))
    factor, degrees = blocks.variance_correction(value, without)
    share = (1 + level) / 2
    distance *= factor**0.5 * t.ppf(share, degrees) / NormalDist().inv_cdf(share)
    half = float(np.quantile(distance, level))
    p_value = (1 + (distance >= abs(value) - ROUNDING).sum()) / (1 + len(defined))
    return Difference(float(value), float(value - half), float(value + half), float(p_value))


def _without_spread(value: float) -> Difference:
    """Return a difference without an interval: the models are equal, or there are too few images for a test."""
    return Difference(value, p_value=1.0 if abs(value) < ROUNDING else None)
