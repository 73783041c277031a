"""Labels of any type: their classes, and predicted labels told from probabilities."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import InputError

_MISSING = {"NAType", "NaTType", "NoneType"}


def label_array(given: Any, what: str) -> NDArray:
    """Return labels as an array of shape (n,) or (n, k).

    Raises
    ------
    InputError
        If they are of no such shape, or some are missing.
    """
    labels = _as_array(given, what)
    if labels.ndim not in (1, 2):
        raise InputError(f"{what} has shape {labels.shape}; expected one label an image, or a 0/1 matrix.")
    missing = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(labels.shape, bool)
    if labels.dtype.kind == "O":
        missing = np.frompyfunc(_is_missing, 1, 1)(labels).astype(bool)
    if missing.any():
        row = np.argwhere(missing)[0, 0]
        raise InputError(f"{what} holds {missing.sum()} missing values, the first in row {row}: leave them out.")
    return labels


def holds_labels(values: NDArray, labels: NDArray, classes: Sequence | None = None) -> bool:
    """Return whether predictions are labels rather than probabilities.

    Whole numbers, booleans and text are labels; of a single-label task only in one dimension. Floating-point numbers
    in one dimension are labels where the true labels are such numbers too and include them, or where they lie outside
    of 0 to 1 and all are classes.

    Parameters
    ----------
    values : ndarray of shape (n,) or (n, k)
        The predictions.
    labels : ndarray of shape (n,) or (n, k)
        The true labels.
    classes : sequence, optional
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
    """Return the classes of labels and predicted labels, sorted; of a matrix, the names or numbers of its columns.

    Parameters
    ----------
    y_true : array-like
        As given. A DataFrame names the labels of its columns.
    labels : ndarray of shape (n,) or (n, k)
        The same as an array.
    predictions : iterable of ndarray
        Probabilities and predicted labels.

    Raises
    ------
    InputError
        If the labels cannot be sorted, or the columns of the probabilities cannot be their classes.
    """
    predictions = list(predictions)
    if labels.ndim == 2:
        return tuple(getattr(y_true, "columns", range(labels.shape[1])))
    found = set(_plain_values(labels))
    for values in predictions:
        if holds_labels(values, labels):
            found.update(_plain_values(values))
    try:
        classes = tuple(sorted(found))
    except TypeError:
        kinds = " and ".join(sorted({type(value).__name__ for value in found}))
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
    """Return labels (n,) or (n, k) as one column a class or label; classes are those of `y` if not given."""
    if y.ndim == 2:
        return y.astype(bool)
    return y[:, None] == (np.unique(y) if classes is None else classes)[None, :]


def both_values(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for each column of labels (n, k) whether it holds positives and negatives, (k,)."""
    positives = truth.sum(axis=0)
    return (positives > 0) & (positives < len(truth))


def prediction_array(given: Any, labels: NDArray) -> NDArray:
    """Return predictions as an array, a single column for single labels, such as a sigmoid's, in one dimension."""
    values = _as_array(given, "y_pred")
    if values.ndim == 2 and values.shape[1] == 1 and labels.ndim == 1:
        values = values[:, 0]
    return values if values.ndim == 2 else label_array(values, "y_pred")


def probabilities_of(values: NDArray, names: tuple, positive: Any) -> NDArray[np.float64]:
    """Return probabilities as an array of shape (n, k), also those of the positive class alone.

    Raises
    ------
    InputError
        If one number an image cannot be a probability.
    """
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"The predictions hold {values.dtype.type.__name__} in the shape {values.shape}; expected probabilities of "
            f"shape (n, {len(names)}), or one predicted label an image."
        ) from None
    if values.ndim != 1:
        return values
    if len(names) != 2:
        raise InputError(
            f"One number an image was given for {len(names)} classes. Give predicted labels, which are among the "
            f"classes, or probabilities of shape ({len(values)}, {len(names)})."
        )
    if np.isfinite(values).all() and not ((values >= 0) & (values <= 1)).all():
        raise InputError(
            f"One number an image was given, from {values.min():.6g} to {values.max():.6g}. Expected predicted labels, "
            "or probabilities of the positive class: give predict_proba, not decision values."
        )
    return np.column_stack([1 - values, values] if names.index(positive) == 1 else [values, 1 - values])


def _as_array(given: Any, what: str) -> NDArray:
    try:
        return np.asarray(given)
    except ValueError:
        raise InputError(
            f"The rows of {what} differ in length. For images with several labels give a matrix with one 0/1 column a "
            "label, for example by scikit-learn's MultiLabelBinarizer."
        ) from None


def _is_missing(value: Any) -> bool:
    return type(value).__name__ in _MISSING or (isinstance(value, float) and value != value)


def _plain_values(labels: NDArray) -> list:
    return [value.item() if isinstance(value, np.generic) else value for value in labels.tolist()]
