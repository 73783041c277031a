"""Ranks of new values among held-out values, which conformal prediction turns into statements about new images."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.errors import InputError

_ROUNDING = 1e-9  # of a sum of weights


def rank_shares(
    held_out: NDArray, new: NDArray, groups: NDArray | None = None, *, sizes: NDArray | None = None
) -> NDArray[np.float64]:
    """Return which share of held-out values is at least as large as each new value, the new value itself included.

    This is the p-value of conformal prediction [1]_: if held-out and new values come from one distribution, at most a
    share p of new values has a share of p or less. If there are groups, each group has the same weight, which is
    divided evenly between its values; the statement then holds for a value of a new group [2]_.

    Parameters
    ----------
    held_out : ndarray of shape (n,)
        Values of images that had no part in what the values measure.
    new : ndarray of any shape
        Values of new images.
    groups : ndarray of shape (n,), optional
        Group of each held-out value, such as its patient. By default, each value is a group of its own.
    sizes : ndarray of int of shape (n,), optional
        The number of held-out values in the group of each, in place of `groups`.

    Returns
    -------
    ndarray of float64, in the shape of `new`
        Between 1 / (number of groups + 1) and 1.

    References
    ----------
    .. [1] Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2nd edition, Springer 2022, chapter 2.
    .. [2] Lee, Barber and Willett, Distribution-free inference with hierarchical data, 2023, section 3.

    Examples
    --------
    >>> rank_shares(np.array([0.1, 0.2, 0.3]), np.array([0.25, 0.4])).tolist()
    [0.5, 0.25]
    """
    if sizes is None:
        sizes = group_sizes(groups, len(held_out))
    order = np.argsort(held_out, kind="stable")
    weights = 1 / sizes[order]
    above = np.append(np.cumsum(weights[::-1])[::-1], 0.0)  # weight of all values from each position on
    first = np.searchsorted(held_out[order], new, side="left")
    return (1 + above[first]) / (1 + number_of_groups(sizes))


def group_sizes(groups: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Return the number of rows in the group of each of n rows; 1 for each row without groups."""
    if groups is None:
        return np.ones(n, np.int64)
    _, group, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    return size[group.ravel()]


def number_of_groups(sizes: NDArray) -> int:
    """Return the number of groups, given the size of the group of each row."""
    return round(float((1 / sizes).sum()))


def exceeds(shares: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """Return where the shares of :func:`rank_shares` are above a level, apart from rounding."""
    return shares > level + _ROUNDING


def groups_needed(coverage: float) -> int:
    """Return the smallest number of held-out images, or groups of them, that a coverage can be guaranteed with.

    Raises
    ------
    InputError
        If the coverage is not between 0 and 1.

    Examples
    --------
    >>> groups_needed(0.9), groups_needed(0.95), groups_needed(0.99)
    (9, 19, 99)
    """
    if not 0 < coverage < 1:
        raise InputError(f"The coverage {coverage!r} was given; expected a number between 0 and 1, such as 0.9.")
    return math.ceil(1 / (1 - coverage) - _ROUNDING) - 1
