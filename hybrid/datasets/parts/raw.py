"""Input and output of the readers, the same for every kind of dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from hybrid.datasets.parts.split_names import SplitNames, split_name
from hybrid.extractors.images.depth import AS_STATED, Reading

_GENERIC_NAMES = frozenset({"annotations", "data", "dataset", "images", "index", "labels", "manifest", "metadata"})


@dataclass(frozen=True)
class ReaderOptions:
    """Options for reading a dataset, as for `load_dataset`. What is None is found out from the data.

    All but `split_names`, `on_bad`, `follow_links` and `columns` are about the columns and files of a manifest.
    """

    label: str | Sequence[str] | None = None
    path_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    image_root: str | None = None
    on_bad: str = "raise"
    follow_links: bool = False
    split_names: SplitNames = None
    label_separator: str | None = None
    columns: Sequence[str] | None = None

    def given(self) -> list[str]:
        """Return the names of the manifest options that were given."""
        general = ("split_names", "on_bad", "follow_links", "columns")
        return [name for name, value in vars(self).items() if value and name not in general]


@dataclass
class RawDataset:
    """Images and labels as a reader found them, before labels, groups and split are checked and completed.

    Attributes
    ----------
    name : str
        Name of the dataset in reports.
    X : ndarray of shape (n,), (n, h, w) or (n, h, w, 3)
        File paths as str, or pixels as uint8.
    y : ndarray of shape (n,) or (n, k)
        Labels, not yet converted.
    ids : sequence of str, shape (n,)
        Unique names of the images.
    split : ndarray of str, shape (n,), or None
        "train", "val" or "test" for each image, if the source contains a split.
    groups : ndarray of shape (n,), or None
        The group of each image, such as its patient. An image with "" is a group of its own.
    label_names : sequence of str, shape (k,), or None
        Names of the columns of a two-dimensional `y`.
    notes : list of str
        Sentences about what was found.
    counts : dict of str to int
        The numbers in the notes.
    left_out : dict of str to list of str
        Names of all files that were left out, by the reason, which is a key of `counts`.
    reading : Reading
        How pixels with more than 8 bits are read.
    columns : dict of str to ndarray of str, shape (n,)
        Further values of each image by name, such as its hospital. Missing values are empty.
    offered : sequence of str
        Names of all columns of the source, for messages.
    group_column : str
        Name of the column with the groups; empty if they come from no column.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    ids: Sequence[str]
    split: np.ndarray | None = None
    groups: np.ndarray | None = None
    label_names: Sequence[str] | None = None
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    reading: Reading = AS_STATED
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    offered: Sequence[str] = ()
    group_column: str = ""


class LabelledImages(Protocol):
    """The attributes of a dataset that its checks use. See `hybrid.datasets.Dataset` for their description."""

    @property
    def X(self) -> np.ndarray:
        """Paths of shape (n,), or pixels of shape (n, h, w) or (n, h, w, 3)."""
        ...

    @property
    def y(self) -> np.ndarray:
        """Labels of shape (n,) or (n, k)."""
        ...

    @property
    def classes(self) -> np.ndarray:
        """Classes or label names, of shape (k,)."""
        ...

    @property
    def split(self) -> np.ndarray:
        """Split of each image, of shape (n,)."""
        ...

    @property
    def groups(self) -> np.ndarray | None:
        """Group of each image, of shape (n,), or None."""
        ...

    @property
    def reading(self) -> Reading:
        """How pixels with more than 8 bits are read."""
        ...

    @property
    def ids(self) -> np.ndarray:
        """Name of each image, of shape (n,)."""
        ...

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """Further values of each image by name, each of shape (n,)."""
        ...

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Names of the files and images that are not in the dataset, by reason."""
        ...


def name_of(path: str) -> str:
    """Return a name for the dataset at a path: the last part that is not generic, such as "train" or "labels".

    Examples
    --------
    >>> name_of("/data/scenes/labels.csv"), name_of("/data/chest_xray/train"), name_of("/data/birds.npz")
    ('scenes', 'chest_xray', 'birds')
    """
    absolute = Path(path).absolute()
    names = [absolute.name if absolute.is_dir() else absolute.stem, *(parent.name for parent in absolute.parents)]
    specific = (name for name in names if name and name.lower() not in _GENERIC_NAMES and not split_name(name))
    return next(specific, names[0])
