"""A labelled dataset as a saved model sees it: embeddings, labels in the model's classes, and predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.datasets import Dataset, load_dataset
from hybrid.datasets.parts.split import SPLITS
from hybrid.datasets.quality.known_copies import groups_with_copies, known_copies
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.groups import group_name_of, name_with_copies
from hybrid.evaluation.labels import truth_matrix
from hybrid.external.class_mapping import ClassMapping, mapped_labels, match_classes
from hybrid.extractors.images.depth import AS_STATED
from hybrid.models.find_model import find_model
from hybrid.models.predict import extract_to_store, predict_checked
from hybrid.pipelines.build import extractors_of
from hybrid.pipelines.saved.load import LoadedModel, open_model
from hybrid.pipelines.saved.manifest import Manifest
from hybrid.pipelines.views import ViewPipeline
from hybrid.progress import Progress
from hybrid.wording import joined
from hybrid.workspace.workspace import DEFAULT_WORKSPACE


@dataclass(frozen=True, eq=False)
class NewData:
    """A labelled dataset as a saved model sees it. :func:`new_data` creates it.

    Attributes
    ----------
    path : Path
        Folder or .zip file of the model.
    model : LoadedModel
        Its pipeline, from images to labels, and its manifest.
    dataset : Dataset
        The whole dataset.
    rows : ndarray of int, shape (n,)
        Which images of the dataset these are, by row: those of the split that was asked for, without images that could
        not be decoded or whose class was left out.
    X : ndarray of float32, shape (n, width)
        The embeddings of the images, without views; those of several extractors are concatenated. ``head`` takes them.
    y : ndarray of shape (n,) or (n, k)
        True labels in the model's classes; for multi-label tasks one column of 0 and 1 for each of its labels, with 0
        in the columns of labels that the dataset lacks (`mapping.missing`).
    classes : ndarray of shape (k,)
        The model's classes in the order of the probabilities, or the names of its labels.
    groups : ndarray of str, shape (n,), or None
        Group of each image, such as its patient; copies of an image are of one group. None if there are neither.
    keys : ndarray of uint8, shape (n, 32)
        SHA-256 digests of the images.
    ids : ndarray of str, shape (n,)
        Names of the images.
    proba : ndarray of float64, shape (n, k)
        Probabilities that the model predicts, as means over the views of each image if the model has views.
    predicted : ndarray of shape (n,) or (n, k)
        Labels that the model predicts with its own threshold.
    mapping : ClassMapping
        Which class of the model each class of the dataset is.
    skipped : dict of str to str
        Images that could not be decoded, each with the reason.
    """

    path: Path
    model: LoadedModel
    dataset: Dataset
    rows: np.ndarray
    X: np.ndarray
    y: np.ndarray
    classes: np.ndarray
    groups: np.ndarray | None
    keys: np.ndarray
    ids: np.ndarray
    proba: np.ndarray
    predicted: np.ndarray
    mapping: ClassMapping
    skipped: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the model."""
        return self.model.manifest

    @property
    def head(self) -> Any:
        """The part of the model's pipeline that takes embeddings."""
        return self.model.pipeline[1:]

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.manifest.name(self.path.stem)

    @property
    def task(self) -> str:
        """The model's task: ``"binary"``, ``"multiclass"`` or ``"multilabel"``."""
        return self.manifest.task

    @property
    def group_name(self) -> str:
        """What a group is called in words; "group" if copies of an image join the groups of the dataset."""
        given = None if self.dataset.groups is None else self.dataset.groups[self.rows]
        return name_with_copies(given, self.groups, group_name_of(self.dataset.arguments))

    @property
    def known(self) -> np.ndarray:
        """Whether the dataset has each class or label of the model, ndarray of bool, shape (k,)."""
        return np.array([str(name) not in self.mapping.missing for name in self.classes.tolist()])

    def take(self, chosen: np.ndarray) -> "NewData":
        """Return a part of the images.

        Parameters
        ----------
        chosen : ndarray of bool, shape (n,), or of int, shape (m,)
            A mask over the images, or their indices.
        """
        names = ("rows", "X", "y", "keys", "ids", "proba", "predicted")
        parts = {name: getattr(self, name)[chosen] for name in names}
        return replace(self, **parts, groups=None if self.groups is None else self.groups[chosen])


