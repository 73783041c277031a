"""Probability calibration with scikit-learn's calibrators, the same for every head."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold

from hybrid.classifiers.fold_groups import fold_groups
from hybrid.errors import unknown_name
from hybrid.evaluation.labels import SMALLEST, log_odds

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]

CALIBRATIONS = ("auto", "sigmoid", "isotonic", "temperature")


def calibrate(
    estimator: Any, method: str, X: NDArray, codes: NDArray[np.int64], weights: NDArray, folds: Folds
) -> CalibratedClassifierCV:
    """Fit a classifier to all rows and calibrate it on its out-of-fold decision values.

    Parameters
    ----------
    estimator : estimator
        A classifier with a ``decision_function``.
    method : {"auto", "sigmoid", "isotonic", "temperature"}
        "sigmoid" is Platt's method [1]_. With few or noisy rows its curve can decrease, which would reverse the
        classifier's decisions. "auto" uses "sigmoid" unless a curve decreases; then it uses "temperature" [2]_, which
        never does.
    X : ndarray of shape (n, width)
        Input of the classifier.
    codes : ndarray of int, shape (n,)
        Class indices.
    weights : ndarray of shape (n,)
        Weights of the rows, in training and in calibration.
    folds : list of (ndarray, ndarray)
        Training and test rows of each fold of the cross-validation.

    Returns
    -------
    CalibratedClassifierCV
        The fitted, calibrated classifier.

    Raises
    ------
    InputError
        If there is no such method.

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
    return model.set_params(cv=len(folds))  # the row numbers of the folds need not be saved with the model


def calibration_folds(
    X: NDArray | None, codes: NDArray[np.int64], groups: NDArray | None, cv: int, seed: int | None
) -> Folds:
    """Return stratified, shuffled folds that keep each group, and all copies of a row, in one fold.

    There are fewer than `cv` folds if a class has fewer rows or groups. The folds are stratified by the class of each
    group's first row. If a class occurs in fewer than two groups, groups and copies are ignored.

    Parameters
    ----------
    X : ndarray of shape (n, width), or None
        The rows, to find those that are equal. None if they are not to be compared.
    codes : ndarray of int, shape (n,)
        Class indices.
    groups : ndarray of shape (n,) or None
        Group of each row. None makes every row a group of its own.
    cv : int
        Largest number of folds.
    seed : int or None
        Seed of the shuffling.

    Returns
    -------
    list of (ndarray, ndarray)
        Training and test rows of each fold.
    """
    together = fold_groups(groups, X)
    _, first, group = np.unique(np.arange(len(codes)) if together is None else together, True, True)
    counts = np.bincount(codes[first], minlength=codes.max() + 1)
    if counts.min() < 2 and together is not None:
        return calibration_folds(None, codes, None, cv, seed)
    folds = StratifiedKFold(min(cv, int(counts.min())), shuffle=True, random_state=seed)
    splits = folds.split(np.empty(len(first)), codes[first])
    return [(np.flatnonzero(np.isin(group, train)), np.flatnonzero(np.isin(group, test))) for train, test in splits]


def check_calibration(method: Any) -> None:
    """Raise `InputError` if there is no such calibration method."""
    if method not in CALIBRATIONS:
        raise unknown_name("calibration", method, CALIBRATIONS)


class Recalibration(BaseEstimator):
    """Map a classifier's probabilities to calibrated ones. Fit it on rows that the classifier was not trained on.

    The log-odds are calibrated, not the probabilities: on probabilities, Platt's curve would change even a classifier
    that is calibrated already.

    Parameters
    ----------
    method : {"auto", "sigmoid", "isotonic", "temperature"}, default="auto"
        As for `LinearSVM`. For more than two classes "auto" is "temperature".

    Attributes
    ----------
    models_ : list of CalibratedClassifierCV
        The fitted calibrators: one, or one for each label.
    multilabel_ : bool
        Whether there is one probability for each of several labels.
    """

    def __init__(self, method: str = "auto"):
        self.method = method

    def fit(self, proba: NDArray[np.floating], codes: NDArray[np.int64], weights: NDArray) -> Self:
        """Fit the calibrators.

        Parameters
        ----------
        proba : ndarray of shape (n, k)
            Probabilities of each class, or of each label.
        codes : ndarray of int, shape (n,) or (n, k)
            Class indices, or 0 and 1 for each label.
        weights : ndarray of shape (n,) or (n, k)
            Weights, in the shape of `codes`.

        Returns
        -------
        Self
            The fitted calibration.

        Raises
        ------
        InputError
            If there is no such method.
        """
        self.multilabel_ = codes.ndim == 2
        several = not self.multilabel_ and proba.shape[1] > 2
        method = "temperature" if several and self.method == "auto" else self.method
        rows = np.arange(len(proba))
        folds = [(rows, rows[::2]), (rows, rows[1::2])]  # any folds will do: `GivenValues` learns nothing from the rows
        columns = zip(self._values(proba, method), np.atleast_2d(codes.T), np.atleast_2d(weights.T), strict=True)
        self.models_ = [
            calibrate(GivenValues(), method, values, column, weight, folds) for values, column, weight in columns
        ]
        return self

    def transform(self, proba: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return calibrated probabilities of shape (n, k)."""
        values = self._values(proba, self.models_[0].method)
        calibrated = [model.predict_proba(part) for model, part in zip(self.models_, values, strict=True)]
        return np.column_stack([part[:, 1] for part in calibrated]) if self.multilabel_ else calibrated[0]

    def _values(self, proba: NDArray[np.floating], method: str) -> list[NDArray[np.float64]]:
        """Return the decision values that each model calibrates, of shape (n, 1) or (n, k)."""
        if self.multilabel_:
            return list(log_odds(proba.T)[:, :, None])
        if proba.shape[1] == 2:
            return [log_odds(proba[:, 1:])]
        return [np.log(np.clip(proba, SMALLEST, 1)) if method == "temperature" else log_odds(proba)]


class GivenValues(ClassifierMixin, BaseEstimator):
    """Return the input as decision values: a classifier for scikit-learn's calibrators, which need one."""

    def fit(self, X: NDArray, y: NDArray, sample_weight: NDArray | None = None) -> Self:
        """Store the classes; nothing else is learnt."""
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: NDArray) -> NDArray:
        """Return the input; for two classes, of shape (n,)."""
        return X[:, 0] if X.shape[1] == 1 else X

    def predict(self, X: NDArray) -> NDArray:
        """Return the class with the highest decision value."""
        return self.classes_[(X[:, 0] > 0).astype(int) if X.shape[1] == 1 else X.argmax(axis=1)]
