"""The embedding store: one folder for each extractor, with immutable shards of rows keyed by the digest of an image.

    <root>/<fingerprint>/identity.json
    <root>/<fingerprint>/<id>.npy, .keys, .json     a shard, see `hybrid.extractors.store.shards`
    <root>/<fingerprint>/index                      see `hybrid.extractors.store.index`
    <root>/<fingerprint>/cost                       rows and seconds of whole runs; written by earlier versions

A shard counts only if it has a commit record, which is written last. A process that is killed at any moment therefore
leaves either a complete shard or none. Writers need no lock: there is no shared file to update, and two writers that
compute the same rows get the same values. Damaged and missing rows count as not stored and are computed again.
"""

import contextlib
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import platformdirs

from hybrid.errors import InputError
from hybrid.extractors.store.cost import Pass, Span, SpansOfRows, passes_of
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.index import Indexes, open_indexes
from hybrid.extractors.store.remote import mirror_folder, remote_of
from hybrid.extractors.store.shards import DamagedShardError, Shard, WrittenShard, write_rows
from hybrid.extractors.store.sharing import warn_if_shared
from hybrid.files import expanded, read_json, remove_abandoned, write_json
from hybrid.files.object_store import is_address


def default_cache() -> Path:
    """Return the cache folder: ``HYBRID_CACHE``, or the user's own cache folder."""
    return open_cache(os.environ.get("HYBRID_CACHE") or platformdirs.user_cache_dir("hybrid"))


def open_cache(folder: str | Path) -> Path:
    """Return the path of a cache folder, after a warning if other users can change its content.

    Temporary files that killed processes left in it are removed. For an address such as ``s3://bucket/prefix``, the
    path is that of the folder on this machine that mirrors it (`hybrid.extractors.store.remote`).
    """
    path = mirror_folder(str(folder)) if is_address(folder) else expanded(folder)
    warn_if_shared(path, "cache", _FOLDERS)
    for inside in (path, *(path / name for name in _FOLDERS)):
        remove_abandoned(inside)
    return path


_COST = "cost"
_FOLDERS = ("embeddings", "extractors", "graphs", "maps", "measures", "models")  # of the cache


class DamagedShardWarning(UserWarning):
    """A shard is damaged or missing; its rows are computed again."""


class LostEmbeddingsError(InputError):
    """Stored embeddings are damaged or missing; extract again to compute them."""


