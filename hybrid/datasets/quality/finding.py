"""What the checks look at, and what they find."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hybrid.datasets.quality.measure import Measures
from hybrid.wording import first_few, number
from hybrid.workspace.records import from_json, saved_as


@dataclass(frozen=True)
class Cluster:
    """Images, or other things, that a check found together; one alone where it looks at each by itself.

    Attributes
    ----------
    names : tuple of str
        Ids of the images, or names of files and classes that are no image of the dataset.
    rows : tuple of int
        The images in the dataset; empty where there are none. They are not saved.
    splits, labels : tuple of str
        All that the images have.
    reason : str
        What was found, such as "2 × 9 pixels"; "" where the check's title says it all.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...] = field(default=(), metadata=saved_as(saved=False))
    splits: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reason: str = ""

    def in_words(self) -> str:
        """Return its names, where they are, and what was found, in a line."""
        where = [" and ".join(self.splits)] if self.splits else []
        labels = [" and ".join(map(repr, self.labels))] if len(self.labels) > 1 else []
        about = "; ".join([*where, *labels, *([self.reason] if self.reason else [])])
        return first_few(self.names) + (f" ({about})" if about else "")


def _read_drop(value: Any, key: str) -> str:
    return from_json(str | None, value, key) or ""


_EMPTY_FOR_NULL = saved_as(read=_read_drop, write=lambda drop: drop or None)


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        The check's name in `hybrid.datasets.quality.CHECKS`.
    title : str
    clusters : tuple of Cluster
        Empty if nothing was found.
    drop : str
        The name of the finding for ``--drop``; "" if its images cannot be left out.
    size : int
        Number of images, or of other things, that were found.
    in_several_splits : int
        Number of clusters that have images in several splits.
    under_several_labels : int
        Number of clusters whose images have different labels.

    Raises
    ------
    ValueError
        If one of the numbers is given, and the clusters give another one.
    """

    check: str
    title: str
    clusters: tuple[Cluster, ...] = field(metadata=saved_as(key="groups"))
    drop: str = field(default="", metadata=_EMPTY_FOR_NULL)
    size: int = field(default=-1, metadata=saved_as(key="found"))
    in_several_splits: int = -1
    under_several_labels: int = -1

    def __post_init__(self):
        counted = {
            "size": sum(len(cluster.names) for cluster in self.clusters),
            "in_several_splits": sum(len(cluster.splits) > 1 for cluster in self.clusters),
            "under_several_labels": sum(len(cluster.labels) > 1 for cluster in self.clusters),
        }
        for name, count in counted.items():
            if getattr(self, name) not in (-1, count):
                raise ValueError(f"the finding {self.check!r} says {name} = {getattr(self, name)}, and lists {count}")
            object.__setattr__(self, name, count)

    def warning(self) -> str:
        """Return a sentence on the clusters that have images in several splits."""
        what = number(self.in_several_splits, "group")
        return f"{self.title}: {what} in more than one split; results on them flatter every model."


@dataclass(frozen=True, eq=False)
class ExaminedDataset:
    """The images that are checked.

    Attributes
    ----------
    ids : sequence of str, (n,)
    y : ndarray, (n,) or (n, k) of 0/1
    classes : ndarray
    split, groups : ndarray of str, (n,), or None
    measures : Measures
    left_out : mapping of str to sequence of str
        Files that never became images of the dataset, by why.
    """

    ids: Sequence[str]
    y: np.ndarray
    classes: np.ndarray
    split: np.ndarray | None
    groups: np.ndarray | None
    measures: Measures
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def labels(self) -> list[str]:
        """Each image's label, or all its labels, in words."""
        if self.y.ndim == 1:
            return [str(label) for label in self.y.tolist()]
        return [" + ".join(self.classes[row.astype(bool)].tolist()) or "none" for row in self.y]

    def cluster(self, rows: Iterable[int], reason: str = "") -> Cluster:
        """Return the images in some rows as a cluster."""
        here = tuple(int(row) for row in rows)
        splits = () if self.split is None else tuple(dict.fromkeys(str(self.split[row]) for row in here))
        labels = tuple(dict.fromkeys(self.labels[row] for row in here))
        return Cluster(tuple(str(self.ids[row]) for row in here), here, splits, labels, reason)
