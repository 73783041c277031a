"""Read the columns of a CSV or Parquet file."""

import csv
import io
import re
from pathlib import Path

from hybrid.datasets.readers.scan import read_head
from hybrid.errors import InputError, MissingExtraError
from hybrid.wording import first_few

_DELIMITERS = ",;\t|"
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")

Columns = dict[str, list]


def is_parquet(data: str) -> bool:
    """Return whether the path is a file with the signature of Parquet."""
    return Path(data).is_file() and read_head(data).startswith(b"PAR1")


def is_csv(data: str) -> bool:
    """Return whether the path is a UTF-8 text file whose first line has two or more columns."""
    if not Path(data).is_file():
        return False
    head = read_head(data, 65536)
    try:
        # The bytes may end in the middle of a character, so the last line of a longer file is not decoded.
        first = head.decode("utf-8-sig") if len(head) < 65536 else head[: head.rfind(b"\n") + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return "\0" not in first and bool(first.strip()) and _delimiter(first) != ""


def read_csv(data: str) -> Columns:
    """Return the columns of a CSV file as lists of strings, or of integers if all values of a column are integers.

    A value such as "001" is not an integer. The delimiter is the comma, semicolon, tab or vertical bar that divides the
    first line into most columns.

    Parameters
    ----------
    data : str
        Path of the file.

    Returns
    -------
    dict of str to list
        Values by column.

    Raises
    ------
    InputError
        If the file is not UTF-8 text, has no header, or a row has more or fewer values than the header.
    """
    try:
        text = Path(data).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{data!r} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), skipinitialspace=True)
    try:
        rows = [(lines.line_num, line) for line in lines if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise InputError(f"Line {lines.line_num} of {data!r} is not valid CSV: {error}.") from error
    header = [cell.strip() for cell in rows.pop(0)[1]] if rows else []
    _check_header(data, header)
    for line_number, row in rows:
        if len(row) != len(header):
            raise InputError(
                f"Line {line_number} of {data!r} has {len(row)} values, but the header has {len(header)}: correct it."
            )
    columns = {name: [row[i].strip() for _, row in rows] for i, name in enumerate(header)}
    return {name: _integers(cells) for name, cells in columns.items() if name}


def read_parquet(data: str) -> Columns:
    """Return the columns of a Parquet file with their types.

    Parameters
    ----------
    data : str
        Path of the file.

    Returns
    -------
    dict of str to list
        Values by column.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.
    InputError
        If the file is damaged.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "A Parquet manifest") from error
    try:
        columns = pyarrow.parquet.read_table(data).to_pydict()
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{data!r} is a damaged or incomplete Parquet file: copy or write it again.") from error
    return {name: values for name, values in columns.items() if not name.startswith("__index_level_")}


def _delimiter(text: str) -> str:
    """Return the delimiter that divides the first line into most cells, or "" if none divides it."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    cells = {mark: len(next(csv.reader([first], delimiter=mark, skipinitialspace=True))) for mark in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda mark: cells[mark])
    return best if cells[best] > 1 else ""


def _check_header(data: str, header: list[str]) -> None:
    from hybrid.extractors.images.decode import IMAGE_SUFFIXES

    if any(Path(cell).suffix.lower() in IMAGE_SUFFIXES for cell in header):
        raise InputError(f"The first line of {data!r} names an image: add a line with the column names above it.")
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise InputError(f"{data!r} has the column {first_few(repeated)} more than once: rename one.")


def _integers(cells: list[str]) -> list:
    return [int(cell) for cell in cells] if cells and all(map(_INTEGER.fullmatch, cells)) else cells
