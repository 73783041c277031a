"""Find the split of each row of a manifest: in a column, or in the folders of the paths."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from hybrid.datasets.parts.raw import ReaderOptions
from hybrid.datasets.parts.split import SPLITS
from hybrid.datasets.parts.split_names import NO_SPLIT, SKIP, look_up, meaning_of, split_name, suggestion
from hybrid.datasets.readers.table import Columns
from hybrid.errors import InputError
from hybrid.wording import first_few

SPLIT_NAMES = ("split", "set", "subset", "partition", "phase", "fold", "folds", "dataset_type", "train_test")
_SUGGESTS = re.compile(r"(^|_)(split|subset|partition|k?folds?|dataset_type|set_type|train_(val_)?test)(_|\d|$)|^set$")
_MAY_SUGGEST = frozenset({"phase", "stage", "usage", "dataset", "mode", "purpose"})
_FLAG = re.compile(r"(is|in)_?(train|training|val|validation|dev|test|testing)(_?(set|data|image|split|sample))?")
_TRUE, _FALSE = frozenset({"1", "true", "yes", "y"}), frozenset({"0", "false", "no", "n"})
_DEEPEST = 12  # folders of a path that are looked at


@dataclass(frozen=True)
class SplitColumn:
    """The split of each row of a manifest.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns. Empty if the split is in the folders of the paths.
    cells : sequence of str, shape (n,)
        The name of each row's split, as it is in the manifest.
    meaning : dict of str to str
        What these names stand for: "train", "val", "test", or "skip" for rows that are left out.
    unused : tuple of str, default=()
        Other columns whose names suggest a split.
    """

    columns: tuple[str, ...]
    cells: Sequence[str]
    meaning: dict[str, str]
    unused: tuple[str, ...] = field(default=())

    def notes(self) -> list[str]:
        """Return sentences about how the split was read, unless its names are plain."""
        notes = []
        where = first_few(self.columns) or "the folders of the paths"
        if not self.columns or not all(split_name(text) == split for text, split in self.meaning.items()):
            meaning = ", ".join(f"{text!r} is {split}" for text, split in sorted(self.meaning.items()))
            notes.append(f"The split was read from {where}: {meaning}.")
        if self.unused:
            notes.append(f"{first_few(self.unused)} was not read as a split; choose it with --split-column.")
        return notes


def find_split(
    table: Columns, path: str, others: Collection[str], options: ReaderOptions, column: str | None, source: str
) -> SplitColumn | None:
    """Return the split of a manifest, or None if there is none.

    A column is a split if its values say so, whatever its name is, or if the options say so. Otherwise the folders of
    the paths are, if they say so.

    Parameters
    ----------
    table : dict of str to list
        The columns of the manifest by name.
    path : str
        The column of the paths.
    others : collection of str
        Columns that are something else, such as the label.
    options : ReaderOptions
        The options. `split_names` says what values mean.
    column : str or None
        The column that the user named.
    source : str
        How an error message names the manifest.

    Returns
    -------
    SplitColumn or None

    Raises
    ------
    InputError
        If the name of a column suggests a split, but its values are not clear.
    """
    names = options.split_names
    if names == NO_SPLIT:
        if column:
            raise InputError(f"--split-column {column!r} and --split-names {NO_SPLIT} contradict each other: give one.")
        return None
    explained = names if isinstance(names, dict) else {}
    columns = {name: _texts(cells) for name, cells in table.items() if name != path and name not in others}
    suggested = {name: cells for name, cells in columns.items() if _suggests(name, cells)}
    if column:
        return _named(column, _texts(table[column]), explained, suggested, source)
    if explained:
        return _explained(suggested, _texts(table[path]), explained, source)
    clear = {name: meaning for name, cells in columns.items() if (meaning := _meaning(name, cells))}
    if clear:
        return _agreed(columns, clear, suggested, source)
    of_paths = _of_paths(_texts(table[path]), {}, source)
    if suggested and not of_paths:
        raise _unclear(next(iter(suggested)), columns[next(iter(suggested))], source)
    if of_paths:
        return SplitColumn((), of_paths.cells, of_paths.meaning, tuple(suggested))
    return None


def _texts(cells: Sequence[object]) -> list[str]:
    """Return cells as text. A missing cell is empty, and a whole number has no decimals."""
    return ["" if cell is None or cell != cell else re.sub(r"\.0+$", "", str(cell).strip()) for cell in cells]


def _normalised(column: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _suggests(column: str, cells: Sequence[str]) -> bool:
    """Return whether a column with several values may be a split: by its name or, for some names, by its values."""
    values, name = set(cells), _normalised(column)
    if len(values) < 2:
        return any(split_name(value) for value in values) and name in SPLIT_NAMES
    if _SUGGESTS.search(name) or _FLAG.fullmatch(name) or re.fullmatch(r"is_?valid", name):
        return True
    return name in _MAY_SUGGEST and any(split_name(value) for value in values)


def _meaning(column: str, cells: Sequence[str]) -> dict[str, str] | None:
    """Return what the values of a column stand for, if that is clear."""
    values, name = sorted(set(cells)), _normalised(column)
    if flag := _FLAG.fullmatch(name):
        lower = {value.lower() for value in values}
        if len(values) == 2 and lower & _TRUE and lower & _FALSE:
            named = str(split_name(flag[2]))
            other = "train" if named != "train" else "test"
            return {value: named if value.lower() in _TRUE else other for value in values}
    words = {value: split for value in values if (split := split_name(value))}
    if name in SPLIT_NAMES and len(words) == len(values):
        return words
    return meaning_of(values) if 1 < len(values) <= 8 else None


def _named(
    column: str, cells: list[str], names: dict[str, str], suggested: Collection[str], source: str
) -> SplitColumn:
    """Return the split in the column that the user named."""
    values = sorted(set(cells))
    meaning = {value: split for value in values if (split := look_up(value, names))}
    if len(meaning) < len(values):
        clear = None if names else _meaning(column, cells)
        if clear is None:
            raise _unclear(column, cells, source)
        return SplitColumn((column,), cells, clear, _without(suggested, [column]))
    return SplitColumn((column,), cells, meaning, _without(suggested, [column]))


def _explained(columns: dict[str, list[str]], paths: list[str], names: dict[str, str], source: str) -> SplitColumn:
    """Return the split whose values the user explained, in a column or in the paths."""
    found = [name for name, cells in columns.items() if all(look_up(value, names) for value in set(cells))]
    if len(found) == 1:
        return _named(found[0], columns[found[0]], names, columns, source)
    of_paths = None if found else _of_paths(paths, names, source)
    if of_paths is None:
        which = (
            f"{first_few(found)} are possible" if found else f"no column or folder has only the values {list(names)}"
        )
        raise InputError(f"--split-names fits no single column of {source} ({which}): name it with --split-column.")
    return of_paths


def _agreed(
    columns: dict[str, list[str]], clear: dict[str, dict[str, str]], suggested: Collection[str], source: str
) -> SplitColumn:
    """Return the split of the clear columns, which must agree."""
    flags = [name for name in clear if _FLAG.fullmatch(_normalised(name))]
    if len(flags) > 1 and len(flags) == len(clear):
        cells = _combined({name: columns[name] for name in flags}, source)
        return SplitColumn(tuple(flags), cells, {split: split for split in set(cells)}, _without(suggested, flags))
    order = sorted(clear, key=lambda name: name not in suggested)  # stable: otherwise the order of the table
    splits = {name: [clear[name][cell] for cell in columns[name]] for name in order}
    first = order[0]
    if differing := [name for name in order[1:] if splits[name] != splits[first]]:
        raise InputError(
            f"The columns {first_few([first, *differing])} of {source} contain different splits: "
            f"choose one, as in --split-column {first}."
        )
    return SplitColumn((first,), columns[first], clear[first], _without(suggested, order))


def _combined(flags: dict[str, list[str]], source: str) -> list[str]:
    """Return the split of each row from several columns such as "is_val" and "is_test"."""
    splits = [str(split_name(_FLAG.fullmatch(_normalised(name))[2])) for name in flags]  # type: ignore[index]
    rest = [split for split in SPLITS if split not in splits]
    cells = []
    for row in zip(*flags.values(), strict=True):
        true = [split for split, cell in zip(splits, row, strict=True) if cell.lower() in _TRUE]
        if len(true) + len(rest) != 1 and len(true) != 1:
            raise InputError(
                f"The columns {first_few(flags)} of {source} do not give every row one split: correct them, or choose "
                "one with --split-column."
            )
        cells.append(true[0] if true else rest[0])
    return cells


def _without(names: Collection[str], used: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in used)


def _of_paths(paths: Sequence[str], names: dict[str, str], source: str) -> SplitColumn | None:
    """Return the split in the folders of the paths, such as train/cat/1.png, or None if there is none."""
    parents = [[part for part in path.replace("\\", "/").split("/")[:-1] if part != "."][:_DEEPEST] for path in paths]
    for level in zip_longest(*parents, fillvalue=""):
        values = sorted(set(level))
        words = {split for value in values if (split := split_name(value))}
        if names and all(look_up(value, names) for value in values):
            return SplitColumn((), level, {value: str(look_up(value, names)) for value in values})
        if meaning := meaning_of(values) if 1 < len(values) <= 8 else None:
            return SplitColumn((), level, meaning)
        if "train" in words and len(words) > 1:
            others = [value or "no folder" for value in values if not split_name(value)]
            raise InputError(
                f"The paths in {source} are in folders named {first_few(sorted(words))}, which look like splits, and "
                f"in {first_few(others)}: say what these are, as in --split-names {others[0]}=test, or "
                f"{others[0]}={SKIP} to leave them out; if the folders are not splits, --split-names {NO_SPLIT}."
            )
    return None


def _unclear(column: str, cells: Sequence[str], source: str) -> InputError:
    values = sorted(set(cells))
    shown = [value for value in values if not split_name(value)] or values
    missing = " An empty cell is written as in --split-names =skip." if "" in values else ""
    return InputError(
        f"The column {column!r} of {source} looks like a split, but contains {first_few(shown)}, which is not clearly "
        f"train, val or test: say what its values mean, as in --split-column {column} {suggestion(shown)}; if it is "
        f"not a split, --split-names {NO_SPLIT} (split_names in Python and in recipes).{missing}"
    )
