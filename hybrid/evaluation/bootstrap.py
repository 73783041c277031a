"""Bootstrap draws as matrices of row counts, and percentile intervals from them."""

from collections.abc import Iterator

import numpy as np

CHUNK_ELEMENTS = 1 << 18  # 2 MB of float64: the matrices of one chunk stay in the processor's cache
MIN_DEFINED = 0.9  # an interval needs a value in at least this share of the draws


def draw_weights(strata: np.ndarray, n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """Yield bootstrap draws, each a row that counts how often every image was drawn.

    Rows are drawn with replacement within each stratum, so every draw has as many of each stratum as the
    data. The draws depend on `strata`, `n_boot` and `seed` alone, not on a model: models that are evaluated
    on the same images get the same draws, which makes their scores comparable draw by draw.

    Parameters
    ----------
    strata : ndarray of shape (n,)
        The stratum of each row; all the same for a plain bootstrap.
    n_boot : int
        Number of draws.
    seed : int
        Seed of the generator.

    Yields
    ------
    ndarray of float64, shape (at most n_boot, n)
        Some of the draws, so many at a time that memory stays flat.

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
    step = max(1, CHUNK_ELEMENTS // n)
    for first in range(0, n_boot, step):
        block = min(step, n_boot - first)
        # Rounded down before `start` is added: the sum of the two could round up into the next stratum.
        place = (rng.random((block, n)) * size).astype(np.intp) + start
        cell = order[place] + n * np.arange(block)[:, None]
        yield np.bincount(cell.ravel(), minlength=block * n).reshape(block, n).astype(np.float64)


def interval(values: np.ndarray, level: float) -> tuple[float, float] | None:
    """Return the percentile interval of a score's bootstrap values.

    Parameters
    ----------
    values : ndarray of shape (n_boot,)
        The score in each draw, NaN where it is not defined.
    level : float
        Coverage, such as 0.95.

    Returns
    -------
    tuple of float or None
        Low and high; None where too few draws have a value, or where all draws have the same one: a score
        of 1.0, or the recall of a single image, would get an interval without width and look certain.
    """
    defined = values[~np.isnan(values)]
    if len(defined) == 0 or len(defined) < MIN_DEFINED * len(values):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return (float(low), float(high)) if low < high else None
