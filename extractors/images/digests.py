"""Compute the SHA-256 digests of files. Nothing but its content decides which embedding a file gets."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hybrid.extractors.images.decoding import BadImageError, bytes_digest, read_bytes
from hybrid.extractors.images.formats import has_more_frames

_CHUNK = 64  # files that a thread takes at a time


class FileDigests:
    """Computes the digests of files.

    Every file is read each time. Its path, size, times and inode do not identify its content: two disks with times in
    whole seconds, mounted in turn at the same path, can agree in all of them.

    Attributes
    ----------
    animated : int
        Number of files so far with more than one frame. Only the first frame is used.
    """

    def __init__(self) -> None:
        self.animated = 0

    def __call__(self, paths: list[str]) -> list[bytes | BadImageError]:
        """Return for each path the SHA-256 of its file, or the error that reading it raised."""
        chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="digest") as pool:
            try:
                found = [one for chunk in pool.map(_read_chunk, chunks) for one in chunk]
            finally:
                pool.shutdown(cancel_futures=True)
        self.animated += sum(animated for _, animated in found)
        return [digest for digest, _ in found]


def _read_chunk(paths: list[str]) -> list[tuple[bytes | BadImageError, bool]]:
    return [_read(path) for path in paths]


def _read(path: str) -> tuple[bytes | BadImageError, bool]:
    """Return the digest of a file, or why it cannot be read, and whether it has more than one frame."""
    try:
        data = read_bytes(path)
    except BadImageError as error:
        return error, False
    return bytes_digest(data), has_more_frames(data)


def digest_keys(digests: list[bytes]) -> np.ndarray:
    """Return digests as an array of uint8 of shape (n, 32)."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
