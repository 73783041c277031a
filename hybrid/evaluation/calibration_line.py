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
    problem = check_problem(y_true, proba, classes, None, pos_label)
    columns = [problem.classes.index(problem.positive)] if problem.positive is not None else slice(None)
    truth = problem.truth[:, columns].astype(float)
    x = log_odds(problem.proba[:, columns])
    _, group = np.unique(np.arange(len(truth)) if groups is None else np.asarray(groups), return_inverse=True)
    cluster, y, x = np.repeat(group, truth.shape[1]), truth.ravel(), x.ravel()
    share = (1 + level) / 2
    z = NormalDist().inv_cdf(share) if groups is None else float(stdtrit(max(group.max(), 1), share))
    slope = _interval(_fit(np.column_stack([x, np.ones(len(x))]), y, np.zeros(len(x)), cluster), z)
    return CalibrationLine(*slope, *_interval(_fit(np.ones((len(x), 1)), y, x, cluster), z), level=level)


def _fit(
    X: NDArray[np.float64], y: NDArray[np.float64], offset: NDArray[np.float64], cluster: NDArray[np.intp]
) -> tuple[float, float] | None:
    """Return the first coefficient of a logistic regression and its standard error; None if there is no maximum."""
    coefficients = np.zeros(X.shape[1])
    for _ in range(_STEPS):
        p = expit(X @ coefficients + offset)
        information = (X * (p * (1 - p))[:, None]).T @ X
        if np.linalg.cond(information) > _LARGEST_CONDITION:
            return None
        step = np.linalg.solve(information, X.T @ (y - p))
        coefficients = coefficients + np.clip(step, -1, 1)
        if np.abs(step).max() < _TOLERANCE:
            break
    else:
        return None
    if np.abs(coefficients).max() > _LARGEST:  # the classes are separated
        return None
    scores = X * (y - p)[:, None]
    sums = np.array([np.bincount(cluster, column) for column in scores.T])
    n = sums.shape[1]
    bread = np.linalg.inv(information)
    variance = bread @ (sums @ sums.T) @ bread * n / max(n - 1, 1)
    return float(coefficients[0]), float(variance[0, 0] ** 0.5)


def _interval(fitted: tuple[float, float] | None, z: float) -> tuple[float | None, float | None, float | None]:
    if fitted is None:
        return None, None, None
    value, error = fitted
    return value, value - z * error, value + z * error
