"""The linear SVM head, with calibrated probabilities."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import LinearSVC

from hybrid.classifiers.base import Head
from hybrid.classifiers.calibration import (
    Folds,
    GivenValues,
    calibrate,
    calibration_folds,
    check_calibration,
)
from hybrid.classifiers.squared_hinge import is_large, squared_hinge
from hybrid.errors import InputError
from hybrid.evaluation.labels import log_odds

# Largest relative errors of the weights. The machines of the folds give decision values for the calibration only.
_TOLERANCE, _FOLD_TOLERANCE = 1e-4, 1e-3


class LinearSVM(Head):
    """Linear support vector machine (squared hinge loss) with calibrated probabilities.

    The machine is trained on all rows. Its calibration [1]_ is fitted on out-of-fold decision values of a stratified,
    shuffled cross-validation inside the training data. With more than two classes, one machine is trained for each
    class against the rest. All machines, including those of the folds, are trained together, to the optimum of
    ``LinearSVC(dual=False)``: the error of the weights is below 1e-4 of their norm. Otherwise, a `ConvergenceWarning`
    says what to do.

    Parameters
    ----------
    C : float, default=0.001
        Inverse strength of the regularisation. The default suits standardised embeddings. These are nearly
        separable, so that C=1 overfits.
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class, in training and in calibration.
    calibration : {"auto", "sigmoid", "isotonic", "temperature"}, default="auto"
        How decision values are converted to probabilities. "sigmoid" is Platt's method [1]_. With few or noisy rows
        its curve can decrease, which would reverse the decisions. "auto" uses "sigmoid" unless a curve decreases; then
        it uses "temperature", which never does.
    cv : int, default=5
        Number of folds of the calibration. There are fewer if a class has fewer samples. Equal rows, such as copies of
        an image, are in the same fold.
    max_iter : int, default=1000
        Maximum number of Newton steps. Features that are standardised need fewer than 30.
    random_state : int or None, default=0
        Seed for shuffling the folds.

    References
    ----------
    .. [1] Platt, J. "Probabilistic outputs for support vector machines and comparisons to regularized
       likelihood methods." Advances in Large Margin Classifiers, 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> LinearSVM(C=1).fit(X, y).predict_proba(X[:1]).argmax()
    np.int64(0)
    """

    def __init__(
        self,
        C: float = 0.001,
        *,
        class_weight: str | dict[Any, float] | None = "balanced",
        calibration: str = "auto",
        cv: int = 5,
        max_iter: int = 1000,
        random_state: int | None = 0,
    ):
        self.C = C
        self.class_weight = class_weight
        self.calibration = calibration
        self.cv = cv
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return a parameter grid for GridSearchCV with the values worth trying."""
        return {"C": [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.1, 1.0]}

    @property
    def n_iter_(self) -> int:
        """Number of Newton steps; for multi-label targets, the maximum over the labels."""
        return max(model.calibrated_classifiers_[0].estimator.n_iter_ for model in self.models_)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return a confidence score for each class or label: the log-odds of its probability, as weighted in training.

        `predict` returns the class with the highest score or, for two classes, the class given by the sign. For two
        classes and sigmoid calibration, the score is the signed distance to the hyperplane, scaled and shifted so that
        both classes are equally probable at 0. The `LinearSVC` inside `models_` gives the distances themselves.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            One value for two classes (above 0 for the second class); otherwise one value for each class or label.

        Raises
        ------
        InputError
            If X contains NaN or infinity.
        """
        values = log_odds(self.weighted_proba(X))
        return values[:, 1] if values.shape[1] == 2 and not self.multilabel_ else values

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        check_calibration(self.calibration)
        if not isinstance(self.C, Real) or not self.C > 0:
            raise InputError(f"C={self.C!r} was given for the svm head; expected a number above 0, such as 0.001.")
        if not isinstance(self.cv, Integral) or self.cv < 2:
            raise InputError(f"cv={self.cv!r} was given for the svm head; expected a number of folds, 2 or more.")
        for number, column in enumerate(np.atleast_2d(codes.T)):
            self._check_counts(np.bincount(column), number)
        super()._fit_codes(X, codes, weights, groups)

    def _fit_target(
        self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None
    ) -> CalibratedClassifierCV:
        folds = calibration_folds(X, codes, groups, self.cv, self.random_state)
        machines, out_of_fold = self._fit_machines(X, codes, weights, folds)
        model = calibrate(GivenValues(), self.calibration, out_of_fold, codes, weights, folds)
        model.set_params(estimator=clone(machines))
        model.n_features_in_ = X.shape[1]
        model.calibrated_classifiers_[0].estimator = machines
        return model

    def _fit_machines(
        self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, folds: Folds
    ) -> tuple[LinearSVC, NDArray[np.float64]]:
        """Return the machines trained on all rows, and each row's decision values by machines not trained on it."""
        in_training = np.ones((len(X), len(folds) + 1))
        for number, (_, test) in enumerate(folds):
            in_training[test, number] = 0
        classes = np.arange(codes.max() + 1) if codes.max() > 1 else np.array([1])
        # Of many rows, the machines of one class at a time need less memory than those of all classes.
        together = [classes[k : k + 1] for k in range(len(classes))] if is_large(X) else [classes]
        w, out_of_fold, n_iter = np.empty((X.shape[1] + 1, len(classes))), np.empty((len(X), len(classes))), 0
        for some in together:
            is_class = np.where(codes[:, None] == some, 1.0, -1.0)
            signs = np.repeat(is_class, in_training.shape[1], axis=1)
            costs = self.C * weights[:, None] * np.tile(in_training, len(some))
            tolerances = np.tile([*[_FOLD_TOLERANCE] * len(folds), _TOLERANCE], len(some))
            coefficients, decisions, steps = squared_hinge(X, signs, costs, self.max_iter, tolerances)
            columns, n_iter = np.flatnonzero(np.isin(classes, some)), max(n_iter, steps)
            w[:, columns] = coefficients.reshape(X.shape[1] + 1, len(some), -1)[..., -1]
            by_fold = decisions.reshape(len(X), len(some), -1)
            for number, (_, test) in enumerate(folds):
                out_of_fold[np.ix_(test, columns)] = by_fold[test, :, number]
        machines = LinearSVC(C=self.C, dual=False, max_iter=self.max_iter)
        machines.coef_, machines.intercept_ = np.ascontiguousarray(w[:-1].T), w[-1].copy()
        machines.classes_, machines.n_features_in_, machines.n_iter_ = np.unique(codes), X.shape[1], n_iter
        return machines, out_of_fold

    def _check_counts(self, counts: NDArray[np.int64], column: int) -> None:
        """Raise `InputError` if a class has too few samples for two folds."""
        if counts.min() > 1:
            return
        code = counts.argmin()
        classes = [f"0 of label column {column}", f"1 of label column {column}"] if self.multilabel_ else self.classes_
        raise InputError(
            f"Class {classes[code]} has only 1 sample; calibrated probabilities need at least 2. "
            "Add images, leave the class out, or use another head."
        )
