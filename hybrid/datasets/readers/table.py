"""Read the columns of a CSV or Parquet file."""

import csv
import io
import re
from pathlib import Path

from hybrid.datasets.readers.scan import read_head
from hybrid.datasets.readers.text import encoding_of
from hybrid.errors import InputError, MissingExtraError
from hybrid.files import unguarded
from hybrid.wording import first_few

_DELIMITERS = ",;\t|"
_SEP_LINE = re.compile(r"\s*\"?sep=([^\s\w\"]|\t)\"?[,;\t]*\r?(?:\n|$)", re.IGNORECASE)  # written by and for Excel
_SAMPLE = 65536
_BATCH = 65_536  # rows of a Parquet file that are read at a time
_MOST_SHARED = 65_536  # different texts of a column, above which its cells are not compared any longer
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")

Columns = dict[str, list]


def is_parquet(data: str) -> bool:
    """Return whether the path is a file with the signature of Parquet."""
    return Path(data).is_file() and read_head(data).startswith(b"PAR1")


def is_csv(data: str) -> bool:
    """Return whether the path is a text file whose first line has two or more columns."""
    if not Path(data).is_file():
        return False
    head = read_head(data, 65536)
    if len(head) == 65536:  # they may end in the middle of a character, so the last line is not decoded
        head = head[: head.rfind(b"\n") + 1]
        head += b"\0" * (len(head) % 2 and b"\0" in head)  # the second byte of the line break in UTF-16
    encoding = encoding_of(head)
    if encoding is None:  # read_csv says so if it should be a table
        return b"\0" not in head and Path(data).suffix.lower() in (".csv", ".tsv")
    text = head.decode(encoding)
    return bool(text.strip()) and _delimiter(text)[0] != ""


def read_csv(data: str) -> Columns:
    """Return the columns of a CSV file as lists of strings, or of integers if all values of a column are integers.

    A value such as "001" is not an integer. The delimiter is the comma, semicolon, tab or vertical bar that divides the
    first line into most columns, unless a line such as ``sep=;`` names it. It is text in
    UTF-8, UTF-16 or Windows-1252.

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
        If the file is not text in such an encoding, has no header, or a row has more or fewer values than the header.
    """
    content = Path(data).read_bytes()
    encoding = encoding_of(content)
    if encoding is None:
        raise InputError(f"{data!r} is neither UTF-8, UTF-16 nor Windows-1252 text{_where(content)}: save it as UTF-8.")
    delimiter, text = _delimiter(content.decode(encoding))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or ",", skipinitialspace=True)
    try:
        rows = [(lines.line_num, line) for line in lines if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise InputError(f"Line {lines.line_num} of {data!r} is not valid CSV: {error}.") from error
    header = [unguarded(cell.strip()) for cell in rows.pop(0)[1]] if rows else []
    _check_header(data, header)
    for line_number, row in rows:
        if len(row) != len(header):
            raise InputError(
                f"Line {line_number} of {data!r} has {len(row)} values, but the header has {len(header)}: correct it."
            )
    columns = {name: [unguarded(row[i].strip()) for _, row in rows] for i, name in enumerate(header)}
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
        with pyarrow.parquet.ParquetFile(data) as file:
            names = file.schema_arrow.names
            columns = [_SharedCells() for _ in names]
            for batch in file.iter_batches(_BATCH):
                for column, values in zip(columns, batch.columns, strict=True):
                    column.add(values.to_pylist())
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{data!r} is a damaged or incomplete Parquet file: copy or write it again.") from error
    pairs = zip(names, columns, strict=True)
    return {name: column.cells for name, column in pairs if not name.startswith("__index_level_")}


class _SharedCells:
    """The cells of a column. Equal texts, such as labels, are one object, which saves most of its memory."""

    def __init__(self) -> None:
        self.cells: list = []
        self._known: dict[str, str] = {}

    def add(self, cells: list) -> None:
        """Append the cells of a batch of rows."""
        if len(self._known) <= _MOST_SHARED and all(type(cell) is str for cell in cells):
            cells = [self._known.setdefault(cell, cell) for cell in cells]
        self.cells += cells


def _where(content: bytes) -> str:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f" (byte {error.start})"
    return ""


def _delimiter(text: str) -> tuple[str, str]:
    """Return the delimiter of a table and the text without a line ``sep=;`` that names it.

    Without such a line, it is the mark that divides the first line into most cells, and the next lines into as many, if
    there is such a mark. It is "" if no mark divides the first line.
    """
    if named := _SEP_LINE.match(text):
        return named[1], "\n" + text[named.end() :]  # the lines keep their numbers
    sample = [line for line in text[:_SAMPLE].splitlines() if line.strip()][:10]
    best, most = "", (False, 1)
    for mark in _DELIMITERS:
        widths = [len(row) for row in csv.reader(sample, delimiter=mark, skipinitialspace=True)] or [0]
        # The last lines may be incomplete.
        rank = widths[0] > 1 and all(width == widths[0] for width in widths[:5]), widths[0]
        if widths[0] > 1 and rank > most:
            best, most = mark, rank
    return best, text


def _check_header(data: str, header: list[str]) -> None:
    from hybrid.extractors.images.formats import IMAGE_SUFFIXES

    if any(Path(cell).suffix.lower() in IMAGE_SUFFIXES for cell in header):
        raise InputError(f"The first line of {data!r} names an image: add a line with the column names above it.")
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise InputError(f"{data!r} has the column {first_few(repeated)} more than once: rename one.")


def _integers(cells: list[str]) -> list:
    return [int(cell) for cell in cells] if cells and all(map(_INTEGER.fullmatch, cells)) else cells
