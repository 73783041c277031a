"""What the checks look at, and what they find."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hybrid.datasets.quality.measure import Measures
from hybrid.wording import first_few, number


@dataclass(frozen=True)
class Cluster:
    """Images, or other things, that a check found together; one alone where it looks at each by itself.

    Attributes
    ----------
    names : tuple of str
        Ids of the images, or names of files and classes that are no image of the dataset.
    rows : tuple of int
        The images in the dataset; empty where there are none.
    splits, labels : tuple of str
        All that the images have.
    reason : str
        What was found, such as "2 × 9 pixels"; "" where the check's title says it all.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...] = ()
    splits: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reason: str = ""

    def in_words(self) -> str:
        """Return its names, where they are, and what was found, in a line."""
        where = [" and ".join(self.splits)] if self.splits else []
        labels = [" and ".join(map(repr, self.labels))] if len(self.labels) > 1 else []
        about = "; ".join([*where, *labels, *([self.reason] if self.reason else [])])
        return first_few(self.names) + (f" ({about})" if about else "")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        values = {"names": list(self.names), "splits": list(self.splits), "labels": list(self.labels)}
        return values | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        Its name in `hybrid.datasets.quality.CHECKS`.
    title : str
    groups : tuple of Cluster
        Empty if there is nothing to find.
    drop : str
        What ``--drop`` calls it; "" if it cannot be left out.
    """

    check: str
    title: str
    groups: tuple[Cluster, ...]
    drop: str = ""

    @property
    def size(self) -> int:
        """Number of images, or of what else was found."""
        return sum(len(group.names) for group in self.groups)

    @property
    def in_several_splits(self) -> int:
        """Number of groups that have images in several splits."""
        return sum(len(group.splits) > 1 for group in self.groups)

    @property
    def under_several_labels(self) -> int:
        """Number of groups whose images are labelled differently."""
        return sum(len(group.labels) > 1 for group in self.groups)

    def warning(self) -> str:
        """Return what follows from groups that are in several splits."""
        what = number(self.in_several_splits, "group")
        return f"{self.title}: {what} in more than one split; results on them flatter every model."

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "check": self.check,
            "title": self.title,
            "drop": self.drop or None,
            "found": self.size,
            "in_several_splits": self.in_several_splits,
            "under_several_labels": self.under_several_labels,
            "groups": [group.to_dict() for group in self.groups],
        }


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
