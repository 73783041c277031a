"""Nested shares of training images, with the same share of each class, that divide no group."""

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import InputError
from hybrid.evaluation.labels import truth_matrix

FEWEST_OF_CLASS = 5  # images and, if there are groups, at least 2 groups in the smallest share
_FEWEST = 20
_SMALLEST_SHARE = 1 / 32


def default_shares(y: NDArray, groups: NDArray | None, sizes: int) -> NDArray[np.float64]:
    """Return shares of the training images in even steps on the scale of logarithms, the last of which is 1.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_labels)
        Training labels.
    groups : ndarray of shape (n,), optional
        Group of each image.
    sizes : int
        Number of shares, at least 2. In the smallest one, each class has at least 5 images, of 2 groups.

    Raises
    ------
    InputError
        If a class has so few images that no share of less than two thirds of the images has 5 of them.

    Examples
    --------
    >>> default_shares(np.repeat(["a", "b"], 80), None, 3).round(3).tolist()
    [0.125, 0.354, 1.0]
    """
    truth = truth_matrix(y)
    sides = truth if y.ndim == 1 else np.hstack([truth, ~truth])
    images = sides.sum(axis=0)
    images = images[images > 0]  # a label without images is not learnt by any share
    least = [FEWEST_OF_CLASS / images.min(), _FEWEST / len(y), _SMALLEST_SHARE]
    if groups is not None:
        least.append(2.5 / min(len(np.unique(groups[side])) for side in sides.T if side.any()))
    smallest = float(max(least))
    if smallest > 2 / 3:
        raise InputError(
            f"A learning curve needs shares of the training images in which each class has {FEWEST_OF_CLASS} images of "
            f"several groups; the rarest class has {images.min()} of the {len(y)} images, which is too few."
        )
    return np.geomspace(smallest, 1, sizes)


def nested_shares(
    y: NDArray, groups: NDArray | None, shares: NDArray[np.float64], random_state: int
) -> list[NDArray[np.intp]]:
    """Return the rows of random shares of the images, each of which contains the smaller ones.

    Within each class, whole groups are added in random order until the share is reached. A group belongs to the rarest
    class or label of its images, so that these are divided most evenly.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_labels)
        Labels.
    groups : ndarray of shape (n,), optional
        Rows of one group stay together.
    shares : ndarray of shape (m,)
        Shares, ascending. A share of 1 contains all rows.
    random_state : int
        Seed of the order.

    Examples
    --------
    >>> small, large = nested_shares(np.repeat(["a", "b"], 10), None, np.array([0.2, 0.5]), 0)
    >>> len(small), len(large), set(small.tolist()) < set(large.tolist())
    (4, 10, True)
    """
    rng = np.random.default_rng(random_state)
    unit = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    images = np.bincount(unit)
    stratum = _strata(y, unit)
    order = rng.permutation(len(images))
    reached = np.empty(len(images))
    for number in np.unique(stratum):
        own = order[stratum[order] == number]
        done = np.cumsum(images[own])
        reached[own] = (done - images[own] / 2) / done[-1]  # a group is in a share that reaches its middle
    return [np.flatnonzero(reached[unit] <= share) for share in shares]


def _strata(y: NDArray, unit: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the stratum of each unit: its rarest class or label; a stratum of its own for units without labels."""
    truth = truth_matrix(y)
    rarity = np.argsort(np.argsort(truth.sum(axis=0), kind="stable"), kind="stable")  # 0 is the rarest
    rank = np.where(truth, rarity, truth.shape[1]).min(axis=1)
    stratum = np.full(unit.max() + 1, truth.shape[1])
    np.minimum.at(stratum, unit, rank)
    return stratum
