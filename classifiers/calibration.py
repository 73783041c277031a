"""Calibrated probabilities: one rule for every head, scikit-learn's calibrators behind it."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold

from hybrid.errors import unknown_name

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]

CALIBRATIONS = ("auto", "sigmoid", "isotonic", "temperature")
_SMALLEST = 1e-12


def log_odds(proba: ArrayLike) -> NDArray[np.float64]:
    """Return the logarithm of p / (1 − p), finite also where p is 0 or 1.

    Examples
    --------
    >>> log_odds([0, 0.5]).round(1).tolist()
    [-27.6, 0.0]
    """
    return logit(np.clip(np.asarray(proba, np.float64), _SMALLEST, 1 - _SMALLEST))


def calibrate(
    estimator: Any, method: str, X: NDArray, codes: NDArray[np.int64], weights: NDArray, folds: Folds
) -> CalibratedClassifierCV:
    """Return a classifier fitted to all rows, calibrated by what it says of those that it has not seen.

    Parameters
    ----------
    estimator : estimator
        With a ``decision_function``.
    method : {"auto", "sigmoid", "isotonic", "temperature"}
        "sigmoid" is Platt's [1]_. On few or noisy rows his curve can come out falling, which would turn decisions
        round: "auto" takes "sigmoid" unless it does, then "temperature" [2]_, which cannot.
    X : ndarray of shape (n, width)
    codes : ndarray of int, shape (n,)
        Classes, from 0.
    weights : ndarray of shape (n,)
        Of the rows, in training and in calibration.
    folds : list of (ndarray, ndarray)
        Of the cross-validation that finds what the estimator says of rows it has not seen.

    References
    ----------
    .. [1] Platt, J. "Probabilistic outputs for support vector machines and comparisons to regularized
       likelihood methods." Advances in Large Margin Classifiers, 1999.
    .. [2] Guo, C., Pleiss, G., Sun, Y., Weinberger, K. "On calibration of modern neural networks." ICML 2017.
    """
    check_calibration(method)
    auto = method == "auto"
    model = CalibratedClassifierCV(estimator, method="sigmoid" if auto else method, cv=folds, ensemble=False)
    model.fit(X, codes, sample_weight=weights)
    if auto and any(curve.a_ >= 0 for curve in model.calibrated_classifiers_[0].calibrators):
        model = model.set_params(method="temperature").fit(X, codes, sample_weight=weights)
    return model.set_params(cv=len(folds))  # the rows of the folds are not to be saved with it


def calibration_folds(codes: NDArray[np.int64], groups: NDArray | None, cv: int, seed: int | None) -> Folds:
    """Return stratified, shuffled folds that divide no group, fewer than `cv` where a class has fewer rows or groups.

    A group counts as of the class of its first row. Where a class is in fewer than two groups, rows are dealt out
    singly.
    """
    _, first, group = np.unique(np.arange(len(codes)) if groups is None else groups, True, True)
    counts = np.bincount(codes[first], minlength=codes.max() + 1)
    if counts.min() < 2 and groups is not None:
        return calibration_folds(codes, None, cv, seed)
    folds = StratifiedKFold(min(cv, int(counts.min())), shuffle=True, random_state=seed)
    dealt = folds.split(np.empty(len(first)), codes[first])
    return [(np.flatnonzero(np.isin(group, train)), np.flatnonzero(np.isin(group, test))) for train, test in dealt]


def check_calibration(method: Any) -> None:
    """Raise InputError unless there is such a method."""
    if method not in CALIBRATIONS:
        raise unknown_name("calibration", method, CALIBRATIONS)


class Recalibration(BaseEstimator):
    """A map from a classifier's probabilities to calibrated ones, learnt on rows that it has not seen.

    Their log-odds are what is calibrated: on probabilities themselves, Platt's curve cannot leave a classifier as
    it is that is calibrated already.

    Parameters
    ----------
    method : {"auto", "sigmoid", "isotonic", "temperature"}, default="auto"
        As for `LinearSVM`. For more than two classes "auto" is "temperature".

    Attributes
    ----------
    models_ : list of CalibratedClassifierCV
        One, or one for each label.
    multilabel_ : bool
    """

    def __init__(self, method: str = "auto"):
        self.method = method

    def fit(self, proba: NDArray[np.floating], codes: NDArray[np.int64], weights: NDArray) -> Self:
        """Learn the map.

        Parameters
        ----------
        proba : ndarray of shape (n, k)
            Probabilities of each class, or of each label.
        codes : ndarray of int, shape (n,) or (n, k)
            The classes, from 0; or for each label 0 and 1.
        weights : ndarray of the shape of `codes`
        """
        self.multilabel_ = codes.ndim == 2
        several = not self.multilabel_ and proba.shape[1] > 2
        method = "temperature" if several and self.method == "auto" else self.method
        rows = np.arange(len(proba))
        folds = [(rows, rows[::2]), (rows, rows[1::2])]  # whatever they are: what is calibrated learns nothing
        columns = zip(self._values(proba, method), np.atleast_2d(codes.T), np.atleast_2d(weights.T), strict=True)
        self.models_ = [
            calibrate(GivenValues(), method, values, column, weight, folds) for values, column, weight in columns
        ]
        return self

    def transform(self, proba: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities, (n, k)."""
        values = self._values(proba, self.models_[0].method)
        calibrated = [model.predict_proba(part) for model, part in zip(self.models_, values, strict=True)]
        return np.column_stack([part[:, 1] for part in calibrated]) if self.multilabel_ else calibrated[0]

    def _values(self, proba: NDArray[np.floating], method: str) -> list[NDArray[np.float64]]:
        """Return for each model the decision values that it calibrates, (n, 1) or (n, k)."""
        if self.multilabel_:
            return list(log_odds(proba.T)[:, :, None])
        if proba.shape[1] == 2:
            return [log_odds(proba[:, 1:])]
        return [np.log(np.clip(proba, _SMALLEST, 1)) if method == "temperature" else log_odds(proba)]


class GivenValues(ClassifierMixin, BaseEstimator):
    """A classifier whose input is its decision values: it stands where scikit-learn wants one to calibrate."""

    def fit(self, X: NDArray, y: NDArray, sample_weight: NDArray | None = None) -> Self:
        """Learn the classes; nothing else."""
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: NDArray) -> NDArray:
        """Return the input, (n,) for two classes."""
        return X[:, 0] if X.shape[1] == 1 else X

    def predict(self, X: NDArray) -> NDArray:
        """Return the classes of the highest values."""
        return self.classes_[(X[:, 0] > 0).astype(int) if X.shape[1] == 1 else X.argmax(axis=1)]
