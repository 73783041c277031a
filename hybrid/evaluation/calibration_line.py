"""Calibration slope and intercept: how the log-odds of the outcomes follow those of the probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtrit

from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.labels import log_odds
from hybrid.evaluation.sample_weights import size_of

_STEPS, _TOLERANCE, _LARGEST, _LARGEST_CONDITION = 50, 1e-9, 50.0, 1e12


@dataclass(frozen=True)
class CalibrationLine:
    """Calibration slope and intercept, with their intervals.

    Attributes
    ----------
    slope, slope_low, slope_high : float or None
        1 if the probabilities are as extreme as they should be; below 1 if they are too extreme, as those of an
        overfitted model are. None if it is not defined.
    intercept, intercept_low, intercept_high : float or None
        Calibration in the large, in log-odds: 0 if outcomes are as frequent as predicted, above 0 if they are more
        frequent. None if it is not defined.
    level : float
        Coverage of the intervals.
    """

    slope: float | None
    slope_low: float | None
    slope_high: float | None
    intercept: float | None
    intercept_low: float | None
    intercept_high: float | None
    level: float = 0.95


def calibration_line(
    y_true: Any,
    proba: Any,
    classes: Sequence | None = None,
    *,
    pos_label: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    level: float = 0.95,
) -> CalibrationLine:
    """Return calibration slope and intercept.

    The slope is the coefficient of a logistic regression of the outcomes on the log-odds of the probabilities; the
    intercept is that of a regression with the slope fixed at 1 [1]_. Intervals are Wald's, with standard errors that
    allow for images of one group, and for the several classes or labels of one image, being alike; with groups, the
    quantiles are Student's for the number of groups.

    Parameters
    ----------
    y_true, proba, classes, pos_label
        As in :func:`hybrid.evaluate`. For two classes, the outcome is the positive class. For more classes,
        and for several labels, the outcomes of all of them are taken together, each against the rest; the intercept of
        more than two classes is then 0 by definition.
    groups : array-like of shape (n,), optional
        Group of each image, such as its patient.
    sample_weight : array-like of shape (n,), optional
        Weight of each image, 0 or more. An image of weight 2 counts as two images do in slope and intercept. In the
        intervals it is one image: standard errors are those of weighted scores, and quantiles are Student's for the
        effective number of images or groups.
    level : float, default=0.95
        Coverage of the intervals.

    Returns
    -------
    CalibrationLine

    Raises
    ------
    InputError
        If the input is not valid.

    References
    ----------
    .. [1] Van Calster, B. et al. "Calibration: the Achilles heel of predictive analytics." BMC Medicine 17, 2019.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(2000)
    >>> y = (rng.random(2000) < p).astype(int)
    >>> line = calibration_line(y, np.column_stack([1 - p, p]), [0, 1])
    >>> line.slope_low < 1 < line.slope_high
    True
    """
    problem = check_problem(y_true, proba, classes, None, pos_label, groups, sample_weight=sample_weight)
    columns = [problem.classes.index(problem.positive)] if problem.positive is not None else slice(None)
    truth = problem.truth[:, columns].astype(float)
    x = log_odds(problem.proba[:, columns])
    group = np.arange(len(truth)) if problem.groups is None else problem.groups
    weights = np.ones(len(truth)) if problem.sample_weight is None else problem.sample_weight
    rows = _Rows(x.ravel(), truth.ravel(), *(np.repeat(each, truth.shape[1]) for each in (group, weights)))
    share, alike = (1 + level) / 2, groups is None and problem.sample_weight is None
    z = (
        NormalDist().inv_cdf(share)
        if alike
        else float(stdtrit(max(size_of(group, problem.sample_weight) - 1, 1), share))
    )
    n = len(rows.x)
    slope = _interval(_fit(np.column_stack([rows.x, np.ones(n)]), np.zeros(n), rows), z)
    return CalibrationLine(*slope, *_interval(_fit(np.ones((n, 1)), rows.x, rows), z), level=level)


@dataclass(frozen=True)
class _Rows:
    """Log-odds of the probabilities, outcomes, numbers of the groups and weights, each of shape (n,)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    group: NDArray[np.intp]
    weights: NDArray[np.float64]


def _fit(X: NDArray[np.float64], offset: NDArray[np.float64], rows: _Rows) -> tuple[float, float] | None:
    """Return the first coefficient of a logistic regression and its standard error; None if there is no maximum."""
    coefficients, y, weights = np.zeros(X.shape[1]), rows.y, rows.weights / rows.weights.mean()
    for _ in range(_STEPS):
        p = expit(X @ coefficients + offset)
        information = (X * (weights * p * (1 - p))[:, None]).T @ X
        if np.linalg.cond(information) > _LARGEST_CONDITION:
            return None
        step = np.linalg.solve(information, X.T @ (weights * (y - p)))
        coefficients = coefficients + np.clip(step, -1, 1)
        if np.abs(step).max() < _TOLERANCE:
            break
    else:
        return None
    if np.abs(coefficients).max() > _LARGEST:  # the classes are separated
        return None
    scores = X * (weights * (y - p))[:, None]
    sums = np.array([np.bincount(rows.group, column) for column in scores.T])
    n = sums.shape[1]
    bread = np.linalg.inv(information)
    variance = bread @ (sums @ sums.T) @ bread * n / max(n - 1, 1)
    return float(coefficients[0]), float(variance[0, 0] ** 0.5)


def _interval(fitted: tuple[float, float] | None, z: float) -> tuple[float | None, float | None, float | None]:
    if fitted is None:
        return None, None, None
    value, error = fitted
    return value, value - z * error, value + z * error
