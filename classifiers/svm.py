"""The linear support vector machine, with calibrated probabilities."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import LinearSVC

from hybrid.classifiers.base import Head
from hybrid.classifiers.calibration import calibrate, calibration_folds, check_calibration
from hybrid.errors import InputError


class LinearSVM(Head):
    """Linear support vector machine (liblinear) with calibrated probabilities.

    One machine is trained on all rows; what it would say of rows it has not seen comes from a
    stratified, shuffled cross-validation inside the training data, and from that the calibration is
    learnt [1]_. More than two classes are handled one against the rest.

    Parameters
    ----------
    C : float, default=0.001
        Inverse strength of the regularisation. The default suits standardised embeddings, which are
        nearly separable: there, C = 1 overfits.
    class_weight : "balanced", dict or None, default="balanced"
        Weight of each class, in training and in calibration.
    calibration : {"auto", "sigmoid", "isotonic", "temperature"}, default="auto"
        How decision values become probabilities. "sigmoid" is Platt's. On few or noisy rows his curve can come out
        falling, which would turn decisions round: "auto" takes "sigmoid" unless it does, then "temperature", which
        cannot.
    cv : int, default=5
        Number of folds of the calibration; fewer where a class has fewer samples.
    max_iter : int, default=1000
        Iterations of liblinear at most.
    random_state : int or None, default=0
        Seed of the folds and of liblinear.

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
        """Return the values worth trying for each parameter, as GridSearchCV takes them."""
        return {"C": [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.1, 1.0]}

    @property
    def n_iter_(self) -> int:
        """Iterations that liblinear took, the most over labels."""
        return max(model.calibrated_classifiers_[0].estimator.n_iter_ for model in self.models_)

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        check_calibration(self.calibration)
        if not isinstance(self.cv, Integral) or self.cv < 2:
            raise InputError(f"cv is {self.cv!r}: calibration needs a whole number of folds, 2 or more.")
        for number, column in enumerate(np.atleast_2d(codes.T)):
            self._check_counts(np.bincount(column), number)
        super()._fit_codes(X, codes, weights, groups)

    def _fit_one(
        self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None
    ) -> CalibratedClassifierCV:
        folds = calibration_folds(codes, groups, self.cv, self.random_state)
        machine = LinearSVC(C=self.C, dual="auto", max_iter=self.max_iter, random_state=self.random_state)
        return calibrate(machine, self.calibration, X, codes, weights, folds)

    def _check_counts(self, counts: NDArray[np.int64], column: int) -> None:
        """Raise where a class has too few samples to be in two folds."""
        if counts.min() > 1:
            return
        code = counts.argmin()
        classes = [f"0 of label column {column}", f"1 of label column {column}"] if self.multilabel_ else self.classes_
        raise InputError(
            f"Class {classes[code]} has 1 sample only: calibrated probabilities need at least 2. "
            "Add images, leave it out, or take another head."
        )