def new_data(
    model: str | Path,
    dataset: "str | Path | Dataset",
    *,
    split: str | None = None,
    class_map: Mapping[str, str | None] | None = None,
    workspace: str | Path = DEFAULT_WORKSPACE,
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> NewData:
    """Return a labelled dataset as a saved model sees it.

    Embeddings that are in the store are not computed again, and Keras is then not imported.

    Parameters
    ----------
    model : str or Path
        The folder or .zip file of a saved model, or the name of a model in the workspace.
    dataset : str, path or Dataset
        A dataset, as `load_dataset` takes it. No split is drawn: without splits of its own, all its images are "train".
        One that is not loaded yet may lack classes and training images.
    split : {"train", "val", "test"}, optional
        The images to use. By default all of them.
    class_map : mapping of str to (str or None), optional
        The model's class for classes of the dataset that have another name; None for classes whose images are left out.
        Classes with the same name need not be given.
    workspace : str or Path, default="hybrid_runs"
        The workspace in which a model is looked up by its name.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be decoded.
    progress : callable, optional
        Called with the number of finished images and the total number of images.

    Returns
    -------
    NewData

    Raises
    ------
    InputError
        If the model or the dataset cannot be read, the model takes embeddings, the kinds of classification differ, a
        class of the dataset cannot be mapped, no image is left, or an image cannot be decoded.
    """
    path = find_model(str(model), workspace)
    opened = open_model(path)
    manifest, pipeline = opened.manifest, opened.pipeline
    if not manifest.extractors:
        raise InputError(f"The model {str(model)!r} takes embeddings, not images: it was saved without an extractor.")
    data = load_dataset(dataset, to_fit=False, on_bad=on_bad)
    data = _in_kind(manifest, data)
    rows = _rows_of(data, split)
    part = data.take(rows)
    ours, theirs = manifest.label_names, [str(name) for name in data.classes.tolist()]
    images = _images_of(part)
    mapping = match_classes(ours, theirs, images, class_map, multilabel=manifest.task == "multilabel")
    y, kept = mapped_labels(part.y, data.classes, mapping, ours, np.array(manifest.classes))
    if not kept.any():
        raise InputError(f"No image of {data.name} has a class of the model: all were left out by the map.")
    rows, part = rows[kept], part.take(kept)
    _check_reading(pipeline, part)
    keys, bad = extract_to_store(pipeline, part.X, on_bad, progress)
    good = np.array([number not in bad for number in range(len(part))], bool)
    skipped = {str(part.ids[number]): reason for number, reason in sorted(bad.items())}
    rows, part, y, keys = rows[good], part.take(good), y[good], keys[good]
    X, proba, predicted = _predict(pipeline, part.X, ours)
    classes = np.array(ours if manifest.task == "multilabel" else manifest.classes)
    groups = groups_with_copies(part.groups, part.ids, known_copies(keys))
    return NewData(
        path, opened, data, rows, X, y, classes, groups, keys, part.ids, proba, predicted, mapping, skipped
    )  # fmt: skip


def _rows_of(data: Dataset, split: str | None) -> np.ndarray:
    """Return the rows of the images of a split, or of all images."""
    if split is None:
        return np.arange(len(data))
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)
    rows = np.flatnonzero(data.split == split)
    if not len(rows):
        has = joined([name for name in SPLITS if (data.split == name).any()])
        raise InputError(f"{data.name} has no images of the split {split!r}, only of {has}: name another, or none.")
    return rows


def _images_of(part: Dataset) -> list[int]:
    """Return the number of images of each class or label."""
    if part.y.ndim == 2:
        return part.y.sum(axis=0, dtype=int).tolist()
    return np.bincount(np.searchsorted(part.classes, part.y), minlength=len(part.classes)).tolist()


def _in_kind(manifest: Manifest, data: Dataset) -> Dataset:
    """Return a dataset with the kind of labels that the model has: one class for each image, or several labels.

    Labels of which each image has exactly one are those of a dataset of classes, too.
    """
    if manifest.task != "multilabel" and data.task == "multilabel":
        raise InputError(
            f"The model predicts one class for each image, but {data.name} has several labels for each image: give a "
            "dataset with one class for each image, or name one label column with --label."
        )
    if manifest.task == "multilabel" and data.task != "multilabel":
        note = f"Each image of {data.name} has exactly one label; the others count as absent."
        return replace(data, y=truth_matrix(data.y, data.classes).astype(np.uint8), notes=(*data.notes, note))
    return data


def _check_reading(pipeline: Any, data: Dataset) -> None:
    """Raise `InputError` if the dataset was loaded with another way of reading deep pixels than the model has."""
    for extractor in extractors_of(pipeline[0]):
        if data.reading not in (AS_STATED, extractor.reading):
            raise InputError(
                f"The model reads pixels with {extractor.reading.describe()}, but the dataset has "
                f"{data.reading.describe()}: load the dataset without them, because the model reads images as it did "
                "in training."
            )


def _predict(pipeline: Any, images: np.ndarray, labels: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the embeddings of images, their probabilities and their predicted labels."""
    if isinstance(pipeline, ViewPipeline):
        proba, predicted = predict_checked(pipeline, images, labels)
        return pipeline[0].transform(images), proba, predicted
    X = pipeline[0].transform(images)
    return X, *predict_checked(pipeline[1:], X, labels)