class EmbeddingStore:
    """The embeddings of one extractor.

    A process compares each shard with its checksum when it uses the shard for the first time.

    Parameters
    ----------
    cache : Path
        The cache folder, see :func:`default_cache`.
    identity : Identity
        Identity of the extractor.
    """

    def __init__(self, cache: Path, identity: Identity):
        self.identity = identity
        self.folder = cache / "embeddings" / identity.fingerprint
        remove_abandoned(self.folder)
        self._excluded: set[str] = set()
        self._remote = remote_of(cache)
        self._is_listed = False

    def append(self, keys: np.ndarray, rows: np.ndarray) -> None:
        """Add a shard, of whose cost nothing is known; it is committed completely or not at all.

        Parameters and errors are those of :meth:`write`.
        """
        self.commit(self.write(keys, rows))

    def write(self, keys: np.ndarray, rows: np.ndarray) -> WrittenShard:
        """Write the rows of a shard, which does not count before :meth:`commit`.

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
            raise ValueError(f"rows have shape {rows.shape}; expected {(len(keys), self.identity.width)}")
        self.write_identity()
        return write_rows(self.folder, keys, rows)

    def write_identity(self) -> None:
        """Write the record of the extractor's identity unless there is one."""
        path = self.folder / "identity.json"
        if not path.exists():
            write_json(path, self.identity.to_dict())
            if self._remote:
                self._remote.push(path)

    def commit(self, written: WrittenShard, spans: Sequence[Span] = ()) -> None:
        """Commit a shard, with the passes that computed its rows."""
        if self._remote:
            try:
                self._remote.commit(written, spans)
            except BaseException:
                written.discard()
                raise
        written.commit(spans)
        self.__dict__.pop("_index", None)

    def passes(self, keys: np.ndarray) -> list[Pass]:
        """Return the passes that computed embeddings, whenever that was, and the time that they took for these rows.

        Parameters
        ----------
        keys : ndarray of uint8, (n, 32)
            Digests of the images. An image that is given several times counts once.

        Returns
        -------
        list of Pass
            Embeddings whose pass was not recorded, and those that are not stored, are in a pass without a name.
        """
        keys = np.unique(keys, axis=0)
        shards, rows = self._index.find(keys)
        counted = [(Span(0), int((shards < 0).sum()))]
        for number in np.unique(shards[shards >= 0]):
            shard = self._index.shards[number]
            counted += SpansOfRows.of_shard(shard.spans(), shard.rows)[rows[shards == number]].counted()
        return passes_of((span if span.by else self._earlier(span), count) for span, count in counted if count)

    def _earlier(self, span: Span) -> Span:
        """Return a span without a record with what earlier versions recorded: the average time of whole runs."""
        try:
            record = read_json(self.folder / _COST)
            return replace(span, wall=float(record["seconds"]) / int(record["rows"]))
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return span

    def contains(self, keys: np.ndarray) -> np.ndarray:
        """Return for each key (n, 32) whether its embedding is stored and undamaged, as bool (n,)."""
        return self._find(keys)[0] >= 0

    def gather(self, keys: np.ndarray) -> np.ndarray:
        """Return embeddings by their keys.

        Parameters
        ----------
        keys : ndarray of uint8, (n, 32)
            Digests of the images.

        Returns
        -------
        ndarray of float32, (n, width)
            The embeddings, in the order of the keys.

        Raises
        ------
        LostEmbeddingsError
            If an embedding is not stored.
        """
        out = np.empty((len(keys), self.identity.width), np.float32)
        listed_again = False
        while True:
            shards, rows = self._find(keys, to_read=True)
            if (shards < 0).any():
                if self._remote and not listed_again:  # another machine may have written them since
                    self._is_listed, listed_again = False, True
                    self.__dict__.pop("_index", None)
                    continue
                raise LostEmbeddingsError(
                    f"{int((shards < 0).sum())} of {len(keys)} embeddings are no longer in the store "
                    f"{self._name!r}: run `hybrid extract` again."
                )
            if self._read(shards, rows, out):
                return out

    @property
    def _name(self) -> str:
        return f"{self._remote.address}/embeddings/{self.folder.name}" if self._remote else str(self.folder)

    def _find(self, keys: np.ndarray, to_read: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return each key's shard (-1 if it is not stored) and row, after verifying all these shards.

        Shards of a remote store whose rows are not on this machine are fetched and verified if they are to be read.
        """
        while True:
            shards, rows = self._index.find(keys)
            used = [self._index.shards[number] for number in np.unique(shards[shards >= 0])]
            damaged = self._remote.check(used, to_read) if self._remote else _damaged(used)
            if not damaged:
                if used:
                    self._record_use()
                return shards, rows
            self._leave_out(damaged)

    def _read(self, shards: np.ndarray, rows: np.ndarray, out: np.ndarray) -> bool:
        """Read all rows into `out`; if a shard was damaged since it was verified, set it aside and return False."""
        order = np.argsort(shards, kind="stable")
        for positions in np.split(order, np.flatnonzero(np.diff(shards[order])) + 1) if len(order) else []:
            shard = self._index.shards[shards[positions[0]]]
            try:
                shard.read(rows[positions], out, positions)
            except DamagedShardError as error:
                self._leave_out([(shard, error)])
                return False
        return True

    def _record_use(self) -> None:
        """Record the time of use as the modification time of identity.json."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / "identity.json")

    def _leave_out(self, damaged: list[tuple[Shard, DamagedShardError]]) -> None:
        for shard, error in damaged:
            self._set_aside(shard.stem.with_suffix(".json"), error)
        self.__dict__.pop("_index", None)

    def _set_aside(self, record: Path, error: Exception) -> None:
        """Exclude a damaged shard, rename its record so that nobody finds it again, and warn."""
        self._excluded.add(record.stem)
        if not record.exists():  # another process removed it on purpose
            return
        with contextlib.suppress(OSError):
            record.rename(record.with_suffix(".damaged"))
        warnings.warn(
            f"Shard {record.stem} of the store {self._name!r} is damaged ({error}). Its embeddings are not "
            "used; extract again to compute them.",
            DamagedShardWarning,
            stacklevel=2,
        )

    @cached_property
    def _index(self) -> Indexes:
        if self._remote and not self._is_listed:
            self._remote.fold(self.folder, self._set_aside)
            self._is_listed = True
        return open_indexes(self.folder, self.identity.width, self._excluded, self._set_aside)


def _damaged(shards: Sequence[Shard]) -> list[tuple[Shard, DamagedShardError]]:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # hashing releases the GIL
        errors = list(pool.map(_damage, [shard for shard in shards if not shard.is_verified]))
    return [error for error in errors if error is not None]


def _damage(shard: Shard) -> tuple[Shard, DamagedShardError] | None:
    try:
        shard.check()
    except DamagedShardError as error:
        return shard, error
    return None
