"""What is read of a stranger's image file: a regular file, of no more bytes and pixels than the limit allows.

The limit is the process's, not an extractor's: it guards a machine and changes no embedding. It is kept in the
environment, so that worker processes have it too.
"""

import os
import stat
from typing import BinaryIO

from hybrid.errors import InputError

MAX_PIXELS = 100_000_000
_VARIABLE = "HYBRID_MAX_PIXELS"
_BYTES_A_PIXEL = 8  # 16-bit RGBA, not compressed
_BYTES_BESIDE = 2**26  # profiles, thumbnails and text beside the pixels


class UnreadableError(ValueError):
    """A file that is not read; the message is the reason, without the file's name."""


def set_max_pixels(most: int | None = None) -> None:
    """Refuse images of more pixels than this from now on, in this process and in those it starts.

    Parameters
    ----------
    most : int, optional
        Width times height. Without it, :data:`MAX_PIXELS`, 100 million.

    Raises
    ------
    InputError
        If it is no whole number above 0.

    Examples
    --------
    >>> set_max_pixels(500_000_000)
    >>> set_max_pixels()  # the default again
    """
    os.environ[_VARIABLE] = str(_checked(MAX_PIXELS if most is None else most))


def max_pixels() -> int:
    """Return how many pixels an image may have: HYBRID_MAX_PIXELS, or :data:`MAX_PIXELS`."""
    return _checked(os.environ.get(_VARIABLE) or MAX_PIXELS)


def check_pixels(width: int, height: int) -> None:
    """Raise `UnreadableError` if an image has more pixels than are allowed."""
    most = max_pixels()
    if width * height > most:
        raise UnreadableError(
            f"it has {width}×{height} pixels, more than the limit of {most:,}; raise it with --max-pixels "
            f"(set_max_pixels, {_VARIABLE}) if you trust the file"
        )


def open_regular(path: str) -> BinaryIO:
    """Open a regular file to be read; whatever else has that name is not waited for.

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
        raise UnreadableError("it is no regular file but a pipe, a socket or a device")
    return file


def read_regular(path: str) -> bytes:
    """Return the bytes of a regular file that may be an image within the limit.

    Raises
    ------
    UnreadableError
        If it is no regular file, or has more bytes than any image of so many pixels.
    OSError, ValueError
        If it cannot be opened or read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        most = _BYTES_A_PIXEL * max_pixels() + _BYTES_BESIDE
        if size > most:
            raise UnreadableError(
                f"it has {size:,} bytes, more than the {most:,} that are read for {max_pixels():,} pixels; "
                "raise --max-pixels if you trust the file"
            )
        return file.read(size)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe without a writer would be waited for


def _checked(most: object) -> int:
    try:
        number = int(str(most))
    except ValueError:
        number = 0
    if number < 1:
        raise InputError(f"A limit of {most!r} pixels was given; expected a whole number, such as {MAX_PIXELS}.")
    return number
