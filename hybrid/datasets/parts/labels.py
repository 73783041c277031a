"""Convert labels to one of two forms: strings or integers of shape (n,), or 0 and 1 of shape (n, k)."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from hybrid.datasets.parts.numbers import class_values, is_missing, zero_one
from hybrid.errors import InputError
from hybrid.wording import first_few, number, one_form

_AS_NUMBER = re.compile(r"0*([0-9]+)(?:\.0*)?")


def tidy_labels(
    y: object, ids: Sequence[str], label_names: Sequence[str] | None = None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return labels in the form of `Dataset.y`, the classes, and notes about the conversion.

    Parameters
    ----------
    y : array-like of shape (n,), (n, 1) or (n, k)
        One label per image, in any form that `class_values` reads; or k binary labels per image, each 0 or 1.
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
        If a label is missing, or the labels are neither names, nor whole numbers, nor columns of 0 and 1.

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
        labels = _single(labels, ids, getattr(y, "name", None))
        classes = np.unique(labels)
        return labels, classes, _notes_on_names(classes)
    return _several(labels, label_names)


def no_label_error(ids: Iterable[str], labels: Iterable[object]) -> InputError:
    """Return the error for images whose label is missing. At least one is."""
    without = [image_id for image_id, label in zip(ids, labels, strict=True) if is_missing(label)]
    count = number(len(without), "image has", "images have")
    return InputError(f"{count} no label ({first_few(without)}): label or remove them.")


def alike_names(names: Iterable[str]) -> list[list[str]]:
    """Return the sets of different names that differ only in case, spaces, compatible characters or leading zeros.

    Examples
    --------
    >>> alike_names(["Cat", "dog", "cat", "CAT"])
    [['Cat', 'cat', 'CAT']]
    >>> alike_names(["01", "1", "1.0", "grade 1"])
    [['01', '1', '1.0']]
    """
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        number = _AS_NUMBER.fullmatch(plain.strip())
        alike[number[1] if number else " ".join(plain.split())].append(name)
    return [same for same in alike.values() if len(same) > 1]


def _as_array(y: object) -> np.ndarray:
    try:
        if isinstance(y, list | tuple) and not any(isinstance(item, list | tuple | np.ndarray) for item in y):
            labels = np.empty(len(y), dtype=object)  # np.asarray would make text of numbers beside text
            labels[:] = y
        elif isinstance(y, np.ma.MaskedArray):
            labels = y.data.astype(object)
            labels[np.ma.getmaskarray(y)] = None
        else:
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


def _single(labels: np.ndarray, ids: Sequence[str], column: object) -> np.ndarray:
    """Return one label per image as str or, if all are whole numbers that fit, as int64."""
    if labels.dtype.kind in "mM":
        raise InputError(f"The labels are dates or times ({labels.dtype}): give the names of classes.")
    values = class_values(labels.tolist(), column=column if isinstance(column, str) else "")
    if None in values:
        raise no_label_error(ids, values)
    if all(isinstance(value, str) for value in values):
        return np.array([one_form(value) for value in values], dtype=np.str_)
    if all(type(value) is int for value in values):
        fits = all(-(2**63) <= value < 2**63 for value in values)
        return np.array(values, dtype=np.int64) if fits else np.array([str(value) for value in values], dtype=np.str_)
    other = first_few(sorted({repr(v) for v in values if not isinstance(v, str | int)}))
    raise InputError(
        f"The labels are neither all strings nor all integers ({other or 'there are both'}): convert them to one type."
    )


def _notes_on_names(classes: np.ndarray) -> list[str]:
    """Return a note on classes that may be one, but not on letters such as "a" and "A"."""
    if classes.dtype.kind != "U":
        return []
    alike = [first_few(names) for names in alike_names(classes.tolist()) if not names[0].isalpha() or len(names[0]) > 1]
    differences = "upper and lower case, spaces or leading zeros"
    return [f"Classes whose names differ only in {differences}: {'; '.join(alike[:3])}."] * bool(alike)


def _several(labels: np.ndarray, label_names: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    given = label_names if label_names is not None else range(labels.shape[1])
    names = np.array([one_form(str(name)) for name in given], dtype=np.str_)
    if len(names) != labels.shape[1] or len(set(names)) != len(names):
        raise InputError(
            f"The labels have {labels.shape[1]} columns, which need as many different names; "
            f"given were {first_few(names, 12)}."
        )
    plain = labels.dtype.kind in "biuf" and np.isin(labels, (0, 1)).all()
    flags = labels if plain else zero_one(labels.ravel().tolist())
    if flags is None:
        raise InputError(
            f"The labels have the shape {labels.shape} but contain values other than 0 and 1: "
            "give one label per image, or columns of 0 and 1."
        )
    labels = np.array(flags, dtype=np.uint8).reshape(labels.shape)
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
