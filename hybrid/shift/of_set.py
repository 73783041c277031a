"""Dataset shift of an embedding set: are its test images like those of training and validation?"""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from hybrid.errors import InputError
from hybrid.shift.result import DatasetShift, compare_samples, with_properties
from hybrid.shift.two_sample import LEAST_UNITS

if TYPE_CHECKING:
    from hybrid.datasets import Dataset
    from hybrid.datasets.quality.measure import Measures
    from hybrid.embeddings.embedding_set import EmbeddingSet
    from hybrid.embeddings.joined_set import JoinedSet

LEARNT = (
    "The network learnt from the training images, so that their features differ from those of any other image: "
    "{new} images were compared with validation images only."
)


def shift_of_set(joined: "JoinedSet", measures: "Measures | None" = None, seed: int = 0) -> DatasetShift | None:
    """Return whether the test images of a dataset are like its training and validation images.

    If the network of the features was trained on the training images, test is compared with validation alone. Without
    test images, validation is compared with train.

    Parameters
    ----------
    joined : JoinedSet
    measures : Measures, optional
        Measurements of the dataset's images, for simple properties such as brightness. Images are matched by digest.
    seed : int, default=0

    Returns
    -------
    DatasetShift or None
        None if the dataset has one split only.

    Raises
    ------
    InputError
        If embeddings are no longer in the store, or contain NaN or infinity.
    """
    chosen = _samples(joined)
    if chosen is None:
        return None
    new, reference, notes = chosen
    rows = np.isin(joined.split, [new, *reference])
    is_new = joined.split[rows] == new
    group, part = (None if one is None else one[rows] for one in (joined.groups_with_copies, joined.groups))
    y = joined.y[rows]
    X = joined.embeddings()[rows]
    shift = compare_samples(
        X, is_new, joined.ids[rows], y=y, classes=joined.classes, groups=group, parts=part, new=new,
        reference=reference, notes=notes, seed=seed,
    )  # fmt: skip
    values = None if measures is None else _values(joined.sets[0].keys[rows], measures)
    return shift if values is None else with_properties(shift, values, is_new, y, group, seed)


def shift_of_extracted(dataset: "Dataset", embedding_set: "EmbeddingSet") -> DatasetShift | None:
    """Return the shift of a set that was just extracted, with simple properties if all images were measured before.

    Parameters
    ----------
    dataset : Dataset
        The dataset of the set.
    embedding_set : EmbeddingSet

    Returns
    -------
    DatasetShift or None
        None if the dataset has one split only, or its embeddings cannot be used.
    """
    from hybrid.datasets.quality.measure import measure_within
    from hybrid.embeddings.joined_set import JoinedSet

    with suppress(InputError):
        measures = measure_within(dataset.X, 0, reading=dataset.reading) if dataset.of_files else None
        return shift_of_set(JoinedSet((embedding_set,)), measures)
    return None


def _samples(joined: "JoinedSet") -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    """Return the split to test, the splits to compare it with, and a note on the choice; None if there are none."""
    splits = [split for split in ("train", "val", "test") if (joined.split == split).any()]
    if len(splits) < 2 or splits[0] != "train":
        return None
    *reference, new = splits
    train = joined.split == "train"
    learnt = any(part.in_training()[train].any() for part in joined.sets)
    if not learnt:
        return new, tuple(reference), ()
    if reference == ["train"] or (joined.split == "val").sum() < LEAST_UNITS:
        return None
    return new, ("val",), (LEARNT.format(new=new),)


def _values(keys: np.ndarray, measures: "Measures") -> Mapping[str, np.ndarray] | None:
    """Return the properties of images by their digests; None if one of them was not measured."""
    from hybrid.shift.properties import property_values

    readable = np.flatnonzero(measures.readable)
    row_of = {measures.keys[row].tobytes(): row for row in readable.tolist()}
    rows = [row_of.get(key.tobytes(), -1) for key in keys]
    if -1 in rows:
        return None
    return {name: values[rows] for name, values in property_values(measures).items()}
