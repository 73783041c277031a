"""The embedding store: one folder an extractor, immutable shards of rows keyed by the digest of an image.

    <root>/<fingerprint>/identity.json
    <root>/<fingerprint>/<id>.npy, .keys, .json     a shard, see `hybrid.extractors.store.shards`
    <root>/<fingerprint>/index                      see `hybrid.extractors.store.index`
    <root>/<fingerprint>/cost                       JSON: rows computed, and the seconds that took

A shard counts only once its commit record is there, and the record is written last, so a kill at any moment leaves
either a whole shard or none. There is no head to update: writers need no lock, and rows that two of them compute
are the same. What is damaged or missing is not there: it is computed again.
"""

import contextlib
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import platformdirs

from hybrid.errors import InputError
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.index import Indexes, open_indexes
from hybrid.extractors.store.shards import DamagedShardError, Shard, write_shard
from hybrid.files import read_json, write_json


def default_cache() -> Path:
    """Return the cache folder: ``HYBRID_CACHE``, or the user's own cache folder."""
    return Path(os.environ.get("HYBRID_CACHE") or platformdirs.user_cache_dir("hybrid"))


_COST = "cost"


class DamagedShardWarning(UserWarning):
    """A shard is damaged or lost; its rows are computed again."""


class LostEmbeddingsError(InputError):
    """Embeddings that were stored are damaged or gone: extracting again computes them."""


class EmbeddingStore:
    """The embeddings of one extractor.

    Every shard is compared with its checksum the first time that this process meets it.

    Parameters
    ----------
    cache : Path
        The cache folder, see :func:`default_cache`.
    identity : Identity
        Of the extractor.
    """

    def __init__(self, cache: Path, identity: Identity):
        self.identity = identity
        self.folder = cache / "embeddings" / identity.fingerprint
        self._excluded: set[str] = set()

    def append(self, keys: np.ndarray, rows: np.ndarray) -> None:
        """Add a shard, all or nothing.

        Parameters
        ----------
        keys : ndarray of uint8, (n, 32)
            Digests of the images.
        rows : ndarray of float32, (n, width)
            Their embeddings.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        if rows.shape != (len(keys), self.identity.width):
            raise ValueError(f"rows of shape {rows.shape} for {len(keys)} keys of width {self.identity.width}")
        if not (self.folder / "identity.json").exists():
            write_json(self.folder / "identity.json", self.identity.to_dict())
        write_shard(self.folder, keys, rows)
        self.__dict__.pop("_index", None)

    def add_cost(self, rows: int, seconds: float) -> None:
        """Write down that so many rows took so long; of two who do so at once one is lost: what counts is the ratio."""
        known = self._cost()
        with contextlib.suppress(InputError):  # it is for information only
            write_json(self.folder / _COST, {"rows": known[0] + rows, "seconds": known[1] + seconds})

    @property
    def seconds_per_row(self) -> float | None:
        """What a row took when it was computed, on average over the runs that wrote it down; None if none did."""
        rows, seconds = self._cost()
        return seconds / rows if rows else None

    def _cost(self) -> tuple[int, float]:
        try:
            record = read_json(self.folder / _COST)
            return int(record["rows"]), float(record["seconds"])
        except (KeyError, TypeError, ValueError):
            return 0, 0.0

    def contains(self, keys: np.ndarray) -> np.ndarray:
        """Return for each key (n, 32) whether its embedding is stored, and whole, (n,) of bool."""
        return self._find(keys)[0] >= 0

    def gather(self, keys: np.ndarray) -> np.ndarray:
        """Return the embeddings (n, width), float32, of the keys (n, 32), in their order.

        Raises
        ------
        LostEmbeddingsError
            If one is not stored.
        """
        out = np.empty((len(keys), self.identity.width), np.float32)
        while True:
            shards, rows = self._find(keys)
            if (shards < 0).any():
                raise LostEmbeddingsError(
                    f"{int((shards < 0).sum())} of {len(keys)} embeddings are no longer in the store "
                    f"{str(self.folder)!r}: run `hybrid extract` again."
                )
            if self._read(shards, rows, out):
                return out

    def _find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return shard (-1 where there is none) and row of each key; every shard among them was checked."""
        while True:
            shards, rows = self._index.find(keys)
            met = [self._index.shards[number] for number in np.unique(shards[shards >= 0])]
            with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # hashing releases the GIL
                errors = list(pool.map(_damage, [shard for shard in met if not shard.is_verified]))
            damaged = [error for error in errors if error is not None]
            if not damaged:
                self._touch(bool(met))
                return shards, rows
            self._leave_out(damaged)

    def _read(self, shards: np.ndarray, rows: np.ndarray, out: np.ndarray) -> bool:
        """Read each row into its place; if a shard was damaged since it was checked, set it aside and return False."""
        order = np.argsort(shards, kind="stable")
        for positions in np.split(order, np.flatnonzero(np.diff(shards[order])) + 1) if len(order) else []:
            shard = self._index.shards[shards[positions[0]]]
            try:
                shard.read(rows[positions], out, positions)
            except DamagedShardError as error:
                self._leave_out([(shard, error)])
                return False
        return True

    def _touch(self, used: bool) -> None:
        """Leave in identity.json's time when the embeddings were last used."""
        if used:
            with contextlib.suppress(OSError):
                os.utime(self.folder / "identity.json")

    def _leave_out(self, damaged: list[tuple[Shard, DamagedShardError]]) -> None:
        for shard, error in damaged:
            self._set_aside(shard.stem.with_suffix(".json"), error)
        self.__dict__.pop("_index", None)

    def _set_aside(self, record: Path, error: Exception) -> None:
        """Leave a damaged shard out; say so, and take its record away, so that it is said once."""
        self._excluded.add(record.stem)
        if not record.exists():  # removed by another process, on purpose
            return
        with contextlib.suppress(OSError):
            record.rename(record.with_suffix(".damaged"))
        warnings.warn(
            f"Shard {record.stem} of the store {str(record.parent)!r} is damaged ({error}): its embeddings are not "
            "used; extracting again computes them.",
            DamagedShardWarning,
            stacklevel=2,
        )

    @cached_property
    def _index(self) -> Indexes:
        return open_indexes(self.folder, self.identity.width, self._excluded, self._set_aside)


def _damage(shard: Shard) -> tuple[Shard, DamagedShardError] | None:
    try:
        shard.check()
    except DamagedShardError as error:
        return shard, error
    return None
