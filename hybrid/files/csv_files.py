"""CSV files whose cells no spreadsheet takes for formulas."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybrid.files.writing import Writer, write_atomic

_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # how text begins that a spreadsheet calculates, behind apostrophes
_SIGNED_NUMBER = re.compile(r"[+-](\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|-|-inf", re.ASCII)


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
