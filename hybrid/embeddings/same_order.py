"""Bring the rows of an embedding set into the order of another one of the same dataset."""

from dataclasses import replace
from typing import Any

import numpy as np

from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.errors import InputError


def in_order_of(first: EmbeddingSet, other: EmbeddingSet) -> EmbeddingSet:
    """Return a set with its rows in the order of the first set.

    Raises
    ------
    InputError
        If the two sets differ in images, labels, splits or groups.
    """
    fingerprints = [part.record.dataset.fingerprint for part in (first, other)]
    if (
        fingerprints[0] != fingerprints[1]
        or first.task != other.task
        or first.classes.tolist() != other.classes.tolist()
    ):
        raise InputError(
            f"The sets {first.name!r} and {other.name!r} differ in images, labels or splits: extract the dataset "
            "with both backbones, with the same --split and --seed."
        )
    if not all(np.array_equal(getattr(first, name), getattr(other, name)) for name in ("keys", "split", "y")):
        rows = np.empty(len(first), int)
        rows[_canonical_order(first)] = _canonical_order(other)
        arrays: dict[str, Any] = {name: value for name, value in vars(other).items() if isinstance(value, np.ndarray)}
        del arrays["classes"]
        columns = {name: values[rows] for name, values in other.columns.items()}
        other = replace(other, **{name: values[rows] for name, values in arrays.items()}, columns=columns)
    if first.groups is not None and other.groups is not None and not np.array_equal(first.groups, other.groups):
        raise InputError(
            f"The sets {first.name!r} and {other.name!r} have different groups: extract both with the same groups."
        )
    return other


def _canonical_order(embedding_set: EmbeddingSet) -> np.ndarray:
    """Return the row numbers sorted by key, split and label, which the dataset's fingerprint is computed from."""
    columns = map(bytes, embedding_set.keys), embedding_set.split, map(str, embedding_set.y.tolist())
    rows = list(zip(*columns, strict=True))
    return np.array(sorted(range(len(rows)), key=rows.__getitem__), int)
