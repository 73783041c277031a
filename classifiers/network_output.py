"""The head of a network that classifies by itself: its outputs are the probabilities."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hybrid.errors import InputError


class NetworkOutput(ClassifierMixin, BaseEstimator):
    """Take a network's own outputs for probabilities, so that it is evaluated and saved like every other head.

    A single output for two classes is the probability of the second.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted: what the network's outputs stand for, in order.
    multilabel_ : bool
        Whether the outputs are independent labels.

    Examples
    --------
    >>> outputs = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> NetworkOutput().fit(outputs, ["cat", "dog"]).predict(outputs)
    array(['cat', 'dog'], dtype='<U3')
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> "NetworkOutput":
        """Learn which label each output stands for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_outputs)
            Outputs of the network.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels; there must be as many as outputs.

        Returns
        -------
        NetworkOutput

        Raises
        ------
        InputError
            If the number of labels is not that of the outputs.
        """
        outputs, labels = validate_data(self, X, y, dtype=np.float32, multi_output=True)
        self.multilabel_ = labels.ndim == 2
        self.classes_ = np.arange(labels.shape[1]) if self.multilabel_ else np.unique(labels)
        single = outputs.shape[1] == 1 and len(self.classes_) == 2 and not self.multilabel_
        if len(self.classes_) != outputs.shape[1] and not single:
            raise InputError(f"The network has {outputs.shape[1]} outputs, but there are {len(self.classes_)} labels.")
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the outputs, (n_samples, n_labels); those of single labels sum to 1 in float64."""
        check_is_fitted(self)
        proba = np.asarray(validate_data(self, X, dtype=np.float32, reset=False), np.float64)
        if self.multilabel_:
            return proba
        if proba.shape[1] == 1:
            return np.hstack([1 - proba, proba])
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the most probable class, or the labels of at least one half."""
        proba = self.predict_proba(X)
        return (proba >= 0.5).astype(int) if self.multilabel_ else self.classes_[proba.argmax(axis=1)]
