"""Find inconsistent names and columns: similar classes, missing files, divided groups, columns that predict labels."""

import numpy as np

from hybrid.datasets.parts.labels import alike_names
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset


def similar_class_names(examined: ExaminedDataset) -> list[Cluster]:
    """Return clusters of classes whose names differ only in case, spaces or leading zeros."""
    return [Cluster(tuple(names), labels=tuple(names)) for names in alike_names(map(str, examined.classes.tolist()))]


def labels_without_files(examined: ExaminedDataset) -> list[Cluster]:
    """Return the rows of a manifest whose file does not exist."""
    return [Cluster((name,)) for name in examined.left_out.get("missing_files", ())]


def files_without_labels(examined: ExaminedDataset) -> list[Cluster]:
    """Return the images that are outside the class folders, or that no row of a manifest names."""
    return [Cluster((name,)) for name in examined.left_out.get("unlabelled_files", ())]


def divided_groups(examined: ExaminedDataset) -> list[Cluster]:
    """Return the groups, such as patients, that have images in several splits."""
    if examined.groups is None or examined.split is None:
        return []
    names, number = np.unique(examined.groups, return_inverse=True)
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    clusters = [examined.cluster(rows, str(name)) for name, rows in zip(names, parts, strict=True)]
    return [cluster for cluster in clusters if len(cluster.splits) > 1]


def predicting_columns(examined: ExaminedDataset) -> list[Cluster]:
    """Return the columns that predict the label, such as a hospital with mostly sick patients."""
    return [Cluster((column.name,), reason=column.size()) for column in examined.label_columns if column.predicts]
