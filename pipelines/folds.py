"""Stratified folds of the training data that keep groups together and have every class in each training part."""

import warnings
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from hybrid.classifiers.fold_groups import fold_groups
from hybrid.errors import InputError, renamed_parameters
from hybrid.evaluation.labels import both_values, truth_matrix
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.pipelines.stratify import stratify

Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


@renamed_parameters(seed="random_state")
def make_folds(
    y: NDArray, groups: NDArray | None = None, *, cv: int = 5, repeats: int = 1, random_state: int = 0
) -> Splits:
    """Return the training and test rows of each fold.

    Folds are stratified by class; those of a multi-label task by iterative stratification of the labels.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_labels)
        Labels; a 0/1 matrix for multi-label tasks.
    groups : ndarray of shape (n,), optional
        Rows of the same group, such as images of one patient, stay together. :func:`kept_together` adds copies.
    cv : int, default=5
        Maximum number of folds. There are fewer if the smallest class has fewer rows or groups.
    repeats : int, default=1
        Number of repetitions, with the seeds `random_state`, `random_state` + 1, …
    random_state : int, default=0
        Seed of the shuffling.

    Returns
    -------
    list of (ndarray, ndarray)
        Row indices of the training and test part of each fold, one repetition after another.

    Raises
    ------
    InputError
        If `cv` or `repeats` is out of range, or a class has fewer than two rows or groups.

    Examples
    --------
    >>> [len(test) for _, test in make_folds(np.array(["a", "b"] * 3))]
    [2, 2, 2]
    """
    if not isinstance(cv, int) or cv < 2:
        raise InputError(f"cv={cv!r} was given; expected a number of folds, 2 or more.")
    if not isinstance(repeats, int) or repeats < 1:
        raise InputError(f"repeats={repeats!r} was given; expected a number of repetitions, 1 or more.")
    truth = truth_matrix(y)
    for n_folds in range(min(cv, _most_folds(y, truth, groups)), 1, -1):
        splits = [fold for number in range(repeats) for fold in _split(y, groups, n_folds, random_state + number)]
        if all(both_values(truth[train]).all() and both_values(truth[test]).any() for train, test in splits):
            return splits
    raise InputError(
        "No folds can be made in which every training part holds every class: some are in too few "
        f"{'rows' if groups is None else 'groups'}. Give validation data instead."
    )


def as_folds(
    cv: Any, y: NDArray, groups: NDArray | None = None, *, X: Any = None, repeats: int = 1, random_state: int = 0
) -> Splits:
    """Return the folds of a cross-validation that is given as a number, a text, a splitter or the splits themselves.

    Parameters
    ----------
    cv : int, str, splitter or iterable of splits
        A number of folds, folds and repeats such as ``"5x2"``, a splitter of scikit-learn, or pairs of training and
        test rows.
    y : ndarray of shape (n,) or (n, n_labels)
        Labels; a matrix of 0 and 1 for multi-label.
    groups : ndarray of shape (n,), optional
        Rows of the same group stay together. :func:`kept_together` adds copies.
    X : array-like of shape (n, ...), optional
        Passed to the splitter.
    repeats : int, default=1
        How often the rows are divided anew, if `cv` is a number.
    random_state : int, default=0
        Seed of the shuffling, if `cv` is a number or a text.

    Returns
    -------
    list of (ndarray, ndarray)
        Training and test rows of each fold.

    Raises
    ------
    InputError
        If `cv` is none of these, a fold lacks a class, or a group has rows in both parts of a fold.
    """
    if isinstance(cv, str):
        if repeats != 1:
            raise InputError(
                f"cv={cv!r} and repeats={repeats} were given, but cv already has the number of repeats: omit repeats."
            )
        cv, repeats = parse_folds(cv)
    if isinstance(cv, Integral):
        return make_folds(y, groups, cv=int(cv), repeats=repeats, random_state=random_state)
    if not hasattr(cv, "split") and not isinstance(cv, Iterable):
        raise InputError(
            f"cv={cv!r} was given; expected a number of folds, folds and repeats such as '5x2', or a splitter."
        )
    with warnings.catch_warnings():  # whether the folds divide a group is checked below
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        splits = list(check_cv(cv).split(np.empty(len(y)) if X is None else X, y, groups))
    truth = truth_matrix(y)
    for number, (train, test) in enumerate(splits):
        if not both_values(truth[train]).all() or not both_values(truth[test]).any():
            raise InputError(
                f"Fold {number} of the given cv lacks a class in its training part, or has only one class in its "
                "test part. Give a stratified splitter, or a number of folds."
            )
        if groups is not None and np.intersect1d(groups[train], groups[test]).size:
            raise InputError(
                f"Fold {number} of the given cv has images of one group, or copies of one image, in both of its parts. "
                "Give a splitter that respects groups, such as StratifiedGroupKFold, or a number of folds."
            )
    return splits


