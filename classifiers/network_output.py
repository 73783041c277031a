"""The head of a network that ends in a classification layer: the network's outputs are the probabilities."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hybrid.classifiers.base import Head, apply_class_weight
from hybrid.classifiers.prior import class_shares, corrected
from hybrid.errors import InputError
from hybrid.evaluation.labels import most_probable


class NetworkOutput(ClassifierMixin, BaseEstimator):
    """Return a network's outputs as probabilities, so that networks are evaluated and saved like heads.

    A single output for two classes is the probability of the second class.

    Parameters
    ----------
    class_weight : "balanced", dict or None, default=None
        Weight of each class in the training of the network.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels, in the order of the network's outputs.
    multilabel_ : bool
        Whether the outputs are independent labels.
    class_shares_, weighted_shares_, prior_ratio_ : ndarray of shape (1, n_classes) or (n_labels, 2)
        As in `hybrid.classifiers.base.Head`.

    Examples
    --------
    >>> outputs = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> NetworkOutput().fit(outputs, ["cat", "dog"]).predict(outputs)
    array(['cat', 'dog'], dtype='<U3')
    """

    def __init__(self, *, class_weight: str | dict[Any, float] | None = None):
        self.class_weight = class_weight

    def fit(self, X: ArrayLike, y: ArrayLike) -> "NetworkOutput":
        """Store the labels, which belong to the outputs in sorted order.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_outputs)
            Outputs of the network.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels, with as many different values or columns as there are outputs. With a single output there must be
            two different values.

        Returns
        -------
        NetworkOutput
            The fitted head.

        Raises
        ------
        InputError
            If the numbers of labels and outputs differ.
        """
        outputs, labels = validate_data(self, X, y, dtype=np.float32, multi_output=True)
        self.multilabel_ = labels.ndim == 2
        self.classes_ = np.arange(labels.shape[1]) if self.multilabel_ else np.unique(labels)
        single = outputs.shape[1] == 1 and len(self.classes_) == 2 and not self.multilabel_
        if len(self.classes_) != outputs.shape[1] and not single:
            raise InputError(f"The network has {outputs.shape[1]} outputs, but there are {len(self.classes_)} labels.")
        codes = labels.astype(np.int64) if self.multilabel_ else np.searchsorted(self.classes_, labels)
        classes, ones = [0, 1] if self.multilabel_ else self.classes_.tolist(), np.ones(len(labels))
        self.class_shares_ = class_shares(codes, ones, len(classes))
        weighted = apply_class_weight(self.class_weight, codes, ones, classes)
        self.weighted_shares_ = class_shares(codes, weighted, len(classes))
        return self

    prior_ratio_ = Head.prior_ratio_

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the outputs as float64 probabilities of shape (n_samples, n_classes).

        They refer to the class frequencies of the training data. The probabilities of classes are scaled to a sum of 1;
        those of independent labels are not.
        """
        return corrected(self.weighted_proba(X), self.prior_ratio_, self.multilabel_)

    def weighted_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the outputs as probabilities that refer to the classes as weighted in the network's training."""
        check_is_fitted(self)
        proba = np.asarray(validate_data(self, X, dtype=np.float32, reset=False), np.float64)
        if self.multilabel_:
            return proba
        if proba.shape[1] == 1:
            return np.hstack([1 - proba, proba])
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the class with the highest output, the second of two equal ones; for labels, 1 from 0.5 on."""
        proba = self.weighted_proba(X)
        return (proba >= 0.5).astype(int) if self.multilabel_ else self.classes_[most_probable(proba)]
