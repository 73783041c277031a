"""The values of labels, the same for every reader: `0`, `1.0` and `1` are two classes, and `21.5` is no class."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.wording import first_few

_NOT_A_NAME = frozenset({"", "nan", "NaN", "<NA>", "NaT"})
_ABSENT = frozenset({"na", "n/a", "null", "none"})  # missing as well, if all other cells are numbers
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CODE = re.compile(r"[+-]?0\d.*", re.ASCII)  # "001" is a name
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?", re.ASCII)
_QUANTITIES = frozenset(
    {"age", "ages", "weight", "height", "price", "length", "width", "area", "volume", "bmi", "temperature", "duration"}
)
_MOST_CLASSES_OF_A_QUANTITY = 20
_MOST_DIGITS = 40
_MOST_EXACT = 2**53  # every smaller whole number has a float of its own
_SINGLE = str | int | float | Decimal | None  # not lists and dates
_TRUTHS = {"true": 1, "false": 0, "1": 1, "0": 0, "1.0": 1, "0.0": 0}


def class_values(values: Sequence[Any], what_looks: str = "The labels look", column: str = "") -> list[Any]:
    """Return labels with equal values in one form, and with what is missing as None.

    Parameters
    ----------
    values : sequence of shape (n,)
        Text, bytes, numbers, truth values, or None.
    what_looks : str
        The beginning of an error message, such as "The labels look".
    column : str, default=""
        Name of the labels' column. A column such as "age" with many values is a quantity.

    Returns
    -------
    list of shape (n,)
        Whole numbers as int, if all values are numbers or the text of numbers. "True" and "False" for truth values, or
        1 and 0 if there are numbers among them. Otherwise the values as they are.

    Raises
    ------
    InputError
        If the numbers look like the target of a regression, or are too large to be exact.

    Examples
    --------
    >>> class_values(["0", "1.0", " 1", "NA"]), class_values([0.0, 1.0]), class_values(["001", "2"])
    ([0, 1, 1, None], [0, 1], ['001', '2'])
    >>> class_values([True, False]), class_values(["TRUE", "false"]), class_values([True, "0"])
    (['True', 'False'], ['True', 'False'], [1, 0])
    """
    present = [None if is_missing(value) else _plain(value) for value in values]
    if not all(isinstance(value, _SINGLE) for value in present):
        return present
    forms = {(type(value), value) for value in present if value is not None}
    truths = {str(value).strip().lower() for _, value in forms}
    if truths & {"true", "false"} and truths <= _TRUTHS.keys():
        return _truths(present, named=truths <= {"true", "false"})
    distinct = {value for _, value in forms if not (isinstance(value, str) and value.strip().lower() in _ABSENT)}
    if not distinct or any(kind is bool for kind, _ in forms):
        return present
    if _decimal_commas(distinct):
        raise regression_error(what_looks, sorted(distinct), column)
    numbers = {value: _number(value) for value in distinct}
    if any(number is None for number in numbers.values()):
        return present
    found = {number for number in numbers.values() if number is not None}
    if parts := sorted(number for number in found if not number.is_finite() or number != int(number)):
        raise regression_error(what_looks, [f"{number.normalize():f}" for number in parts], column)
    if inexact := sorted(value for value in distinct if isinstance(value, float) and abs(value) > _MOST_EXACT):
        raise InputError(
            f"The labels contain {first_few(inexact)}, which a floating-point number cannot hold exactly: write such "
            "labels as text."
        )
    whole = {value: int(number) for value, number in numbers.items() if number is not None}
    classes = [whole.get(value) for value in present]
    if _is_quantity(column, sum(value is not None for value in classes), len(found)):
        raise regression_error(what_looks, sorted(set(whole.values())), column)
    return classes


def same_numbers(cells: Sequence[Any]) -> list[Any]:
    """Return the cells with whole numbers such as 1.0 as int, if all cells that are not missing are numbers."""
    values = [None if is_missing(cell) else _number(_plain(cell)) for cell in cells]
    if any(value is None and not is_missing(cell) for value, cell in zip(values, cells, strict=True)):
        return list(cells)
    return [int(value) if value is not None and value.is_finite() and value == int(value) else cell
            for value, cell in zip(values, cells, strict=True)]  # fmt: skip


def zero_one(values: Iterable[object]) -> list[int] | None:
    """Return values as 0 and 1, or None if one of them is anything else.

    Examples
    --------
    >>> zero_one(["0.0", "1.0"]), zero_one([True, 0]), zero_one(["0", ""])
    ([0, 1], [1, 0], None)
    """
    flags = [_TRUTHS.get(str(_plain(value)).strip().lower(), -1) for value in values]
    return None if -1 in flags else flags


def is_missing(value: object) -> bool:
    """Return whether a label is None, NaN, pandas' NA or empty, or the text that such a value was written as.

    Examples
    --------
    >>> [is_missing(value) for value in (None, float("nan"), " ", "NaN", "NA", 0)]
    [True, True, True, True, False, False]
    """
    if isinstance(value, str):
        return value.strip() in _NOT_A_NAME
    if isinstance(value, bytes):
        return value.strip().decode(errors="replace") in _NOT_A_NAME
    if isinstance(value, list | tuple | set | frozenset | dict | np.ndarray):
        return False
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def regression_error(what_looks: str, examples: Iterable[object], column: str = "") -> InputError:
    """Return the error for labels that are quantities. The message begins with `what_looks`, as "The labels look"."""
    another = "choose another column (--label), or " if column else ""
    return InputError(
        f"{what_looks} like the target of a regression, with values such as {first_few(examples)}, and only classes "
        f"can be learned: {another}replace each value by the name of its class, such as 'under 30'."
    )


def _plain(value: Any) -> Any:
    """Return a label as a value of Python, and bytes as text."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"The label {value!r} is not UTF-8 text: give labels as text.") from error


def _truths(values: Sequence[Any], named: bool) -> list[Any]:
    """Return values such as True and "TRUE" as "True" and "False", or as 1 and 0."""
    flags = [None if value is None else _TRUTHS[str(value).strip().lower()] for value in values]
    return [None if flag is None else str(bool(flag)) for flag in flags] if named else flags


def _number(value: Any) -> Decimal | None:
    if isinstance(value, int | float | Decimal):
        return Decimal(str(int(value) if isinstance(value, bool) else value))
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > _MOST_DIGITS or _CODE.fullmatch(text.partition(".")[0]) or not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if abs(number.adjusted()) <= _MOST_DIGITS else None


def _decimal_commas(distinct: set) -> bool:
    """Return whether all values are numbers, of which some have a decimal comma, such as "21,5"."""
    texts = [value for value in distinct if isinstance(value, str)]
    return len(texts) == len(distinct) and any("," in text for text in texts) and all(
        map(_DECIMAL_COMMA.fullmatch, texts)
    )  # fmt: skip


def _is_quantity(column: str, n: int, distinct: int) -> bool:
    """Return whether whole numbers are a quantity: by the name of the column, or because hardly any value recurs."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())
    if distinct > _MOST_CLASSES_OF_A_QUANTITY and _QUANTITIES & {*words}:
        return True
    return distinct > _MOST_CLASSES_OF_A_QUANTITY and distinct > n / 2
