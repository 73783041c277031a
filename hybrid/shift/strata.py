"""Classes and groups of two samples as numbers that are the same in both."""

from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.evaluation.groups import check_groups

LEAST_IN_COMBINATION = 5  # images of each sample; rarer combinations of labels are taken together


def joined_strata(y_reference: Any, y_new: Any, is_new: np.ndarray) -> np.ndarray | None:
    """Return the number of each image's class, or combination of labels, in two samples that follow each other.

    Parameters
    ----------
    y_reference, y_new : array-like of shape (n,) and (m,), or (n, k) and (m, k), or None
    is_new : ndarray of bool, shape (n + m,)

    Returns
    -------
    ndarray of int, shape (n + m,), or None
        None if one of the samples has no labels.

    Raises
    ------
    InputError
        If there is not one label, or one row of labels, for each image.

    Examples
    --------
    >>> joined_strata(["a", "b"], ["b"], np.array([False, False, True])).tolist()
    [0, 1, 1]
    """
    if y_reference is None or y_new is None:
        return None
    parts = [np.asarray(y) for y in (y_reference, y_new)]
    counts = [int((~is_new).sum()), int(is_new.sum())]
    if [len(part) for part in parts] != counts or parts[0].shape[1:] != parts[1].shape[1:]:
        shapes = " and ".join(str(part.shape) for part in parts)
        raise InputError(f"The labels have the shapes {shapes}; expected one for each of {counts[0]} and {counts[1]}.")
    return strata_of(np.concatenate(parts), is_new)


def strata_of(y: np.ndarray, is_new: np.ndarray) -> np.ndarray:
    """Return the number of each image's class, or combination of labels, ndarray of int of shape (n,).

    Combinations of several labels that are rare in one of the samples have one number.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
    is_new : ndarray of bool, shape (n,)

    Examples
    --------
    >>> strata_of(np.array([[0, 1]] * 10 + [[1, 1], [1, 0]]), np.arange(12) % 2 == 0).tolist()
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    """
    if y.ndim == 1:
        return np.unique(y, return_inverse=True)[1].ravel()
    combination = np.unique(y, axis=0, return_inverse=True)[1].ravel()
    least = np.minimum(*(np.bincount(combination[side], minlength=combination.max() + 1) for side in (is_new, ~is_new)))
    merged = np.where(least[combination] >= LEAST_IN_COMBINATION, combination, combination.max() + 1)
    return np.unique(merged, return_inverse=True)[1].ravel()


def joined_groups(groups_reference: Any, groups_new: Any, is_new: np.ndarray) -> np.ndarray | None:
    """Return the number of each image's group in two samples that follow each other; None if neither has groups.

    Raises
    ------
    InputError
        If there is not one group for each image.
    """
    if groups_reference is None and groups_new is None:
        return None
    names: list[Any] = []
    for given, count in ((groups_reference, int((~is_new).sum())), (groups_new, int(is_new.sum()))):
        check_groups(given, count)
        names += [None] * count if given is None else np.asarray(given).tolist()
    together = np.empty(len(names), object)
    together[:] = names
    return check_groups(together, len(names))
