"""Differences between two models on the same images: intervals and p-values by McNemar, DeLong and bootstrap."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.delong import delong
from hybrid.evaluation.groups import variance_with_floor
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.intervals import MIN_DEFINED
from hybrid.evaluation.metrics import METRICS
from hybrid.evaluation.student import cautious_degrees, two_sided

ROUNDING = 1e-12  # equal differences may differ by this much


@dataclass(frozen=True)
class Difference:
    """A difference with its uncertainty and two-sided p-value; None for values that cannot be computed.

    Attributes
    ----------
    value : float or None
    error : float or None
        Standard error of the difference.
    degrees : float or None
        Degrees of freedom of Student's distribution, which the difference has in units of its standard error. None for
        the normal distribution.
    p_value : float or None
    """

    value: float | None
    error: float | None = None
    degrees: float | None = None
    p_value: float | None = None


def correct_images(problem: CheckedInput, metric: str) -> np.ndarray | None:
    """Return which images the model predicts correctly, for a metric that McNemar's test applies to; otherwise None.

    For sensitivity these are only the positive images, for specificity only the negative ones.
    """
    if METRICS[metric].paired_test != "McNemar":
        return None
    return (problem.truth == problem.predicted).all(axis=1)[compared_rows(problem, metric)]


def compared_rows(problem: CheckedInput, metric: str) -> np.ndarray:
    """Return which images a share of correct images refers to, ndarray of bool of shape (n,)."""
    if METRICS[metric].share_of == "images":
        return np.ones(len(problem.truth), dtype=bool)
    positive = problem.truth[:, problem.classes.index(problem.positive)]
    return positive if METRICS[metric].share_of == "positives" else ~positive


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p-value of McNemar's exact test: a binomial test on the images that only one model predicts correctly.

    Parameters
    ----------
    first, second : ndarray of bool, shape (n,)
        Whether each model predicts each image correctly.
    """
    from scipy.special import bdtr

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def delong_differences(truth: np.ndarray, scores: np.ndarray, pairs: list[tuple[int, int]]) -> list[Difference]:
    """Return the difference of the ROC AUC of each pair of models, by DeLong's test.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
        Whether each image is positive.
    scores : ndarray of shape (n_models, n)
        The scores of each model; higher means positive.
    pairs : list of (int, int)
        The rows of `scores` to compare.
    """
    if truth.all() or not truth.any():
        return [Difference(None)] * len(pairs)
    area, covariance = delong(truth, scores)
    differences = []
    for i, j in pairs:
        value = float(area[i] - area[j])
        variance = float(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
        if not variance > ROUNDING**2:
            differences.append(without_spread(value))
            continue
        error = variance**0.5
        differences.append(Difference(value, error, None, two_sided(value, error)))
    return differences


def bootstrap_differences(
    values: np.ndarray,
    drawn: np.ndarray,
    without: np.ndarray,
    blocks: JackknifeBlocks,
    level: float,
    most_degrees: float = math.inf,
    of_images: np.ndarray | None = None,
) -> list[Difference]:
    """Return differences with their standard errors and p-values by the paired bootstrap.

    The symmetric interval at `level` reaches as far as the distances between the draws and the difference in that share
    of the draws (Hall 1988). With few images the draws vary too little, so these distances are widened by a correction
    of their variance and by Student's distribution (Hesterberg 2015). The p-value is that of Student's distribution
    with the standard error of this interval, of the draws or of the jackknife, whichever is largest. Unlike the share
    of draws that are further from the difference than the difference is from 0, it can be as small as the data suggest:
    a share of 2000 draws is at least 1/2001, so that no difference would survive the correction for 105 pairs of
    models. Degrees of freedom are those of :func:`~hybrid.evaluation.student.cautious_degrees`, and groups vary at
    least as :func:`~hybrid.evaluation.groups.variance_with_floor` says. ``benchmarks/many_models.py`` checks the
    distribution far out by simulation.

    Parameters
    ----------
    values : ndarray of shape (n_pairs,)
        The differences on all images; NaN if one is not defined.
    drawn : ndarray of shape (n_pairs, n_boot)
        The differences in each draw.
    without : ndarray of shape (n_pairs, n_blocks)
        The differences without each jackknife block.
    blocks : JackknifeBlocks
        The jackknife blocks.
    level : float
        Coverage of the intervals.
    most_degrees : float, optional
        Upper limit of the degrees of freedom of Student's distribution, which follow from the blocks otherwise.
    of_images : ndarray of shape (n_pairs, n_strata), optional
        The variance of each stratum if the images were independent, for images in groups.
    """
    distance = np.abs(drawn - values[:, None])
    missing = np.isnan(distance)
    varies = (missing.mean(axis=1) <= 1 - MIN_DEFINED) & (np.nan_to_num(distance).max(axis=1) >= ROUNDING)
    distance, own = distance[varies], drawn[varies]
    quantile, spread = (np.nanquantile, np.nanstd) if missing[varies].any() else (np.quantile, np.std)
    of_interval = quantile(distance, level, axis=1) / NormalDist().inv_cdf((1 + level) / 2)
    variance, factor, degrees = blocks.variance(values[varies], without[varies])
    of_draws = factor**0.5 * np.maximum(of_interval, spread(own, axis=1))
    parts, missing_variance = blocks.variance_of_strata(values[varies], without[varies]), 0.0
    if of_images is not None:
        of_groups, parts = parts, variance_with_floor(parts, of_images[varies], blocks.rows_of_strata)
        missing_variance = np.sum(parts - of_groups, axis=-1)
    degrees = np.minimum(degrees, cautious_degrees(parts, blocks.own_degrees))
    errors = np.full((2, len(values)), np.nan)
    errors[0, varies] = (np.maximum(of_draws**2, variance) + missing_variance) ** 0.5
    errors[1, varies] = np.minimum(degrees, most_degrees)
    return [
        _estimated(float(value), float(error), float(of_freedom)) if found else without_spread(float(value))
        for value, found, error, of_freedom in zip(values, varies, *errors, strict=True)
    ]


def _estimated(value: float, error: float, degrees: float) -> Difference:
    return Difference(value, error, degrees, two_sided(value, error, degrees))


def without_spread(value: float) -> Difference:
    """Return a difference without an interval: the models are equal, or there are too few images for a test."""
    if np.isnan(value):
        return Difference(None)
    return Difference(value, p_value=1.0 if abs(value) < ROUNDING else None)
