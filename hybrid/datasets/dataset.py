"""`Dataset`: images with labels and a split, the same for every source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hybrid.datasets.checks import check_images, check_train
from hybrid.datasets.parts.further_columns import NO_FURTHER, ColumnSources, text_column
from hybrid.datasets.parts.groups import divided_groups, groups_by_pattern, named_groups, unmatched_note
from hybrid.datasets.parts.labels import tidy_labels
from hybrid.datasets.parts.pixels import common_folder, numbered_ids, path_ids, tidy_images
from hybrid.datasets.parts.raw import RawDataset
from hybrid.datasets.parts.split import FRACTIONS, SPLITS, complete_split, counts_by_split
from hybrid.datasets.parts.split_names import split_names
from hybrid.datasets.parts.suggested_groups import suggested_groups
from hybrid.datasets.quality.drop import leave_out
from hybrid.datasets.quality.kept_together import check_copies, copies_note, groups_kept_together
from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.progress import Progress
from hybrid.wording import and_more, first_few, number


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images with labels, split into train, validation and test.

    Use `load_dataset` or `Dataset.from_arrays` to create a dataset. They check the images, the labels and the split.

    Attributes
    ----------
    name : str
        Name of the dataset in reports.
    X : ndarray of shape (n,), (n, h, w) or (n, h, w, 3)
        Absolute file paths as str, or grey or RGB pixels as uint8.
    y : ndarray of shape (n,) or (n, k)
        One label per image as str or int64; or k binary labels per image, 0 or 1, as uint8.
    classes : ndarray of shape (k,)
        The sorted classes, or the names of the k binary labels.
    split : ndarray of str, shape (n,)
        "train", "val" or "test" for each image.
    groups : ndarray of str, shape (n,), or None
        Group of each image, such as its patient. A split that is drawn does not divide a group.
    ids : ndarray of str, shape (n,)
        Unique name of each image in reports: its path relative to the dataset's folder, or "train/17".
    source : str
        Where the dataset comes from, as it was given.
    notes : tuple of str
        Sentences about what was found, left out and drawn.
    counts : dict of str to int
        The numbers in the notes.
    left_out : dict of str to list of str
        Names of the files and images that are not in the dataset, by the reason, which is a key of `counts`.
    arguments : dict or None
        The arguments of `load_dataset`, as JSON values, from which `reopen` loads the dataset again. None for arrays.
    reading : Reading
        How pixels with more than 8 bits are read. Extractors of the dataset read them in this way.
    columns : dict of str to ndarray of str, shape (n,)
        Further values of each image by name, such as its hospital or the tags of DICOM files that were asked for.
        Missing values are empty.

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    >>> data = Dataset.from_arrays(images, ["cat"] * 20 + ["dog"] * 20)
    >>> data
    Dataset('arrays', 40 images of 8×8, binary; train 28, val 6, test 6; cat 20, dog 20)
    >>> data.part("test").counts_by_split()
    {'test': {'cat': 3, 'dog': 3}}
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    classes: np.ndarray
    split: np.ndarray
    groups: np.ndarray | None
    ids: np.ndarray
    source: str
    notes: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    arguments: dict[str, Any] | None = None
    reading: Reading = AS_STATED
    columns: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    @renamed_parameters(seed="random_state")
    def from_arrays(
        cls,
        X: object,
        y: object,
        split: Sequence[str] | np.ndarray | None = None,
        groups: Sequence[object] | np.ndarray | None = None,
        ids: Sequence[str] | np.ndarray | None = None,
        *,
        label_names: Sequence[str] | None = None,
        name: str = "arrays",
        fractions: Sequence[float] = FRACTIONS,
        random_state: int = 0,
        drop: Sequence[str] | None = None,
        together: str = "duplicates",
        val_as_test: bool = False,
        columns: Mapping[str, Sequence[object]] | None = None,
    ) -> "Dataset":
        """Return a dataset of images and labels in arrays.

        Parameters
        ----------
        X : array-like of shape (n,), (n, h, w), (n, h, w, 1) or (n, h, w, 3)
            File paths, or pixels of type uint8.
        y : array-like of shape (n,) or (n, k)
            One label per image, a name or a whole number; or k binary labels per image, each 0 or 1. Labels are read
            as in a manifest: if all are numbers, also as text, they become integers; True and False become names.
        split : sequence of str, shape (n,), optional
            "train", "val" or "test" for each image. Missing splits are drawn from train; a note says so.
        groups : sequence of shape (n,), optional
            Group of each image, such as its patient. Images of one group are never drawn into different splits.
        ids : sequence of str, shape (n,), optional
            Unique names of the images. By default their paths, or numbers.
        label_names : sequence of str, shape (k,), optional
            Names of the columns of a two-dimensional `y`. By default "0", "1", …
        name : str, default="arrays"
            Name of the dataset in reports.
        fractions : (float, float, float), default=(0.70, 0.15, 0.15)
            Shares of train, val and test.
        random_state : int, default=0
            Seed of the split.
        drop : sequence of str, optional
            Findings whose images are left out, as for `load_dataset`. By default none.
        together : {"duplicates", "near-duplicates", "none"}, default="duplicates"
            Which copies of an image stay in one split when a split is drawn, as for `load_dataset`.
        val_as_test : bool, default=False
            Whether the given val images are the test split.
        columns : mapping of str to sequence of shape (n,), or DataFrame, optional
            Further values of each image, such as its hospital or the age of the patient, for subgroups and domains.

        Returns
        -------
        Dataset

        Raises
        ------
        InputError
            If the arrays do not fit together, or no classifier can be fitted on them.
        """
        images = tidy_images(X)
        names = None if split is None else split_names(split, "The split")
        if names is not None and len(names) != len(images):
            raise InputError(f"There are {number(len(images), 'image')} but {len(names)} split names: give one each.")
        if ids is None:
            ids = _default_ids(images, names)
        raw = RawDataset(
            name,
            images,
            y,  # type: ignore[arg-type]
            [str(image_id) for image_id in ids],
            split=names,
            groups=None if groups is None else np.asarray(groups),
            label_names=label_names,
            columns=_given_columns(columns, len(images)),
        )
        splitting = Splitting(fractions, random_state, val_as_test=val_as_test, together=together)
        return assemble(raw, "The dataset from arrays", splitting, drop=drop)

    @property
    def task(self) -> str:
        """Kind of classification: ``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        if self.y.ndim == 2:
            return "multilabel"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def of_files(self) -> bool:
        """Whether the images are given as file paths, not as pixels."""
        return self.X.dtype.kind == "U"

    def __len__(self) -> int:
        return len(self.X)

    def part(self, split: str) -> "Dataset":
        """Return the images of one split, which may be empty. The classes are those of the whole dataset."""
        if split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
        return self.take(self.split == split)

    def group_notes(self) -> list[str]:
        """Return a sentence if no groups are known, but the names of the files suggest some; else an empty list."""
        suggested = suggested_groups(self.ids.tolist()) if self.groups is None and self.of_files else None
        return [suggested.sentence()] if suggested else []

    def take(self, chosen: np.ndarray) -> "Dataset":
        """Return a subset of the images. The classes are those of the whole dataset.

        Parameters
        ----------
        chosen : ndarray of bool, shape (n,), or of int, shape (m,)
            A mask over the images, or their indices.

        Returns
        -------
        Dataset
        """
        return replace(
            self,
            X=self.X[chosen],
            y=self.y[chosen],
            split=self.split[chosen],
            groups=None if self.groups is None else self.groups[chosen],
            ids=self.ids[chosen],
            columns={name: values[chosen] for name, values in self.columns.items()},
        )

    def counts_by_split(self) -> dict[str, dict[str, int]]:
        """Return the number of images of each class or label, for each split that has images."""
        return counts_by_split(self.y, self.classes, self.split)

    def __repr__(self) -> str:
        table = self.counts_by_split()
        kind = "in files" if self.of_files else f"of {'×'.join(map(str, self.X.shape[1:]))}"
        sizes = ", ".join(f"{name} {int((self.split == name).sum())}" for name in table)
        totals = [f"{label} {sum(counts[label] for counts in table.values())}" for label in map(str, self.classes)]
        shown = and_more(totals, 8) + (" classes" if len(totals) > 8 else "")
        return f"Dataset({self.name!r}, {number(len(self), 'image')} {kind}, {self.task}; {sizes}; {shown})"


