"""Confirm near-duplicates by cached embeddings: compare their cosine with that of nearest neighbours in general."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.store.manage import list_extractors
from hybrid.extractors.store.store import EmbeddingStore, default_cache

_SAMPLE = 500  # images whose nearest neighbours are searched
_SEARCHED = 5000  # images among which they are searched


@dataclass(frozen=True, eq=False)
class EmbeddingConfirmation:
    """Similarity of pairs of images by their embeddings.

    Attributes
    ----------
    backbone : str
        The backbone that computed the embeddings.
    cosines : ndarray of shape (m,)
        Cosine similarity of each pair.
    usual : float
        Median cosine similarity of an image and its nearest neighbour.
    """

    backbone: str
    cosines: np.ndarray
    usual: float

    @property
    def confirmed(self) -> np.ndarray:
        """Mask, of shape (m,), of the pairs that are more similar than a typical image and its nearest neighbour."""
        return self.cosines > self.usual


def confirm(keys: np.ndarray, pairs: np.ndarray, cache: Path | None = None) -> EmbeddingConfirmation | None:
    """Compare pairs of images by the last used embeddings in the cache that are complete for all images.

    Parameters
    ----------
    keys : ndarray of uint8, shape (n, 32)
        Digests of the images, which all differ.
    pairs : ndarray of int, shape (m, 2)
        Rows of `keys`.
    cache : Path, optional
        The cache folder. By default, the cache folder of the user.

    Returns
    -------
    EmbeddingConfirmation or None
        None if no extractor has embeddings of all images in the cache.
    """
    cache = cache or default_cache()
    for stored in list_extractors(cache):
        if stored.identity is None:
            continue
        store = EmbeddingStore(cache, stored.identity)
        try:
            if store.contains(keys).all():
                return EmbeddingConfirmation(stored.backbone, *_cosines(store, keys, pairs))
        except InputError:
            continue
    return None


def _cosines(store: EmbeddingStore, keys: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, float]:
    first, second = (_unit(store.gather(keys[pairs[:, side]])) for side in (0, 1))
    drawn = np.random.default_rng(0).permutation(len(keys))[:_SEARCHED]
    vectors = _unit(store.gather(keys[drawn]))
    cosines = vectors[:_SAMPLE] @ vectors.T
    np.fill_diagonal(cosines, -1)
    return (first * second).sum(axis=1), float(np.median(cosines.max(axis=1)))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
