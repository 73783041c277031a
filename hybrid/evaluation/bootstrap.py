"""Bootstrap draws and jackknife blocks, as matrices of image weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybrid.evaluation.sample_weights import degrees_by_stratum, variance_by_stratum

CHUNK_ELEMENTS = 1 << 18  # 2 MB of float64, so that the matrices of a chunk fit into the processor's cache
MOST_BLOCKS = 500  # the error of the acceleration is then below 0.002, far below that of 2000 draws
FEWEST_BLOCKS = 30  # in a stratum that has at least as many rows


def draw_weights(strata: np.ndarray, n_boot: int, seed: int, groups: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Yield bootstrap draws as rows that count how often each image was drawn.

    Images are drawn with replacement within each stratum, so the size of each stratum is the same in every draw. The
    draws depend only on `strata`, `n_boot`, `seed` and `groups`. Models that are evaluated on the same images therefore
    get the same draws, and their scores can be compared draw by draw.

    If the images come in groups, such as the images of one patient, whole groups are drawn (the cluster bootstrap;
    Davison and Hinkley 1997, section 3.8).

    Parameters
    ----------
    strata : ndarray of shape (n,)
        The stratum of each image, or of each group. If all are equal, this is the plain bootstrap.
    n_boot : int
        Number of draws.
    seed : int
        Seed of the random number generator.
    groups : ndarray of int, optional
        The number of each image's group, an index into `strata`. By default, each image is drawn for itself.

    Yields
    ------
    ndarray of float64, shape (at most n_boot, number of images)
        The next chunk of draws; the size of a chunk bounds the memory.

    Examples
    --------
    >>> draws = np.vstack(list(draw_weights(np.array([0, 0, 0, 1]), n_boot=3, seed=0)))
    >>> draws[:, :3].sum(axis=1), draws[:, 3]
    (array([3., 3., 3.]), array([1., 1., 1.]))
    """
    n = len(strata)
    order = np.argsort(strata, kind="stable")
    _, counts = np.unique(strata, return_counts=True)
    size = np.repeat(counts, counts)
    start = np.repeat(np.cumsum(counts) - counts, counts)
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK_ELEMENTS // (n if groups is None else len(groups)))
    for first in range(0, n_boot, step):
        block = min(step, n_boot - first)
        # Rounded down before `start` is added: the sum of the two could round up into the next stratum.
        position = (rng.random((block, n)) * size).astype(np.intp) + start
        cell = order[position] + n * np.arange(block)[:, None]
        counts = np.bincount(cell.ravel(), minlength=block * n).reshape(block, n).astype(np.float64)
        yield counts if groups is None else counts[:, groups]


