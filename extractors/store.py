"""The embedding store: one folder an extractor, immutable shards of rows keyed by the digest of an image.

    <root>/<fingerprint>/identity.json
    <root>/<fingerprint>/<id>.npy       float32 (rows, width), immutable
    <root>/<fingerprint>/<id>.keys      32 bytes a row: SHA-256 of the image
    <root>/<fingerprint>/<id>.json      commit record: rows, width and the SHA-256 of the two files

A shard counts only once its commit record is there, and the record is written last, so a kill at any moment leaves
either a whole shard or none. There is no head to update: writers need no lock, and rows that two of them compute
are the same. What is damaged or missing is not there: it is computed again.
"""

import contextlib
import hashlib
import os
import uuid
import warnings
from functools import cached_property
from pathlib import Path

import numpy as np
import platformdirs

from hybrid.errors import InputError
from hybrid.extractors.atomic import read_json, write_atomic, write_json
from hybrid.extractors.identity import Identity

KEY_BYTES = 32


def default_cache() -> Path:
    """Return the cache folder: ``HYBRID_CACHE``, or the user's own cache folder."""
    return Path(os.environ.get("HYBRID_CACHE") or platformdirs.user_cache_dir("hybrid"))


class DamagedShardWarning(UserWarning):
    """A shard is damaged or lost; its rows are computed again."""


class EmbeddingStore:
    """The embeddings of one extractor.

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
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        if rows.shape != (len(keys), self.identity.width):
            raise ValueError(f"rows of shape {rows.shape} for {len(keys)} keys of width {self.identity.width}")
        if not (self.folder / "identity.json").exists():
            write_json(self.folder / "identity.json", self.identity.to_dict())
        stem = self.folder / uuid.uuid4().hex
        write_atomic(stem.with_suffix(".npy"), lambda file: np.save(file, rows, allow_pickle=False))
        write_atomic(stem.with_suffix(".keys"), lambda file: file.write(keys.tobytes()))
        record = {
            "rows": len(rows),
            "width": rows.shape[1],
            "sha256": {suffix: _file_digest(stem.with_suffix(suffix)) for suffix in (".npy", ".keys")},
        }
        write_json(stem.with_suffix(".json"), record)
        self.__dict__.pop("_index", None)

    def contains(self, keys: np.ndarray) -> np.ndarray:
        """Return for each key (n, 32) whether its embedding is stored, (n,) of bool."""
        return self._index.find(keys) >= 0

    def gather(self, keys: np.ndarray) -> np.ndarray:
        """Return the embeddings (n, width), float32, of the keys (n, 32), in their order.

        Raises
        ------
        InputError
            If one is not stored.
        """
        found = self._index.find(keys)
        if (found < 0).any():
            raise InputError(
                f"{int((found < 0).sum())} of {len(keys)} embeddings are no longer in the store {str(self.folder)!r}: "
                "run `hybrid extract` again."
            )
        out = np.empty((len(keys), self.identity.width), np.float32)
        shard_of = np.searchsorted(self._index.starts, found, side="right") - 1
        for number in np.unique(shard_of):
            here = shard_of == number
            out[here] = _open_rows(self._index.shards[number])[found[here] - self._index.starts[number]]
        return out

    @cached_property
    def _index(self) -> "_Index":
        return _Index(self.folder, self.identity.width)


class _Index:
    """All keys of the committed shards, sorted for look-up. Shards are opened one at a time: there may be thousands."""

    def __init__(self, folder: Path, width: int):
        self.shards: list[Path] = []
        lengths: list[int] = []
        keys = [np.empty((0, KEY_BYTES), np.uint8)]
        for record in sorted(folder.glob("*.json")):
            if record.name == "identity.json":
                continue
            try:
                shard_keys = _check_shard(record, width)
            except (InputError, OSError, ValueError, KeyError, TypeError) as error:
                _set_aside(record, error)
                continue
            self.shards.append(record.with_suffix(".npy"))
            lengths.append(len(shard_keys))
            keys.append(shard_keys)
        self.starts = np.concatenate([[0], np.cumsum(lengths)])[:-1].astype(np.int64)
        self._keys = np.concatenate(keys)
        self._order = np.argsort(_prefix(self._keys), kind="stable")
        self._sorted = _prefix(self._keys)[self._order]

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return the row number of each key, -1 where there is none. Equal prefixes are told apart in turn."""
        prefixes = _prefix(keys)
        position = np.searchsorted(self._sorted, prefixes)
        found = np.full(len(keys), -1, np.int64)
        open_ = np.arange(len(keys))
        while open_.size:
            inside = position[open_] < len(self._sorted)
            open_ = open_[inside]
            open_ = open_[self._sorted[position[open_]] == prefixes[open_]]
            rows = self._order[position[open_]]
            same = (self._keys[rows] == keys[open_]).all(axis=1)
            found[open_[same]] = rows[same]
            open_ = open_[~same]
            position[open_] += 1
        return found


def _check_shard(record_path: Path, width: int) -> np.ndarray:
    """Return the keys of a shard after checking all of it."""
    record = read_json(record_path)
    for suffix in (".npy", ".keys"):
        if _file_digest(record_path.with_suffix(suffix)) != record["sha256"][suffix]:
            raise InputError(f"{record_path.with_suffix(suffix).name} does not match its checksum")
    rows = _open_rows(record_path.with_suffix(".npy"))
    keys = np.frombuffer(record_path.with_suffix(".keys").read_bytes(), np.uint8).reshape(-1, KEY_BYTES)
    if rows.shape != (record["rows"], width) or len(keys) != len(rows) or rows.dtype != np.float32:
        raise InputError(f"its rows have shape {rows.shape}, its record says {record['rows']}×{width}")
    return keys


def _open_rows(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _set_aside(record: Path, error: Exception) -> None:
    """Say that a shard is damaged, and take its record away, so that it is said once."""
    with contextlib.suppress(OSError):
        record.rename(record.with_suffix(".damaged"))
    warnings.warn(
        f"Shard {record.stem} of the store {str(record.parent)!r} is damaged ({error}): its embeddings are not used; "
        "extracting again computes them.",
        DamagedShardWarning,
        stacklevel=2,
    )


def _prefix(keys: np.ndarray) -> np.ndarray:
    """Return the first eight bytes of each key as an integer that sorts like them."""
    return np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype(np.uint64)


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
