"""Divide images into subgroups by the values of columns, such as hospital, age in bins, or sex and view together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.labels import is_missing
from hybrid.wording import first_few, one_form

NOT_KNOWN = "not known"
MOST_SUBGROUPS = 50
MOST_UNBINNED = 8  # numbers with more different values are divided into bins
QUARTILES = (0.25, 0.5, 0.75)
_MISSING = frozenset({"", "nan", "NaN", "NA", "<NA>", "NaT", "None"})
_DICOM_AGE = re.compile(r"(\d{3})([DWMY])")  # such as 045Y
_DAYS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True, eq=False)
class Partition:
    """A division of the images into subgroups.

    Attributes
    ----------
    name : str
        What divides the images, such as ``"age:50,70"`` or ``"sex+view"``.
    names : tuple of str
        Names of the subgroups, such as ``"F, AP"``.
    labels : tuple of str
        The same with the names of the columns, such as ``"sex F, view AP"``.
    code : ndarray of int, shape (n,)
        Number of the subgroup of each image.
    note : str
        How numbers were divided into bins; "" if none were.
    """

    name: str
    names: tuple[str, ...]
    labels: tuple[str, ...]
    code: np.ndarray
    note: str = ""

    def take(self, rows: np.ndarray) -> "Partition":
        """Return the division of some images, given as a mask or as indices. Subgroups may then be empty."""
        return replace(self, code=self.code[rows])

    @property
    def used(self) -> list[int]:
        """Numbers of the subgroups that have images."""
        return np.unique(self.code).tolist()


def make_partitions(
    columns: Mapping[str, Any], by: str | Sequence[str] | None = None, n: int | None = None
) -> list[Partition]:
    """Return the divisions of the images that are asked for.

    Parameters
    ----------
    columns : mapping of str to sequence of shape (n,), or DataFrame
        Values of the images by name. Missing values are None, NaN or "".
    by : str or sequence of str, optional
        Each is the name of a column, ``"age:50,70"`` with the limits of bins, ``"age:quartiles"``, or several of these
        joined by "+", such as ``"sex+age:50,70"``. By default each column for itself.
    n : int, optional
        Number of images that the columns must have.

    Returns
    -------
    list of Partition

    Raises
    ------
    InputError
        If a column is unknown, has another length or too many different values, or bins are asked for of text.

    Examples
    --------
    >>> sex, age = ["F", "M", None, "F"], [71, 20, 50, 64]
    >>> [partition] = make_partitions({"sex": sex, "age": age}, "age:50,70")
    >>> partition.names, partition.code.tolist()
    (('< 50', '50 to < 70', '≥ 70'), [2, 0, 1, 1])
    >>> make_partitions({"sex": sex, "age": age}, "sex")[0].names
    ('F', 'M', 'not known')
    """
    given = {str(name): list(columns[name]) for name in columns}
    for name, values in given.items():
        if n is not None and len(values) != n:
            raise InputError(f"The column {name!r} has {len(values)} values, but there are {n} images: give one each.")
    specs = list(given) if by is None else [by] if isinstance(by, str) else list(dict.fromkeys(by))
    return [_partition(given, spec) for spec in specs]


def _partition(columns: Mapping[str, list[Any]], spec: str) -> Partition:
    parts = [spec] if spec in columns else spec.split("+")
    single = [_of_column(columns, part.strip()) for part in parts]
    if len(single) == 1:
        return single[0]
    codes = np.stack([part.code for part in single], axis=1)
    found, code = np.unique(codes, axis=0, return_inverse=True)
    names = tuple(", ".join(part.names[i] for part, i in zip(single, row, strict=True)) for row in found.tolist())
    labels = tuple(", ".join(part.labels[i] for part, i in zip(single, row, strict=True)) for row in found.tolist())
    _check_number(spec, names)
    note = " ".join(filter(None, (part.note for part in single)))
    return Partition("+".join(part.name for part in single), names, labels, code.reshape(-1), note)


def _of_column(columns: Mapping[str, list[Any]], spec: str) -> Partition:
    name, _, bins = (spec, "", "") if spec in columns or ":" not in spec else spec.rpartition(":")
    if name not in columns:
        raise unknown_name("column", name, columns)
    cells = [None if is_missing(cell) or str(cell).strip() in _MISSING else cell for cell in columns[name]]
    numbers = [None if cell is None else as_number(cell) for cell in cells]
    known = np.array([value for value in numbers if value is not None], dtype=np.float64)
    other = [cell for cell, value in zip(cells, numbers, strict=True) if cell is not None and value is None]
    numeric = len(known) > 0 and not other
    if bins and not numeric:
        raise InputError(
            f"Bins were given for the column {name!r}, which holds {first_few(dict.fromkeys(other)) or 'nothing'} "
            f"besides numbers: leave out {':' + bins!r}."
        )
    if bins or (numeric and len(np.unique(known)) > MOST_UNBINNED):
        return _binned(name, numbers, known, bins)
    return _named(name, cells, numbers if numeric else None)


def as_number(cell: Any) -> float | None:
    """Return a value as a finite number, a DICOM age in years; None if it is neither.

    Examples
    --------
    >>> as_number("61.5"), as_number("045Y"), as_number("006M"), as_number("AP")
    (61.5, 45.0, 0.5, None)
    """
    if match := _DICOM_AGE.fullmatch(str(cell).strip()):
        return int(match[1]) * _DAYS[match[2]]
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if np.isfinite(value) else None


def _named(name: str, cells: list[Any], numbers: list[float | None] | None) -> Partition:
    texts = [NOT_KNOWN if cell is None else one_form(str(cell)) for cell in cells]
    if numbers is not None:
        texts = [NOT_KNOWN if value is None else f"{value:g}" for value in numbers]
    order = {NOT_KNOWN: (1, 0.0, "")}
    if numbers is not None:
        order |= {f"{value:g}": (0, value, "") for value in numbers if value is not None}
    names = tuple(sorted(set(texts), key=lambda text: order.get(text, (0, 0.0, text))))
    _check_number(name, names)
    row = {text: i for i, text in enumerate(names)}
    return Partition(name, names, _labels(name, names), np.array([row[text] for text in texts], dtype=np.intp))


def _binned(name: str, numbers: list[float | None], known: np.ndarray, bins: str) -> Partition:
    by_shares = bins in ("", "quartiles")
    edges = np.unique(np.quantile(known, QUARTILES, method="nearest")) if by_shares else _edges(name, bins)
    limits = [f"{edge:g}" for edge in edges]
    names = [f"< {limits[0]}", *(f"{low} to < {high}" for low, high in pairwise(limits))]
    names += [f"≥ {limits[-1]}", NOT_KNOWN]
    code = np.array(
        [len(edges) + 1 if value is None else int(np.searchsorted(edges, value, "right")) for value in numbers], np.intp
    )
    used, code = np.unique(code, return_inverse=True)
    kept = tuple(names[i] for i in used)
    note = f"{name} is divided at its quartiles: {', '.join(limits)}." if by_shares else ""
    return Partition(f"{name}:{bins}" if bins else name, kept, _labels(name, kept), code.reshape(-1), note)


def _edges(name: str, bins: str) -> np.ndarray:
    try:
        edges = [float(text) for text in bins.split(",")]
    except ValueError:
        edges = []
    if not edges or not np.isfinite(edges).all() or sorted(set(edges)) != edges:
        raise InputError(
            f"The bins {bins!r} of {name!r} were given; expected rising limits, such as {name}:50,70, or "
            f"{name}:quartiles."
        )
    return np.array(edges)


def _labels(name: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name} {value}" for value in names)


def _check_number(spec: str, names: Sequence[str]) -> None:
    if len(names) > MOST_SUBGROUPS:
        raise InputError(
            f"{spec!r} divides the images into {len(names)} subgroups, such as {first_few(names)}; expected at most "
            f"{MOST_SUBGROUPS}: choose another column, or bins for numbers."
        )
