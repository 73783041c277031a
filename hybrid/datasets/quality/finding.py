"""The input and the output of the checks: `ExaminedDataset`, `Finding` and `Cluster`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hybrid.datasets.quality.label_columns import LabelColumn, label_columns
from hybrid.datasets.quality.measure import Measures
from hybrid.wording import first_few, number
from hybrid.workspace.records import from_json, saved_as


@dataclass(frozen=True)
class Cluster:
    """Images, files or classes that a check found together, or a single one.

    Attributes
    ----------
    names : tuple of str
        Ids of the images, or names of files or classes.
    rows : tuple of int, default=()
        Indices of the images in the dataset, which are not saved. Empty if the cluster does not consist of images.
    splits, labels : tuple of str, default=()
        All splits and labels of the images.
    reason : str, default=""
        Why they were found, such as "2 × 9 pixels". Empty if the title of the check says it.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...] = field(default=(), metadata=saved_as(saved=False))
    splits: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reason: str = ""

    def in_words(self) -> str:
        """Return one line with the names, splits, labels and the reason."""
        splits = [" and ".join(self.splits)] if self.splits else []
        labels = [" and ".join(map(repr, self.labels))] if len(self.labels) > 1 else []
        details = "; ".join([*splits, *labels, *([self.reason] if self.reason else [])])
        return first_few(self.names) + (f" ({details})" if details else "")


def _read_drop(value: Any, key: str) -> str:
    return from_json(str | None, value, key) or ""


_EMPTY_FOR_NULL = saved_as(read=_read_drop, write=lambda drop: drop or None)


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        Name of the check in `hybrid.datasets.quality.CHECKS`.
    title : str
        Description of what the check finds.
    clusters : tuple of Cluster
        What was found. Empty if nothing was found.
    drop : str, default=""
        Name of the finding for ``--drop``. Empty if it cannot be left out.
    size : int, optional
        Number of images, files or classes in all clusters. By default it is counted, like the following numbers.
    in_several_splits : int, optional
        Number of clusters with images in several splits.
    under_several_labels : int, optional
        Number of clusters whose images have different labels.

    Raises
    ------
    ValueError
        If one of these numbers is given and does not match the clusters.
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
                raise ValueError(
                    f"the finding {self.check!r} has {name} = {getattr(self, name)}, but its clusters give {count}"
                )
            object.__setattr__(self, name, count)

    @property
    def groups(self) -> tuple[Cluster, ...]:
        """Former name of `clusters`."""
        return self.clusters

    def warning(self) -> str:
        """Return a warning about the clusters that are in several splits."""
        clusters = number(self.in_several_splits, "cluster")
        return f"{self.title}: {clusters} in more than one split; scores on these splits are too optimistic."


@dataclass(frozen=True, eq=False)
class ExaminedDataset:
    """The input of the checks: a dataset and the measurements of its images.

    Attributes
    ----------
    ids : sequence of str, shape (n,)
    y : ndarray of shape (n,) or (n, k)
    classes : ndarray of shape (k,)
    split, groups : ndarray of str, shape (n,), or None
    measures : Measures
        The measurements of the images.
    left_out : mapping of str to sequence of str
        Names of the files that are not in the dataset, by reason.
    columns : mapping of str to ndarray of str, shape (n,)
        Further values of each image by name, such as its hospital.
    by : sequence of str
        The columns to count the classes by, as for ``--by``. If there are none, all suitable ones.
    """

    ids: Sequence[str]
    y: np.ndarray
    classes: np.ndarray
    split: np.ndarray | None
    groups: np.ndarray | None
    measures: Measures
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    by: Sequence[str] = ()

    @cached_property
    def label_columns(self) -> tuple[LabelColumn, ...]:
        """The counts of the classes by the values of the columns, and whether these predict the label."""
        keys = np.ascontiguousarray(self.measures.keys).view("V32").ravel()
        copies = np.where(self.measures.readable, self.measures.rows["pixels"], keys)
        return label_columns(self.columns, self.y, self.classes, self.groups, copies, self.by)

    @cached_property
    def labels(self) -> list[str]:
        """Label of each image as text. Several labels of an image are joined."""
        if self.y.ndim == 1:
            return [str(label) for label in self.y.tolist()]
        return [" + ".join(self.classes[row.astype(bool)].tolist()) or "none" for row in self.y]

    def cluster(self, rows: Iterable[int], reason: str = "") -> Cluster:
        """Return the cluster of the images with the given indices."""
        indices = tuple(int(row) for row in rows)
        splits = () if self.split is None else tuple(dict.fromkeys(str(self.split[i]) for i in indices))
        labels = tuple(dict.fromkeys(self.labels[i] for i in indices))
        return Cluster(tuple(str(self.ids[i]) for i in indices), indices, splits, labels, reason)
