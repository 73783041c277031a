"""Further values of each image, such as hospital, sex or age, which divide the images into subgroups and domains."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.datasets.parts.groups import matched_groups
from hybrid.datasets.parts.numbers import is_missing, same_numbers
from hybrid.errors import InputError, unknown_name
from hybrid.wording import first_few, number, one_form

MOST_VALUES = 50  # of a column of text that is read without being named
NO_COLUMNS = "none"
_LONG = re.compile(r"[+-]?\d{5,}")  # an identifier or a date, such as 20190412
_NESTED = (list, tuple, dict, bytes, np.ndarray)

Asked = Sequence[str] | None
Further = dict[str, np.ndarray]


def parse_columns(columns: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the names of columns that were asked for, as "A,B" or a sequence; () for "none", None if none was given.

    Examples
    --------
    >>> parse_columns("sex,age"), parse_columns("none"), parse_columns(None)
    (('sex', 'age'), (), None)
    """
    if columns is None:
        return None
    names = columns.split(",") if isinstance(columns, str) else columns
    found = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    return () if found == (NO_COLUMNS,) else found


def parse_column_patterns(patterns: Mapping[str, str] | Sequence[str] | None) -> dict[str, str]:
    """Return regular expressions by the name of the column that they make, given as a mapping or as "NAME=REGEX".

    Examples
    --------
    >>> parse_column_patterns(["hospital=^([^/]+)/"])
    {'hospital': '^([^/]+)/'}
    """
    if isinstance(patterns, Mapping):
        return dict(patterns)
    found = {}
    for text in [patterns] if isinstance(patterns, str) else patterns or ():
        name, equals, pattern = text.partition("=")
        if not (name.strip() and equals and pattern):
            raise InputError(f"The column pattern {text!r} was given; expected NAME=REGEX, such as hospital=^([^/]+)/.")
        found[name.strip()] = pattern
    return found


def text_column(cells: Sequence[Any]) -> np.ndarray:
    """Return the values of a column as text: whole numbers without decimals, and "" for what is missing.

    Examples
    --------
    >>> text_column([47.0, None, 8]).tolist(), text_column(["F", "NaN", " M"]).tolist()
    (['47', '', '8'], ['F', '', 'M'])
    """
    values = list(dict.fromkeys(None if is_missing(cell) else cell for cell in cells))
    texts = ["" if value is None else one_form(str(value)) for value in same_numbers(values)]
    text_of = dict(zip(values, texts, strict=True))
    return np.array([text_of[None if is_missing(cell) else cell] for cell in cells], dtype=np.str_)


def forms_subgroups(cells: Sequence[Any]) -> bool:
    """Return whether a column is read without being named.

    It is if it has at most 50 different values, each for two images on average, or numbers that are not longer than
    four digits before the decimal point. Names, dates, free text and identifiers are therefore not read, which may
    tell who a patient is and would fill the memory.

    Examples
    --------
    >>> forms_subgroups(["F", "M", "F", "M", None]), forms_subgroups([61.5, 47, None]), forms_subgroups(["Ann", "Bob"])
    (True, True, False)
    """
    if any(isinstance(cell, _NESTED) for cell in cells[:1]) or any(isinstance(cell, _NESTED) for cell in cells):
        return False
    distinct = {cell for cell in cells if not is_missing(cell)}
    known = sum(not is_missing(cell) for cell in cells)
    if distinct and all(is_number(cell) for cell in distinct):
        return not any(_LONG.match(str(cell)) for cell in distinct)
    return 0 < len(distinct) <= min(MOST_VALUES, known / 2)


def is_number(cell: Any) -> bool:
    """Return whether a value is a finite number, also as text."""
    try:
        return bool(np.isfinite(float(cell)))
    except (TypeError, ValueError, OverflowError):
        return False


def further_columns(table: Mapping[str, Sequence[Any]], used: Collection[str], asked: Asked) -> Further:
    """Return the further columns of a table.

    Parameters
    ----------
    table : mapping of str to sequence
        Values by column.
    used : collection of str
        The columns with the paths, labels, splits and groups, which are only read again if they are asked for.
    asked : sequence of str or None
        Names of the columns to read. None: all that :func:`forms_subgroups`.

    Returns
    -------
    dict of str to ndarray of str
    """
    if asked is not None:
        return {name: text_column(table[name]) for name in asked if name in table}
    return {name: text_column(cells) for name, cells in table.items() if name not in used and forms_subgroups(cells)}


def columns_note(table: Mapping[str, Sequence[Any]], used: Collection[str], asked: Asked) -> list[str]:
    """Return a sentence about columns that are not read because of their many values; an empty list if there are none.

    Examples
    --------
    >>> columns_note({"path": ["a"], "comment": ["seen at night"]}, ["path"], None)
    ["Columns with many different values are not read unless --columns names them: 'comment'."]
    """
    left_out = [name for name, cells in table.items() if name not in used and not forms_subgroups(cells)]
    if asked is not None or not left_out:
        return []
    return [f"Columns with many different values are not read unless --columns names them: {first_few(left_out)}."]


