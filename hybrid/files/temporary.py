"""Temporary files and folders, and the removal of those that a killed process left behind.

They are locked while they are made. The locks of a process end with it, however it ends, so whatever nobody holds a
lock on is abandoned. Locks do not reach every process on every file system: only names that were given since this
machine was started are believed at once, and others when they are old, too.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

_PREFIX = ".tmp-"
_OLD = 3600.0  # seconds; what takes minutes to write has no living writer then


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield the path of a new file in a folder, and the file, open for writing. It is removed unless it was renamed.

    Its name cannot be guessed, and a file that exists already is not opened.
    """
    while True:
        path = temporary_name(folder)
        file = path.open("xb")  # mkstemp would make it private, whatever the umask
        if _lock(file.fileno(), path):
            break
        file.close()
    try:
        with file:
            yield path, file
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder in a folder, which is removed in the end."""
    while True:
        path = temporary_name(folder)
        path.mkdir(mode=0o700)
        try:
            handle = os.open(path, os.O_RDONLY) if os.name == "posix" else None
        except FileNotFoundError:  # another process has removed it before it was locked
            continue
        if handle is None or _lock(handle, path):
            break
        os.close(handle)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def temporary_name(folder: Path) -> Path:
    """Return a path in a folder that nothing has, of a name that is abandoned when nobody holds a lock on it."""
    return folder / f"{_PREFIX}{_machine()}-{uuid.uuid4().hex}"


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files and folders in a folder whose processes were killed. Errors are ignored."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [Path(entry.path) for entry in entries if entry.name.startswith(_PREFIX)]:
            with _claimed(path) as abandoned:
                if abandoned and path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif abandoned:
                    with contextlib.suppress(OSError):
                        path.unlink()


def is_abandoned(path: Path) -> bool:
    """Return whether no living process makes a temporary file or folder."""
    with _claimed(path) as abandoned:
        return abandoned


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Yield whether a temporary file or folder is abandoned. If so, it is locked until the block ends.

    A process that has just made it, and has not locked it yet, sees the lock and makes another one.
    """
    handle = _open_to_lock(path)
    try:
        yield _has_no_writer(path, handle)
    finally:
        if handle is not None:
            os.close(handle)


def _open_to_lock(path: Path) -> int | None:
    """Return an open file or folder; None if it cannot be opened, or the system has no locks."""
    if os.name != "posix":
        return None
    with contextlib.suppress(OSError):
        access = os.O_RDWR if stat.S_ISREG(path.lstat().st_mode) else os.O_RDONLY
        return os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
    return None


def _has_no_writer(path: Path, handle: int | None) -> bool:
    """Lock an open file or folder if possible, and return whether no living process makes it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)) or (handle is None and os.name == "posix"):
        return False
    unlocked = None if handle is None else _try_to_lock(handle)
    if unlocked and path.name.startswith(f"{_PREFIX}{_machine()}-"):
        return True
    return unlocked is not False and time.time() - found.st_mtime > _OLD


def _lock(handle: int, path: Path) -> bool:
    """Lock a new file or folder, where that is possible; return whether it is still there."""
    if os.name != "posix":
        return True
    try:
        return _try_to_lock(handle) is not False and os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:  # another process has removed it before it was locked
        return False


def _try_to_lock(handle: int) -> bool | None:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@cache
def _machine() -> str:
    """Return a text that all processes of this machine share, also those in containers, until it is started again."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, ValueError):
        name = platform.node()
    return hashlib.sha256(name.encode()).hexdigest()[:8]
