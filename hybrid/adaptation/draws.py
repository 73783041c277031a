"""Draw the images of a new site that a model is adapted to, and those that it is judged on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import InputError
from hybrid.evaluation.labels import truth_matrix
from hybrid.wording import number

SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_FEWEST = 10  # images to adapt to


@dataclass(frozen=True, eq=False)
class Draw:
    """Adapting images in a random order, and the images of all other groups.

    Attributes
    ----------
    order : ndarray of int, shape (m,)
        Rows of the adapting images. The first n of them are a draw of n images.
    judging : ndarray of int
        Rows of the images of the groups that no adapting image is of.
    """

    order: NDArray[np.intp]
    judging: NDArray[np.intp]


def draw_images(y: NDArray, groups: NDArray | None, images: int, random_state: int = 0) -> Draw:
    """Draw adapting images so that the classes have about the same shares in the first n images as in all, for every n.

    Whole groups are drawn. The last one may be cut, so that the number of images is exact; the rest of its images are
    then used neither for adapting nor for judging.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, k)
        Labels. Draws of several labels are stratified by the rarest label of each image.
    groups : ndarray of shape (n,), or None
        The group of each image.
    images : int
        Number of adapting images.
    random_state : int, default=0
        Seed of the draw.

    Returns
    -------
    Draw

    Examples
    --------
    >>> draw = draw_images(np.array(["a", "b"] * 4), np.array([0, 0, 1, 1, 2, 2, 3, 3]), 3, random_state=0)
    >>> len(draw.order), len(draw.judging)
    (3, 4)
    """
    unit = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    first = np.unique(unit, return_index=True)[1]
    stratum = _strata(y)[first]
    rng = np.random.default_rng(random_state)
    shuffled = rng.permutation(len(first))
    position = np.empty(len(first))
    for code in np.unique(stratum):
        members = shuffled[stratum[shuffled] == code]
        position[members] = (np.arange(len(members)) + rng.random()) / len(members)
    rank = np.argsort(np.argsort(position, kind="stable"), kind="stable")
    order = np.argsort(rank[unit], kind="stable")
    chosen = order[:images]
    return Draw(chosen, np.flatnonzero(~np.isin(unit, unit[chosen])))


def sizes_up_to(most: int, also: int | None = None) -> tuple[int, ...]:
    """Return the numbers of adapting images of a curve: 20, 50, 100 and so on, up to `most`.

    Parameters
    ----------
    most : int
        The largest number.
    also : int, optional
        A number that is among them in any case.

    Examples
    --------
    >>> sizes_up_to(300, also=60)
    (20, 50, 60, 100, 200)
    """
    return tuple(sorted({size for size in SIZES if size <= most} | ({also} if also else set())))


def check_number(images: int, available: int) -> None:
    """Raise `InputError` if a number of adapting images is too small, or leaves less than half for judging."""
    if images < _FEWEST:
        raise InputError(f"{number(images, 'adapting image')} were asked for; expected at least {_FEWEST}.")
    if images > available // 2:
        raise InputError(
            f"{images} adapting images were asked for, of {available}: at least half of them must be left to judge the "
            f"adapted model on. Ask for at most {available // 2}."
        )


def _strata(y: NDArray) -> NDArray[np.intp]:
    """Return a number for each image: its class, or the rarest of its labels."""
    truth = truth_matrix(y)
    if y.ndim == 1:
        return truth.argmax(axis=1)
    by_rarity = np.argsort(truth.sum(axis=0), kind="stable")
    rarest = truth[:, by_rarity].argmax(axis=1)
    return np.where(truth.any(axis=1), rarest, truth.shape[1])
