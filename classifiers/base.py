"""The base class of the heads: input checks, label encoding, class weights and multi-label targets."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from hybrid.classifiers.prior import class_shares, corrected
from hybrid.errors import InputError
from hybrid.evaluation.labels import most_probable
from hybrid.files import row_blocks, usable_memory

# scikit-learn converts integers and float16 to the first type; float32 and float64 stay as they are.
_FLOATS = (np.float32, np.float64)
_SMALL = 2**28  # bytes; if less is needed, the memory is not looked up


class Head(ClassifierMixin, BaseEstimator, ABC):
    """A classifier of embeddings; the base class of all heads.

    A subclass implements `_fit_target`, which fits one target. This class checks the input, encodes the
    labels, and turns `class_weight` and `sample_weight` into one weight per row (for multi-label
    targets: per row and label), so that class weights mean the same for every head. Rows with a weight
    of zero are left out before fitting.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels; for multi-label targets, the indices of the label columns.
    n_features_in_ : int
        Width of the embeddings.
    class_shares_ : ndarray of shape (1, n_classes) or (n_labels, 2)
        The class frequencies of the training data, to which the probabilities refer.
    weighted_shares_ : ndarray of shape (1, n_classes) or (n_labels, 2)
        The frequencies of the classes as weighted in training.
    multilabel_ : bool
        Whether the target was a 0/1 matrix.
    models_ : list of scikit-learn estimators
        The fitted estimators: one, or one for each label column.
    """

    class_weight: str | dict[Any, float] | None
    memory_advice = "give fewer images"  # what helps, besides another head, if there is too little memory

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Self:
        """Fit the head to embeddings and their labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings. float32 and float64 are used without conversion.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels (strings or integers), or a matrix of 0 and 1 for multi-label targets.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of 0 or more. They are multiplied by the class weights. By default every weight is 1.
        groups : array-like of shape (n_samples,), optional
            Group of each row. If the head cross-validates inside the training data, rows of one group, such as views
            of one image, stay in one fold, and so do equal rows. By default every row is a group of its own.

        Returns
        -------
        Self
            The fitted head.

        Raises
        ------
        InputError
            If X contains NaN or infinity, if y contains only one class or a constant label column, if a matrix
            of labels contains values other than 0 and 1, or if `class_weight` does not fit the labels.
        """
        data, target = validate_data(self, X, y, dtype=_FLOATS, ensure_all_finite=False, multi_output=True)
        _check_finite(data)
        target = _check_target(target)
        weights = _check_sample_weight(sample_weight, data, dtype=np.float64, ensure_non_negative=True)
        group_of_row = None if groups is None else column_or_1d(groups)
        check_consistent_length(data, group_of_row)
        kept = weights > 0
        if not kept.all():
            data, target, weights = data[kept], target[kept], weights[kept]
            group_of_row = None if group_of_row is None else group_of_row[kept]
        self.multilabel_ = target.ndim == 2
        codes = self._encode_labels(target) if self.multilabel_ else self._encode_classes(target)
        classes = [0, 1] if self.multilabel_ else self.classes_.tolist()
        self.check_memory(data.shape, len(classes))
        weighted = apply_class_weight(self.class_weight, codes, weights, classes)
        self.class_shares_ = class_shares(codes, weights, len(classes))
        self.weighted_shares_ = class_shares(codes, weighted, len(classes))
        self._fit_codes(data, codes, weighted, group_of_row)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class or, for multi-label targets, of each label being 1.

        The probabilities refer to the class frequencies of the training data, whatever weights the classes had in
        training.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Probabilities, in the order of `classes_`.

        Raises
        ------
        InputError
            If X contains NaN or infinity.
        """
        return corrected(self.weighted_proba(X), self.prior_ratio_, self.multilabel_)

    @property
    def prior_ratio_(self) -> NDArray[np.float64] | None:
        """The factors that correct the probabilities for the class weights: `class_shares_ / weighted_shares_`.

        None for a head that version 0.1.0 saved, whose probabilities refer to the classes as weighted.
        """
        return self.class_shares_ / self.weighted_shares_ if hasattr(self, "weighted_shares_") else None

    def weighted_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities that refer to the classes as they were weighted in training.

        With balanced weights, that is a population in which all classes are equally frequent. The predicted labels
        follow from these probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Probabilities, in the order of `classes_`.
        """
        probabilities = self._probabilities(self._check_embeddings(X)).astype(np.float64, copy=False)
        if self.multilabel_:
            return probabilities
        # float32 rows sum to 1 only within 1e-7, and scikit-learn's log_loss warns about such rows in float64.
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the most probable class, as the classes were weighted in training.

        With balanced weights, the default, it is the class whose probability is highest in proportion to its frequency
        in the training data. For two classes, or for a label, this is a threshold equal to that frequency. Of two
        equally probable classes it is the second.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels as in `fit`; 0 and 1 for multi-label targets.
        """
        probabilities = self.weighted_proba(X)
        if self.multilabel_:
            return (probabilities >= 0.5).astype(np.int64)
        return self.classes_[most_probable(probabilities)]

    def _check_embeddings(self, X: ArrayLike) -> NDArray[np.floating]:
        check_is_fitted(self)
        data = validate_data(self, X, dtype=_FLOATS, ensure_all_finite=False, reset=False)
        _check_finite(data)
        return data

    def memory_needed(self, n_samples: int, n_features: int, n_classes: int) -> float | None:
        """Return about how many bytes fitting needs, for a head that needs all embeddings in memory.

        None, the default, is for heads that read embeddings in blocks of rows.
        """
        return None

    def check_memory(self, shape: tuple[int, int], n_classes: int) -> None:
        """Raise `InputError` if the head needs more memory than there is to be fitted to embeddings of a shape."""
        needed = self.memory_needed(*shape, n_classes)
        if needed is not None and needed > _SMALL and needed > (usable := usable_memory()):
            raise InputError(
                f"{type(self).__name__} needs up to {needed / 1e9:.3g} GB of memory for {shape[0]:,} embeddings of "
                f"{shape[1]:,} columns, and {usable / 1e9:.3g} GB may be used: fit svm, softmax or xgboost, which "
                f"need less, or {self.memory_advice}."
            )

    @classmethod
    @abstractmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return a parameter grid for GridSearchCV with the values worth trying."""

    @abstractmethod
    def _fit_target(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> Any:
        """Return an estimator fitted to one target, given as class indices of shape (n_samples,)."""

    def _fit_codes(self, X: NDArray, codes: NDArray[np.int64], weights: NDArray, groups: NDArray | None) -> None:
        """Fit one model for each target; `codes` and `weights` are of shape (n_samples,) or (n_samples, n_labels)."""
        columns = zip(np.atleast_2d(codes.T), np.atleast_2d(weights.T), strict=True)
        self.models_ = [self._fit_target(X, column, weight, groups) for column, weight in columns]

    def _probabilities(self, X: NDArray) -> NDArray[np.floating]:
        probabilities = [model.predict_proba(X) for model in self.models_]
        return np.column_stack([p[:, 1] for p in probabilities]) if self.multilabel_ else probabilities[0]

    def _encode_classes(self, y: NDArray) -> NDArray[np.int64]:
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"The labels contain only one class ({self.classes_.tolist()[0]!r}); a classifier needs at least two. "
                "Add images of another class."
            )
        return codes

    def _encode_labels(self, y: NDArray) -> NDArray[np.int64]:
        if not np.isin(y, (0, 1)).all():
            raise InputError(f"Multi-label targets must be 0 or 1; these contain {np.unique(y)[:5].tolist()}.")
        constant = np.flatnonzero((y == y[0]).all(axis=0))
        if len(constant):
            raise InputError(
                f"Label column {constant[0]} is {int(y[0, constant[0]])} in all {len(y)} rows; a classifier "
                "needs both 0 and 1. Leave the column out, or add images."
            )
        self.classes_ = np.arange(y.shape[1])
        return y.astype(np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def apply_class_weight(
    class_weight: str | dict[Any, float] | None, codes: NDArray[np.int64], weights: NDArray, classes: list
) -> NDArray:
    """Return the weights of rows multiplied by the weights of their classes.

    Parameters
    ----------
    class_weight : "balanced", dict or None
        "balanced" weights classes in inverse proportion to their frequency, a dict maps classes to weights
        (1 for classes that it does not name), None gives every class the weight 1.
    codes : ndarray of int, shape (n,) or (n, n_labels)
        Indices into `classes`.
    weights : ndarray of shape (n,)
        Weights of the rows.
    classes : list
        The classes in order; ``[0, 1]`` for multi-label targets.

    Returns
    -------
    ndarray of shape (n,) or (n, n_labels)
        The weights, in the shape of `codes`.

    Raises
    ------
    InputError
        If `class_weight` does not fit the classes.
    """
    columns = [
        weights * _class_weights(class_weight, column, weights, classes)[column] for column in np.atleast_2d(codes.T)
    ]
    return np.column_stack(columns) if codes.ndim == 2 else columns[0]


def _class_weights(
    class_weight: str | dict[Any, float] | None, codes: NDArray[np.int64], weights: NDArray, classes: list
) -> NDArray:
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, dict):
        if unknown := [key for key in class_weight if key not in classes]:
            raise InputError(f"class_weight names {unknown}, but the classes are {classes}.")
        return np.array([class_weight.get(name, 1.0) for name in classes], dtype=float)
    if class_weight != "balanced":
        raise InputError(
            f"class_weight={class_weight!r} was given; expected 'balanced', None or a dict from class to weight."
        )
    return weights.sum() / (len(classes) * np.bincount(codes, weights=weights))


def _check_finite(X: NDArray) -> None:
    finite = np.ones(len(X), bool)
    for rows in row_blocks(*X.shape):
        finite[rows] = np.isfinite(X[rows]).all(axis=1)
    if finite.all():
        return
    kind = "NaN" if np.isnan(X[~finite]).any() else "infinity"
    raise InputError(
        f"The embeddings contain {kind} in {(~finite).sum()} of {len(X)} rows, first in row {finite.argmin()}; "
        "every value must be finite. Leave these rows out, or extract them again."
    )


def _check_target(y: Any) -> NDArray:
    """Return y as a 1-D array of labels, or as a 2-D array if it is a multi-label matrix."""
    check_classification_targets(y)
    if issparse(y):
        y = y.toarray()
    if y.ndim == 2 and y.shape[1] > 1:
        return y
    return column_or_1d(y, warn=True)
