"""Calibration: differences between probabilities and observed frequencies, in bins of equal numbers of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from hybrid.errors import InputError, renamed_parameters
from hybrid.evaluation import weighted_intervals
from hybrid.evaluation.clustered import share_interval
from hybrid.evaluation.inputs import CheckedInput, check_problem
from hybrid.evaluation.intervals import Interval, wilson

BINS = 15  # as in Guo et al. (2017)
_DRAWS = 1000  # for the error of a calibrated model with groups


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """Predicted probabilities and observed frequencies, as arrays of shape (n_bins,) in ascending order.

    Attributes
    ----------
    predicted : ndarray
        Mean predicted probability in each bin.
    observed : ndarray
        Observed frequency in each bin.
    low, high : ndarray
        Bounds of Wilson's interval of `observed`, which allows for groups.
    count : ndarray of int
        Number of predictions in each bin.
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
        """Return the curve as a dict of JSON values."""
        names = ("predicted", "observed", "low", "high", "count")
        return {name: getattr(self, name).tolist() for name in names} | {"level": self.level}


@renamed_parameters(positive="pos_label")
def reliability_curve(
    y_true: Any,
    proba: Any,
    classes: Sequence | None = None,
    *,
    pos_label: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    bins: int = 10,
    level: float = 0.95,
) -> ReliabilityCurve:
    """Return mean probability and observed frequency, with its interval, in bins of equal numbers of images.

    For two classes, the curve is that of the probability of the positive class. For more classes, it is that of the
    highest probability and whether its class is the true one; for multi-label tasks, that of all labels together.
    Equal probabilities share a bin, so there may be fewer bins than requested.

    Parameters
    ----------
    y_true, proba, classes, pos_label
        As in :func:`hybrid.evaluate`.
    groups : array-like of shape (n,), optional
        Group of each image, such as its patient.
    sample_weight : array-like of shape (n,), optional
        Weight of each image, 0 or more. The bins are then of equal weight, means and frequencies are weighted, and
        intervals are those for the effective number of images. `count` is the number of predictions all the same.
    bins : int, default=10
        Number of bins.
    level : float, default=0.95
        Coverage of the intervals.

    Returns
    -------
    ReliabilityCurve

    Raises
    ------
    InputError
        If `bins` or `level` is out of range, or as in :func:`hybrid.evaluate`.

    Examples
    --------
    >>> curve = reliability_curve([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.1, 0.9]], [0, 1], bins=3)
    >>> curve.predicted.tolist(), curve.observed.tolist(), curve.count.tolist()
    ([0.1, 0.4, 0.9], [0.0, 0.5, 1.0], [1, 2, 1])
    """
    if bins < 1 or not 0 < level < 1:
        raise InputError(f"bins must be 1 or more and level between 0 and 1; got {bins} and {level}.")
    problem = check_problem(y_true, proba, classes, pos_label=pos_label, groups=groups, sample_weight=sample_weight)
    score, came_true = predicted_outcomes(problem)
    columns, clusters, of_images = score.shape[1], problem.clusters, problem.weights
    group = None if clusters is None else np.repeat(clusters, columns)
    weights = None if of_images is None else np.repeat(of_images, columns)
    score, came_true = score.ravel(), came_true.ravel()
    bin_of = equal_mass_bins(score, bins, weights)
    count, total = np.bincount(bin_of), np.bincount(bin_of, weights)
    mass = np.ones(len(score)) if weights is None else weights
    predicted, observed = (np.bincount(bin_of, mass * values) / total for values in (score, came_true))
    ends = np.array([_interval(bin_of == number, came_true, group, weights, level) for number in range(len(count))])
    return ReliabilityCurve(predicted, observed, ends[:, 0], ends[:, 1], count, level)


def _interval(
    in_bin: np.ndarray, outcome: np.ndarray, group: np.ndarray | None, weights: np.ndarray | None, level: float
) -> Interval:
    """Return the interval of the observed frequency in a bin."""
    came_true, mass = outcome[in_bin], None if weights is None else weights[in_bin]
    share = float(np.average(came_true, weights=mass))
    if group is None:
        return wilson(share, len(came_true), level)
    groups = group[in_bin]
    one_stratum = np.zeros(groups.max() + 1, dtype=np.intp)
    if mass is None:
        return share_interval(came_true, groups, one_stratum, level) or wilson(share, 1, level)
    counted, right = np.ones(len(came_true), dtype=bool), came_true.astype(bool)
    found = weighted_intervals.share_interval(counted, right, groups, one_stratum, mass, level)
    return found or wilson(share, 1, level)