def kept_together(X: Any, groups: ArrayLike | None = None) -> NDArray[np.intp] | None:
    """Return the number of each row's group in folds, which joins groups that share copies of an image.

    Every function of this package that draws folds uses it.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Paths of images, whose files are compared, or an array of pixels or embeddings, whose rows are.
    groups : array-like of shape (n,), optional
        Group of each row.

    Returns
    -------
    ndarray of int of shape (n,), or None
        None if there are neither groups nor copies.

    Examples
    --------
    >>> kept_together([[1.0], [1.0], [2.0]]).tolist()
    [0, 0, 1]
    """
    rows = np.asarray(X)
    if rows.dtype.kind not in "biufc":
        rows = ImageSource(X).digests(FileDigests())[0]
    return fold_groups(groups, rows)


def parse_folds(text: str) -> tuple[int, int]:
    """Return the numbers of folds and repeats in a text such as ``5x2``, or ``5`` without repetition.

    Raises
    ------
    InputError
        If the text has another form, or there are fewer than 2 folds or no repeat.

    Examples
    --------
    >>> parse_folds("5x2")
    (5, 2)
    """
    folds, _, repeats = str(text).lower().replace("×", "x").partition("x")
    try:
        numbers = int(folds), int(repeats or 1)
    except ValueError:
        numbers = (0, 0)
    if numbers[0] < 2 or numbers[1] < 1:
        raise InputError(f"{text!r} was given; expected folds x repeats, such as 5x2, with 2 folds or more.")
    return numbers


def groups_for(estimator: Any, groups: ArrayLike | None) -> dict[str, Any]:
    """Return the keyword argument that passes groups to an estimator's `fit`; {} if `fit` takes no groups.

    Parameters
    ----------
    estimator : estimator
        A classifier, or a Pipeline that ends with one.
    groups : array-like of shape (n,), or None
        The group of each row.
    """
    name, last = estimator.steps[-1] if isinstance(estimator, Pipeline) else ("", estimator)
    if groups is None or not has_fit_parameter(last, "groups"):
        return {}
    return {f"{name}__groups" if name else "groups": np.asarray(groups)}


def _split(y: NDArray, groups: NDArray | None, n_folds: int, seed: int) -> Splits:
    if y.ndim == 2:
        return _split_labels(y, groups, n_folds, seed)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return list(kind(n_folds, shuffle=True, random_state=seed).split(np.empty(len(y)), y, groups))


def _split_labels(y: NDArray, groups: NDArray | None, n_folds: int, seed: int) -> Splits:
    """Return folds of multi-label targets, which scikit-learn does not provide."""
    unit = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    rows, labels = np.nonzero(y)
    fold = stratify(unit, rows, labels, y.shape[1], [1 / n_folds] * n_folds, seed)[unit]
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(n_folds)]


def _most_folds(y: NDArray, truth: NDArray[np.bool_], groups: NDArray | None) -> int:
    """Return the number of rows or groups of the rarest class, or of the rarest value of a label."""
    sides = truth if y.ndim == 1 else np.hstack([truth, ~truth])
    counts = [int(rows.sum()) if groups is None else len(np.unique(groups[rows])) for rows in sides.T]
    rarest = int(np.argmin(counts))
    if counts[rarest] < 2:
        name = f"Class {np.unique(y).tolist()[rarest]!r}" if y.ndim == 1 else _side_name(rarest, truth.shape[1])
        unit = "row" if groups is None else "group"
        raise InputError(
            f"{name} is in {counts[rarest]} {unit}{'s' * (counts[rarest] != 1)} of the training data; "
            "cross-validation needs at least 2. Add images, or give validation data."
        )
    return counts[rarest]


def _side_name(side: int, n_labels: int) -> str:
    return f"The value {int(side < n_labels)} of label column {side % n_labels}"