@dataclass(frozen=True)
class ColumnSources:
    """Where the further columns of a dataset come from, besides its own table.

    Attributes
    ----------
    asked : tuple of str or None
        Names of the columns to read. None: all that may form subgroups.
    patterns : dict of str to str
        Regular expressions that find the value of a column in the id of an image, by the name of the column.
    table : mapping of str to sequence or None
        A table with further columns, of whose rows each names an image or a group.
    table_name : str
        How a message names the table.
    """

    asked: Asked = None
    patterns: Mapping[str, str] | None = None
    table: Mapping[str, Sequence[Any]] | None = None
    table_name: str = ""

    def add_to(
        self, columns: Further, ids: Sequence[str], groups: np.ndarray | None, offered: Sequence[str] = ()
    ) -> tuple[Further, list[str]]:
        """Return all further columns and sentences about them. `offered` are the names of the dataset's own columns.

        Raises
        ------
        InputError
            If a column that was asked for does not exist, a pattern matches no image, or no row names an image.
        """
        found: Further = dict(columns)
        notes: list[str] = []
        if self.table is not None:
            joined, notes = join_table(self.table, self.table_name, ids, groups, self.asked)
            found |= joined
        for name, pattern in (self.patterns or {}).items():
            found_values = matched_groups(pattern, ids, f"pattern of the column {name!r},")
            values = [one_form(value or "") for value in found_values]
            if not any(values):
                raise InputError(
                    f"The pattern {pattern!r} of the column {name!r} matches no image's id; ids are for example "
                    f"{first_few(ids)}."
                )
            found[name] = np.array(values, dtype=np.str_)
        for name in self.asked or ():
            if name not in found:
                raise unknown_name("column", name, [*offered, *(self.table or {}), *found])
        return found, notes


NO_FURTHER = ColumnSources()


def join_table(
    table: Mapping[str, Sequence[Any]], source: str, ids: Sequence[str], groups: np.ndarray | None, asked: Asked
) -> tuple[Further, list[str]]:
    """Return the columns of a table in the order of the images, and sentences about what was joined.

    A row belongs to an image if one of its cells is the image's id, its file name, or the file name without suffix, or
    to all images of a group if it is the name of the group. The column that names most images counts.

    Parameters
    ----------
    table : mapping of str to sequence
        Values by column.
    source : str
        How a message names the table.
    ids : sequence of str, shape (n,)
    groups : ndarray of str, shape (n,), or None
    asked : sequence of str or None
        As in :func:`further_columns`.

    Raises
    ------
    InputError
        If no row names an image, or two different rows name the same image.

    Examples
    --------
    >>> columns, _ = join_table({"file": ["b.png", "a.png"], "sex": ["F", "M"]}, "t.csv", ["x/a.png", "x/b.png"],
    ...                         None, ["sex"])
    >>> columns["sex"].tolist()
    ['M', 'F']
    """
    matches = {name: _matches(cells, ids, groups) for name, cells in table.items()}
    counts = {name: sum(row is not None for row in rows) for name, rows in matches.items()}
    key = max(counts, key=lambda name: counts[name], default="")
    if not key or not counts[key]:
        raise InputError(
            f"No cell of the table {source} is the path, the file name or the group of an image; images are for "
            f"example {first_few(ids)}."
        )
    columns = further_columns(table, [key], asked)
    rows = matches[key]
    _check_repeated(table[key], columns, key, source)
    found = {
        name: np.array(["" if row is None else values[row] for row in rows], dtype=np.str_)
        for name, values in columns.items()
    }
    images = f"{counts[key]:,} of {number(len(ids), 'image')}"
    note = f"The table {source} has rows for {images}, found by {key!r}: {first_few(found, 8) or 'no columns'}."
    return found, [note, *columns_note(table, [key], asked)]


def _matches(cells: Sequence[Any], ids: Sequence[str], groups: np.ndarray | None) -> list[int | None]:
    """Return the row whose cell names each image."""
    row_of: dict[str, int] = {}
    for row, cell in enumerate(cells):
        if not is_missing(cell) and not isinstance(cell, _NESTED):
            row_of.setdefault(one_form(str(cell)).replace("\\", "/").removeprefix("./"), row)
    names = [one_form(image_id).rpartition("/")[2] for image_id in ids]
    stems = [name.rpartition(".")[0] or name for name in names]
    levels = [list(ids), *(level for level in (names, stems) if len(set(level)) == len(ids))]
    levels += [] if groups is None else [groups.tolist()]
    found = [[row_of.get(name) for name in level] for level in levels]
    return max(found, key=lambda rows: sum(row is not None for row in rows))


def _check_repeated(keys: Sequence[Any], columns: Further, key: str, source: str) -> None:
    """Raise `InputError` if two rows name the same image or group, but have different values."""
    first: dict[str, int] = {}
    for row, cell in enumerate(keys):
        earlier = first.setdefault(str(cell), row)
        if differing := [name for name, values in columns.items() if values[row] != values[earlier]]:
            raise InputError(
                f"Two rows of {source} are of {key} {str(cell)!r}, with different values of {differing[0]!r}: give one "
                "row for each image or group."
            )
