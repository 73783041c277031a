"""Iterative stratification of images with any number of labels into splits or folds."""

from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np


def stratify(
    unit: np.ndarray,
    image: np.ndarray,
    label: np.ndarray,
    n_labels: int,
    shares: Sequence[float],
    seed: int,
    precedence: Sequence[int] | None = None,
) -> np.ndarray:
    """Assign units (groups or single images) to parts so that each label is divided in the same shares as the images.

    Labels are handled from the rarest to the most frequent, and the units with a label from the largest to the
    smallest. Each unit goes to the part that lacks most images of the label, counted among the units that are at least
    as large, so that units of every size are divided in the same shares.

    Parameters
    ----------
    unit : ndarray of int, shape (n,)
        The unit of each image, counted from 0.
    image, label : ndarray of int, shape (n_pairs,)
        Image and label of each pair of an image and one of its labels, counted from 0.
    n_labels : int
        Number of labels.
    shares : sequence of float, shape (n_parts,)
        Share of each part, such as train, val and test.
    seed : int
        Seed of the order of units of equal size.
    precedence : sequence of int, optional
        Order in which parts receive a label that is too rare for all of them. By default the order of `shares`.

    Returns
    -------
    ndarray of int, shape (n_units,)
        The part of each unit.

    References
    ----------
    Sechidis, Tsoumakas, Vlahavas. On the stratification of multi-label data. ECML PKDD 2011.
    """
    sizes = np.bincount(unit)
    codes, counts = np.unique(unit[image] * n_labels + label, return_counts=True)
    of_unit, of_label = np.divmod(codes, n_labels)
    # Large units are assigned while there is room for them; units of equal size are in random order.
    order = np.lexsort((np.random.default_rng(seed).permutation(len(sizes)), -sizes))
    assignment = _Assignment(
        sizes,
        _labels_of_units(of_unit, of_label, counts, len(sizes)),
        n_labels,
        shares,
        precedence or range(len(shares)),
    )
    return assignment.run(order, _units_of_labels(of_unit, of_label, order, n_labels))


def _labels_of_units(
    of_unit: np.ndarray, of_label: np.ndarray, counts: np.ndarray, n_units: int
) -> list[list[tuple[int, int]]]:
    """Return for each unit its pairs of a label and the number of images with that label; `of_unit` is sorted."""
    pairs = list(zip(of_label.tolist(), counts.tolist(), strict=True))
    bounds = np.searchsorted(of_unit, np.arange(n_units + 1))
    return [pairs[start:end] for start, end in pairwise(bounds.tolist())]


def _units_of_labels(of_unit: np.ndarray, of_label: np.ndarray, order: np.ndarray, n_labels: int) -> list[list[int]]:
    """Return the units with each label, in the given order."""
    rank = np.argsort(order)
    by_label = np.lexsort((rank[of_unit], of_label))
    units = of_unit[by_label].tolist()
    bounds = np.searchsorted(of_label[by_label], np.arange(n_labels + 1))
    return [units[start:end] for start, end in pairwise(bounds.tolist())]


class _Assignment:
    """The state of the assignment: how many images of each label each part holds, and how many images it lacks."""

    def __init__(
        self,
        sizes: np.ndarray,
        labels_of: list[list[tuple[int, int]]],
        n_labels: int,
        shares: Sequence[float],
        precedence: Sequence[int],
    ):
        self.sizes = sizes.tolist()
        self.labels_of = labels_of
        self.shares = [float(share) for share in shares]
        self.parts = range(len(self.shares))
        self.precedence = precedence
        self.left = np.bincount([label for labels in labels_of for label, _ in labels], minlength=n_labels)
        self.held = [[0] * len(self.shares) for _ in range(n_labels)]
        self.shortage = [0.0] * len(self.shares)
        self.part_of_unit = np.full(len(self.sizes), -1)

    def run(self, order: np.ndarray, units_of: list[list[int]]) -> np.ndarray:
        while np.any(self.left > 0):
            rarest = int(np.argmin(np.where(self.left > 0, self.left, np.iinfo(np.int64).max)))
            units = [unit for unit in units_of[rarest] if self.part_of_unit[unit] < 0]
            for _, equal in groupby(units, key=self.sizes.__getitem__):
                self._divide(list(equal), rarest)
        for unit in order[self.part_of_unit[order] < 0].tolist():  # units without any label
            self._put(unit, max(self.parts, key=lambda s: (self.shares[s] > 0, self.shortage[s])))
        return self.part_of_unit

    def _divide(self, units: list[int], label: int) -> None:
        """Assign units of equal size with a label. Smaller units that follow make up for what is rounded here."""
        images = sum(self.held[label]) + sum(dict(self.labels_of[unit])[label] for unit in units)
        for unit in units:
            self._put(unit, self._choose(label, images))

    def _choose(self, label: int, images: int) -> int:
        held, shortage = self.held[label], self.shortage
        lacking = [s for s in self.precedence if self.shares[s] > 0 and not held[s]]
        if self.left[label] <= len(lacking):
            return lacking[0]
        demand = [share * images - n for share, n in zip(self.shares, held, strict=True)]
        # Demands of up to one image are rounding errors. Between such parts the shortage of all images decides, so that
        # many small classes are not all rounded the same way.
        return max(
            (s for s in self.parts if self.shares[s] > 0),
            key=lambda s: (max(demand[s], 1.0) if demand[s] > 0 else demand[s], shortage[s]),
        )

    def _put(self, unit: int, target: int) -> None:
        self.part_of_unit[unit] = target
        for label, count in self.labels_of[unit]:
            self.held[label][target] += count
            self.left[label] -= 1
        for s in self.parts:
            self.shortage[s] += self.shares[s] * self.sizes[unit]
        self.shortage[target] -= self.sizes[unit]
