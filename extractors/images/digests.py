"""Remember the digests of files by path, size, times and inode, so that unchanged files are not read again."""

import contextlib
import hashlib
import os
import sqlite3
import time
from pathlib import Path

import numpy as np

from hybrid.extractors.images.decode import BadImageError, bytes_digest, has_more_frames, read_bytes

_SETTLED_NS = 2_000_000_000  # a file that changed more recently could change again without a new time stamp
_DIGEST_BYTES = 32
_ANIMATED = b"+"  # follows the digest of a file with more than one frame
# SQLITE_ERROR is raised if the file has another table of the same name.
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


class FileDigests:
    """A cache of file digests in the cache folder. Losing it costs time but never changes a result.

    Parameters
    ----------
    cache : Path
        The cache folder.

    Attributes
    ----------
    animated : int
        Number of files so far with more than one frame. Only the first frame is used.
    """

    def __init__(self, cache: Path):
        self.animated = 0
        self._path = cache / "digests.sqlite"

    def __call__(self, paths: list[str]) -> list[bytes | BadImageError]:
        """Return for each path the SHA-256 of its file, or the error that reading it raised."""
        names = [os.fsencode(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - resolve() is slow
        known = self._load(names)
        new_rows: list[tuple[bytes, bytes, bytes]] = []
        digests: list[bytes | BadImageError] = []
        try:
            for path, name in zip(paths, names, strict=True):
                stamp, settled = _stamp(path)
                known_stamp, known_digest = known.get(name, (None, b""))
                digest = known_digest if known_stamp == stamp else _read_digest(path)
                if not isinstance(digest, bytes):
                    digests.append(digest)
                    continue
                if known_stamp != stamp and settled:
                    new_rows.append((name, stamp, digest))
                self.animated += digest.endswith(_ANIMATED, _DIGEST_BYTES)
                digests.append(digest[:_DIGEST_BYTES])
        finally:
            self._save(new_rows)
        return digests

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
            self._remove_if_damaged(error)
        return known

    def _save(self, new_rows: list[tuple[bytes, bytes, bytes]]) -> None:
        if not new_rows:
            return
        rows = [(*row, _seal(*row)) for row in new_rows]
        try:
            with contextlib.closing(self._connect()) as db, db:
                db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            self._remove_if_damaged(error)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=5)
        db.text_factory = bytes  # a flipped bit may turn a value into text that is not UTF-8
        db.execute("CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp BLOB, digest BLOB, seal BLOB)")
        return db

    def _remove_if_damaged(self, error: Exception) -> None:
        """Remove the database if an error shows damage, unlike a lock, a full disk or missing permissions."""
        if getattr(error, "sqlite_errorcode", None) in _DAMAGE:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _seal(name: bytes, stamp: bytes, digest: bytes) -> bytes:
    """Return the checksum of a row, which detects flipped bits that SQLite does not notice."""
    return hashlib.sha256(b"%d %d %b%b%b" % (len(name), len(stamp), name, stamp, digest)).digest()[:16]


def _stamp(path: str) -> tuple[bytes, bool]:
    """Return a file's size, times and inode, and whether its last change is old enough to rely on them."""
    try:
        stat = Path(path).stat()
    except (OSError, ValueError):
        return b"", False
    settled = time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS
    return b"%d %d %d %d" % (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino), settled


def _read_digest(path: str) -> bytes | BadImageError:
    """Return the digest of a file, followed by `_ANIMATED` if it has more than one frame."""
    try:
        data = read_bytes(path)
        return bytes_digest(data) + _ANIMATED * has_more_frames(data)
    except BadImageError as error:
        return error


def digest_keys(digests: list[bytes]) -> np.ndarray:
    """Return digests as an array of uint8 of shape (n, 32)."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
