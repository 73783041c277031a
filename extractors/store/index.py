"""Where each key is: the keys of all committed shards, sorted for look-up.

The commit records are the truth; the index is made of them and of the ``.keys`` files, and can be made again at any
time. A store of few shards needs none on disk. Of many, the file ``index`` holds what was sorted before: it is used
if its checksum is right and all its shards are still there, and the shards it does not know are read beside it.
It is read into memory, 36 bytes a row, never mapped (see `hybrid.extractors.store.shards`).

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
_LOOSE_SHARDS = 64  # more than these outside of the index file, and it is written again
_REST = KEY_BYTES - 8


class Index:
    """The keys of some shards, sorted.

    Attributes
    ----------
    shards : list of Shard
    """

    def __init__(self, shards: list[Shard], prefixes: np.ndarray, rests: np.ndarray, rows: np.ndarray):
        self.shards = shards
        self._starts = np.cumsum([0, *(shard.rows for shard in shards)])
        self._prefixes, self._rests, self._rows = prefixes, rests, rows

    @classmethod
    def of(cls, shards: list[Shard], keys: np.ndarray) -> "Index":
        """Return the index of shards and of all their keys (n, 32), in order."""
        prefixes = np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype("<u8")
        return cls(shards, prefixes, keys[:, 8:], np.arange(len(keys), dtype="<u4"))._sorted()

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each key (n, 32) the number of its shard, -1 where there is none, and its row there, both (n,)."""
        prefixes = np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype("<u8")
        position = np.searchsorted(self._prefixes, prefixes)
        found = np.full(len(keys), -1, np.int64)
        open_ = np.arange(len(keys))
        while open_.size:  # keys that begin alike are told apart in turn
            open_ = open_[position[open_] < len(self)]
            open_ = open_[self._prefixes[position[open_]] == prefixes[open_]]
            same = (self._rests[position[open_]] == keys[open_, 8:]).all(axis=1)
            found[open_[same]] = self._rows[position[open_[same]]]
            open_ = open_[~same]
            position[open_] += 1
        shards = np.where(found < 0, -1, np.searchsorted(self._starts, found, side="right") - 1)
        return shards, np.where(found < 0, -1, found - self._starts[shards])

    def with_other(self, other: "Index") -> "Index":
        """Return the index of the shards of both."""
        return Index(
            self.shards + other.shards,
            np.concatenate([self._prefixes, other._prefixes]),
            np.concatenate([self._rests, other._rests]),
            np.concatenate([self._rows, other._rows + np.uint32(self._starts[-1])]),
        )._sorted()

    def repeated(self) -> np.ndarray:
        """Return the rows whose key is that of an earlier row, counted through all the shards, (n,)."""
        same = self._prefixes[1:] == self._prefixes[:-1]
        same[same] = (self._rests[1:][same] == self._rests[:-1][same]).all(axis=1)
        return self._rows[1:][same]

    def save(self, path: Path, width: int) -> None:
        """Write the index; raise `InputError` if that cannot be done."""
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
        """Return the index that :meth:`save` wrote, None if there is none or it is damaged."""
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
        rests = np.frombuffer(data, np.uint8, n * _REST, end + 8 * n).reshape(n, _REST)
        return cls(shards, prefixes, rests, np.frombuffer(data, "<u4", n, end + KEY_BYTES * n))

    def _sorted(self) -> "Index":
        order = np.argsort(self._prefixes, kind="stable")
        return Index(self.shards, self._prefixes[order], self._rests[order], self._rows[order])


class Indexes:
    """What was sorted before, and what has come since: two look-ups, as if one.

    Attributes
    ----------
    shards : list of Shard
        In the order that :meth:`find` numbers them in.
    """

    def __init__(self, *parts: Index):
        self.parts = parts
        self.shards = [shard for part in parts for shard in part.shards]

    def find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each key (n, 32) the number of its shard, -1 where there is none, and its row there, both (n,)."""
        shards, rows = np.full(len(keys), -1), np.full(len(keys), -1)
        before = 0
        for part in self.parts:
            missing = np.flatnonzero(shards < 0)
            found, row = part.find(keys[missing])
            shards[missing] = np.where(found < 0, -1, found + before)
            rows[missing] = row
            before += len(part.shards)
        return shards, rows


def open_indexes(
    folder: Path, width: int, excluded: Collection[str], set_aside: Callable[[Path, Exception], None]
) -> Indexes:
    """Return the index of the committed shards of a folder; write it anew if much has come since it was written.

    Parameters
    ----------
    folder : Path
        Of an extractor.
    width : int
        Values in a row.
    excluded : collection of str
        Names of shards to leave out.
    set_aside : callable
        Called with the commit record of each damaged shard, and the reason.

    Raises
    ------
    InputError
        If the folder cannot be read, or its rows have another width.
    """
    present = commit_records(folder) - set(excluded)
    base = Index.load(folder / INDEX_NAME, width)
    if base is None or not present.issuperset(shard.name for shard in base.shards):
        base = Index.of([], np.empty((0, KEY_BYTES), np.uint8))
    loose = present - {shard.name for shard in base.shards}
    recent = Index.of(*read_shards([folder / f"{name}.json" for name in sorted(loose)], width, set_aside))
    if len(recent.shards) <= _LOOSE_SHARDS:
        return Indexes(base, recent)
    whole = base.with_other(recent)
    with contextlib.suppress(InputError):  # it only saves time
        whole.save(folder / INDEX_NAME, width)
    return Indexes(whole)


def commit_records(folder: Path) -> set[str]:
    """Return the names of the committed shards of a folder.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return {name[:-5] for name in os.listdir(folder) if RECORD_NAME.fullmatch(name)}  # noqa: PTH208 - there may be many
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise InputError(
            f"The embedding store {str(folder)!r} cannot be read ({error.strerror or error}): mend that, or give "
            "another folder with --cache."
        ) from error


def read_shards(
    records: list[Path], width: int, set_aside: Callable[[Path, Exception], None]
) -> tuple[list[Shard], np.ndarray]:
    """Return the shards of commit records, and all their keys (n, 32); the parameters are those of `open_indexes`."""
    shards: list[Shard] = []
    keys = [np.empty((0, KEY_BYTES), np.uint8)]
    for record in records:
        try:
            shard, shard_keys = read_shard(record)
            if shard.width != width:
                shard.check()
                raise InputError(
                    f"The store {str(record.parent)!r} holds rows of {shard.width} values, the extractor's identity "
                    f"says {width}: that is damaged; remove {str(record.parents[2] / 'extractors')!r} to make it again."
                )
        except DamagedShardError as error:
            set_aside(record, error)
            continue
        shards.append(shard)
        keys.append(shard_keys)
    return shards, np.concatenate(keys)
