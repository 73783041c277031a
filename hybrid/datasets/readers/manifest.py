"""Read a manifest: a CSV or Parquet table with one row per image."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hybrid.datasets.parts.further_columns import columns_note, further_columns
from hybrid.datasets.parts.labels import no_label_error
from hybrid.datasets.parts.numbers import class_values, is_missing, same_numbers, zero_one
from hybrid.datasets.parts.pixels import common_folder, path_ids
from hybrid.datasets.parts.raw import RawDataset, ReaderOptions, name_of
from hybrid.datasets.parts.split_names import SKIP
from hybrid.datasets.readers.columns import ChosenColumns, choose_columns
from hybrid.datasets.readers.joined import NOT_JOINED, separate
from hybrid.datasets.readers.locate import LocatedFiles, locate
from hybrid.datasets.readers.scan import link_error, links_note
from hybrid.datasets.readers.table import Columns, read_csv, read_parquet
from hybrid.datasets.readers.text import encoding_of
from hybrid.errors import SKIP_BAD, InputError
from hybrid.wording import first_few, number


def load_csv(data: str, options: ReaderOptions) -> RawDataset:
    """Return the images that a CSV file lists. See `read_csv` and `load_table`."""
    raw = load_table(data, options, read_csv)
    if encoding_of(Path(data).read_bytes()) == "cp1252":
        raw.notes.append("The table is not UTF-8; it was read as Windows-1252.")
    return raw


def load_parquet(data: str, options: ReaderOptions) -> RawDataset:
    """Return the images that a Parquet file lists. See `read_parquet` and `load_table`."""
    return load_table(data, options, read_parquet)


def load_table(data: str, options: ReaderOptions, read: Callable[[str], Columns]) -> RawDataset:
    """Return the images that a table lists, in its order, with their labels, splits and groups.

    Parameters
    ----------
    data : str
        Path of the table.
    options : ReaderOptions
        The options. Paths are relative to `image_root` or, by default, to the folder of the table or to ``images`` in
        that folder.
    read : callable
        Returns the columns of the table at a path.

    Returns
    -------
    RawDataset

    Raises
    ------
    InputError
        If the columns are not clear, files are missing or are links out of the folder (unless `on_bad` is "skip"), or
        several rows of the same file disagree.
    """
    table = read(data)
    if not table or not next(iter(table.values())):
        raise InputError(f"{data!r} has no rows: give one row per image.")
    chosen = choose_columns(table, options, repr(data))
    names = [str(cell) if cell is not None else "" for cell in table[chosen.path]]
    if "" in names:
        empty = number(names.count(""), "row has", "rows have")
        raise InputError(f"{empty} no path in the column {chosen.path!r} of {data!r}: complete or remove such rows.")
    parent = Path(data).absolute().parent
    roots = [options.image_root] if options.image_root else [str(parent), str(parent / "images")]
    located = locate(names, roots, options.follow_links)
    further = further_columns(table, chosen.used, options.columns)
    notes = [_columns_note(chosen, list(further)), *(chosen.split.notes() if chosen.split else [])]
    notes += columns_note(table, chosen.used, options.columns)
    kept, counts = _rows_with_files(names, located, options, data, notes)
    kept = _rows_inside(kept, located, options.on_bad, notes, counts)
    splits = [chosen.split.meaning[cell] for cell in chosen.split.cells] if chosen.split else None
    kept = _rows_in_splits(kept, splits, notes, counts)
    rows = _Rows(splits, table, chosen, data, kept, names, options.label_separator)
    notes += rows.notes
    kept = _one_row_per_file(kept, located, rows, notes, counts)
    _note_unnamed(located, notes, counts)
    raw = _raw(data, kept, located, rows, notes, counts)
    raw.group_column = chosen.group or ""
    raw.columns, raw.offered = {name: values[kept] for name, values in further.items()}, list(table)
    missing = [name for name, path in zip(names, located.paths, strict=True) if path is None]
    raw.left_out = {
        "missing_files": missing,
        "unlabelled_files": path_ids(located.unnamed, located.root),
        "links_out": path_ids(located.outside, located.root),
    }
    return raw


class _Rows:
    """The values of the chosen columns. Only the labels of the rows in `kept` are read."""

    def __init__(
        self,
        splits: list[str] | None,
        table: Columns,
        chosen: ChosenColumns,
        data: str,
        kept: list[int],
        names: list[str],
        separator: str | None,
    ):
        self.notes: list[str] = []
        self.label_names: list[str] | None = chosen.labels
        if len(chosen.labels) == 1:
            self.labels: list = [None] * len(names)
            cells = [table[chosen.labels[0]][row] for row in kept]
            labels = self._column_labels(cells, chosen.labels[0], data, [names[row] for row in kept], separator)
            for row, label in zip(kept, labels, strict=True):
                self.labels[row] = label
        else:
            if separator is not None:
                raise InputError(f"A label separator is for one label column; {first_few(chosen.labels)} were chosen.")
            self.labels = list(zip(*(_flags(table, name, data) for name in chosen.labels), strict=True))
        self.splits = splits
        self.groups = same_numbers(table[chosen.group]) if chosen.group else None

    def _column_labels(self, cells: list, column: str, data: str, names: list[str], separator: str | None) -> list:
        """Return the labels in one column: one for each cell, or several as 0 and 1."""
        self.label_names = None
        what_looks = f"The label column {column!r} of {data!r} looks"
        labels = class_values(cells, what_looks, column) if separator in (None, NOT_JOINED) else cells
        present = [label for label in labels if not is_missing(label)]
        found = separate(present, f"the column {column!r} of {data!r}", separator)
        if isinstance(found, str):
            self.notes += [found] if found else []
            return labels
        if len(present) < len(labels):
            raise no_label_error(names, labels)
        self.label_names = found.names
        self.notes.append(found.note)
        return found.rows

    def cells(self, row: int) -> tuple:
        return tuple(column[row] for column in (self.labels, self.splits, self.groups) if column is not None)


def _flags(table: Columns, name: str, data: str) -> list[int]:
    flags = zero_one(table[name])
    if flags is None:
        other = sorted({str(cell) for cell in table[name] if zero_one([cell]) is None})
        raise InputError(
            f"The label column {name!r} of {data!r} contains {first_few(other)}: "
            "if there are several label columns, each may only contain 0 and 1."
        )
    return flags


def _rows_with_files(
    names: list[str], located: LocatedFiles, options: ReaderOptions, data: str, notes: list[str]
) -> tuple[list[int], dict[str, int]]:
    kept = [row for row, path in enumerate(located.paths) if path is not None]
    missing = [name for name, path in zip(names, located.paths, strict=True) if path is None]
    if missing and (options.on_bad == "raise" or not kept):
        raise InputError(
            f"{len(missing)} of the {len(names)} images that {data!r} lists are not in {located.root!r}: "
            f"{first_few(missing)}; "
            + (f"there is {path_ids([located.other_suffix], located.root)[0]!r}; " if located.other_suffix else "")
            + ("correct --image-root or the paths" if options.image_root else "give their folder with --image-root")
            + (f", or leave them out with {SKIP_BAD}." if kept else ".")
        )
    if missing:
        notes.append(f"{number(len(missing), 'row')} without a file left out: {first_few(missing)}.")
    if located.by_case:
        others = number(len(located.by_case), "file has", "files have")
        example = first_few(path_ids(located.by_case, located.root), 1)
        notes.append(f"{others} a name in other upper and lower case than in the table: {example}.")
    if located.by_name:
        notes.append(f"The images were found by their names in the folders below {located.root!r}.")
    return kept, {"missing_files": len(missing)}


def _rows_inside(
    kept: list[int], located: LocatedFiles, on_bad: str, notes: list[str], counts: dict[str, int]
) -> list[int]:
    outside = set(located.outside)
    counts["links_out"] = len(outside)
    inside = [row for row in kept if located.paths[row] not in outside]
    if outside and (on_bad == "raise" or not inside):
        raise link_error(path_ids(located.outside, located.root), located.root)
    if outside:
        notes.append(links_note(path_ids(located.outside, located.root)))
    return inside


def _rows_in_splits(kept: list[int], splits: list[str] | None, notes: list[str], counts: dict[str, int]) -> list[int]:
    """Leave out the rows with a value that stands for no split, as the user said."""
    if splits is None or SKIP not in splits:
        return kept
    used = [row for row in kept if splits[row] != SKIP]
    counts["skipped_rows"] = len(kept) - len(used)
    notes.append(f"{number(counts['skipped_rows'], 'row')} left out by --split-names.")
    return used


def _one_row_per_file(
    kept: list[int], located: LocatedFiles, rows: _Rows, notes: list[str], counts: dict[str, int]
) -> list[int]:
    first: dict[str | None, int] = {}
    for row in kept:
        earlier = first.setdefault(located.paths[row], row)
        if rows.cells(row) != rows.cells(earlier):
            raise InputError(
                f"The rows of {located.paths[row]!r} disagree: {rows.cells(earlier)} and {rows.cells(row)}; "
                "give one row per image, and several labels as columns of 0 and 1."
            )
    counts["duplicate_rows"] = len(kept) - len(first)
    if counts["duplicate_rows"]:
        repeated = number(counts["duplicate_rows"], "row that repeats an earlier one", "rows that repeat earlier ones")
        notes.append(f"{repeated} left out.")
    return list(first.values())


def _note_unnamed(located: LocatedFiles, notes: list[str], counts: dict[str, int]) -> None:
    counts["unlabelled_files"] = len(located.unnamed)
    if located.unnamed:
        unnamed = number(len(located.unnamed), "image that no row names", "images that no row names")
        notes.append(f"{unnamed} left out: {first_few(path_ids(located.unnamed, located.root))}.")


def _columns_note(chosen: ChosenColumns, further: list[str]) -> str:
    parts = [f"path {chosen.path!r}", f"label {first_few(chosen.labels, 20)}"]
    if chosen.split and chosen.split.columns:
        parts.append(f"split {first_few(chosen.split.columns)}")
    if chosen.group:
        parts.append(f"group {chosen.group!r}")
    if further:
        parts.append(f"further {first_few(further, 20)}")
    return f"Columns: {', '.join(parts)}."


def _ids(paths: list[str], root: str) -> list[str]:
    """Return paths relative to a folder or, if none is in it, to the deepest folder that contains them all."""
    inside = any(path.startswith(os.path.join(root, "")) for path in paths)  # noqa: PTH118 - see path_ids
    return path_ids(paths, root if inside else common_folder(paths))


def _raw(
    data: str, kept: list[int], located: LocatedFiles, rows: _Rows, notes: list[str], counts: dict[str, int]
) -> RawDataset:
    paths = [str(located.paths[row]) for row in kept]
    labels = [rows.labels[row] for row in kept]
    return RawDataset(
        name=name_of(data),
        X=np.array(paths, dtype=np.str_),
        y=np.array(labels, dtype=None if rows.label_names else object),
        ids=_ids(paths, located.root),
        split=np.array([rows.splits[row] for row in kept], dtype=np.str_) if rows.splits else None,
        groups=np.array([rows.groups[row] for row in kept], dtype=object) if rows.groups else None,
        label_names=rows.label_names,
        notes=notes,
        counts=counts,
    )
