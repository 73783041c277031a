"""Remember the digest of a file by path, size, times and inode, only so as not to read it again."""

import contextlib
import hashlib
import os
import sqlite3
import time
from pathlib import Path

import numpy as np

from hybrid.extractors.images.decode import BadImageError, bytes_digest, has_more_frames, read_bytes

_SETTLED_NS = 2_000_000_000  # a file changed within the clock's grain could change again unnoticed
_DIGEST_BYTES = 32
_ANIMATED = b"+"  # behind the digest of a file that holds more than one frame
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)  # the last: another table of that name


class FileDigests:
    """A memory of file digests in the cache folder; losing it costs time, never correctness.

    Parameters
    ----------
    cache : Path
        The cache folder.

    Attributes
    ----------
    animated : int
        Files asked for so far that hold more frames than the first, which is all that is used.
    """

    def __init__(self, cache: Path):
        self.animated = 0
        self._path = cache / "digests.sqlite"

    def __call__(self, paths: list[str]) -> list[bytes | BadImageError]:
        """Return for each path the SHA-256 of its file, or the error of reading it."""
        names = [os.fsencode(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - resolve() is slow
        known = self._load(names)
        learnt: list[tuple[bytes, bytes, bytes]] = []
        found: list[bytes | BadImageError] = []
        try:
            for path, name in zip(paths, names, strict=True):
                stamp, settled = _stamp(path)
                remembered, value = known.get(name, (None, b""))
                looked_at = value if remembered == stamp else _look_at(path)
                if not isinstance(looked_at, bytes):
                    found.append(looked_at)
                    continue
                if remembered != stamp and settled:
                    learnt.append((name, stamp, looked_at))
                self.animated += looked_at.endswith(_ANIMATED, _DIGEST_BYTES)
                found.append(looked_at[:_DIGEST_BYTES])
        finally:
            self._save(learnt)
        return found

    def _load(self, names: list[bytes]) -> dict[bytes, tuple[bytes, bytes]]:
        known: dict[bytes, tuple[bytes, bytes]] = {}
        try:
            with contextlib.closing(self._connect()) as db:
                for start in range(0, len(names), 500):
                    chunk = names[start : start + 500]
                    query = f"SELECT path, stamp, digest, seal FROM files WHERE path IN ({','.join('?' * len(chunk))})"
                    for name, stamp, digest, seal in db.execute(query, chunk):
                        row = (name, stamp, digest)
                        if all(isinstance(value, bytes) for value in row) and _seal(*row) == seal:
                            known[name] = stamp, digest
        except (sqlite3.Error, OSError) as error:
            self._begin_anew_if_damaged(error)
        return known

    def _save(self, learnt: list[tuple[bytes, bytes, bytes]]) -> None:
        if not learnt:
            return
        rows = [(*row, _seal(*row)) for row in learnt]
        try:
            with contextlib.closing(self._connect()) as db, db:
                db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            self._begin_anew_if_damaged(error)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=5)
        db.text_factory = bytes  # what a flipped bit makes text of need not be UTF-8
        db.execute("CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp BLOB, digest BLOB, seal BLOB)")
        return db

    def _begin_anew_if_damaged(self, error: Exception) -> None:
        """Remove the file if SQLite cannot read it; a lock, a full disk or a file's mode say nothing about that."""
        if getattr(error, "sqlite_errorcode", None) in _DAMAGE:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _seal(name: bytes, stamp: bytes, digest: bytes) -> bytes:
    """Return the checksum of a row: a flipped bit that SQLite does not notice is noticed here."""
    return hashlib.sha256(b"%d %d %b%b%b" % (len(name), len(stamp), name, stamp, digest)).digest()[:16]


def _stamp(path: str) -> tuple[bytes, bool]:
    """Return what changes when a file does, and whether the last change is long enough ago to trust that."""
    try:
        stat = Path(path).stat()
    except (OSError, ValueError):
        return b"", False
    settled = time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS
    return b"%d %d %d %d" % (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino), settled


def _look_at(path: str) -> bytes | BadImageError:
    """Return the digest of a file, and a sign behind it if there is more than one frame."""
    try:
        data = read_bytes(path)
        return bytes_digest(data) + _ANIMATED * has_more_frames(data)
    except BadImageError as error:
        return error


def digest_keys(digests: list[bytes]) -> np.ndarray:
    """Return digests as rows of bytes, (n, 32) of uint8."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
