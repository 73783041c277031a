"""Whether images are like those that a model learnt from."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.classifiers.fold_groups import fold_groups
from hybrid.comparison.compared_images import MAX_DECODED_BYTES
from hybrid.datasets import reopen
from hybrid.datasets.quality.measure import Measures, measure_within, remembered_measures
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.joined_set import JoinedSet, join_sets
from hybrid.errors import InputError
from hybrid.external.internal import InternalSide
from hybrid.external.new_data import NewData
from hybrid.progress import Progress
from hybrid.shift.of_set import LEARNT
from hybrid.shift.properties import property_values
from hybrid.shift.result import DatasetShift, compare_samples, with_properties

_GONE = (
    "Whether these images are like those that the model learnt from was not tested, because its embedding set is no "
    "longer in its workspace, or the embeddings are no longer in the store."
)


Compared = dict[tuple[Any, ...], DatasetShift | None]


@dataclass(frozen=True, eq=False)
class ExternalShift:
    """Whether measured images are like those that a model learnt from.

    Attributes
    ----------
    images : DatasetShift or None
        The tests of the images. None if the embeddings of the model's own images are no longer there.
    """

    images: DatasetShift | None

    @property
    def sentence(self) -> str:
        """The result of the test in words; "" if there was none."""
        return self.images.sentence if self.images and self.images.tested else ""

    @property
    def note(self) -> str:
        """Why there was no test; "" if there was one."""
        if self.images is None:
            return _GONE
        return "" if self.images.tested else self.images.sentence

    @property
    def details(self) -> tuple[str, ...]:
        """Sentences on the properties that differ."""
        return self.images.properties_found if self.images else ()

    def to_dict(self) -> dict[str, Any] | None:
        """Return JSON values; None if the images could not be examined."""
        return None if self.images is None else self.images.to_dict()


def find_shift(
    data: NewData,
    own: InternalSide,
    progress: Progress | None = None,
    compared: Compared | None = None,
) -> ExternalShift:
    """Return whether measured images are like the training and validation images of a model.

    Parameters
    ----------
    data : NewData
    own : InternalSide
    progress : callable, optional
        Called with the number of measured images and of all images to measure. Measurements are cached.
    compared : dict, optional
        The tests of the images of this dataset that were made before, for models of the same embeddings. It gets this
        one, too.

    Returns
    -------
    ExternalShift
    """
    compared = {} if compared is None else compared
    key = _same_test(data, own)
    if key not in compared:
        compared[key] = _compare(data, own, progress)
    return ExternalShift(compared[key])


def _same_test(data: NewData, own: InternalSide) -> tuple[Any, ...]:
    """Return what the test of images of one dataset depends on: the model's embeddings, and which images these are."""
    sets = tuple((part.fingerprint, part.record.rows) for part in own.sets)
    return sets, data.rows.tobytes(), data.y.tobytes(), tuple(data.classes.tolist()), data.mapping.missing


def _compare(data: NewData, own: InternalSide, progress: Progress | None) -> DatasetShift | None:
    """Return the tests of the images; None if the embeddings of the model's own images are no longer there."""
    if not own.sets:
        return None
    try:
        of_model = join_sets(own.sets)
        rows, notes = _reference(of_model, data)
        X = of_model.embeddings()[rows]
    except InputError:
        return None
    if X.shape[1] != data.X.shape[1]:
        return None
    together = np.concatenate([X, data.X])
    is_new = np.arange(len(together)) >= len(X)
    y, classes = _labels(of_model, rows, data)
    patients = _patients(of_model, rows, data)
    groups = fold_groups(patients, together)
    splits = tuple(split for split in ("train", "val") if (of_model.split[rows] == split).any())
    shift = compare_samples(
        together, is_new, np.concatenate([of_model.ids[rows], data.ids]), y=y, classes=classes, groups=groups,
        parts=patients, new="new", reference=splits, notes=notes,
    )  # fmt: skip
    values = _properties(of_model.sets[0], rows, data, progress) if shift.tested else None
    return shift if values is None else with_properties(shift, values, is_new, y, groups)


def _reference(of_model: JoinedSet, data: NewData) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the rows of the images that the new ones are compared with, and a note if they are not train and val.

    Images of classes that the new data lack are left out.
    """
    train, val = of_model.split == "train", of_model.split == "val"
    learnt = any(part.in_training()[train].any() for part in of_model.sets)
    rows = val if learnt else train | val
    if of_model.y.ndim == 1 and not data.known.all():
        rows = rows & np.isin(of_model.y, data.classes[data.known])
    return np.flatnonzero(rows), ((LEARNT.format(new="new"),) if learnt else ())


def _labels(of_model: JoinedSet, rows: np.ndarray, data: NewData) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the labels of both samples, in the classes or labels that both have; None if the classes differ."""
    if of_model.y.ndim != data.y.ndim or of_model.classes.tolist() != data.classes.tolist():
        return None, None
    if data.y.ndim == 1:
        return np.concatenate([of_model.y[rows], data.y]), data.classes[data.known]
    return np.concatenate([of_model.y[rows], data.y])[:, data.known], data.classes[data.known]


def _patients(of_model: JoinedSet, rows: np.ndarray, data: NewData) -> np.ndarray | None:
    """Return the group of each image of both samples; images without groups are groups of their own."""
    given = (of_model.groups, rows), (data.dataset.groups, data.rows)
    if all(groups is None for groups, _ in given):
        return None
    return np.concatenate([
        np.array([f"image {side} {row}" for row in chosen]) if groups is None else groups[chosen]
        for side, (groups, chosen) in enumerate(given)
    ])  # fmt: skip


def _properties(
    embeddings: EmbeddingSet, rows: np.ndarray, data: NewData, progress: Progress | None
) -> dict[str, np.ndarray] | None:
    """Return the simple properties of the images of both samples; None if some of them cannot be measured."""
    X, reading = data.dataset.X[data.rows], data.dataset.reading
    own, new = _own_measures(embeddings, rows), measure_within(X, MAX_DECODED_BYTES, progress, reading=reading)
    if own is None or new is None or not new.readable.all():
        return None
    first, second = property_values(own), property_values(new)
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def _own_measures(embeddings: EmbeddingSet, rows: np.ndarray) -> Measures | None:
    """Return the measurements of a model's own images; None if the files have gone or are too large."""
    keys, reading = embeddings.keys[rows], embeddings.extractor.reading
    if (remembered := remembered_measures(keys, reading)) is not None:
        return remembered
    with suppress(InputError):
        dataset = reopen(embeddings.record.dataset.arguments or {})
        if measure_within(dataset.X, MAX_DECODED_BYTES, reading=reading) is not None:
            return remembered_measures(keys, reading)
    return None