@dataclass(frozen=True, eq=False)
class JackknifeBlocks:
    """Blocks of images that a jackknife leaves out in turn; each block lies within one stratum.

    With few images each block is a single image. Otherwise there are about 500 blocks, so that the jackknife takes a
    quarter of the time of 2000 draws. If the images come in groups, the blocks consist of whole groups.

    Attributes
    ----------
    block_of_row : ndarray of int, shape (n,)
        The block of each image.
    size : ndarray of int, shape (n_blocks,)
        Number of images, or of groups, of each block.
    stratum : ndarray of int, shape (n_blocks,)
        Index of the stratum of each block.
    kept : ndarray of float, shape (n_blocks,)
        Share of the stratum, or of its weight, that remains when the block is left out.
    own_degrees : ndarray of float, shape (n_strata,)
        Degrees of freedom of the variance within each stratum.
    weight : ndarray of float, shape (n_blocks,), or None
        Sum of the weights of the images of each block; None if all images count alike.
    """

    block_of_row: np.ndarray
    size: np.ndarray
    stratum: np.ndarray
    kept: np.ndarray
    own_degrees: np.ndarray
    weight: np.ndarray | None = None

    @classmethod
    def from_strata(
        cls, strata: np.ndarray, groups: np.ndarray | None = None, weights: np.ndarray | None = None
    ) -> "JackknifeBlocks":
        """Return blocks for images of these strata, (n,), or for groups of these strata; see :func:`draw_weights`.

        `weights` are those of the images, (n_images,); by default all count alike.
        """
        _, stratum_of_row, counts = np.unique(strata, return_inverse=True, return_counts=True)
        least = max(2, min(FEWEST_BLOCKS, MOST_BLOCKS // len(counts)))
        proportional = np.ceil(MOST_BLOCKS * counts / counts.sum()).astype(np.intp)
        n_blocks = np.minimum(counts, np.maximum(proportional, least))
        block_of_row = np.empty(len(strata), dtype=np.intp)
        order = np.argsort(stratum_of_row, kind="stable")
        position = np.arange(len(strata)) - np.repeat(np.cumsum(counts) - counts, counts)
        first = np.cumsum(n_blocks) - n_blocks
        block_of_row[order] = position % np.repeat(n_blocks, counts) + np.repeat(first, counts)
        size, stratum = np.bincount(block_of_row), np.repeat(np.arange(len(counts)), n_blocks)
        own_row = block_of_row if groups is None else block_of_row[groups]
        if weights is None:
            return cls(own_row, size, stratum, 1 - size / counts[stratum], np.maximum(counts - 1.0, 1.0))
        of_row = weights if groups is None else np.bincount(groups, weights)
        of_block, of_stratum = np.bincount(block_of_row, of_row), np.bincount(stratum_of_row, of_row)
        own_degrees = degrees_by_stratum(of_row, stratum_of_row)
        return cls(own_row, size, stratum, 1 - of_block / of_stratum[stratum], own_degrees, of_block)

    def weights(self) -> Iterator[np.ndarray]:
        """Yield chunks of rows of weights, (at most n_blocks, n): 0 for the images of one block, 1 for all others."""
        step = max(1, CHUNK_ELEMENTS // len(self.block_of_row))
        for first in range(0, len(self.size), step):
            left_out = np.arange(first, min(first + step, len(self.size)))
            yield (self.block_of_row != left_out[:, None]).astype(np.float64)

    def influence(self, value: float | np.ndarray, without: np.ndarray) -> np.ndarray:
        """Return the influence of each block on a score, centred within its stratum (Davison and Hinkley 1997, 3.2.1).

        It is centred because leaving out an image changes the balance of the strata, whereas the draws keep it.

        Parameters
        ----------
        value : float or ndarray of shape (...,)
            One or several scores on all images.
        without : ndarray of shape (..., n_blocks)
            The scores without each block. If one is NaN, the block is taken to have no influence.

        Returns
        -------
        ndarray of shape (..., n_blocks)
        """
        change = self._change(value, without)
        mean = self._by_stratum(change) / self._by_stratum(self.size)
        return change - self.size * mean[..., self.stratum]

    def _change(self, value: float | np.ndarray, without: np.ndarray) -> np.ndarray:
        return np.nan_to_num(self.kept * (np.asarray(value)[..., None] - without))

    def acceleration(self, value: float, without: np.ndarray) -> float:
        """Return the acceleration of the BCa interval: a sixth of the skewness of the influence."""
        influence = self.influence(value, without)
        spread = np.sum(influence**2)
        return float(np.sum(influence**3) / (6 * spread**1.5)) if spread > 0 else 0.0

    def variance(self, value: float | np.ndarray, without: np.ndarray) -> "JackknifeVariance":
        """Return the variance of scores; the parameters are those of :meth:`influence`.

        In a stratum of n images or groups the variance of the draws is (n - 1) / n of the true variance. The degrees of
        freedom combine those of the strata by their influence (Satterthwaite 1946). If no block has any influence, they
        are those of all images or groups. With weights, the variance is that of
        :func:`~hybrid.evaluation.sample_weights.variance_by_stratum`.
        """
        several = self.rows_of_strata > 1
        biased = self._by_stratum(self.influence(value, without) ** 2)[..., several]
        parts, own = self.variance_of_strata(value, without)[..., several], self.own_degrees[several]
        total, varies = parts.sum(axis=-1), biased.sum(axis=-1) > 0
        factor = np.divide(total, biased.sum(axis=-1), out=np.ones_like(total), where=varies)
        all_rows = np.full_like(total, max(1.0, float(self.size.sum() - 1)))
        degrees = np.divide(total**2, np.sum(parts**2 / own, axis=-1), out=all_rows, where=varies)
        return JackknifeVariance(total, factor, degrees)

    def variance_of_strata(self, value: float | np.ndarray, without: np.ndarray) -> np.ndarray:
        """Return the part of each stratum in the variance of scores, (..., n_strata); 0 for a stratum of one row.

        The parameters are those of :meth:`influence`.
        """
        if self.weight is not None:
            return variance_by_stratum(self._change(value, without), self.weight, self.stratum)
        rows = self.rows_of_strata
        return self._by_stratum(self.influence(value, without) ** 2) * rows / np.maximum(rows - 1, 1)

    @property
    def rows_of_strata(self) -> np.ndarray:
        """Number of images, or of groups, of each stratum, (n_strata,)."""
        return self._by_stratum(self.size)

    def _by_stratum(self, values: np.ndarray) -> np.ndarray:
        """Return the sums over the blocks of each stratum, which follow each other."""
        return np.add.reduceat(values, np.flatnonzero(np.diff(self.stratum, prepend=-1)), axis=-1)


class JackknifeVariance(NamedTuple):
    """The jackknife's variance of one or several scores, as numbers or as arrays of their shape.

    Attributes
    ----------
    value : ndarray
        The variance.
    factor : ndarray
        Factor by which the variance of bootstrap draws is too small; 1 if no block has any influence.
    degrees : ndarray
        Degrees of freedom of Student's distribution.
    """

    value: np.ndarray
    factor: np.ndarray
    degrees: np.ndarray
