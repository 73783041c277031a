"""Recalibration from few rows: new intercepts and a new slope of the log-odds, drawn towards no change."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp
from sklearn.base import BaseEstimator

from hybrid.evaluation.labels import SMALLEST

INTERCEPT_SD = 2.0
LOG_SLOPE_SD = 0.5


class ShrunkCalibration(BaseEstimator):
    """Map probabilities to recalibrated ones by new intercepts and, if asked for, a new slope.

    The new probability of class k is proportional to exp(intercept_k + slope × log p_k). For two classes, this is a
    logistic regression on the log-odds, as in logistic recalibration [1]_; for more, it is temperature scaling with a
    bias for each class. Several labels are recalibrated one by one. The maximum of the likelihood with normal priors is
    fitted: intercepts around 0 with a standard deviation of 2, and the logarithm of the slope around 0 with 0.5. With
    many rows it is the maximum of the likelihood; with few rows, or classes that are separated, it stays near no
    change, and the order of two probabilities is never reversed. A slope for each class (vector scaling) would need
    many more rows.

    Parameters
    ----------
    slope : bool, default=True
        Whether the slope is fitted. If False, it is 1, and only the intercepts are fitted.

    Attributes
    ----------
    slopes_ : ndarray of shape (n_targets,)
        The slope; one for each label of a multi-label task, and otherwise one.
    intercepts_ : ndarray of shape (n_targets, n_classes)
        The intercept of each class. For two classes, the intercept of the log-odds is the second minus the first.
    multilabel_ : bool
        Whether the columns are independent labels.
    classes_ : ndarray of int, shape (k,)
        The numbers of the columns.

    References
    ----------
    .. [1] Steyerberg, E. W. et al. "Validation and updating of predictive logistic regression models: a study on sample
       size and shrinkage." Statistics in Medicine 23, 2004.

    Examples
    --------
    >>> proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]] * 25)
    >>> codes = np.array([0, 1, 1, 1] * 25)  # positive far more often than predicted
    >>> ShrunkCalibration(slope=False).fit(proba, codes).transform(proba)[:, 1].mean().round(2)
    np.float64(0.75)
    """

    def __init__(self, *, slope: bool = True):
        self.slope = slope

    def fit(self, proba: NDArray[np.floating], codes: NDArray[np.int64]) -> Self:
        """Fit intercepts and slope.

        Parameters
        ----------
        proba : ndarray of shape (n, k)
            Probabilities of each class, or of each label.
        codes : ndarray of int, shape (n,) or (n, k)
            Class indices, or 0 and 1 for each label.

        Returns
        -------
        Self
            The fitted calibration.
        """
        self.multilabel_, self.classes_ = codes.ndim == 2, np.arange(proba.shape[1])
        fitted = [
            _fit(logs, column, self.slope)
            for logs, column in zip(self._logs(proba), np.atleast_2d(codes.T), strict=True)
        ]
        self.slopes_ = np.array([slope for slope, _ in fitted])
        self.intercepts_ = np.array([intercepts for _, intercepts in fitted])
        return self

    def transform(self, proba: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return recalibrated probabilities of shape (n, k)."""
        targets = zip(self._logs(proba), self.slopes_, self.intercepts_, strict=True)
        new = [np.exp(log_softmax(slope * logs + intercepts, axis=1)) for logs, slope, intercepts in targets]
        return np.column_stack([part[:, 1] for part in new]) if self.multilabel_ else new[0]

    def _logs(self, proba: NDArray[np.floating]) -> list[NDArray[np.float64]]:
        """Return the logarithms of the probabilities of the classes of each target, of shape (n, n_classes)."""
        clipped = np.clip(np.asarray(proba, np.float64), SMALLEST, 1 - SMALLEST)
        if not self.multilabel_:
            return [np.log(clipped)]
        return [np.log(np.column_stack([1 - column, column])) for column in clipped.T]


def _fit(logs: NDArray[np.float64], codes: NDArray[np.int64], with_slope: bool) -> tuple[float, NDArray[np.float64]]:
    """Return the slope and the intercepts with the highest posterior density."""
    observed = np.eye(logs.shape[1])[codes]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        intercepts, log_slope = values[:-1], values[-1] * with_slope
        slope = np.exp(log_slope)
        scores = slope * logs + intercepts
        normalizer = logsumexp(scores, axis=1, keepdims=True)
        missing = np.exp(scores - normalizer) - observed
        prior = (intercepts @ intercepts) / INTERCEPT_SD**2 + (log_slope / LOG_SLOPE_SD) ** 2
        gradient = np.append(
            missing.sum(axis=0) + intercepts / INTERCEPT_SD**2,
            with_slope * ((missing * logs).sum() * slope + log_slope / LOG_SLOPE_SD**2),
        )
        return float((normalizer - scores[observed == 1][:, None]).sum() + prior / 2), gradient

    found = minimize(loss, np.zeros(logs.shape[1] + 1), jac=True, method="L-BFGS-B", options={"gtol": 1e-8})
    return float(np.exp(found.x[-1] * with_slope)), found.x[:-1]
