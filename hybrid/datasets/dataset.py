"""`Dataset`: images, labels and a split, wherever they came from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hybrid.datasets.checks import check_dataset
from hybrid.datasets.parts.groups import divided_groups, groups_by_pattern, own_groups
from hybrid.datasets.parts.labels import tidy_labels
from hybrid.datasets.parts.pixels import common_folder, numbered_ids, path_ids, tidy_images
from hybrid.datasets.parts.raw import RawDataset
from hybrid.datasets.parts.split import FRACTIONS, SPLITS, complete_split, counts_by_split, split_names
from hybrid.datasets.quality.drop import leave_out
from hybrid.errors import InputError, unknown_name
from hybrid.progress import Progress
from hybrid.wording import and_more, first_few, number


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images with labels, split into train, validation and test.

    Made by `load_dataset` or `Dataset.from_arrays`, which check it.

    Attributes
    ----------
    name : str
        What it is called in reports.
    X : ndarray
        (n,) str, absolute file paths; or uint8 pixels, (n, h, w) grey or (n, h, w, 3) RGB.
    y : ndarray
        (n,) str or int64, one label an image; or (n, k) uint8 of 0/1, several.
    classes : ndarray
        The classes, sorted; or the names of the k labels.
    split : ndarray of str, (n,)
        "train", "val" or "test".
    groups : ndarray of str, (n,), or None
        Images of one group, such as a patient, are in one split.
    ids : ndarray of str, (n,)
        What names an image in reports: its path below the dataset's folder, or "train/17".
    source : str
        What was given.
    notes : tuple of str
        Sentences on what was found, left out and made.
    counts : dict of str to int
        The numbers behind the notes.
    left_out : dict of str to list of str
        Under the names that `counts` has for them, files that are no image of the dataset, and images left out of it.
    arguments : dict or None
        What `load_dataset` was called with, as JSON values: what `reopen` takes. None for arrays.

    Examples
    --------
    >>> data = Dataset.from_arrays(np.zeros((40, 8, 8), np.uint8), ["cat"] * 20 + ["dog"] * 20)
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

    @classmethod
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
        seed: int = 0,
        drop: Sequence[str] | None = None,
    ) -> "Dataset":
        """Make a dataset of arrays.

        Parameters
        ----------
        X : array-like
            (n,) file paths, or uint8 pixels of shape (n, h, w), (n, h, w, 1) or (n, h, w, 3).
        y : array-like, (n,) or (n, k) of 0/1
            Words or integers; or k labels an image.
        split : sequence of str, (n,), optional
            "train", "val" or "test" for each image. What is missing is drawn, and noted.
        groups : sequence, (n,), optional
            Images of one group are never put into two splits.
        ids : sequence of str, (n,), optional
            Unique names of the images.
        label_names : sequence of str, (k,), optional
            Names of the columns of a two-dimensional `y`.
        name : str, default="arrays"
            What the dataset is called in reports.
        fractions : (float, float, float), default=(0.70, 0.15, 0.15)
            Shares of train, val and test.
        seed : int, default=0
            Seed of the split.
        drop : sequence of str, optional
            As for `load_dataset`.

        Returns
        -------
        Dataset

        Raises
        ------
        InputError
            If images, labels and split make no dataset that can be fitted and judged.
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
            [str(one) for one in ids],
            split=names,
            groups=None if groups is None else np.asarray(groups),
            label_names=label_names,
        )
        return assemble(raw, "The dataset from arrays", fractions, seed, drop=drop)

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        if self.y.ndim == 2:
            return "multilabel"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def of_files(self) -> bool:
        """Whether the images are paths of files, not pixels."""
        return self.X.dtype.kind == "U"

    def __len__(self) -> int:
        return len(self.X)

    def part(self, split: str) -> "Dataset":
        """Return one split; empty if there is none of that name. The classes stay those of the whole."""
        if split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
        return self.take(self.split == split)

    def take(self, chosen: np.ndarray) -> "Dataset":
        """Return the images chosen by a mask or by indices, (n,). The classes stay those of the whole."""
        return replace(
            self,
            X=self.X[chosen],
            y=self.y[chosen],
            split=self.split[chosen],
            groups=None if self.groups is None else self.groups[chosen],
            ids=self.ids[chosen],
        )

    def counts_by_split(self) -> dict[str, dict[str, int]]:
        """Return, for each split that has images, how many there are of each class or label."""
        return counts_by_split(self.y, self.classes, self.split)

    def __repr__(self) -> str:
        table = self.counts_by_split()
        kind = "in files" if self.of_files else f"of {'×'.join(map(str, self.X.shape[1:]))}"
        sizes = ", ".join(f"{name} {int((self.split == name).sum())}" for name in table)
        totals = [f"{label} {sum(counts[label] for counts in table.values())}" for label in map(str, self.classes)]
        shown = and_more(totals, 8) + (" classes" if len(totals) > 8 else "")
        return f"Dataset({self.name!r}, {number(len(self), 'image')} {kind}, {self.task}; {sizes}; {shown})"


def assemble(
    raw: RawDataset,
    source: str,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    group_pattern: str | None = None,
    val: float | None = None,
    drop: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Return the checked dataset of what a loader found: labels tidied, groups named, the split completed.

    Parameters
    ----------
    raw : RawDataset
    source : str
        What was given; errors begin with it.
    fractions, seed
        As for `make_split`.
    group_pattern : str, optional
        As for `groups_by_pattern`; it replaces groups that the loader found.
    val : float, optional
        As for `complete_split`.
    drop : sequence of str, optional
        Findings whose images are left out before the split is completed, see `leave_out`.
    progress : callable, optional
        Called with (images looked at, images to look at).
    """
    if drop:
        raw = leave_out(raw, drop, progress)
    y, classes, notes = tidy_labels(raw.y, raw.ids, raw.label_names)
    groups = None if raw.groups is None else own_groups(raw.groups, raw.ids)
    if group_pattern:
        groups = groups_by_pattern(group_pattern, raw.ids)
    split, made = complete_split(raw.split, y, groups, raw.ids, fractions, seed, val)
    data = Dataset(
        raw.name, raw.X, y, classes, split, groups, np.array(raw.ids, dtype=np.str_), source,
        notes=(*raw.notes, *notes, *made), counts=dict(raw.counts), left_out=dict(raw.left_out),
    )  # fmt: skip
    check_dataset(source, data.ids, y, classes, split)
    return _with_remarks(data)


def _with_remarks(data: Dataset) -> Dataset:
    """Add notes on what can be fitted but should be known: divided groups, classes a split lacks."""
    notes, counts = [], dict(data.counts)
    if data.groups is not None:
        counts["groups"] = len(np.unique(data.groups))
        counts["divided_groups"] = len(divided := divided_groups(data.groups, data.split))
        if divided:
            notes.append(
                f"{number(len(divided), 'group is', 'groups are')} in more than one of the given splits "
                f"({first_few(divided)}): results on them flatter the model."
            )
    for name, classes in data.counts_by_split().items():
        lacking = [label for label, n in classes.items() if not n]
        if lacking:
            notes.append(f"No image of {first_few(lacking)} is in {name}.")
    return replace(data, notes=(*data.notes, *notes), counts=counts)


def _default_ids(images: np.ndarray, split: np.ndarray | None) -> list[str]:
    if images.dtype.kind == "U" and len(images):
        return path_ids(images.tolist(), common_folder(images.tolist()))
    if split is None:
        return [str(i) for i in range(len(images))]
    return numbered_ids(split)
