"""Separate cells of a label column that hold several labels, such as ``Mass|Edema`` or ``['cat', 'dog']``."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.datasets.parts.numbers import is_missing
from hybrid.errors import InputError
from hybrid.wording import first_few, number, one_form

NOT_JOINED = "none"  # the separator that says that every cell is one label

_NOTHING_FOUND = frozenset({"no finding", "no findings", "none", "no label", "no labels"})
_BETWEEN_LABELS = ("|", ";")  # such a mark is hardly ever part of a name
_IN_SOME_NAMES = (",", "，", "、")
_IN_MANY_NAMES = (" ", "/", "+", "&")
_QUOTED = re.compile(r"""\s*,?\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*,?\s*""", re.DOTALL)
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


@dataclass(frozen=True)
class JoinedLabels:
    """Several labels per image, as a reader found them in one column.

    Attributes
    ----------
    rows : list of tuple of int
        For each cell, 1 for every label that it holds, and 0 for the others.
    names : list of str
        Names of the labels.
    note : str
        A sentence about what was separated.
    """

    rows: list[tuple[int, ...]]
    names: list[str]
    note: str


def separate(cells: Sequence[Any], column: str, separator: str | None = None) -> JoinedLabels | str:
    """Return the labels of the cells of a column, or a note (which may be empty) if each cell is one label.

    Lists are always separated. Text is separated at the given mark. Without one, it is separated at "|" or ";" if its
    parts are labels of other cells too.

    Parameters
    ----------
    cells : sequence of shape (n,)
        The cells, of which none is missing.
    column : str
        How a message names the column.
    separator : str, optional
        The text between two labels; a space stands for any white space. "none" says that every cell is one label.

    Returns
    -------
    JoinedLabels or str

    Raises
    ------
    InputError
        If the separator is in no cell, or none is given and the cells seem to hold several labels.
    """
    if separator == NOT_JOINED:
        return ""
    if (lists := _lists(cells, column)) is not None:
        return _joined(lists, column, "as a list")
    texts = [one_form(cell) if isinstance(cell, str) else str(cell) for cell in cells]
    distinct = list(dict.fromkeys(texts))
    if separator is not None:
        if not any(_is_joined(text, separator) for text in distinct):
            raise InputError(
                f"No cell of {column} contains two labels with the label separator {separator!r} between them, "
                f"such as {first_few(distinct[:1])}: give the mark that stands between them, or leave it out."
            )
        return _joined([_parts(text, separator) for text in texts], column, f"separated by {separator!r}")
    if not any(isinstance(cell, str) for cell in cells):
        return ""
    for mark in (*_BETWEEN_LABELS, *_IN_SOME_NAMES, *_IN_MANY_NAMES):
        decision = _decide(distinct, mark)
        if decision == "separate":
            return _joined([_parts(text, mark) for text in texts], column, f"separated by {mark!r}")
        if decision == "refuse":
            raise _unclear(distinct, mark, column)
        if decision == "note":
            example = next(text for text in distinct if _is_joined(text, mark))
            return (
                f"Each cell of {column} is one class, such as {example!r}; "
                f"if it holds several labels, give --label-separator {mark!r}."
            )
    return ""


def _decide(distinct: Sequence[str], mark: str) -> str:
    """Return "separate", "refuse", "note" or "", for the cells of a column and a mark that may be between labels.

    Parts that stand alone in another cell, or at different positions in different cells, are probably labels. Parts
    that always stand at the same position, as in "left, upper" and "right, upper", probably describe one class.
    """
    parts = [list(dict.fromkeys(_parts(text, mark))) for text in distinct]
    joined = [labels for labels in parts if len(labels) > 1]
    if not joined or (mark == "," and all(map(_DECIMAL_COMMA.fullmatch, distinct))):
        return ""
    uses: Counter[str] = Counter(label for labels in parts for label in labels)
    places = defaultdict(set)
    for labels in parts:
        for place, label in enumerate(labels):
            places[label].add(place)
    inner = {label for labels in joined for label in labels}
    alone = any(len(labels) == 1 and labels[0] in inner for labels in parts)
    moving = any(len(places[label]) > 1 for label in inner)
    repeated = sum(uses[label] > 1 for label in inner) / len(inner)
    if mark in _BETWEEN_LABELS:
        return "separate" if alone or moving else "refuse" if repeated else "note"
    if mark in _IN_SOME_NAMES:
        return "refuse" if (alone or moving) and repeated >= 0.5 else "note"
    if repeated < 0.9:
        return ""
    return "refuse" if moving else "note"


def _parts(text: str, mark: str) -> list[str]:
    pieces = text.split() if mark == " " else text.split(mark)
    return [piece for part in pieces if (piece := part.strip())]


def _is_joined(text: str, mark: str) -> bool:
    return len({*_parts(text, mark)}) > 1


def _unclear(distinct: Sequence[str], mark: str, column: str) -> InputError:
    joined = max(distinct, key=lambda text: len(_parts(text, mark)))
    shared = next((text for text in distinct if text != joined and {*_parts(text, mark)} & {*_parts(joined, mark)}), "")
    beside = f" beside {shared!r}" if shared else ""
    return InputError(
        f"Cells of {column} seem to hold several labels, such as {joined!r}{beside}: separate them with "
        f"--label-separator {mark!r} (label_separator={mark!r}), or give --label-separator {NOT_JOINED} "
        "if every cell is the name of one class."
    )


def _joined(cells: Sequence[Iterable[str]], column: str, how: str) -> JoinedLabels:
    if vectors := _vectors(cells):
        names = [str(place) for place in range(len(vectors[0]))]
        return JoinedLabels(vectors, names, f"Each cell of {column} holds several values 0 and 1, one for each label.")
    sets = [set(labels) for labels in cells]
    combined = {label for labels in sets if len(labels) > 1 for label in labels}
    known = set().union(*sets)
    nothing = {label for label in known - combined if _is_nothing(label)}
    names = _sorted_names(known - nothing)
    if not names:
        raise InputError(f"The cells of {column} hold no label at all: give another column with --label.")
    meaning = f" ({first_few(sorted(nothing))} means none)" if nothing else ""
    note = f"The cells of {column} hold several labels, {how}{meaning}: {number(len(names), 'label')}."
    return JoinedLabels([tuple(int(name in labels) for name in names) for labels in sets], names, note)


def _is_nothing(label: str) -> bool:
    return re.sub(r"[\s_-]+", " ", label).casefold() in _NOTHING_FOUND


def _sorted_names(names: Iterable[str]) -> list[str]:
    """Return names in alphabetical order or, if all are whole numbers, in that of the numbers."""
    listed = sorted(names)
    return sorted(listed, key=int) if all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in listed) else listed


def _vectors(cells: Sequence[Iterable[str]]) -> list[tuple[int, ...]] | None:
    """Return cells such as ["0", "1", "0"] as numbers, or None if they are not all such vectors of one length."""
    rows = [list(labels) for labels in cells]
    long = len(rows[0]) if rows else 0
    if long < 2 or any(len(row) != long or not {*row} <= {"0", "1"} for row in rows):
        return None
    return [tuple(map(int, row)) for row in rows]


def _lists(cells: Sequence[Any], column: str) -> list[list[str]] | None:
    """Return the items of cells that are lists, or the text of lists, or None if they are not."""
    lists = [_items(cell) for cell in cells]
    if all(items is None for items in lists):
        return None
    for cell, items in zip(cells, lists, strict=True):
        if items is None:
            example = next(cell for cell, items in zip(cells, lists, strict=True) if items is not None)
            raise InputError(
                f"Some cells of {column} are lists of labels, such as {str(example)!r:.100}, but {str(cell)!r:.100} is "
                "not: write every cell as a list."
            )
    return [items for items in lists if items is not None]


def _items(cell: Any) -> list[str] | None:
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        return [_item(item) for item in cell if not is_missing(item)]
    text = cell.strip() if isinstance(cell, str) else ""
    if text[:1] + text[-1:] not in ("[]", "()", "{}"):
        return None
    if text[0] == "[":
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            nested = any(isinstance(value, list | dict) for value in values)
            return None if nested else [_item(value) for value in values if not is_missing(value)]
    return _quoted_items(text)


def _quoted_items(text: str) -> list[str] | None:
    """Return the items of a list as Python or NumPy prints it, such as ``['a', 'b']``, ``['a' 'b']`` or ``[0 1]``."""
    inner = text[1:-1].strip()
    if not inner:
        return []
    if "'" in inner or '"' in inner:
        if _QUOTED.sub("", inner):
            return None
        found = (first or second for first, second in _QUOTED.findall(inner))
        return [one_form(re.sub(r"\\(.)", r"\1", item)) for item in found]
    if text[0] != "[":
        return None
    return [_item(item) for item in (inner.split(",") if "," in inner else inner.split()) if item.strip()]


def _item(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = one_form(str(value))
    return text.removesuffix(".0").removesuffix(".") if re.fullmatch(r"-?[0-9]+\.0?", text) else text
