"""Convert labels to one of two forms: strings or integers of shape (n,), or 0 and 1 of shape (n, k)."""

from collections.abc import Sequence

import numpy as np

from hybrid.errors import InputError
from hybrid.wording import first_few, number


def tidy_labels(
    y: object, ids: Sequence[str], label_names: Sequence[str] | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return labels in the form of `Dataset.y`, the classes, and notes about the conversion.

    Parameters
    ----------
    y : array-like of shape (n,), (n, 1) or (n, k)
        One string or integer per image, or k binary labels per image, each 0 or 1.
    ids : sequence of str, shape (n,)
        Names of the images, for messages.
    label_names : sequence of str, shape (k,), optional
        Names of the columns of a two-dimensional `y`. By default "0", "1", …

    Returns
    -------
    y : ndarray of str or int64, shape (n,), or of uint8, shape (n, k)
        The labels. Binary labels of which each image has exactly one are converted to classes.
    classes : ndarray of shape (k,)
        The sorted classes, or the names of the binary labels.
    notes : list of str
        Sentences about what was converted.

    Raises
    ------
    InputError
        If a label is missing, or the labels are neither strings, nor integers, nor columns of 0 and 1.

    Examples
    --------
    >>> tidy_labels([[1, 0], [1, 1], [0, 1]], ["a", "b", "c"], ["sea", "sunset"])[1]
    array(['sea', 'sunset'], dtype='<U6')
    >>> y, classes, notes = tidy_labels([[1, 0], [1, 0], [0, 1]], ["a", "b", "c"], ["sea", "sunset"])
    >>> y
    array(['sea', 'sea', 'sunset'], dtype='<U6')
    """
    labels = _as_array(y)
    if len(labels) != len(ids):
        raise InputError(
            f"There are {number(len(ids), 'image')} but {number(len(labels), 'label')}: give one label per image."
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 1:
        labels = _single(labels, ids)
        return labels, np.unique(labels), []
    return _several(labels, label_names)


def _as_array(y: object) -> np.ndarray:
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise InputError(
            "The labels are lists of different lengths: give one label per image, or k columns of 0 and 1."
        ) from error
    if labels.ndim not in (1, 2) or 0 in labels.shape[1:]:
        raise InputError(
            f"The labels have the shape {labels.shape}; expected (n,), (n, 1), or (n, k) with values 0 and 1."
        )
    return labels


def _single(labels: np.ndarray, ids: Sequence[str]) -> np.ndarray:
    values = labels.tolist()
    empty = [value is None or value == "" or value != value for value in values]
    if any(empty):
        which = first_few(image_id for image_id, missing in zip(ids, empty, strict=True) if missing)
        raise InputError(f"{number(sum(empty), 'image has', 'images have')} no label ({which}): label or remove them.")
    if labels.dtype.kind == "S" or all(isinstance(value, str) for value in values):
        return labels.astype(np.str_)
    if all(isinstance(value, bool | int) or (isinstance(value, float) and value.is_integer()) for value in values):
        return np.array([int(value) for value in values], dtype=np.int64)
    other = first_few(sorted({repr(v) for v in values if isinstance(v, float) or not isinstance(v, str | int)}))
    raise InputError(
        f"The labels are neither all strings nor all integers ({other or 'there are both'}): convert them to one type."
    )


def _several(labels: np.ndarray, label_names: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    names = np.array(
        label_names if label_names is not None else [str(i) for i in range(labels.shape[1])], dtype=np.str_
    )
    if len(names) != labels.shape[1] or len(set(names)) != len(names):
        raise InputError(
            f"The labels have {labels.shape[1]} columns, which need as many different names; "
            f"given were {first_few(names, 12)}."
        )
    if labels.dtype.kind not in "biufO" or not np.isin(labels, (0, 1)).all():
        raise InputError(
            f"The labels have the shape {labels.shape} but contain values other than 0 and 1: "
            "give one label per image, or columns of 0 and 1."
        )
    labels = labels.astype(np.uint8)
    if not (labels.sum(axis=1) == 1).all():
        return labels, names, []
    classes = names if label_names is not None else np.arange(len(names))
    unused = names[labels.sum(axis=0) == 0]
    if len(unused):
        raise InputError(f"No image has the label {first_few(unused)}: remove that column.")
    single = classes[labels.argmax(axis=1)]
    return (
        single,
        np.unique(single),
        [f"Every image has exactly one of the {len(names)} labels, so they were converted to classes."],
    )
