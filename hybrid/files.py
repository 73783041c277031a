"""Write files atomically: after a crash, a file is either complete or absent. Also checksums, JSON and CSV."""

import contextlib
import csv
import ctypes
import errno
import hashlib
import io
import json
import math
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from hybrid.errors import InputError

_OLD = ".old-"  # begins the name of a folder that is being replaced
_ATTEMPTS = 100
_MOST_LINKS = 40
_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # how text begins that a spreadsheet calculates, behind apostrophes
_SIGNED_NUMBER = re.compile(r"[+-](\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|-|-inf", re.ASCII)
# The arguments of Linux's renameat2 and macOS's renamex_np, and their errors where folders cannot be exchanged.
_HERE, _EXCHANGE = -100, 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV, errno.EPERM)


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
        temporary = path.with_name(f".tmp-{uuid.uuid4().hex}")  # mkstemp makes it private, whatever the umask
        try:
            with temporary.open("xb") as file:
                if mode is not None:
                    temporary.chmod(mode)
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
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


def cannot_write(path: Path, error: OSError) -> InputError:
    """Return the error that says why a file or a folder cannot be written."""
    return InputError(
        f"{str(path)!r} cannot be written ({error.strerror or error}): free disk space or give another folder."
    )


def expanded(path: "str | os.PathLike[str]") -> Path:
    """Return a path with "~" replaced by the home folder. A name such as "~x.png" stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser fails if there is no user "x.png"


def write_json(path: Path, value: Any, write: Writer = write_atomic) -> None:
    """Write a value as readable JSON, by default atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def read_json(path: Path) -> Any:
    """Return the value of a JSON file; raise `InputError` with its path if it cannot be read or parsed."""
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read ({error}): delete it and create it again.") from error


def parse_json(data: bytes) -> Any:
    """Return the value of JSON text; raise `ValueError` if it is invalid, not finite, or nested too deeply."""
    try:
        return json.loads(data, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object and its checksum, atomically; :func:`read_sealed` reads it."""
    value = json.loads(json.dumps(value))  # as it will be read: keys that are numbers become text
    write_json(path, {**value, "seal": _seal(value)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Return the JSON object that :func:`write_sealed` wrote; raise `InputError` if it does not match its checksum.

    Whitespace between values and the order of keys do not change the checksum.
    """
    value = read_json(path)
    try:
        return remove_seal(value)
    except ValueError as error:
        raise InputError(f"{str(path)!r} {error}: delete it and create it again.") from error


def remove_seal(value: Any) -> dict[str, Any]:
    """Return a JSON object that was sealed, without its seal; raise `ValueError` if one bit is not as it was."""
    if not isinstance(value, dict) or (content := dict(value)).pop("seal", None) != _seal(content):
        raise ValueError("does not match its checksum")
    return content


def csv_text(columns: Sequence[str], rows: Sequence[Sequence[Any]], quote_text: bool = False) -> str:
    """Return a table as CSV text with a header line.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; :func:`unguarded` removes it.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    rows : sequence of sequence
        Rows with one value for each column. None becomes an empty field.
    quote_text : bool, default=False
        Whether all text is quoted. By default, only text that has to be quoted is.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if quote_text else csv.QUOTE_MINIMAL)
    writer.writerow(map(_guarded, columns))
    writer.writerows(map(_guarded, row) for row in rows)
    text = buffer.getvalue()
    # The csv module does not quote a lone carriage return, but reads it as the end of a line.
    return csv_text(columns, rows, quote_text=True) if "\r" in text and not quote_text else text


def plain_start(path: str) -> str:
    """Return a path to the same file that a spreadsheet does not take for a formula: "./=x.png" for "=x.png"."""
    return f"./{path}" if _FORMULA.match(path) else path


def unguarded(cell: str) -> str:
    """Return a cell of a CSV file as it was before :func:`csv_text` put an apostrophe in front.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("'n Duiker"), unguarded("-1")
    ('=1+1', "'n Duiker", '-1')
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def write_csv(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    quote_text: bool = False,
    write: Writer = write_atomic,
) -> None:
    """Write a table as a CSV file, by default atomically. See :func:`csv_text` for the parameters."""
    text = csv_text(columns, rows, quote_text)
    write(path, lambda file: file.write(text.encode(errors="surrogateescape")))


def write_csv_records(
    path: Path, records: Sequence[Mapping[str, Any]], quote_text: bool = False, write: Writer = write_atomic
) -> None:
    """Write records, each a mapping of column to value, as a CSV file; missing values are empty fields."""
    columns = list(dict.fromkeys(column for record in records for column in record))
    write_csv(path, columns, [[record.get(column, "") for column in columns] for record in records], quote_text, write)


def _guarded(value: Any) -> Any:
    if isinstance(value, str) and _FORMULA.match(value) and not _SIGNED_NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.20} is not a valid JSON number")
    return number


def _seal(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


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
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tmp-", ignore_cleanup_errors=True) as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            yield new
            _put_in_place(new, folder)
        _sync_folder(folder.parent)
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


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
