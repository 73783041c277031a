"""Read the numbers in a column of a manifest: `0`, `1.0` and `1` are two classes, and `21.5` is no class."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hybrid.datasets.parts.labels import is_missing, regression_error

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CODE = re.compile(r"[+-]?0\d.*", re.ASCII)  # "001" is a name
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?", re.ASCII)
_ABSENT = frozenset({"na", "n/a", "null", "none"})  # besides what is_missing recognises
_QUANTITIES = frozenset(
    {"age", "ages", "weight", "height", "price", "length", "width", "area", "volume", "bmi", "temperature", "duration"}
)
_MOST_CLASSES_OF_A_QUANTITY = 20
_MOST_DIGITS = 40


def class_cells(cells: Sequence[Any], column: str, source: str) -> list[Any]:
    """Return the cells of a label column with equal numbers in one form, and with what is missing as None.

    Parameters
    ----------
    cells : sequence of shape (n,)
        Text, numbers, or None.
    column : str
        Name of the column.
    source : str
        How an error message names the manifest.

    Returns
    -------
    list of shape (n,)
        Whole numbers as int, if all cells are numbers. Otherwise the cells as they are.

    Raises
    ------
    InputError
        If the numbers look like the target of a regression.

    Examples
    --------
    >>> class_cells(["0", "1.0", "1", "NA"], "sick", "labels.csv"), class_cells(["001", "2"], "id", "labels.csv")
    ([0, 1, 1, None], ['001', '2'])
    """
    present = [None if is_missing(cell) else cell for cell in cells]
    truths = {str(cell).strip().lower() for cell in present if cell is not None}
    if truths and truths <= {"true", "false", "0", "1", "0.0", "1.0"} and truths & {"true", "false"}:
        return _truths(present, named=truths <= {"true", "false"})
    absent = [None if str(cell).strip().lower() in _ABSENT else cell for cell in present]
    distinct = {str(cell) if isinstance(cell, bool) else cell for cell in absent if cell is not None}
    if not distinct:
        return present
    where = f"The label column {column!r} of {source} looks"
    if _decimal_commas(distinct):
        raise regression_error(where, sorted(distinct))
    values = {cell: _number(cell) for cell in distinct}
    if any(value is None for value in values.values()):
        return present
    numbers = {value for value in values.values() if value is not None}
    if any(value != int(value) for value in numbers):
        raise regression_error(where, sorted(f"{value.normalize():f}" for value in numbers if value != int(value)))
    counts = [sum(cell is not None for cell in absent), len(numbers)]
    if _is_quantity(column, *counts):
        raise regression_error(where, sorted(map(int, numbers)))
    return [None if cell is None else int(values[cell]) for cell in absent]  # type: ignore[arg-type]


def same_numbers(cells: Sequence[Any]) -> list[Any]:
    """Return the cells with whole numbers such as 1.0 as int, if all cells that are not missing are numbers."""
    values = [None if is_missing(cell) else _number(cell) for cell in cells]
    if any(value is None and not is_missing(cell) for value, cell in zip(values, cells, strict=True)):
        return list(cells)
    return [int(value) if value is not None and value == int(value) else cell
            for value, cell in zip(values, cells, strict=True)]  # fmt: skip


def _truths(cells: Sequence[Any], named: bool) -> list[Any]:
    """Return cells such as "TRUE" as "True" and "False", or as 1 and 0 if numbers or booleans are among them."""
    flags = [None if cell is None else str(cell).strip().lower() in ("true", "1", "1.0") for cell in cells]
    if named and all(isinstance(cell, str | None) for cell in cells):
        return [None if flag is None else str(flag) for flag in flags]
    return [None if flag is None else int(flag) for flag in flags]


def _number(cell: Any) -> Decimal | None:
    if isinstance(cell, bool | int):
        return Decimal(int(cell))
    text = str(cell).strip()
    if len(text) > _MOST_DIGITS or _CODE.fullmatch(text.partition(".")[0]) or not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    return value if abs(value.adjusted()) <= _MOST_DIGITS else None


def _decimal_commas(distinct: set) -> bool:
    """Return whether all cells are numbers, of which some have a decimal comma, such as "21,5"."""
    texts = [cell for cell in distinct if isinstance(cell, str)]
    return len(texts) == len(distinct) and any("," in text for text in texts) and all(
        map(_DECIMAL_COMMA.fullmatch, texts)
    )  # fmt: skip


def _is_quantity(column: str, n: int, distinct: int) -> bool:
    """Return whether whole numbers are a quantity: by the name of the column, or because hardly any value recurs."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())
    if distinct > _MOST_CLASSES_OF_A_QUANTITY and _QUANTITIES & {*words}:
        return True
    return distinct > _MOST_CLASSES_OF_A_QUANTITY and distinct > n / 2
