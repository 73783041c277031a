"""Remember the digest of a file by path, size, time and inode, only so as not to read it again."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hybrid.extractors.images import bytes_digest, read_bytes

_SETTLED_NS = 2_000_000_000  # a file changed within the clock's grain could change again unnoticed


class FileDigests:
    """A memory of file digests in the cache folder; losing it costs time, never correctness.

    Parameters
    ----------
    cache : Path
        The cache folder.
    """

    def __init__(self, cache: Path):
        self._path = cache / "digests.sqlite"

    def __call__(self, paths: list[str]) -> Iterator[tuple[int, bytes | Exception]]:
        """Yield the number of each path and the SHA-256 of its file, or the `BadImageError` of reading it."""
        known = self._load(paths)
        learnt: list[tuple[str, int, int, int, bytes]] = []
        for number, path in enumerate(paths):
            try:
                stat = Path(path).stat()
                stamp = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
                remembered = known.get(path)
                if remembered is not None and remembered[:3] == stamp:
                    yield number, remembered[3]
                    continue
                digest = bytes_digest(read_bytes(path))
            except (OSError, ValueError) as error:
                yield number, error
                continue
            if time.time_ns() - stat.st_mtime_ns > _SETTLED_NS:
                learnt.append((path, *stamp, digest))
            yield number, digest
        self._save(learnt)

    def _load(self, paths: list[str]) -> dict[str, tuple[int, int, int, bytes]]:
        known: dict[str, tuple[int, int, int, bytes]] = {}
        with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(self._connect()) as db:
            for start in range(0, len(paths), 500):
                chunk = paths[start : start + 500]
                marks = ",".join("?" * len(chunk))
                query = f"SELECT path, size, mtime, inode, digest FROM digests WHERE path IN ({marks})"
                known.update({path: tuple(rest) for path, *rest in db.execute(query, chunk)})
        return known

    def _save(self, learnt: list[tuple[str, int, int, int, bytes]]) -> None:
        if not learnt:
            return
        with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(self._connect()) as db, db:
            db.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", learnt)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, timeout=5)
        db.execute(
            "CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, size INT, mtime INT, inode INT, digest BLOB)"
        )
        return db


def digest_keys(digests: list[bytes]) -> np.ndarray:
    """Return digests as rows of bytes, (n, 32) of uint8."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
