"""Fit a pipeline to embeddings, those on disk in blocks of rows."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from hybrid.classifiers.base import Head
from hybrid.errors import InputError
from hybrid.files import array_on_disk, is_on_disk, released_blocks, usable_memory
from hybrid.pipelines.folds import groups_for


def fit_pipeline(pipeline: Pipeline, X: NDArray, y: ArrayLike, groups: ArrayLike | None = None) -> Pipeline:
    """Fit a pipeline to embeddings, and return it.

    Embeddings on disk are standardised and projected in blocks of rows, and the head gets the result as another array
    on disk, so that memory is needed for one block only.

    Parameters
    ----------
    pipeline : Pipeline
        As :func:`make_head_pipeline` returns it.
    X : ndarray or memmap of shape (n, width)
    y : array-like of shape (n,) or (n, n_labels)
    groups : array-like of shape (n,), optional
        Passed to the head, if it takes groups.

    Raises
    ------
    InputError
        If the embeddings are on disk and a step is neither a StandardScaler nor a PCA, or the disk is full.
    """
    params = groups_for(pipeline, groups)
    if not is_on_disk(X):
        return pipeline.fit(X, y, **params)
    if isinstance(pipeline[-1], Head) and "pca" not in pipeline.named_steps:  # before the embeddings are read
        pipeline[-1].check_memory(X.shape, 2 if np.ndim(y) == 2 else len(np.unique(y)))
    for name, step in pipeline.steps[:-1]:
        if not isinstance(step, (StandardScaler, PCA)):
            raise InputError(
                f"The step {name!r} needs all embeddings in memory, which do not fit into it: leave it out, or set "
                "HYBRID_MEMORY to more memory."
            )
        fit = _fit_scaler if isinstance(step, StandardScaler) else _fit_pca
        X = _transformed(fit(step, X), X)
    pipeline[-1].fit(X, y, **{key.partition("__")[2]: value for key, value in params.items()})
    return pipeline


def check_in_memory(X: NDArray, what: str) -> None:
    """Raise `InputError` if embeddings are on disk, for what needs them in memory.

    Parameters
    ----------
    X : ndarray or memmap of shape (n, width)
    what : str
        What needs them, as the subject of the message.
    """
    if is_on_disk(X):
        raise InputError(
            f"{what} fits models to parts of the embeddings, which needs up to {6 * X.nbytes / 1e9:.3g} GB of memory, "
            f"and {usable_memory() / 1e9:.3g} GB may be used: leave it out, use fewer images, or set HYBRID_MEMORY."
        )


def _fit_scaler(scaler: StandardScaler, X: NDArray) -> StandardScaler:
    for rows in released_blocks(X):
        scaler.partial_fit(np.asarray(X[rows]))
    return scaler


def _fit_pca(pca: PCA, X: NDArray) -> PCA:
    """Fit a PCA to a few rows that have the mean and the covariance matrix of all rows, of which it is a function."""
    mean = sum(X[rows].sum(axis=0, dtype=np.float64) for rows in released_blocks(X)) / len(X)
    scatter = np.zeros((X.shape[1], X.shape[1]))
    for rows in released_blocks(X):
        centred = X[rows] - mean
        scatter += centred.T @ centred
    values, vectors = np.linalg.eigh(scatter)
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    few = np.concatenate([root, -root]) / np.sqrt(2) + mean
    solver = pca.svd_solver
    pca.set_params(svd_solver="full").fit(few).set_params(svd_solver=solver)
    ratio = (len(few) - 1) / (len(X) - 1)
    pca.explained_variance_ *= ratio
    pca.noise_variance_ *= ratio
    pca.n_samples_ = len(X)
    for name in ("mean_", "components_", "explained_variance_"):  # transform then returns float32, as in memory
        setattr(pca, name, getattr(pca, name).astype(X.dtype))
    return pca


def _transformed(step: Any, X: NDArray) -> np.memmap:
    width = step.n_components_ if isinstance(step, PCA) else X.shape[1]
    found = array_on_disk((len(X), width))
    for rows in released_blocks(X, found):
        found[rows] = step.transform(np.asarray(X[rows]))
    return found