@dataclass(frozen=True)
class Splitting:
    """How the splits that are missing in the data are drawn. The attributes are parameters of `load_dataset`."""

    fractions: Sequence[float] = FRACTIONS
    random_state: int = 0
    val: float | None = None
    val_as_test: bool = False
    together: str = "duplicates"
    to_fit: bool = True


def assemble(
    raw: RawDataset,
    source: str,
    splitting: Splitting,
    group_pattern: str | None = None,
    drop: Sequence[str] | None = None,
    progress: Progress | None = None,
    further: ColumnSources = NO_FURTHER,
) -> Dataset:
    """Return the checked dataset of the images that a reader found, with normalised labels and a complete split.

    Parameters
    ----------
    raw : RawDataset
        The images, labels, groups and splits that the reader found.
    source : str
        Where they come from. Messages name it.
    splitting : Splitting
        How missing splits are drawn.
    group_pattern : str, optional
        As for `groups_by_pattern`. Its groups replace those that the reader found.
    drop : sequence of str, optional
        Findings whose images are left out before the split is completed, as for `leave_out`.
    progress : callable, optional
        Called with the number of examined images and of all images to examine.
    further : ColumnSources, optional
        Where further columns come from, besides those that the reader found.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If labels, groups or split are invalid, or no classifier can be fitted on the dataset.
    """
    check_copies(splitting.together)
    if drop:
        raw = leave_out(raw, drop, progress)
    y, classes, notes = tidy_labels(raw.y, raw.ids, raw.label_names)
    ids = np.array(raw.ids, dtype=np.str_)
    check_images(source, ids, classes if splitting.to_fit else None, raw.split if splitting.to_fit else None)
    groups = None if raw.groups is None else named_groups(raw.groups, raw.ids)
    if group_pattern:
        groups = groups_by_pattern(group_pattern, raw.ids)
        notes += unmatched_note(group_pattern, raw.ids, y)
    columns, column_notes = further.add_to(raw.columns, raw.ids, groups, raw.offered)
    notes += column_notes

    def kept_together(rows: np.ndarray) -> tuple[np.ndarray | None, list[str]]:
        of_rows = None if groups is None else groups[rows]
        merged, copies = groups_kept_together(
            raw.X[rows], of_rows, ids[rows], splitting.together, progress, reading=raw.reading
        )
        return merged, copies_note(copies, splitting.together)

    fractions = splitting.fractions if splitting.to_fit else (1.0, 0.0, 0.0)
    split, split_notes = complete_split(
        raw.split, y, groups, ids, fractions, splitting.random_state, splitting.val, splitting.val_as_test,
        kept_together,
    )  # fmt: skip
    counts = dict(raw.counts)
    if raw.split is not None and np.any((split == "test") & (raw.split == "train")):  # test was drawn
        kept = int(((split == "val") & (raw.split == "val")).sum())
        counts |= {"val_beside_drawn_test": kept} if kept and splitting.val is None else {}
    data = Dataset(
        raw.name, raw.X, y, classes, split, groups, ids, source,
        notes=(*raw.notes, *notes, *split_notes), counts=counts, left_out=dict(raw.left_out),
        reading=raw.reading, columns=columns,
    )  # fmt: skip
    if not splitting.to_fit:
        return data
    check_train(source, y, classes, split)
    return _with_warnings(data)


