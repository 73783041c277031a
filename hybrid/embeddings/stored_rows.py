"""Rows of embeddings that processes read from the store instead of receiving them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore


class StoredRows:
    """An array of embeddings that is sent to another process as the keys of its rows.

    scikit-learn takes it in place of an array. A process that receives it reads the rows from the store when they are
    first used, and keeps them as long as the object. The store must be on a disk that all processes see.

    Parameters
    ----------
    stores : sequence of (Path, Identity)
        Cache and identity of each extractor. Their embeddings are concatenated.
    keys : ndarray of uint8 of shape (n, 32)
        Keys of the rows, which are the same for all extractors.
    rows : ndarray of float32 of shape (n, width), optional
        The embeddings, where they are in memory already.
    """

    def __init__(self, stores: Sequence[tuple[Path, Identity]], keys: np.ndarray, rows: np.ndarray | None = None):
        self.stores, self.keys, self._rows = tuple(stores), keys, rows

    def followed_by(self, other: "StoredRows") -> "StoredRows":
        """Return the rows of this object and of another one of the same extractors."""
        return StoredRows(self.stores, np.concatenate([self.keys, other.keys]))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_rows": None}

    def __sizeof__(self) -> int:
        return self.keys.nbytes  # from about 1 kB, Dask sends an object once and not with each task

    def __len__(self) -> int:
        return len(self.keys)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self._rows is None:
            self._rows = np.concatenate(
                [EmbeddingStore(cache, identity).gather(self.keys) for cache, identity in self.stores], axis=1
            )
        return np.array(self._rows, dtype=dtype, copy=copy)

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self)[index]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and width of all extractors together."""
        return len(self.keys), sum(identity.width for _, identity in self.stores)

    @property
    def dtype(self) -> np.dtype:
        """The type of the values, float32."""
        return np.dtype(np.float32)

    @property
    def ndim(self) -> int:
        """2, as rows and columns."""
        return 2
