"""Limits on image files from untrusted sources: only regular files, and only as many bytes and pixels as allowed.

The limit belongs to the process, not to an extractor: it protects the machine and does not change embeddings. It is
stored in the environment, so that worker processes inherit it.
"""

import os
import stat
from io import BufferedReader

from hybrid.errors import InputError

MAX_PIXELS = 100_000_000
_VARIABLE = "HYBRID_MAX_PIXELS"
_BYTES_PER_PIXEL = 8  # uncompressed 16-bit RGBA
_METADATA_BYTES = 2**26  # allowance for profiles, thumbnails and text


class UnreadableError(ValueError):
    """A file must not be read. The message is the reason, without the name of the file."""


def set_max_pixels(most: int | None = None) -> None:
    """Set the largest number of pixels of an image, for this process and the processes that it starts.

    Parameters
    ----------
    most : int, optional
        Width times height. The default is 100 million.

    Raises
    ------
    InputError
        If it is not a whole number above 0.

    Examples
    --------
    >>> set_max_pixels(500_000_000)
    >>> set_max_pixels()  # the default again
    """
    os.environ[_VARIABLE] = str(_checked(MAX_PIXELS if most is None else most))


def max_pixels() -> int:
    """Return the largest number of pixels of an image: HYBRID_MAX_PIXELS, or `MAX_PIXELS` if it is not set."""
    return _checked(os.environ.get(_VARIABLE) or MAX_PIXELS)


def check_pixels(width: int, height: int) -> None:
    """Raise `UnreadableError` if an image has more pixels than allowed."""
    most = max_pixels()
    if width * height > most:
        raise UnreadableError(
            f"it has {width}×{height} pixels, more than the limit of {most:,}; if you trust the file, raise the limit "
            f"with --max-pixels (set_max_pixels, {_VARIABLE})"
        )


def open_regular(path: str) -> BufferedReader:
    """Open a regular file for reading. Pipes and devices are refused without waiting for data.

    Raises
    ------
    UnreadableError
        If it is a pipe, a socket, a device or a folder.
    OSError, ValueError
        If it cannot be opened.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - Path.open takes no opener; the caller closes
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UnreadableError("it is not a regular file but a pipe, a socket or a device")
    return file


def read_regular(path: str) -> bytes:
    """Return the bytes of a regular file, unless it is too large for an image within the limit.

    Raises
    ------
    UnreadableError
        If it is not a regular file, or has more bytes than any image within the limit.
    OSError, ValueError
        If it cannot be opened or read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        most = _BYTES_PER_PIXEL * max_pixels() + _METADATA_BYTES
        if size > most:
            raise UnreadableError(
                f"it has {size:,} bytes, more than the limit of {most:,} for {max_pixels():,} pixels; "
                "if you trust the file, raise --max-pixels"
            )
        return file.read(size)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # otherwise opening a pipe waits for a writer


def _checked(most: object) -> int:
    try:
        number = int(str(most))
    except ValueError:
        number = 0
    if number < 1:
        raise InputError(f"A limit of {most!r} pixels was given; expected a whole number, such as {MAX_PIXELS}.")
    return number
