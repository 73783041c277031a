"""Labels of any type: infer their classes, and distinguish predicted labels from probabilities."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

from hybrid.errors import InputError

SMALLEST = 1e-12  # probabilities are clipped to this before a logarithm is taken
_MISSING = {"NAType", "NaTType", "NoneType"}


def label_array(given: Any, what: str) -> NDArray:
    """Return labels as an array of shape (n,) or (n, k).

    Raises
    ------
    InputError
        If they have another shape, or labels are missing.
    """
    labels = _as_array(given, what)
    if labels.ndim not in (1, 2):
        raise InputError(f"{what} has shape {labels.shape}; expected one label per image, or a 0/1 matrix.")
    missing = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(labels.shape, bool)
    if labels.dtype.kind == "O":
        missing = np.frompyfunc(is_missing, 1, 1)(labels).astype(bool)
    if missing.any():
        row = np.argwhere(missing)[0, 0]
        raise InputError(f"{what} holds {missing.sum()} missing values, the first in row {row}: remove these rows.")
    return labels


def holds_labels(values: NDArray, labels: NDArray, classes: Sequence | None = None) -> bool:
    """Return whether predictions are labels rather than probabilities.

    Integers, booleans and strings are labels; in single-label tasks only if they are one-dimensional. One-dimensional
    floats are labels if each of them is a class and they cannot be probabilities of the positive class: the true
    labels are floats as well, there are not exactly two classes, or some of them lie outside 0 to 1.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, k)
        The predictions.
    labels : ndarray of shape (n,) or (n, k)
        The true labels.
    classes : sequence, optional
        The classes. By default those in `labels`.
    """
    if labels.ndim == 2:
        return values.dtype.kind in "bui"
    if values.ndim == 2 or values.dtype.kind != "f":
        return values.ndim == 1
    known = set(labels.tolist() if classes is None else np.asarray(classes).tolist())
    if not set(values.tolist()) <= known:
        return False
    return labels.dtype.kind == "f" or len(known) != 2 or bool(((values < 0) | (values > 1)).any())


def infer_classes(y_true: Any, labels: NDArray, predictions: Iterable[NDArray]) -> tuple:
    """Return the sorted classes of labels and predicted labels; for a matrix, the names or indices of its columns.

    Parameters
    ----------
    y_true : array-like
        The true labels as the user gave them. The columns of a DataFrame are the label names.
    labels : ndarray of shape (n,) or (n, k)
        The true labels as an array.
    predictions : iterable of ndarray
        Probabilities and predicted labels.

    Raises
    ------
    InputError
        If the labels cannot be sorted, all are equal, or the probabilities have another number of columns.
    """
    predictions = list(predictions)
    if labels.ndim == 2:
        return tuple(getattr(y_true, "columns", range(labels.shape[1])))
    names = set(_plain_values(labels))
    for values in predictions:
        if holds_labels(values, labels):
            names.update(_plain_values(values))
    try:
        classes = tuple(sorted(names))
    except TypeError:
        kinds = " and ".join(sorted({type(value).__name__ for value in names}))
        raise InputError(
            f"The labels are of different types: {kinds}. Give all labels as values of one type."
        ) from None
    if len(classes) < 2:
        raise InputError(
            f"All labels are {classes[0]!r}, so the other classes are unknown. Name all classes: classes=[…]."
        )
    for values in predictions:
        if values.ndim == 2 and values.shape[1] != len(classes):
            raise InputError(
                f"The probabilities have {values.shape[1]} columns, but y_true holds {len(classes)} classes. "
                "Name the class of each column: classes=[…], such as a classifier's classes_."
            )
    return classes


def truth_matrix(y: NDArray, classes: NDArray | None = None) -> NDArray[np.bool_]:
    """Return labels (n,) or (n, k) as one boolean column per class or label, (n, k). By default the classes of `y`."""
    if y.ndim == 2:
        return y.astype(bool)
    return y[:, None] == (np.unique(y) if classes is None else classes)[None, :]


def most_probable(proba: NDArray) -> NDArray[np.intp]:
    """Return the column of the most probable class of each image, (n,); of two equally probable classes, the second.

    Two classes are thus treated like a label, which is predicted at a probability of 0.5 or more, and like a threshold,
    which a probability reaches if it equals it. Of more than two equally probable classes, it is the first.

    Examples
    --------
    >>> most_probable(np.array([[0.5, 0.5], [0.6, 0.4]]))
    array([1, 0])
    """
    return (proba[:, 1] >= proba[:, 0]).astype(np.intp) if proba.shape[1] == 2 else proba.argmax(axis=1)


def log_odds(proba: ArrayLike) -> NDArray[np.float64]:
    """Return log(p / (1 − p)), which is finite even where p is 0 or 1.

    Examples
    --------
    >>> log_odds([0, 0.5]).round(1).tolist()
    [-27.6, 0.0]
    """
    return logit(np.clip(np.asarray(proba, np.float64), SMALLEST, 1 - SMALLEST))


def both_values(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether each column of a boolean matrix (n, k) holds both values, (k,)."""
    positives = truth.sum(axis=0)
    return (positives > 0) & (positives < len(truth))


def prediction_array(given: Any, labels: NDArray) -> NDArray:
    """Return predictions as an array. For single labels, a single column becomes one-dimensional."""
    values = _as_array(given, "y_pred")
    if values.ndim == 2 and values.shape[1] == 1 and labels.ndim == 1:
        values = values[:, 0]
    return values if values.ndim == 2 else label_array(values, "y_pred")


def probabilities_of(values: NDArray, names: tuple, positive: Any) -> NDArray[np.float64]:
    """Return probabilities as an array of shape (n, k), also if only those of the positive class are given.

    Raises
    ------
    InputError
        If the values are not numbers, or one number per image is given that cannot be a probability.
    """
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"The predictions hold {values.dtype.type.__name__} in the shape {values.shape}; expected probabilities of "
            f"shape (n, {len(names)}), or one predicted label per image."
        ) from None
    if values.ndim != 1:
        return values
    if len(names) != 2:
        raise InputError(
            f"One number per image was given for {len(names)} classes. Give predicted labels, which are among the "
            f"classes, or probabilities of shape ({len(values)}, {len(names)})."
        )
    if np.isfinite(values).all() and not ((values >= 0) & (values <= 1)).all():
        raise InputError(
            f"One number per image was given, from {values.min():.6g} to {values.max():.6g}. Expected predicted "
            "labels, or probabilities of the positive class: give predict_proba, not decision values."
        )
    return np.column_stack([1 - values, values] if names.index(positive) == 1 else [values, 1 - values])


def _as_array(given: Any, what: str) -> NDArray:
    try:
        return np.asarray(given)
    except ValueError:
        raise InputError(
            f"The rows of {what} differ in length. For images with several labels give a matrix with one 0/1 column "
            "per label, for example with scikit-learn's MultiLabelBinarizer."
        ) from None


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT or pandas's NA."""
    return type(value).__name__ in _MISSING or (isinstance(value, float) and value != value)


def _plain_values(labels: NDArray) -> list:
    return [value.item() if isinstance(value, np.generic) else value for value in labels.tolist()]
