"""Calibration: how far probabilities lie from what happens, in bins of equal numbers of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from hybrid.errors import InputError, renamed_parameters
from hybrid.evaluation.inputs import CheckedInput, check_problem
from hybrid.evaluation.intervals import wilson

BINS = 15  # as Guo et al. (2017)


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """What probabilities were given, and how often they came true; arrays of one entry a bin, rising.

    Attributes
    ----------
    predicted : ndarray
        Mean probability of the bin's images.
    observed : ndarray
        Share of them for which it came true.
    low, high : ndarray
        Ends of Wilson's interval of `observed`.
    count : ndarray of int
        Images of the bin.
    level : float
        Coverage of the intervals.
    """

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        names = ("predicted", "observed", "low", "high", "count")
        return {name: getattr(self, name).tolist() for name in names} | {"level": self.level}


@renamed_parameters(positive="pos_label")
def reliability_curve(
    y_true: Any,
    proba: Any,
    classes: Sequence | None = None,
    *,
    pos_label: Any = None,
    bins: int = 10,
    level: float = 0.95,
) -> ReliabilityCurve:
    """Return mean probability and observed frequency, with its interval, in bins of equal numbers of images.

    For two classes the probability of the positive one; for more that of the likeliest class, and whether it is the
    true one; for multi-label those of all labels together. Images of equal probability share a bin, so there may be
    fewer bins.

    Parameters
    ----------
    y_true, proba, classes, pos_label
        As in :func:`hybrid.evaluation.evaluate`.
    bins : int, default=10
    level : float, default=0.95
        Coverage of the intervals.

    Raises
    ------
    InputError
        As :func:`hybrid.evaluation.evaluate`.

    Examples
    --------
    >>> curve = reliability_curve([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.1, 0.9]], [0, 1], bins=3)
    >>> curve.predicted.tolist(), curve.observed.tolist(), curve.count.tolist()
    ([0.1, 0.4, 0.9], [0.0, 0.5, 1.0], [1, 2, 1])
    """
    if bins < 1 or not 0 < level < 1:
        raise InputError(f"bins must be 1 or more and level between 0 and 1; got {bins} and {level}.")
    score, came_true = stated(check_problem(y_true, proba, classes, pos_label=pos_label))
    score, came_true = score.ravel(), came_true.ravel()
    bin_of = equal_mass_bins(score, bins)
    count = np.bincount(bin_of)
    observed = np.bincount(bin_of, came_true) / count
    ends = np.array([wilson(share, int(n), level) for share, n in zip(observed, count, strict=True)])
    return ReliabilityCurve(np.bincount(bin_of, score) / count, observed, ends[:, 0], ends[:, 1], count, level)


def stated(problem: CheckedInput) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities that calibration is about, and whether each came true; both (n, 1) or (n, labels)."""
    if problem.task == "multilabel":
        return problem.proba, problem.truth
    if problem.task == "binary":
        column = [problem.classes.index(problem.positive)]
    else:
        column = problem.proba.argmax(axis=1)[:, None]
        return np.take_along_axis(problem.proba, column, 1), np.take_along_axis(problem.truth, column, 1)
    return problem.proba[:, column], problem.truth[:, column]


def equal_mass_bins(score: np.ndarray, bins: int) -> np.ndarray:
    """Return the number of each score's bin, from 0 without gaps; equal scores share the bin of their middle.

    Examples
    --------
    >>> equal_mass_bins(np.array([0.3, 0.1, 0.2, 0.2, 0.4]), 2)
    array([1, 0, 0, 0, 1])
    """
    _, code, counts = np.unique(score, return_inverse=True, return_counts=True)
    twice_middle = 2 * np.cumsum(counts) - counts
    bin_of_value = np.unique(twice_middle * bins // (2 * len(score)), return_inverse=True)[1]
    return bin_of_value[code]


def calibration_gaps(problem: CheckedInput) -> np.ndarray:
    """Return what each image adds to the gap of its bin, probability less outcome; (n, bins), or (n, labels, bins).

    The expected calibration error of any weighting of the images is then the sum over the bins of the absolute
    weighted gaps, divided by the sum of the weights. Bins stay those of the whole data.
    """
    score, came_true = stated(problem)
    n, columns = score.shape
    gaps = np.zeros((n, columns, BINS))
    for column in range(columns):
        bin_of = equal_mass_bins(score[:, column], BINS)
        gaps[np.arange(n), column, bin_of] = score[:, column] - came_true[:, column]
    return gaps


def calibrated_error(problem: CheckedInput, level: float) -> np.ndarray:
    """Return the largest calibration error that a calibrated model would show on so many images; (1,) or (labels,).

    Its outcomes would vary about its probabilities, and the absolute gaps never cancel: on 100 images the expected
    error is near 0.1 without any fault. In each bin the gap is then close to normal, with the variance of the sum of
    p (1 - p); so are mean and variance of the sum of the gaps' absolute values.
    """
    score, _ = stated(problem)
    limits = []
    for column in score.T:
        variance = np.bincount(equal_mass_bins(column, BINS), column * (1 - column)).clip(min=0)
        mean, spread = np.sqrt(2 / np.pi * variance).sum(), np.sqrt((1 - 2 / np.pi) * variance.sum())
        limits.append((mean + NormalDist().inv_cdf((1 + level) / 2) * spread) / len(column))
    return np.array(limits)
