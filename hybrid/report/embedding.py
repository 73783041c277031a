"""A map of the embeddings: many columns become two."""

import warnings

import numpy as np

MOST_POINTS = 1000  # more take seconds, and hide each other
_FEWEST_FOR_TSNE = 30
_COLUMNS_FOR_TSNE = 50
_ITERATIONS = 500


def sample_rows(rows: np.ndarray, most: int = MOST_POINTS, seed: int = 0) -> np.ndarray:
    """Return at most so many of the rows, drawn without replacement, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def flatten(X: np.ndarray, seed: int = 0) -> tuple[np.ndarray, str]:
    """Bring embeddings to two columns: standardised, PCA to at most 50 columns, then t-SNE; PCA alone for few images.

    Parameters
    ----------
    X : ndarray, (n, width)
    seed : int, default=0

    Returns
    -------
    points : ndarray, (n, 2)
    method : str
        In words.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    scaled = StandardScaler().fit_transform(X.astype(np.float32))
    columns = min(_COLUMNS_FOR_TSNE, *scaled.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a constant column has no share of the variance
        reduced = PCA(columns, random_state=seed).fit_transform(scaled)
    if len(X) < _FEWEST_FOR_TSNE or columns < 3:
        return np.pad(reduced, ((0, 0), (0, 2)))[:, :2], "principal components 1 and 2"
    tsne = TSNE(perplexity=min(30.0, (len(X) - 1) / 3), max_iter=_ITERATIONS, init="pca", random_state=seed)
    with threadpool_limits(1, "openmp"):  # on a busy machine its threads wait for each other ten times as long
        return tsne.fit_transform(reduced), f"t-SNE of {columns} principal components, seed {seed}"
