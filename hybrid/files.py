"""Write files atomically: after a crash, a file is either complete or absent. Also checksums, JSON and CSV."""

import contextlib
import csv
import hashlib
import io
import json
import math
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from hybrid.errors import InputError


def write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under a temporary name in the same folder, flush it to disk, and rename it.

    Parameters
    ----------
    path : Path
        Path of the file. Missing folders are created.
    write : callable
        Called with the open binary file.

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
        raise InputError(
            f"{str(path)!r} cannot be written ({error.strerror or error}): free disk space or give another folder."
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write a value as readable JSON, atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(path, lambda file: file.write(text.encode(errors="backslashreplace")))


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
    writer.writerow(columns)
    writer.writerows(rows)
    text = buffer.getvalue()
    # The csv module does not quote a lone carriage return, but reads it as the end of a line.
    return csv_text(columns, rows, quote_text=True) if "\r" in text and not quote_text else text


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]], quote_text: bool = False) -> None:
    """Write a table as a CSV file, atomically. See :func:`csv_text` for the parameters."""
    text = csv_text(columns, rows, quote_text)
    write_atomic(path, lambda file: file.write(text.encode(errors="surrogateescape")))


def write_csv_records(path: Path, records: Sequence[Mapping[str, Any]], quote_text: bool = False) -> None:
    """Write records, each a mapping of column to value, as a CSV file, atomically; missing values are empty fields."""
    columns = list(dict.fromkeys(column for record in records for column in record))
    write_csv(path, columns, [[record.get(column, "") for column in columns] for record in records], quote_text)


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

    Raises
    ------
    InputError
        If the folder is not writable or the disk is full. The previous content of `folder` is kept in this case.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".tmp-", ignore_cleanup_errors=True) as temporary:
            new, old = Path(temporary) / "new", Path(temporary) / "old"
            new.mkdir()
            yield new
            if folder.exists():
                folder.rename(old)
            try:
                new.rename(folder)
            except OSError:
                old.rename(folder)
                raise
        _sync_folder(folder.parent)
    except OSError as error:
        raise InputError(
            f"{str(folder)!r} cannot be written ({error.strerror or error}): free disk space or give another folder."
        ) from error


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
