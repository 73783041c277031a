"""Project embeddings to two dimensions for the map."""

import hashlib
import warnings
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.store.store import default_cache
from hybrid.files import write_atomic

MOST_POINTS = 1000  # more points take seconds to compute and hide each other
_FEWEST_FOR_TSNE = 30
_COLUMNS_FOR_TSNE = 50
_ITERATIONS = 500
_ANGLE = 0.8  # Barnes-Hut angle. On 782 chest X-rays, the divergence is 1.475; 0.5 gives 1.477 and takes a third longer


def sample_rows(rows: np.ndarray, most: int = MOST_POINTS, seed: int = 0) -> np.ndarray:
    """Return at most `most` of the rows, drawn without replacement, in their original order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def project_to_2d(X: np.ndarray, seed: int = 0, cache: Path | None = None) -> tuple[np.ndarray, str]:
    """Return embeddings in two dimensions: standardised, reduced to at most 50 columns by PCA, then by t-SNE.

    With fewer than 30 images or 3 columns, PCA alone is used. The result of t-SNE is kept in the cache folder, which
    saves seconds in the next report on the same rows.

    Parameters
    ----------
    X : ndarray of shape (n, width)
        The embeddings.
    seed : int, default=0
        Seed of PCA and t-SNE.
    cache : Path, optional
        The cache folder. By default, it is that of the user.

    Returns
    -------
    points : ndarray of shape (n, 2)
        The coordinates of the images.
    method : str
        A description of the method.
    """
    columns = min(_COLUMNS_FOR_TSNE, *X.shape)
    if len(X) < _FEWEST_FOR_TSNE or columns < 3:
        return np.pad(_principal(X, columns, seed), ((0, 0), (0, 2)))[:, :2], "principal components 1 and 2"
    path = (cache or default_cache()) / "maps" / f"{_digest(X, seed)}.npy"
    points = _read_points(path, len(X))
    if points is None:
        points = _neighbours(_principal(X, columns, seed), seed)
        with suppress(InputError):  # without a writable cache, the next report only takes longer
            write_atomic(path, lambda file: np.save(file, points))
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
    with threadpool_limits(1, "openmp"):  # on a busy machine, several threads are ten times as slow
        return tsne.fit_transform(X)


def _digest(X: np.ndarray, seed: int) -> str:
    """Return the SHA-256 of everything that determines a map."""
    settings = f"{X.shape} {X.dtype} {seed} {_COLUMNS_FOR_TSNE} {_ITERATIONS} {_ANGLE} {version('scikit-learn')} "
    return hashlib.sha256(settings.encode() + np.ascontiguousarray(X).tobytes()).hexdigest()


def _read_points(path: Path, n: int) -> np.ndarray | None:
    """Return the points in a file, of shape (n, 2); None if the file is missing or damaged."""
    with suppress(OSError, ValueError, EOFError):
        points = np.load(path, allow_pickle=False)
        if points.shape == (n, 2) and np.isfinite(points).all():
            return points
    return None
