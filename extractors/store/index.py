"""The index of a store: the keys of all committed shards, sorted for look-up.

The index is built from the commit records and the ``.keys`` files, and can be rebuilt at any time. A store of few
shards needs no index file. A store of many shards keeps one, called ``index``. It is used if its checksum is right and
all its shards still exist; newer shards are indexed separately, in memory. The file is read into memory (36 bytes a
row) and never memory-mapped; `hybrid.extractors.store.shards` explains why.

    32 bytes        SHA-256 of the rest
    8 bytes         length of the header
    header          JSON: format, width, rows and the shards (name, rows, SHA-256), padded with spaces
    rows × 8        first eight bytes of each key, as integers, sorted
    rows × 24       the rest of each key
    rows × 4        number of the row, counted through all the shards
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.store.shards import KEY_BYTES, RECORD_NAME, DamagedShardError, Shard, read_shard
from hybrid.files import write_atomic

INDEX_NAME = "index"
_FORMAT = 1
_MAX_RECENT_SHARDS = 64  # with more shards that the index file lacks, it is written again
_REST_BYTES = KEY_BYTES - 8


class Index:
    """The sorted keys of some shards.

    Attributes
    ----------
    shards : list of Shard
        The shards, in the order of the numbers that :meth:`find` returns.
    """

    def __init__(self, shards: list[Shard], prefixes: np.ndarray, rests: np.ndarray, rows: np.ndarray):
        self.shards = shards
        self._starts = np.cumsum([0, *(shard.rows for shard in shards)])
        self._prefixes, self._rests, self._rows = prefixes, rests, rows

    @classmethod
    def of(cls, shards: list[Shard], keys: np.ndarray) -> "Index":
        """Return the index of some shards, given all their keys (n, 32) in the order of the shards."""
        prefixes = np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype("<u8")
        return cls(shards, prefixes, keys[:, 8:], np.arange(len(keys), dtype="<u4"))._sorted()

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look up keys.

        Parameters
        ----------
        keys : ndarray of uint8, (n, 32)

        Returns
        -------
        shards : ndarray of int, (n,)
            Number of each key's shard, -1 for keys that are not in the index.
        rows : ndarray of int, (n,)
            Row of each key in its shard, -1 for keys that are not in the index.
        """
        prefixes = np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype("<u8")
        position = np.searchsorted(self._prefixes, prefixes)
        found = np.full(len(keys), -1, np.int64)
        pending = np.arange(len(keys))
        while pending.size:  # keys with the same prefix are compared one after the other
            pending = pending[position[pending] < len(self)]
            pending = pending[self._prefixes[position[pending]] == prefixes[pending]]
            same = (self._rests[position[pending]] == keys[pending, 8:]).all(axis=1)
            found[pending[same]] = self._rows[position[pending[same]]]
            pending = pending[~same]
            position[pending] += 1
        shards = np.where(found < 0, -1, np.searchsorted(self._starts, found, side="right") - 1)
        return shards, np.where(found < 0, -1, found - self._starts[shards])

    def merged(self, other: "Index") -> "Index":
        """Return the index of the shards of this and another index."""
        return Index(
            self.shards + other.shards,
            np.concatenate([self._prefixes, other._prefixes]),
            np.concatenate([self._rests, other._rests]),
            np.concatenate([self._rows, other._rows + np.uint32(self._starts[-1])]),
        )._sorted()

    def repeated(self) -> np.ndarray:
        """Return the rows (n,) that repeat the key of an earlier row. Rows are numbered across all shards."""
        same = self._prefixes[1:] == self._prefixes[:-1]
        same[same] = (self._rests[1:][same] == self._rests[:-1][same]).all(axis=1)
        return self._rows[1:][same]

    def save(self, path: Path, width: int) -> None:
        """Write the index to a file.

        Parameters
        ----------
        path : Path
            The file.
        width : int
            Number of values in a row of the shards.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        shards = [[shard.name, shard.rows, shard.sha256] for shard in self.shards]
        header = json.dumps({"format": _FORMAT, "width": width, "rows": len(self), "shards": shards}).encode()
        header += b" " * (-(40 + len(header)) % 64)
        arrays = (self._prefixes, self._rests, self._rows)
        chunks: list[bytes | memoryview] = [len(header).to_bytes(8, "little"), header]
        chunks += [np.ascontiguousarray(array).data for array in arrays]
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
        write_atomic(path, lambda file: file.writelines([digest.digest(), *chunks]))

    @classmethod
    def load(cls, path: Path, width: int) -> "Index | None":
        """Return the index that :meth:`save` wrote.

        Returns None if there is no such file, if it is damaged, or if it is for another width.
        """
        try:
            data = memoryview(path.read_bytes())
        except OSError:
            return None
        if len(data) < 40 or hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        end = 40 + int.from_bytes(data[32:40], "little")
        header = json.loads(bytes(data[40:end]))
        if header["format"] != _FORMAT or header["width"] != width:
            return None
        n = header["rows"]
        shards = [Shard(path.parent / name, rows, width, sha256) for name, rows, sha256 in header["shards"]]
        prefixes = np.frombuffer(data, "<u8", n, end)
        rests = np.frombuffer(data, np.uint8, n * _REST_BYTES, end + 8 * n).reshape(n, _REST_BYTES)
        return cls(shards, prefixes, rests, np.frombuffer(data, "<u4", n, end + KEY_BYTES * n))

    def _sorted(self) -> "Index":
        order = np.argsort(self._prefixes, kind="stable")
        return Index(self.shards, self._prefixes[order], self._rests[order], self._rows[order])


class Indexes:
    """Several indexes that are searched as if they were one: the one from the index file, and one of newer shards.

    Attributes
    ----------
    shards : list of Shard
        The shards, in the order of the numbers that :meth:`find` returns.
    """

    def __init__(self, *parts: Index):
        self.parts = parts
        self.shards = [shard for part in parts for shard in part.shards]

    def find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look up keys, as :meth:`Index.find` does."""
        shards, rows = np.full(len(keys), -1), np.full(len(keys), -1)
        offset = 0
        for part in self.parts:
            missing = np.flatnonzero(shards < 0)
            part_shards, part_rows = part.find(keys[missing])
            shards[missing] = np.where(part_shards < 0, -1, part_shards + offset)
            rows[missing] = part_rows
            offset += len(part.shards)
        return shards, rows


