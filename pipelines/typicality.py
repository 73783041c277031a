"""How typical images are of those that a model was fitted to, by the distances of their embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.errors import InputError
from hybrid.pipelines.folds import kept_together
from hybrid.pipelines.ranks import exceeds, group_sizes, number_of_groups, rank_shares
from hybrid.wording import number

NEIGHBORS = 5
MOST_BYTES = 900_000  # of the kept embeddings, so that everything together stays below 1 MB
LEAST_GROUPS = 19  # with fewer, even an image that is farther away than all others has a typicality above 0.05
_MOST_HELD_OUT = 5_000
_UNFAMILIAR = 0.01
_BLOCK_VALUES = 2**24  # number of similarities that are computed at a time


@dataclass(frozen=True, eq=False)
class Reference:
    """Some embeddings of training images, and the distances of held-out images from them.

    :func:`~hybrid.pipelines.make_reference` makes it, :func:`~hybrid.save_model` keeps it with a model, and
    :func:`~hybrid.pipelines.load_reference` reads it.

    Attributes
    ----------
    directions : ndarray of float16 of shape (m, width)
        Embeddings of m training images, drawn at random; those of each extractor scaled to length 1.
    lengths : ndarray of float32 of shape (m, e)
        The length of the embedding of each image by each of e extractors.
    groups : ndarray of int of shape (m,)
        Number of the group of each of these images, such as its patient. Copies of an image are of one group.
    widths : tuple of int
        Number of columns of each extractor.
    distances : ndarray of float32 of shape (n,)
        Distances of n held-out images, in ascending order.
    sizes : ndarray of int of shape (n,)
        Number of held-out images in the group of each.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = make_reference(rng.normal(3, 1, size=(200, 8)))
    >>> reference.typicality(np.full((1, 8), 3.0)) > 0.05
    array([ True])
    >>> reference.is_unfamiliar(reference.typicality(-np.ones((1, 8))))
    array([ True])
    """

    directions: NDArray[np.float16]
    lengths: NDArray[np.float32]
    groups: NDArray[np.int32]
    widths: tuple[int, ...]
    distances: NDArray[np.float32]
    sizes: NDArray[np.int32]

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """The kept embeddings, (m, width), to about three digits. They are a random sample of train."""
        return self.directions.astype(np.float32) * np.repeat(self.lengths, self.widths, axis=1)

    @property
    def width(self) -> int:
        """Number of columns of the embeddings."""
        return self.directions.shape[1]

    @property
    def held_out_groups(self) -> int:
        """Number of groups among the held-out images; their number if there are no groups."""
        return number_of_groups(self.sizes)

    @property
    def level(self) -> float:
        """The typicality up to which an image is called unfamiliar.

        It is 0.01, or the smallest value that is possible with fewer than 99 held-out images or groups. This is also
        the share of images like those of train that are called unfamiliar.
        """
        return max(_UNFAMILIAR, 1 / (self.held_out_groups + 1))

    def describe(self) -> str:
        """Return in words what the reference holds.

        Examples
        --------
        >>> make_reference(np.random.default_rng(0).normal(size=(200, 8))).describe()
        'embeddings of 200 training images, distances of 200 held-out images'
        """
        held_out = number(len(self.distances), "held-out image")
        groups = f" of {self.held_out_groups} groups" if self.held_out_groups < len(self.distances) else ""
        return f"embeddings of {number(len(self.directions), 'training image')}, distances of {held_out}{groups}"

    def distance(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the distance of embeddings from the kept ones.

        It is the cosine distance from the fifth-nearest kept embedding. With several extractors it is the mean of their
        cosine distances.

        Parameters
        ----------
        X : array-like of shape (n, width)
            Embeddings.

        Returns
        -------
        ndarray of float32 of shape (n,)
        """
        return self._distance(_checked(X, self.width))

    def typicality(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return which share of held-out images is at least as far away from the kept ones as each image.

        A typicality of 0.03 means that 3 of 100 held-out images are as far away or farther. Each group counts as much
        as any other.

        Parameters
        ----------
        X : array-like of shape (n, width)
            Embeddings of images that the model was not fitted to.

        Returns
        -------
        ndarray of float64 of shape (n,)

        Raises
        ------
        InputError
            If the embeddings have another number of columns, or hold NaN or infinity.
        """
        return rank_shares(self.distances, self.distance(X), sizes=self.sizes)

    def is_unfamiliar(self, typicality: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return where a typicality is so low that the image is called unfamiliar."""
        return ~exceeds(typicality, self.level)

    def _distance(self, X: NDArray, groups: NDArray | None = None) -> NDArray[np.float32]:
        """Return the distances of embeddings; of those with a group, from kept embeddings of other groups only."""
        directions = _scaled(X, self.widths)[0]
        # Scaled again, since float16 changes lengths: the cosine of two close directions then keeps seven digits.
        kept, k = _scaled(self.directions, self.widths)[0].T, min(NEIGHBORS, len(self.directions))
        size = max(1, _BLOCK_VALUES // kept.shape[1])
        parts = []
        for start in range(0, len(X), size):
            rows = slice(start, start + size)
            similarity = directions[rows] @ kept
            if groups is not None:
                similarity[groups[rows, None] == self.groups] = -np.inf
            nearest = np.partition(similarity, -k, axis=1)[:, -k]
            parts.append(1 - nearest / len(self.widths))
        return np.concatenate(parts) if parts else np.empty(0, np.float32)


def make_reference(
    X: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    widths: Sequence[int] | None = None,
    held_out: tuple[ArrayLike, ArrayLike | None] | None = None,
    random_state: int = 0,
) -> Reference:
    """Return the reference by which a saved model tells how typical images are of its training images.

    It keeps as many embeddings as fit into 0.9 MB, drawn at random. The distances of up to 5,000 training images from
    them are measured without the image itself, its copies and the other images of its group, so that they are those of
    images that are not kept.

    Parameters
    ----------
    X : array-like of shape (n, width)
        Embeddings of the training images.
    groups : array-like of shape (n,), optional
        Group of each image, such as its patient. Equal rows are one group, too.
    widths : sequence of int, optional
        Number of columns of each extractor, if there are several.
    held_out : (X, groups), optional
        Embeddings and groups of other images to take the distances of. They are needed if the network was trained on
        the training images, because it brings those closer together than new ones.
    random_state : int, default=0
        Seed of the draws.

    Returns
    -------
    Reference

    Raises
    ------
    InputError
        If there are too few images or groups, the embeddings are too wide, or they hold NaN or infinity.

    Notes
    -----
    The distance to the k-th nearest neighbour of a normalised embedding is used by Sun et al., Out-of-distribution
    detection with deep nearest neighbors, ICML 2022. It needs no fitting, so that held-out and new images are treated
    alike. Leaving an image out cannot make its distance smaller, so that its rank holds for new images, too.
    """
    rows = _checked(X)
    rng = np.random.default_rng(random_state)
    together = kept_together(rows, groups)
    group = np.arange(len(rows)) if together is None else together
    given = (rows.shape[1],) if widths is None else tuple(map(int, widths))
    if sum(given) != rows.shape[1]:
        raise InputError(f"widths={list(given)} were given for embeddings of {rows.shape[1]} columns.")
    most = MOST_BYTES // (2 * rows.shape[1] + 4 * len(given) + 4)
    if min(most, len(rows)) < LEAST_GROUPS:
        raise InputError(
            f"There are {len(rows)} embeddings of {rows.shape[1]:,} columns; a reference keeps at least {LEAST_GROUPS} "
            "embeddings in at most 1 MB."
        )
    kept = np.sort(rng.permutation(len(rows))[:most])
    directions, lengths = _scaled(rows[kept], given)
    bank = Reference(
        directions.astype(np.float16),
        lengths,
        group[kept].astype(np.int32),
        given,
        np.empty(0, np.float32),
        np.empty(0, np.int32),
    )
    if held_out is None:
        drawn = _whole_groups(group, rng)
        distances, of_group = bank._distance(rows[drawn], group[drawn]), group[drawn]
    else:
        others = _checked(held_out[0], rows.shape[1])
        together = kept_together(others, held_out[1])
        of_group = np.arange(len(others)) if together is None else together
        drawn = _whole_groups(of_group, rng)
        distances, of_group = bank._distance(others[drawn]), of_group[drawn]
    found = len(np.unique(of_group))
    if found < LEAST_GROUPS or not np.isfinite(distances).all():  # infinite: fewer than 5 images of other groups
        unit = "images" if found == len(of_group) else "groups of images"
        raise InputError(f"There are {found} {unit} to take distances of; a reference needs at least {LEAST_GROUPS}.")
    order = np.argsort(distances, kind="stable")
    sizes = group_sizes(of_group, len(of_group)).astype(np.int32)
    return Reference(bank.directions, lengths, bank.groups, given, distances[order], sizes[order])


def _whole_groups(groups: NDArray, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return rows of randomly drawn groups, all rows of each, up to the largest number of held-out images."""
    numbers, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(numbers))
    taken = order[: max(1, int(np.searchsorted(np.cumsum(size[order]), _MOST_HELD_OUT, side="right")))]
    return np.flatnonzero(np.isin(group.ravel(), taken))


def _scaled(X: NDArray, widths: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return embeddings with those of each extractor scaled to length 1, and the lengths; zeros are not scaled."""
    parts = np.split(np.asarray(X, np.float32), np.cumsum(widths)[:-1], axis=1)
    lengths = np.stack([np.linalg.norm(part.astype(np.float64), axis=1) for part in parts], axis=1)
    divisors = np.where(lengths > 0, lengths, 1).astype(np.float32)
    scaled = [part / divisors[:, index, None] for index, part in enumerate(parts)]
    return np.concatenate(scaled, axis=1), lengths.astype(np.float32)


def _checked(X: ArrayLike, width: int | None = None) -> NDArray:
    rows = np.asarray(X)
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or (width is not None and rows.shape[1] != width):
        expected = "(n, width)" if width is None else f"(n, {width})"
        raise InputError(f"An array of shape {rows.shape} was given; expected embeddings of shape {expected}.")
    if not np.isfinite(rows).all():
        raise InputError("The embeddings hold NaN or infinity.")
    return rows
