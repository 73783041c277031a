"""Write files: atomically, so that after a crash a file is either complete or absent, or into what the user named."""

import errno
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from hybrid.errors import InputError
from hybrid.files.temporary import temporary_file

_MOST_LINKS = 40

Writer = Callable[[Path, Callable[[BinaryIO], object]], None]


def write_atomic(path: Path, write: Callable[[BinaryIO], object], mode: int | None = None) -> None:
    """Write a file under a temporary name in the same folder, flush it to disk, and rename it.

    The temporary name cannot be guessed, and a file that exists already is not opened. If `path` is a link, the link is
    replaced, not the file that it leads to.

    Parameters
    ----------
    path : Path
        Path of the file. Missing folders are created.
    write : callable
        Called with the open binary file.
    mode : int, optional
        Permissions of the file. By default those of a new file.

    Raises
    ------
    InputError
        If the folder is not writable or the disk is full. The temporary file is removed in this case.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path.parent) as (temporary, file):
            if mode is not None:
                temporary.chmod(mode)
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if os.name != "posix":  # Windows renames no open file
                file.close()
            temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_output(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file that the user named. What is not a regular file, such as a device or a pipe, is written into.

    A regular file is replaced only when the new one is complete, and its permissions are kept. A link stays a link:
    the file that it leads to is written.

    Parameters
    ----------
    path : Path
        Path of the file. Missing folders are created.
    write : callable
        Called with the open binary file.

    Raises
    ------
    InputError
        If the file or its folder is not writable, the disk is full, or the path is another user's link in a folder
        that all users can write to.
    """
    path = expanded(path)
    try:
        target = _end_of_links(path)
        mode = target.stat().st_mode if target.exists() else None
        if target.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if mode is None or (stat.S_ISREG(mode) and not _is_open_file(target)):
            write_atomic(target, write, None if mode is None else mode & 0o777)
            return
        buffer = io.BytesIO()  # since a pipe cannot seek, which archives do
        write(buffer)
        with open(target, "wb", opener=_append) as file:
            file.write(buffer.getbuffer())
    except OSError as error:
        raise cannot_write(path, error) from error


def _end_of_links(path: Path) -> Path:
    """Return the path to which a path leads if it is a link, and the path itself otherwise."""
    for _ in range(_MOST_LINKS):
        if not path.is_symlink() or _is_open_file(path):
            return path
        folder, owner = path.parent.stat(), path.lstat().st_uid
        shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
        if shared and owner not in (folder.st_uid, os.geteuid()):  # the rule of Linux (protected_symlinks)
            raise OSError(errno.EACCES, "it is a link of another user")
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _is_open_file(path: Path) -> bool:
    """Return whether a path, such as that of /dev/stdout, stands for a file that is already open."""
    return os.path.realpath(path.parent).startswith(("/proc/", "/dev/fd"))


def _append(path: str, flags: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND)


_ADVICE = {
    errno.ENOSPC: "free disk space or give another folder",
    getattr(errno, "EDQUOT", errno.ENOSPC): "free disk space or give another folder",
    errno.EROFS: "give a folder on a disk that is not read-only",
    errno.EACCES: "give another folder, or ask its owner for the permission to write",
    errno.EPERM: "give another folder, or ask its owner for the permission to write",
    errno.ENOENT: "create the folder that contains it, or give another one",
    errno.ENOTDIR: "give a folder: a part of this path is a file",
}


def cannot_write(path: Path, error: OSError) -> InputError:
    """Return the error that says why a file or a folder cannot be written, and what to do."""
    advice = _ADVICE.get(error.errno or 0, "give another folder")
    return InputError(f"{str(path)!r} cannot be written ({error.strerror or error}): {advice}.")


def expanded(path: "str | os.PathLike[str]") -> Path:
    """Return a path with "~" replaced by the home folder. A name such as "~x.png" stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser fails if there is no user "x.png"


def sync_folder(folder: Path) -> None:
    """Flush the entries of a folder to disk, where the system can do that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