def open_indexes(
    folder: Path, width: int, excluded: Collection[str], set_aside: Callable[[Path, Exception], None]
) -> Indexes:
    """Return the index of a folder's committed shards. The index file is written again if many newer shards exist.

    Parameters
    ----------
    folder : Path
        The extractor's folder in the store.
    width : int
        Number of values in a row.
    excluded : collection of str
        Names of shards to leave out.
    set_aside : callable
        Called with the commit record of each damaged shard and the error that describes the damage.

    Returns
    -------
    Indexes

    Raises
    ------
    InputError
        If the folder cannot be read, or its rows have another width.
    """
    present = commit_records(folder) - set(excluded)
    base = Index.load(folder / INDEX_NAME, width)
    if base is None or not present.issuperset(shard.name for shard in base.shards):
        base = Index.of([], np.empty((0, KEY_BYTES), np.uint8))
    recent_names = present - {shard.name for shard in base.shards}
    recent = Index.of(*read_shards([folder / f"{name}.json" for name in sorted(recent_names)], width, set_aside))
    if len(recent.shards) <= _MAX_RECENT_SHARDS:
        return Indexes(base, recent)
    whole = base.merged(recent)
    with contextlib.suppress(InputError):  # the store works without the file; it only saves time
        whole.save(folder / INDEX_NAME, width)
    return Indexes(whole)


def commit_records(folder: Path) -> set[str]:
    """Return the names of the committed shards of a folder.

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    try:
        return {name[:-5] for name in os.listdir(folder) if RECORD_NAME.fullmatch(name)}  # noqa: PTH208 - there may be many
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise InputError(
            f"The embedding store {str(folder)!r} cannot be read ({error.strerror or error}). Check its permissions "
            "and its disk, or give another folder with --cache (cache=FOLDER)."
        ) from error


def read_shards(
    records: list[Path], width: int, set_aside: Callable[[Path, Exception], None]
) -> tuple[list[Shard], np.ndarray]:
    """Return the undamaged shards of some commit records, and all their keys (n, 32), in the order of the records.

    Parameters
    ----------
    records : list of Path
        The commit records.
    width, set_aside
        As for `open_indexes`.

    Raises
    ------
    InputError
        If a shard cannot be read, or its rows have another width.
    """
    shards: list[Shard] = []
    keys = [np.empty((0, KEY_BYTES), np.uint8)]
    for record in records:
        try:
            shard, shard_keys = read_shard(record)
            if shard.width != width:
                shard.check()
                raise InputError(
                    f"The store {str(record.parent)!r} holds rows of {shard.width} values, but the extractor's record "
                    f"says {width}, so the record is damaged. Remove {str(record.parents[2] / 'extractors')!r}; it is "
                    "created again automatically."
                )
        except DamagedShardError as error:
            set_aside(record, error)
            continue
        shards.append(shard)
        keys.append(shard_keys)
    return shards, np.concatenate(keys)
