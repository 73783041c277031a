"""A map of the embeddings: many columns become two."""

import hashlib
import warnings
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.store.store import default_cache
from hybrid.files import write_atomic

MOST_POINTS = 1000  # more take seconds, and hide each other
_FEWEST_FOR_TSNE = 30
_COLUMNS_FOR_TSNE = 50
_ITERATIONS = 500
_ANGLE = 0.8  # of Barnes and Hut; 782 chest X-rays: divergence 1.475, at 0.5 it is 1.477 and takes a third longer


def sample_rows(rows: np.ndarray, most: int = MOST_POINTS, seed: int = 0) -> np.ndarray:
    """Return at most so many of the rows, drawn without replacement, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def flatten(X: np.ndarray, seed: int = 0, cache: Path | None = None) -> tuple[np.ndarray, str]:
    """Bring embeddings to two columns: standardised, PCA to at most 50 columns, then t-SNE; PCA alone for few images.

    What t-SNE gave is kept in the cache folder: the next report on the same rows is there seconds sooner.

    Parameters
    ----------
    X : ndarray, (n, width)
    seed : int, default=0
    cache : Path, optional
        The cache folder; by default the user's.

    Returns
    -------
    points : ndarray, (n, 2)
    method : str
        In words.
    """
    columns = min(_COLUMNS_FOR_TSNE, *X.shape)
    if len(X) < _FEWEST_FOR_TSNE or columns < 3:
        return np.pad(_principal(X, columns, seed), ((0, 0), (0, 2)))[:, :2], "principal components 1 and 2"
    place = (cache or default_cache()) / "maps" / f"{_digest(X, seed)}.npy"
    points = _kept(place, len(X))
    if points is None:
        points = _neighbours(_principal(X, columns, seed), seed)
        with suppress(InputError):  # a cache that cannot be written costs time, nothing else
            write_atomic(place, lambda file: np.save(file, points))
    return points, f"t-SNE of {columns} principal components, seed {seed}"


def _principal(X: np.ndarray, columns: int, seed: int) -> np.ndarray:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(X.astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a constant column has no share of the variance
        return PCA(columns, random_state=seed).fit_transform(scaled)


def _neighbours(X: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    tsne = TSNE(perplexity=min(30.0, (len(X) - 1) / 3), max_iter=_ITERATIONS, angle=_ANGLE, random_state=seed)
    with threadpool_limits(1, "openmp"):  # on a busy machine its threads wait for each other ten times as long
        return tsne.fit_transform(X)


def _digest(X: np.ndarray, seed: int) -> str:
    """Return the SHA-256 of all that a map depends on."""
    made_by = f"{X.shape} {X.dtype} {seed} {_COLUMNS_FOR_TSNE} {_ITERATIONS} {_ANGLE} {version('scikit-learn')} "
    return hashlib.sha256(made_by.encode() + np.ascontiguousarray(X).tobytes()).hexdigest()


def _kept(place: Path, n: int) -> np.ndarray | None:
    """Return the points that a file holds, (n, 2); None if there is none, or it is damaged."""
    with suppress(OSError, ValueError, EOFError):
        points = np.load(place, allow_pickle=False)
        if points.shape == (n, 2) and np.isfinite(points).all():
            return points
    return None