def predicted_outcomes(problem: CheckedInput) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities whose calibration is measured and their true outcomes, both (n, 1) or (n, n_labels)."""
    if problem.task == "multilabel":
        return problem.proba, problem.truth
    if problem.task == "binary":
        column = [problem.classes.index(problem.positive)]
    else:
        column = problem.proba.argmax(axis=1)[:, None]
        return np.take_along_axis(problem.proba, column, 1), np.take_along_axis(problem.truth, column, 1)
    return problem.proba[:, column], problem.truth[:, column]


def equal_mass_bins(score: np.ndarray, bins: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the bin of each score, numbered from 0 without gaps; equal scores share the bin of their middle rank.

    With weights, which are whole numbers, the bins are of equal weight.

    Examples
    --------
    >>> equal_mass_bins(np.array([0.3, 0.1, 0.2, 0.2, 0.4]), 2)
    array([1, 0, 0, 0, 1])
    """
    _, code = np.unique(score, return_inverse=True)
    counts = np.bincount(code, weights).astype(np.int64)
    twice_middle = 2 * np.cumsum(counts) - counts
    bin_of_value = np.unique(twice_middle * bins // (2 * counts.sum()), return_inverse=True)[1]
    return bin_of_value[code]


def calibration_gaps(problem: CheckedInput) -> np.ndarray:
    """Return the difference of probability and outcome of each image, in the column of its bin.

    For any weights of the images, the expected calibration error is the sum over the bins of the absolute weighted
    sums of these differences, divided by the sum of the weights. The bins are always those of all images with their own
    weights.

    Returns
    -------
    ndarray of shape (n, n_columns, n_bins)
        With one column, or one for each label of a multi-label task.
    """
    score, came_true = predicted_outcomes(problem)
    n, columns = score.shape
    gaps, weights = np.zeros((n, columns, BINS)), problem.weights
    for column in range(columns):
        bin_of = equal_mass_bins(score[:, column], BINS, weights)
        gaps[np.arange(n), column, bin_of] = score[:, column] - came_true[:, column]
    return gaps


def calibrated_error(problem: CheckedInput, level: float) -> np.ndarray:
    """Return the largest calibration error expected by chance if the model is calibrated, (1,) or (n_labels,).

    The outcomes of a calibrated model vary randomly about its probabilities, and absolute differences do not cancel:
    on 100 images its expected error is near 0.1. The difference in each bin is approximately normal with variance
    sum p (1 - p), which gives the mean and variance of the sum of the absolute differences. Outcomes of images of one
    group vary together: with groups, whole groups get random signs and sizes (the wild bootstrap; Davison and Hinkley
    1997, section 6.2.4). With weights, each outcome counts by its weight.
    """
    score, came_true = predicted_outcomes(problem)
    limits, groups = [], problem.clusters
    weights = np.ones(len(score)) if problem.weights is None else problem.weights
    for probability, outcome in zip(score.T, came_true.T, strict=True):
        bin_of = equal_mass_bins(probability, BINS, problem.weights)
        variance = np.bincount(bin_of, weights**2 * probability * (1 - probability)).clip(min=0)
        if groups is not None:
            limits.append(_chance_of_groups(outcome - probability, weights, variance, bin_of, groups, level))
        else:
            limits.append(_chance_of_images(variance, len(probability), level))
    return np.array(limits)


def _chance_of_images(variance: np.ndarray, n: float, level: float) -> float:
    """Return the largest calibration error expected by chance from a calibrated model on independent images."""
    mean, spread = np.sqrt(2 / np.pi * variance).sum(), np.sqrt((1 - 2 / np.pi) * variance.sum())
    return float((mean + NormalDist().inv_cdf((1 + level) / 2) * spread) / n)


def _chance_of_groups(
    difference: np.ndarray,
    weights: np.ndarray,
    variance: np.ndarray,
    bin_of: np.ndarray,
    groups: np.ndarray,
    level: float,
) -> float:
    """Return the largest calibration error expected by chance from a calibrated model, if images come in groups.

    The differences are centred in each bin, so that they do not contain the error of this model. The variance of each
    bin is that of independent outcomes, multiplied by the design effect of all bins. If the differences of every group
    add up to 0, nothing shows that the images of a group vary together, and they count as independent.
    """
    mean = np.bincount(bin_of, weights * difference) / np.bincount(bin_of, weights)
    centred = weights * (difference - mean[bin_of])
    sums = np.zeros((groups.max() + 1, len(variance)))
    np.add.at(sums, (groups, bin_of), centred)
    squares = np.sum(sums**2)
    if not squares > 0:
        return _chance_of_images(variance, weights.sum(), level)
    effect = max(1.0, squares / np.sum(centred**2))
    drawn = np.random.default_rng(0).normal(size=(_DRAWS, len(sums))) @ sums
    errors = np.abs(drawn).sum(axis=1) * np.sqrt(effect * variance.sum() / squares) / weights.sum()
    return float(np.quantile(errors, (1 + level) / 2))
