"""Whether a division of the images, such as their hospitals, is associated with their labels, and how closely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.evaluation import clustered, independent, intervals
from hybrid.evaluation.delong import components

EXCHANGES = 1999
_FOLDS = 10
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Area:
    """How well the division alone tells the images of a class from all others.

    Attributes
    ----------
    value : float
        ROC AUC.
    low, high : float or None
        Bounds of its interval.
    """

    value: float
    low: float | None
    high: float | None


def exchange_tests(
    codes: Sequence[np.ndarray], truth: np.ndarray, groups: np.ndarray, exchanges: int = EXCHANGES, seed: int = 0
) -> list[float]:
    """Return the p-value of each division, for the hypothesis that it has nothing to do with the labels.

    Labels are exchanged at random: the shares of the labels of a group, such as a patient, between the groups, and the
    labels of the images within a group. Each group counts once, however many images it has. The statistic is that of
    Pearson's chi-square, of all classes together or summed over the labels.

    Parameters
    ----------
    codes : sequence of ndarray of int, each of shape (n,)
        The number of each image's subgroup in each division.
    truth : ndarray of shape (n, k)
        1 where an image is of a class or has a label, otherwise 0.
    groups : ndarray of int, shape (n,)
        The number of each image's group, from 0. Images that are independent have groups of their own.
    exchanges : int, default=EXCHANGES
        Number of exchanges.
    seed : int, default=0
        Seed of the exchanges.

    Returns
    -------
    list of float

    Examples
    --------
    >>> ill = np.repeat([0, 1], 20)
    >>> hospital, weekday = np.repeat([0, 1], 20), np.tile(np.arange(5), 8)
    >>> exchange_tests([hospital, weekday], np.column_stack([1 - ill, ill]), np.arange(40))
    [0.0005, 1.0]
    """
    if not codes:
        return []
    from scipy.sparse import csr_array

    rng, number = np.random.default_rng(seed), np.unique(groups, return_inverse=True)[1].ravel()
    images, n = np.bincount(number), len(number)
    width = [int(code.max()) + 1 for code in codes]
    starts = np.cumsum([0, *width[:-1]])
    places = np.concatenate([code + start for code, start in zip(codes, starts, strict=True)])
    inside = csr_array((np.ones(len(places)), (places, np.tile(np.arange(n), len(codes)))), (sum(width), n))
    mean = csr_array((1 / images[number], (np.arange(n), number)), (n, len(images)))
    y = truth.astype(np.float64)
    shares_inside, labels = (inside @ mean).tocsr(), mean.T @ y
    within = _Within((inside * (1 / images[number])[None, :]).tocsc(), y - labels[number], number)
    shares = labels.mean(axis=0)
    labels -= shares
    one_class = bool((truth.sum(axis=1) == 1).all())
    expected = np.outer(shares_inside.sum(axis=1) / len(images), shares if one_class else shares * (1 - shares))
    weight = np.divide(1, expected, out=np.zeros_like(expected), where=expected > 0)

    def statistics(of_groups: np.ndarray, of_images: np.ndarray) -> np.ndarray:
        total = shares_inside @ of_groups + within.sums(of_images)  # labels have mean 0 in both
        return np.add.reduceat((weight * total**2).sum(axis=1), starts)

    found = statistics(labels, within.labels)
    reached = np.zeros(len(codes), int)
    for _ in range(exchanges):
        drawn = statistics(labels[rng.permutation(len(labels))], within.exchanged(rng))
        reached += drawn >= found - _ROUNDING * np.abs(found)
    return ((1 + reached) / (1 + exchanges)).tolist()


def predicted_areas(code: np.ndarray, truth: np.ndarray, groups: np.ndarray, seed: int = 0) -> list[Area | None]:
    """Return how well a division alone tells each class from all others.

    The subgroups are ordered by their share of a class, as counted in the other groups, in ten folds; so a division
    into many small subgroups does not seem to predict what it only remembers.

    Parameters
    ----------
    code, truth, groups
        As in :func:`exchange_tests`, for one division.
    seed : int, default=0
        Seed of the folds.

    Returns
    -------
    list of Area or None
        One for each class; None if all images are of the class, or none.

    Examples
    --------
    >>> ill = np.repeat([0, 1], 20)[:, None]
    >>> [area] = predicted_areas(np.repeat([0, 1], [25, 15]), ill, np.arange(40))
    >>> area.value
    0.875
    """
    from scipy.stats import rankdata

    number = np.unique(groups, return_inverse=True)[1].ravel()
    count = int(number.max()) + 1
    fold = np.random.default_rng(seed).permutation(np.arange(count) % min(_FOLDS, count))[number]
    inside, y = np.eye(int(code.max()) + 1)[code], truth.astype(np.float64)
    scores = np.empty(y.shape)
    for one in np.unique(fold):
        others = fold != one
        sums, sizes = inside[others].T @ y[others], inside[others].sum(axis=0)[:, None]
        shares = (sums + y[others].mean(axis=0)) / (sizes + 1)
        scores[~others] = rankdata(shares, axis=0)[code[~others]]
    return [_area(truth[:, k] == 1, scores[:, k], number) for k in range(y.shape[1])]


def _area(true: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> Area | None:
    if not 0 < true.sum() < len(true):
        return None
    value = float(components(true, scores[None])[0].mean())
    sides = [len(np.unique(groups[side])) for side in (true, ~true)]
    alone = len(np.unique(groups)) == len(groups)
    if value in (0, 1):
        low, high = intervals.perfect_auc(sides[0], sides[1], 0.95)
        return Area(value, *((low, high) if value else (1 - high, 1 - low)))
    if min(sides) < 2:
        return Area(value, None, None)
    found = (
        independent.area_interval(true, scores, 0.95) if alone else clustered.area_interval(true, scores, groups, 0.95)
    )
    return Area(value, *(found or (None, None)))


class _Within:
    """The part of the statistic that comes from images of one group with different labels.

    Parameters
    ----------
    inside : sparse array of shape (subgroups, n)
        Whether an image is in each subgroup, divided by the number of images of its group.
    labels : ndarray of shape (n, k)
        Labels of the images minus their means in the group.
    group : ndarray of int, shape (n,)
    """

    def __init__(self, inside: Any, labels: np.ndarray, group: np.ndarray):
        rows = np.flatnonzero((np.bincount(group, np.abs(labels).sum(axis=1)) > _ROUNDING)[group])
        rows = rows[np.argsort(group[rows], kind="stable")]
        self._inside, self._group, self.labels = inside[:, rows].tocsr(), group[rows], labels[rows]

    def sums(self, labels: np.ndarray) -> np.ndarray:
        """Return the sum of the labels in each subgroup."""
        return self._inside @ labels

    def exchanged(self, rng: np.random.Generator) -> np.ndarray:
        """Return the labels, exchanged within each group."""
        return self.labels[np.lexsort((rng.random(len(self._group)), self._group))]