def _with_warnings(data: Dataset) -> Dataset:
    """Add notes about groups that names suggest or several splits share, and about classes that a split lacks."""
    notes, counts = data.group_notes(), dict(data.counts)
    if data.groups is not None:
        counts["groups"] = len(np.unique(data.groups))
        counts["divided_groups"] = len(divided := divided_groups(data.groups, data.split))
        if divided:
            notes.append(
                f"{number(len(divided), 'group is', 'groups are')} in more than one of the given splits "
                f"({first_few(divided)}): scores on these splits are too optimistic."
            )
    for name, classes in data.counts_by_split().items():
        missing = [label for label, n in classes.items() if not n]
        if missing:
            notes.append(f"No image of {first_few(missing)} is in {name}.")
    totals = np.sum([list(classes.values()) for classes in data.counts_by_split().values()], axis=0)
    if single := [str(label) for label, n in zip(data.classes, totals, strict=True) if n == 1]:
        only = "has only one image, so it" if len(single) == 1 else "have only one image each, so they"
        notes.append(
            f"{first_few(single)} {only} cannot be both learnt and tested: add images, or leave out the class."
        )
    return replace(data, notes=(*data.notes, *notes), counts=counts)


def _default_ids(images: np.ndarray, split: np.ndarray | None) -> list[str]:
    if images.dtype.kind == "U" and len(images):
        return path_ids(images.tolist(), common_folder(images.tolist()))
    if split is None:
        return [str(i) for i in range(len(images))]
    return numbered_ids(split)


def _given_columns(columns: Mapping[str, Sequence[object]] | None, n: int) -> dict[str, np.ndarray]:
    given = {} if columns is None else {str(name): list(columns[name]) for name in columns}
    for name, values in given.items():
        if len(values) != n:
            raise InputError(
                f"The column {name!r} has {number(len(values), 'value')}, but there are {number(n, 'image')}: give one "
                "value for each image."
            )
    return {name: text_column(values) for name, values in given.items()}
