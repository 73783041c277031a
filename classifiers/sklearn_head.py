"""A head that wraps any scikit-learn classifier."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from hybrid.classifiers.base import Head
from hybrid.errors import InputError


class SklearnHead(Head):
    """Fit any scikit-learn classifier with the input checks, tasks and outputs of the other heads.

    A classifier that supports multi-label targets is fitted to all labels at once. For any other classifier, one copy
    is fitted for each label.

    Parameters
    ----------
    estimator : estimator
        A classifier with ``predict_proba``, a Pipeline that ends in one, or a search over one. A clone is fitted; the
        estimator itself is not changed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = load_iris(return_X_y=True)
    >>> SklearnHead(GaussianNB()).fit(X, y).predict(X[:1])
    array([0])
    """

    class_weight = None  # set class weights in the classifier itself, if it supports them

    def __init__(self, estimator: Any):
        self.estimator = estimator

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return an empty parameter grid: the values worth trying are known only for the heads of `hybrid`."""
        return {}

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the labels predicted by the classifier itself; 0 and 1 for multi-label targets."""
        data = self._check_embeddings(X)
        labels = [model.predict(data) for model in self.models_]
        return np.column_stack(labels).astype(np.int64) if self.multilabel_ else labels[0]

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        check_classifier(self.estimator)
        if not self.multilabel_:
            self.models_ = [self._fit_target(X, self.classes_[codes], weights, groups)]
        elif get_tags(self.estimator).classifier_tags.multi_label:
            self.models_ = [self._fit_target(X, codes, weights[:, 0], groups)]
        else:
            super()._fit_codes(X, codes, weights, groups)

    def _fit_target(self, X: NDArray, codes: NDArray, weights: NDArray, groups: NDArray | None) -> Any:
        estimator = clone(self.estimator)
        if (weights == 1).all():
            return estimator.fit(X, codes)
        if not has_fit_parameter(estimator, "sample_weight"):
            raise InputError(f"{type(estimator).__name__} does not support sample weights; fit it without them.")
        return estimator.fit(X, codes, sample_weight=weights)

    def _probabilities(self, X: NDArray) -> NDArray[np.floating]:
        if len(self.models_) > 1:
            return super()._probabilities(X)
        probabilities = self.models_[0].predict_proba(X)
        if isinstance(probabilities, list):  # for several labels, most classifiers return an (n, 2) array for each
            return np.column_stack([proba[:, 1] for proba in probabilities])
        return np.asarray(probabilities)


def check_classifier(estimator: Any) -> None:
    """Check that an estimator can be used as a head.

    Raises
    ------
    InputError
        If it is a class instead of an instance, is not a classifier, or has no ``predict_proba``.
    """
    name = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
    if isinstance(estimator, type):
        raise InputError(f"The class {name} was given as a head; expected an instance: {name}().")
    if not hasattr(estimator, "fit") or not is_classifier(estimator):
        raise InputError(f"{name} was given as a head; expected a head's name or a scikit-learn classifier.")
    if not hasattr(estimator, "predict_proba"):
        raise InputError(
            f"{name} has no predict_proba, but models are compared by their probabilities. Use "
            f"CalibratedClassifierCV({name}(…)) from sklearn.calibration instead."
        )
