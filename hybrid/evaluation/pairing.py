"""The tests of a difference between two models on the same images."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.delong import delong
from hybrid.evaluation.inputs import CheckedInput
from hybrid.evaluation.intervals import MIN_DEFINED
from hybrid.evaluation.metrics import METRICS

ROUNDING = 1e-12  # two equal differences may come out this far apart


@dataclass(frozen=True)
class Difference:
    """A difference with its interval and two-sided p-value; None for what the images do not allow."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def right(problem: CheckedInput, metric: str) -> np.ndarray | None:
    """Return for which images the model is right, if the metric is tested by the share of those; else None.

    Sensitivity is the share of the positive images alone, specificity of the others.
    """
    if METRICS[metric].paired_test != "McNemar":
        return None
    agree = (problem.truth == problem.predicted).all(axis=1)
    if METRICS[metric].share_of == "images":
        return agree
    positive = problem.truth[:, problem.classes.index(problem.positive)]
    return agree[positive if METRICS[metric].share_of == "positives" else ~positive]


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Return McNemar's exact p-value: a coin's, over the images that only one model got right.

    Parameters
    ----------
    first, second : ndarray of bool, shape (n,)
        Whether each model is right.
    """
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return float(binomtest(only_first, only_first + only_second).pvalue) if only_first + only_second else 1.0


def delong_differences(
    truth: np.ndarray, scores: np.ndarray, pairs: list[tuple[int, int]], level: float
) -> list[Difference]:
    """Return the difference of ROC AUC of each pair of models, by DeLong's test.

    Parameters
    ----------
    truth : ndarray of bool, shape (n,)
    scores : ndarray of shape (models, n)
    pairs : list of (int, int)
        Rows of `scores`.
    level : float
        Coverage of the intervals.
    """
    if truth.all() or not truth.any():
        return [Difference(None)] * len(pairs)
    area, covariance = delong(truth, scores)
    normal = NormalDist()
    found = []
    for i, j in pairs:
        value = float(area[i] - area[j])
        variance = float(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
        if not variance > ROUNDING**2:
            found.append(_without_spread(value))
            continue
        half = normal.inv_cdf((1 + level) / 2) * variance**0.5
        found.append(Difference(value, value - half, value + half, 2 * normal.cdf(-abs(value) / variance**0.5)))
    return found


def bootstrap_difference(
    value: float, drawn: np.ndarray, without: np.ndarray, groups: JackknifeBlocks, level: float
) -> Difference:
    """Return a difference by the paired bootstrap: how often does a draw lie as far from it as it lies from 0?

    The interval holds the values that this test would not reject (symmetric; Hall 1988). Draws vary too little when
    images are few; their distances are made wider by what their variance lacks and by Student's distribution
    (Hesterberg 2015).

    Parameters
    ----------
    value : float
        The difference, NaN if not defined.
    drawn : ndarray of shape (n_boot,)
        The difference in each draw.
    without : ndarray of shape (g,)
        The difference without each group of images.
    groups : JackknifeBlocks
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
    factor, freedom = groups.freedom(value, without)
    share = (1 + level) / 2
    distance *= factor**0.5 * t.ppf(share, freedom) / NormalDist().inv_cdf(share)
    half = float(np.quantile(distance, level))
    p_value = (1 + (distance >= abs(value) - ROUNDING).sum()) / (1 + len(defined))
    return Difference(float(value), float(value - half), float(value + half), float(p_value))


def _without_spread(value: float) -> Difference:
    """Return the difference of models that are alike, or that the images are too few to tell apart."""
    return Difference(value, p_value=1.0 if abs(value) < ROUNDING else None)
