"""The digest of a network's or weights file, computed once in a process for as long as the file stays as it is."""

import hashlib
import os
import time
from io import BufferedReader
from pathlib import Path

from hybrid.errors import InputError
from hybrid.extractors.images.limits import open_regular

Stamp = tuple[int, ...]

_SETTLED = 2_000_000_000  # nanoseconds; a file that was changed within them could be changed again in the same instant
_SECOND = 1_000_000_000
_digests: dict[Stamp, str] = {}


def network_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits.

    The content is read again if the file, or any of its time stamps, has changed, if it was changed just now, and on
    file systems that keep whole seconds only, where another volume could have a file with the same stamps.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with open_regular(str(path)) as file:
            stamp, now = _stamp(file), time.time_ns()
            if stamp in _digests:
                return _digests[stamp]
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if _is_trusted(stamp, now) and stamp == _stamp(file):
                _digests[stamp] = digest
            return digest
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def _stamp(file: BufferedReader) -> Stamp:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_trusted(stamp: Stamp, now: int) -> bool:
    times = stamp[-2:]
    return any(moment % _SECOND for moment in times) and now - max(times) > _SETTLED
