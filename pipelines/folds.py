"""Folds inside the training data: stratified, never through a group, and every class in every training part."""

import numpy as np
from hybrid.pipelines.scoring import both_values, truth_matrix
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from hybrid.errors import InputError

Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def make_folds(y: NDArray, groups: NDArray | None = None, *, cv: int = 5, seed: int = 0) -> Splits:
    """Return the rows to train on and to score on, for each fold.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_labels)
        Labels; a 0/1 matrix for multi-label.
    groups : ndarray of shape (n,), optional
        Rows of the same group, such as images of one patient, stay together.
    cv : int, default=5
        Number of folds at most; fewer where the smallest class has fewer rows or groups.
    seed : int, default=0
        Of the shuffling.

    Returns
    -------
    list of (ndarray, ndarray)

    Raises
    ------
    InputError
        If a class has fewer than two rows, or is in fewer than two groups.

    Examples
    --------
    >>> [len(test) for _, test in make_folds(np.array(["a", "b"] * 3))]
    [2, 2, 2]
    """
    if not isinstance(cv, int) or cv < 2:
        raise InputError(f"cv={cv!r} was given; expected a number of folds, 2 or more.")
    truth = truth_matrix(y)
    for n_folds in range(min(cv, _most_folds(y, truth, groups)), 1, -1):
        splits = _split(y, groups, n_folds, seed)
        if all(both_values(truth[train]).all() and both_values(truth[test]).any() for train, test in splits):
            return splits
    raise InputError(
        "No folds can be made in which every training part holds every class: some are in too few "
        f"{'rows' if groups is None else 'groups'}. Give validation data instead."
    )


def _split(y: NDArray, groups: NDArray | None, n_folds: int, seed: int) -> Splits:
    single = y.ndim == 1
    if groups is None:
        kind = StratifiedKFold if single else KFold
    else:
        kind = StratifiedGroupKFold if single else GroupKFold
    return list(kind(n_folds, shuffle=True, random_state=seed).split(np.empty(len(y)), y, groups))


def _most_folds(y: NDArray, truth: NDArray[np.bool_], groups: NDArray | None) -> int:
    names = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])
    sides = [
        (name, value, column == value) for name, column in zip(names, truth.T, strict=True) for value in (True, False)
    ]
    counts = [int(rows.sum()) if groups is None else len(np.unique(groups[rows])) for _, _, rows in sides]
    fewest = int(np.argmin(counts))
    if counts[fewest] < 2:
        name, value, _ = sides[fewest]
        what = f"Class {name!r}" if y.ndim == 1 else f"The value {int(value)} of label column {name}"
        unit = "row" if groups is None else "group"
        raise InputError(
            f"{what} is in {counts[fewest]} {unit}{'s' * (counts[fewest] != 1)} of the training data; cross-validation "
            "needs at least 2. Add images, or give validation data."
        )
    return counts[fewest]
