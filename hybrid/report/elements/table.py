"""Tables whose cells are both shown in the page and saved as CSV and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid.files import write_csv_records, write_json


@dataclass(frozen=True)
class Column:
    """A column: its key in files, its title in the page, and whether it holds numbers."""

    key: str
    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    value : object
        Value that is saved in the files and that the page sorts by.
    text : str
        Text that the page shows.
    sub : str
        A second, smaller line, such as an interval.
    also : mapping
        Additional columns of the files, such as the ends of the interval.
    tone : str
        CSS class of the cell.
    link : str
        Address of a file beside the page to which the text leads; not in the first cell of a row.
    """

    value: Any
    text: str
    sub: str = ""
    also: Mapping[str, Any] = field(default_factory=dict)
    tone: str = ""
    link: str = ""

    @property
    def full(self) -> str:
        """The full name that :attr:`text` shortens; an empty text if it does not."""
        return self.value if isinstance(self.value, str) and self.value != self.text else ""


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first cell of each names the row.

    Attributes
    ----------
    name : str
        Name of the files, without suffix.
    caption : str
        Caption of the table in the page.
    columns : sequence of Column
    rows : sequence of sequence of Cell
    sortable : bool
        Whether the reader can sort the rows.
    marked : int, optional
        Index of the row that is highlighted.
    notes : sequence of str
        Lines below the table, such as the reason for a missing interval. The files have it in columns of their own.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    sortable: bool = False
    marked: int | None = None
    notes: Sequence[str] = ()

    @property
    def records(self) -> list[dict[str, Any]]:
        """One flat dict per row."""
        return [self._record(row) for row in self.rows]

    def _record(self, row: Sequence[Cell]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for column, cell in zip(self.columns, row, strict=True):
            record |= {column.key: cell.value} | dict(cell.also)
        return record

    def save(self, folder: Path) -> list[Path]:
        """Write :attr:`records` as CSV and JSON; return the paths."""
        records = self.records
        paths = [folder / f"{self.name}.csv", folder / f"{self.name}.json"]
        write_csv_records(paths[0], records, quote_text=True)
        write_json(paths[1], records)
        return paths


def text_cell(value: Any, tone: str = "") -> Cell:
    """Return a cell of text, which is sorted by that text."""
    return Cell(str(value), str(value), tone=tone)
