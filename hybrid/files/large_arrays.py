"""Arrays that do not fit comfortably into memory: files that are mapped into it, which are read in blocks of rows."""

import math
import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hybrid.errors import InputError

MEMORY = "HYBRID_MEMORY"
_COPIES = 6  # of its embeddings that fitting a head in memory needs at most
_BLOCK_VALUES = 2**24  # values of a block of rows: 64 MB
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def usable_memory() -> float:
    """Return how many bytes of memory may be used: `HYBRID_MEMORY`, or what is available on this machine.

    Raises
    ------
    InputError
        If the variable is not a size such as "8GB".
    """
    if given := os.environ.get(MEMORY, "").strip():
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MGT]B)", given, re.IGNORECASE)
        if not found:
            raise InputError(f"{MEMORY}={given!r} was given; expected a size, such as 8GB or 500MB.")
        return float(found[1]) * _UNITS[found[2].upper()]
    return min(_available(), *map(_limit, _LIMITS))


def physical_memory() -> float:
    """Return the memory of the machine in bytes, or infinity if it is unknown."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def fits_comfortably(values: int) -> bool:
    """Return whether a head can be fitted in memory to an array of so many float32 values."""
    return 4 * values * _COPIES <= usable_memory()


def array_on_disk(shape: tuple[int, int]) -> np.memmap:
    """Return a new array of float32 in a temporary file, which disappears with the array.

    Raises
    ------
    InputError
        If the disk has not enough space.
    """
    needed, folder = 4 * math.prod(shape), tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    try:
        if free < needed:
            raise OSError
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, max(1, needed))
            return np.memmap(file, np.float32, "w+", shape=shape)
    except OSError as error:
        raise InputError(
            f"The embeddings do not fit into memory, and {folder!r} has {free / 1e9:.1f} GB free where "
            f"{needed / 1e9:.1f} GB are needed to keep them on disk. Set TMPDIR to a folder with more space, or "
            f"{MEMORY} to more memory."
        ) from error


def is_on_disk(X: object) -> bool:
    """Return whether an array is in a file."""
    return isinstance(X, np.memmap)


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices of consecutive rows, each of at most about 64 MB in float32."""
    size = max(1, _BLOCK_VALUES // max(1, width))
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))


def released_blocks(X: np.ndarray, *others: np.ndarray) -> Iterator[slice]:
    """Yield the slices of :func:`row_blocks` for an array; after each, the memory of pages from files is given back.

    Parameters
    ----------
    X : ndarray of shape (n, width)
    *others : ndarray
        Further arrays whose pages are given back. Arrays that are not in files are left as they are.
    """
    for rows in row_blocks(*X.shape):
        yield rows
        for array in (X, *others):
            _release(array)


def _release(X: np.ndarray) -> None:
    """Let the system take back the memory of the pages of an array in a file; they are read again if needed."""
    base: object = X
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _available() -> float:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return physical_memory()


def _limit(path: str) -> float:
    try:
        return float(Path(path).read_text(encoding="ascii"))  # "max" is no number
    except (OSError, ValueError):
        return math.inf
