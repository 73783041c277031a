"""What cached embeddings say of near-duplicates: are they nearer to each other than images usually are?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.store.manage import list_extractors
from hybrid.extractors.store.store import EmbeddingStore, default_cache

_SAMPLE = 500  # images whose nearest neighbour is looked for
_AMONG = 5000


@dataclass(frozen=True, eq=False)
class EmbeddingConfirmation:
    """How near pairs of images are in embeddings.

    Attributes
    ----------
    backbone : str
        Whose embeddings.
    cosines : ndarray, (m,)
        Of each pair.
    usual : float
        The median cosine of an image and its nearest neighbour.
    """

    backbone: str
    cosines: np.ndarray
    usual: float

    @property
    def confirmed(self) -> np.ndarray:
        """Which pairs are nearer than half of the images are to their nearest neighbour, (m,) of bool."""
        return self.cosines > self.usual


def confirm(keys: np.ndarray, pairs: np.ndarray, cache: Path | None = None) -> EmbeddingConfirmation | None:
    """Look pairs up in the embeddings used last that hold all images; None if no cached ones do.

    Parameters
    ----------
    keys : ndarray of uint8, (n, 32)
        Digests of images that all differ.
    pairs : ndarray of int, (m, 2)
        Rows of `keys`.
    cache : Path, optional
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
    drawn = np.random.default_rng(0).permutation(len(keys))[:_AMONG]
    among = _unit(store.gather(keys[drawn]))
    cosines = among[:_SAMPLE] @ among.T
    np.fill_diagonal(cosines, -1)
    return (first * second).sum(axis=1), float(np.median(cosines.max(axis=1)))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
