"""Find the columns of a manifest that contain the path, the labels, the split and the group."""

import re
from dataclasses import dataclass

from hybrid.datasets.parts.numbers import zero_one
from hybrid.datasets.parts.raw import ReaderOptions
from hybrid.datasets.readers.split_columns import SplitColumn, find_split
from hybrid.datasets.readers.table import Columns
from hybrid.errors import InputError, unknown_name
from hybrid.wording import first_few, one_form

PATH_NAMES = (
    "path", "file_path", "filepath", "image_path", "img_path", "file", "filename", "file_name", "filenames",
    "files", "image", "images", "img", "image_file", "image_name", "image_id", "image_index", "id_code",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "finding_labels", "class", "class_name", "target", "diagnosis", "dx", "category", "y",
)  # fmt: skip
GROUP_NAMES = ("group", "groups", "patient", "patient_id", "patientid", "subject", "subject_id")


@dataclass(frozen=True)
class ChosenColumns:
    """Names of the columns of a manifest with the path, the labels and the group, and its split."""

    path: str
    labels: list[str]
    split: SplitColumn | None
    group: str | None

    @property
    def used(self) -> list[str]:
        """Names of all these columns."""
        return [self.path, *self.labels, *(self.split.columns if self.split else ()), *filter(None, [self.group])]


def choose_columns(table: Columns, options: ReaderOptions, source: str) -> ChosenColumns:
    """Return the columns to read: those that the options name, otherwise those with a usual name.

    Parameters
    ----------
    table : dict of str to list
        The columns of the manifest by name.
    options : ReaderOptions
        The options, which may name columns.
    source : str
        How an error message names the manifest.

    Returns
    -------
    ChosenColumns

    Raises
    ------
    InputError
        If a named column does not exist, or the column of the paths or of the labels is not clear.
    """
    path = _named(table, options.path_column) or _path_column(table, source)
    group = _named(table, options.group_column) or _usual(table, GROUP_NAMES)
    labels = _named_labels(table, options.label)
    usual_labels = [name for name in table if _normalised(name) in LABEL_NAMES]
    others = [*labels, *usual_labels, *([group] if group else [])]
    split = find_split(table, path, others, options, _named(table, options.split_column), source)
    used = [path, group, *(split.columns + split.unused if split else ())]
    rest = [name for name in table if name not in used]
    labels = labels or _label_columns(table, rest, source)
    return ChosenColumns(path, labels, split, group)


def _named(table: Columns, name: str | None) -> str | None:
    if not name or name in table:
        return name or None
    matches = [column for column in table if one_form(column).casefold() == one_form(name).casefold()]
    if not matches:
        raise unknown_name("column", name, table)
    return matches[0]


def _usual(table: Columns, names: tuple[str, ...]) -> str | None:
    columns = {_normalised(column): column for column in reversed(table)}
    return next((columns[name] for name in names if name in columns), None)


def _normalised(column: str) -> str:
    return re.sub(r"[\s_.:-]+", "_", column.lower()).strip("_")


def _path_column(table: Columns, source: str) -> str:
    from hybrid.extractors.images.formats import IMAGE_SUFFIXES

    if usual := _usual(table, PATH_NAMES):
        return usual
    ends = tuple(IMAGE_SUFFIXES)
    by_content = [name for name, cells in table.items() if cells and all(str(c).lower().endswith(ends) for c in cells)]
    if len(by_content) != 1:
        raise InputError(
            f"{source} has no column with a usual name for the image paths: name one of {first_few(table, 12)} "
            "with --path-column."
        )
    return by_content[0]


def _named_labels(table: Columns, label: object) -> list[str]:
    if not label:
        return []
    if isinstance(label, str):
        label = [label] if label in table else [part.strip() for part in label.split(",") if part.strip()]
    return [name for part in label if (name := _named(table, str(part)))]  # type: ignore[attr-defined]


def _label_columns(table: Columns, rest: list[str], source: str) -> list[str]:
    usual = [name for name in rest if _normalised(name) in LABEL_NAMES]
    if len(usual) == 1:
        return usual
    rest = [name for name in rest if not _normalised(name).startswith("unnamed")]
    if not usual and (len(rest) == 1 or (rest and all(zero_one(table[name]) is not None for name in rest))):
        return rest
    reason = f"{first_few(usual)} are possible" if usual else "no column has a usual name for it"
    raise InputError(
        f"The label column of {source} is not clear ({reason}): name one of {first_few(rest, 12)} "
        "with --label, or several columns of 0 and 1 as A,B,C."
    )
