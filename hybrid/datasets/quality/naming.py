"""Names that do not fit together: classes, files and labels, groups and splits."""

import unicodedata
from collections import defaultdict

import numpy as np

from hybrid.datasets.quality.finding import Cluster, ExaminedDataset


def alike_classes(subject: ExaminedDataset) -> list[Cluster]:
    """Return the classes whose names differ only by case, Unicode form or spaces."""
    by_plain_name: defaultdict[str, list[str]] = defaultdict(list)
    for name in map(str, subject.classes.tolist()):
        by_plain_name[plain(name)].append(name)
    return [Cluster(tuple(names), labels=tuple(names)) for names in by_plain_name.values() if len(names) > 1]


def plain(name: str) -> str:
    """Return a name without case, Unicode form, and spaces round it.

    Examples
    --------
    >>> plain("Caf\u00e9 ") == plain("CAFE\u0301")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def labels_without_files(subject: ExaminedDataset) -> list[Cluster]:
    """Return the rows of a manifest that name no file."""
    return [Cluster((name,)) for name in subject.left_out.get("missing_files", ())]


def files_without_labels(subject: ExaminedDataset) -> list[Cluster]:
    """Return the images that lie beside the class folders, or that no row of a manifest names."""
    return [Cluster((name,)) for name in subject.left_out.get("unlabelled_files", ())]


def divided_groups(subject: ExaminedDataset) -> list[Cluster]:
    """Return the groups, such as patients, that have images in several splits."""
    if subject.groups is None or subject.split is None:
        return []
    names, number = np.unique(subject.groups, return_inverse=True)
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    clusters = [subject.cluster(rows, str(name)) for name, rows in zip(names, parts, strict=True)]
    return [cluster for cluster in clusters if len(cluster.splits) > 1]
