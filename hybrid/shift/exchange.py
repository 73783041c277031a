"""Which labels of two samples may be exchanged if both come from one distribution, and draws of such exchanges."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_MOST = 0.9  # share of the new units that must have a partner of their stratum


@dataclass(frozen=True, eq=False)
class Exchange:
    """Two samples of images in folds, and what may be exchanged between them if they do not differ.

    If the samples come from one distribution, a group could as well have been in the other sample. So the two labels
    "reference" and "new" are exchanged between groups of one fold and one stratum, which keeps the number of groups of
    each. The stratum of a group is that of most of its images. If there are so many strata that more than a tenth of
    the new groups had no partner, groups of all strata are exchanged. Of a group that has images in both samples, its
    parts are exchanged instead, and of a part in both samples its images, among each other.

    Attributes
    ----------
    is_new : ndarray of bool, shape (n,)
        Whether each image is in the new sample.
    fold : ndarray of int, shape (n,)
        Fold of each image. All images of a group are in one fold.
    cell : ndarray of int, shape (n,)
        Number of each image's fold and stratum. Images are compared within their cell.
    stratum : ndarray of int, shape (n,)
        Number of each image's stratum, such as its class.
    unit : ndarray of int, shape (n,)
        Number of what is exchanged with the image: its group, a part of it, or the image alone.
    block : ndarray of int, shape (n_units,)
        Number of the units among which each unit is exchanged.
    """

    is_new: np.ndarray
    fold: np.ndarray
    cell: np.ndarray
    stratum: np.ndarray
    unit: np.ndarray
    block: np.ndarray

    @property
    def n_units(self) -> tuple[int, int]:
        """Number of units in the reference and in the new sample."""
        of_unit = self._of_unit()
        return int((~of_unit).sum()), int(of_unit.sum())

    def draws(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Return random exchanges.

        Parameters
        ----------
        number : int
        rng : Generator

        Returns
        -------
        ndarray of bool, shape (n, number)
            Whether each image is in the new sample after each exchange.
        """
        of_unit, drawn = self._of_unit(), np.empty((number, len(self.block)), bool)
        for units in _members(self.block):
            both = of_unit[units].any() and not of_unit[units].all()
            labels = np.broadcast_to(of_unit[units], (number, len(units)))
            drawn[:, units] = rng.permuted(labels, axis=1) if both else labels
        return drawn[:, self.unit].T

    def _of_unit(self) -> np.ndarray:
        of_unit = np.zeros(len(self.block), bool)
        of_unit[self.unit] = self.is_new
        return of_unit


def make_exchange(
    is_new: np.ndarray,
    strata: np.ndarray | None,
    groups: np.ndarray | None,
    folds: int,
    rng: np.random.Generator,
    parts: np.ndarray | None = None,
) -> Exchange:
    """Draw folds for two samples, and return what may be exchanged between them.

    Parameters
    ----------
    is_new : ndarray of bool, shape (n,)
        Whether each image is in the new sample.
    strata : ndarray of int, shape (n,), or None
        Stratum of each image, from 0. None if there is one stratum.
    groups : ndarray of int, shape (n,), or None
        Group of each image, from 0: images that stay together in folds. None makes every image a group of its own.
    folds : int
        Number of folds. The groups of each sample and stratum are spread evenly over them.
    rng : Generator
    parts : ndarray of int, shape (n,), optional
        The part of its group to which each image belongs, from 0, if groups consist of parts that are in different
        samples: the patients that copies of an image join. By default every image of such a group is a part.

    Returns
    -------
    Exchange

    Examples
    --------
    >>> is_new = np.repeat([False, True], [6, 4])
    >>> exchange = make_exchange(is_new, None, np.arange(10) // 2, 2, np.random.default_rng(0))
    >>> np.bincount(exchange.fold, minlength=2).tolist(), exchange.n_units
    ([6, 4], (3, 2))
    """
    n = len(is_new)
    stratum = np.zeros(n, np.intp) if strata is None else strata
    group = np.arange(n) if groups is None else groups
    part = np.arange(n) if parts is None else parts
    mixed_group, mixed_part = _in_both(group, is_new)[group], _in_both(part, is_new)[part]
    side = np.where(mixed_group, 2, is_new)
    fold = _dealt(_kinds(group, stratum) * 3 + _of_groups(group, side), folds, rng)[group]

    name = np.where(mixed_group, np.where(mixed_part, np.arange(n), part), group)
    level = np.where(mixed_group, 1 + mixed_part, 0)  # the whole group, a part of it, or the image alone
    unit = _numbered(level, name)
    kind = _kinds(unit, stratum)[unit]
    block = np.where(level == 2, _numbered(part, stratum), _numbered(fold, kind))
    if not _exchangeable(_of_groups(unit, _numbered(level == 2, block)), _of_groups(unit, is_new)):
        block = np.where(level == 2, part, fold)
    return Exchange(
        is_new, fold, _numbered(fold, stratum), stratum, unit, _of_groups(unit, _numbered(level == 2, block))
    )


def _in_both(number: np.ndarray, is_new: np.ndarray) -> np.ndarray:
    """Return whether images of both samples have each number, ndarray of bool of shape (largest number + 1,)."""
    count = int(number.max(initial=-1)) + 1
    return (np.bincount(number, is_new, count) > 0) & (np.bincount(number, ~is_new, count) > 0)


def _of_groups(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the value that all images of each group have."""
    of_group = np.zeros(int(group.max(initial=-1)) + 1, value.dtype)
    of_group[group] = value
    return of_group


def _numbered(*values: np.ndarray) -> np.ndarray:
    """Return a number from 0 for each image that only images with the same values share."""
    return np.unique(np.column_stack(values), axis=0, return_inverse=True)[1].ravel()


def _kinds(group: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return the stratum of most images of each group, the first of equally frequent ones, ndarray of (n_groups,)."""
    pairs, counts = np.unique(np.column_stack([group, stratum]), axis=0, return_counts=True)
    order = np.lexsort((-pairs[:, 1], counts, pairs[:, 0]))  # the last of each group has the most images
    kind = np.zeros(int(group.max(initial=-1)) + 1, np.intp)
    kind[pairs[order, 0]] = pairs[order, 1]
    return kind


def _exchangeable(block: np.ndarray, is_new: np.ndarray) -> bool:
    """Return whether most units of the new sample share their block with units of the reference sample."""
    has_reference = np.bincount(block[~is_new], minlength=int(block.max(initial=0)) + 1) > 0
    return bool(has_reference[block[is_new]].mean() >= _MOST) if is_new.any() else True


def _dealt(key: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal things out to folds, evenly for each value of a key, ndarray of int of the shape of `key`."""
    order = rng.permutation(len(key))
    order = order[np.argsort(key[order], kind="stable")]
    fold = np.empty(len(key), np.intp)
    fold[order] = np.arange(len(key)) % folds
    return fold


def _members(number: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the indices that have each number."""
    order = np.argsort(number, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
