"""Folders that are replaced as a whole, and locked."""

import contextlib
import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hybrid.files.temporary import remove_abandoned, temporary_folder
from hybrid.files.writing import cannot_write, sync_folder

_OLD = ".old-"  # begins the name of a folder that is being replaced
_ATTEMPTS = 100
# The arguments of Linux's renameat2 and macOS's renamex_np, and their errors where folders cannot be exchanged.
_HERE, _EXCHANGE = -100, 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV, errno.EPERM)


@contextlib.contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that replaces `folder` when the block ends without an exception, and is removed otherwise.

    At each moment `folder` is either the old or the new one. Where the file system cannot exchange two folders in one
    step, it is missing for a moment; if the process is killed then, :func:`restore_folder` brings the old one back.

    Raises
    ------
    InputError
        If the folder is not writable or the disk is full. The previous content of `folder` is kept in this case.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder.parent)
        with temporary_folder(folder.parent) as temporary:
            new = temporary / "new"
            new.mkdir()
            yield new
            _put_in_place(new, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error


def restore_folder(folder: Path) -> None:
    """Bring back a folder that :func:`replace_folder` was replacing when its process was killed."""
    if not os.path.lexists(folder):
        with contextlib.suppress(OSError):
            _name_of_old(folder).rename(folder)


def restore_folders(parent: Path) -> None:
    """Bring back all folders in `parent` that were being replaced when their process was killed."""
    for old in parent.glob(f"{_OLD}*"):
        restore_folder(parent / old.name.removeprefix(_OLD))
        shutil.rmtree(old, ignore_errors=True)  # the new folder was complete already


def _put_in_place(new: Path, folder: Path) -> None:
    """Give a folder its final name. The folder that has this name so far is removed."""
    for _ in range(_ATTEMPTS):  # another process may replace or restore the same folder at the same time
        try:
            if not os.path.lexists(folder):
                new.rename(folder)
                return
            if _exchange(new, folder):
                return
            old = _name_of_old(folder)
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
            try:
                new.rename(folder)
            except OSError:
                restore_folder(folder)
                raise
            shutil.rmtree(old, ignore_errors=True)
            return
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step. Return whether the system and the file system can do that."""
    if os.name != "posix":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(library, "renameat2"):  # Linux
        failed = library.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE)
    elif hasattr(library, "renamex_np"):  # macOS
        failed = library.renamex_np(*names, _EXCHANGE)
    else:
        return False
    number = ctypes.get_errno()
    if failed and number not in _UNSUPPORTED:
        raise OSError(number, os.strerror(number), str(other))
    return not failed


def _name_of_old(folder: Path) -> Path:
    return folder.with_name(f"{_OLD}{folder.name}")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Create a folder and let no other process into a block that locks it, where the file system has locks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY) if os.name == "posix" else None
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        if handle is not None:
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)
