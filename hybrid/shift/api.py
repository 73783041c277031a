"""`dataset_shift`: are the test images of a dataset, or new images, like those that a model learns from?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.classifiers.fold_groups import fold_groups
from hybrid.errors import InputError
from hybrid.shift.result import DatasetShift, compare_samples, with_properties

if TYPE_CHECKING:
    from hybrid.datasets import Dataset
    from hybrid.extractors import FeatureExtractor


def dataset_shift(
    dataset: "Dataset", extractor: "str | Path | FeatureExtractor", new: Any = None, *, random_state: int = 0
) -> DatasetShift:
    """Test whether the test images of a dataset, or new images, are like those that a model learns from.

    A classifier two-sample test is made on embeddings, see :func:`hybrid.shift.two_sample_test`. Simple properties,
    such as brightness, and class proportions are compared as well, and the farthest images found.

    Parameters
    ----------
    dataset : Dataset
    extractor : str, Path or FeatureExtractor
        Name of a backbone, a ``.keras`` file, or an extractor. If its network was trained on the dataset, compare with
        other images of the same source, because features of training images differ from those of any other image.
    new : Dataset or array-like, optional
        New images: a dataset, or paths or pixels without labels. All images of a dataset are compared with train and
        validation; images of the same class with each other if it has the same classes. By default the test split of
        `dataset`.
    random_state : int, default=0
        Seed of folds and exchanges.

    Returns
    -------
    DatasetShift

    Raises
    ------
    InputError
        If `dataset` has no test images and no new ones are given, or images cannot be read.

    Examples
    --------
    >>> import warnings
    >>> from hybrid import Dataset, FeatureExtractor
    >>> warnings.simplefilter("ignore")  # the weights of this small network are random
    >>> images = np.random.default_rng(0).integers(0, 150, (200, 16, 16), np.uint8)
    >>> data = Dataset.from_arrays(images, ["a", "b"] * 100)
    >>> extractor = FeatureExtractor("convnet_small", size=16)
    >>> dataset_shift(data, extractor, images[:40] + np.uint8(60)).found
    True
    """
    from hybrid.datasets import Dataset
    from hybrid.datasets.quality.measure import measure
    from hybrid.extractors import FeatureExtractor
    from hybrid.shift.properties import property_values

    made = extractor if isinstance(extractor, FeatureExtractor) else FeatureExtractor(extractor)
    known = dataset.take(dataset.split != "test")
    if new is None and not (dataset.split == "test").any():
        raise InputError("The dataset has no test images: give new images, or a dataset with a test split.")
    other = dataset.take(dataset.split == "test") if new is None else new
    labelled = isinstance(other, Dataset)
    X = other.X if labelled else _images(other)
    parts = [known.X, X]
    rows = np.concatenate([made.transform(part) for part in parts])
    is_new = np.arange(len(rows)) >= len(known)
    same = labelled and other.y.ndim == known.y.ndim and np.array_equal(other.classes, known.classes)
    y = np.concatenate([known.y, other.y]) if same else None
    given = [known.groups, other.groups if labelled else None]
    patients = _patients(given, [len(part) for part in parts])
    groups = fold_groups(patients, rows)
    ids = np.concatenate([known.ids, other.ids if labelled else _ids(X)])
    splits = tuple(split for split in ("train", "val") if (known.split == split).any())
    shift = compare_samples(
        rows, is_new, ids, y=y, classes=known.classes, groups=groups, parts=patients, reference=splits,
        new="test" if new is None else "new", seed=random_state,
    )  # fmt: skip
    measured = [measure(part, reading=dataset.reading) for part in parts]
    if not all(one.readable.all() for one in measured):
        return shift
    properties = [property_values(one) for one in measured]
    values = {name: np.concatenate([one[name] for one in properties]) for name in properties[0]}
    return with_properties(shift, values, is_new, y, groups, random_state)


def _patients(given: list[np.ndarray | None], counts: list[int]) -> np.ndarray | None:
    """Return the group of each image of both samples; images without groups are groups of their own."""
    if all(groups is None for groups in given):
        return None
    named = [
        np.array([f"image {side} {number}" for number in range(count)]) if groups is None else groups
        for side, (groups, count) in enumerate(zip(given, counts, strict=True))
    ]
    return np.concatenate(named)


def _images(given: Any) -> np.ndarray:
    """Return paths as text, or pixels as they are."""
    array = np.asarray(given)
    return array if array.dtype == np.uint8 else np.array([str(path) for path in array.tolist()], np.str_)


def _ids(X: np.ndarray) -> np.ndarray:
    return X if X.dtype.kind == "U" else np.arange(len(X)).astype(np.str_)
