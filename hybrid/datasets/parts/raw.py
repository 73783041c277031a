"""What goes into a loader and what comes out of it, the same for every kind of dataset."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from hybrid.datasets.parts.split import split_name

_COMMON = frozenset({"annotations", "data", "dataset", "images", "index", "labels", "manifest", "metadata"})


@dataclass(frozen=True)
class ReaderOptions:
    """What a user may say about a dataset beyond where it is; `None` means "find out".

    All but `on_bad` and `follow_links` speak of the columns and files of a manifest.
    """

    label: str | Sequence[str] | None = None
    path_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    image_root: str | None = None
    on_bad: str = "raise"
    follow_links: bool = False

    def given(self) -> list[str]:
        """Return the names of the manifest options that were given."""
        return [name for name, value in vars(self).items() if value and name not in ("on_bad", "follow_links")]


@dataclass
class RawDataset:
    """Images and labels as a loader found them, before labels, groups and split are settled.

    Attributes
    ----------
    name : str
        What the dataset is called in reports.
    X : ndarray
        (n,) str paths, or uint8 pixels (n, h, w) or (n, h, w, 3).
    y : ndarray, (n,) or (n, k)
        Labels as they come.
    ids : list of str
        What names each image.
    split : ndarray of str or None
        "train", "val" or "test" of each image, where the source says so.
    groups : ndarray of str or None
        The group of each image, such as its patient; "" is a group of its own.
    label_names : list of str or None
        Names of the k columns of a two-dimensional `y`.
    notes : list of str
        Sentences about what was found.
    counts : dict
        The numbers behind the notes.
    left_out : dict of str to list of str
        Under the names that `counts` has for them, all the files that the notes name a few of.
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


class LabelledImages(Protocol):
    """What the checks of a dataset need to know of it; `hybrid.datasets.Dataset` describes the attributes."""

    @property
    def X(self) -> np.ndarray:
        """Paths (n,), or pixels of shape (n, height, width) or (n, height, width, 3)."""
        ...

    @property
    def y(self) -> np.ndarray:
        """Labels, (n,) or (n, k)."""
        ...

    @property
    def classes(self) -> np.ndarray:
        """Classes or label names, (k,)."""
        ...

    @property
    def split(self) -> np.ndarray:
        """Split of each image, (n,)."""
        ...

    @property
    def groups(self) -> np.ndarray | None:
        """Group of each image, (n,), or None."""
        ...

    @property
    def ids(self) -> np.ndarray:
        """Name of each image, (n,)."""
        ...

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Files that are no image of the dataset, by reason."""
        ...


def name_of(path: str) -> str:
    """Return what to call the dataset at a path: its last part that says more than "train" or "labels".

    Examples
    --------
    >>> name_of("/data/scenes/labels.csv"), name_of("/data/chest_xray/train"), name_of("/data/birds.npz")
    ('scenes', 'chest_xray', 'birds')
    """
    whole = Path(path).absolute()
    names = [whole.name if whole.is_dir() else whole.stem, *(parent.name for parent in whole.parents)]
    telling = (name for name in names if name and name.lower() not in _COMMON and not split_name(name))
    return next(telling, names[0])
