"""Dataset shift: the tests of two samples of images, with the result in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybrid.shift.class_shares import ClassShares, compare_class_shares
from hybrid.shift.farthest import FarImage, farthest
from hybrid.shift.properties import PropertyDifference, compare_properties
from hybrid.shift.strata import strata_of
from hybrid.shift.two_sample import TwoSampleTest, compare_rows
from hybrid.wording import joined

SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test", "new": "new"}
ELSEWHERE = "A split of the same images says nothing about images from another hospital or camera."
_WEAK = 0.6  # an area below this is called a slight difference
_CERTAIN = 0.01  # p-values above this get a remark on chance


@dataclass(frozen=True)
class DatasetShift:
    """Whether new images come from the same distribution as those that a model learnt from.

    Attributes
    ----------
    new : str
        Which images were tested: ``"test"``, ``"val"`` or ``"new"``.
    reference : tuple of str
        The splits that they were compared with.
    images : TwoSampleTest
        Whether a classifier can tell the images apart by their embeddings.
    shares : ClassShares or None
        Whether the classes have other proportions; None if the new images have no labels.
    properties : tuple of PropertyDifference
        Simple properties such as brightness; empty if the images were not measured.
    farthest : tuple of FarImage
        The new images that are farthest from the reference images.
    notes : tuple of str
        Sentences on which images were compared.
    """

    new: str
    reference: tuple[str, ...]
    images: TwoSampleTest
    shares: ClassShares | None = None
    properties: tuple[PropertyDifference, ...] = ()
    farthest: tuple[FarImage, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def tested(self) -> bool:
        """Whether there were enough images for a test."""
        return self.images.auc is not None

    @property
    def found(self) -> bool:
        """Whether the images differ, at the level of 5%."""
        return self.images.found

    @property
    def sentence(self) -> str:
        """The result in words, in one or two sentences."""
        test, new, reference = self.images, SPLIT_NAMES[self.new], self._reference
        if test.auc is None:
            return f"Whether {new} images differ from {reference} images could not be tested: {test.reason}."
        of_class = " of the same class" if test.by_class else ""
        ends = f"95% interval {_per_100(test.interval[0])} to {_per_100(test.interval[1])}, " if test.interval else ""
        pairs = f"{_per_100(test.auc)} of 100 pairs{of_class}"
        if not test.found:
            elsewhere = "" if self.new == "new" else f" {ELSEWHERE}"
            return (
                f"A classifier cannot tell {new} images from {reference} images: it is right in {pairs} ({ends}50 is "
                f"chance).{elsewhere}"
            )
        by_chance = test.p_value is not None and test.p_value > _CERTAIN
        chance = f"; without a difference, such a result has a probability of {test.p_value:.2g}" if by_chance else ""
        advice = (
            f"Do not expect validation scores on {self._such} images."
            if test.auc >= _WEAK
            else f"The difference is slight, but scores on {self._such} images may differ from those on validation."
        )
        can = f"A classifier can tell {new} images from {reference} images"
        return f"{can} in {pairs} ({ends}50 is chance{chance}). {advice}"

    @property
    def short(self) -> str:
        """The result without figures, for a line among others; "" if it could not be tested."""
        if not self.tested:
            return ""
        can = "can" if self.found else "cannot"
        elsewhere = "" if self.found or self.new == "new" else f" {ELSEWHERE}"
        return f"{SPLIT_NAMES[self.new].capitalize()} images {can} be told from {self._reference} images.{elsewhere}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The result in words: the main sentence, what could have been missed, proportions, and properties."""
        if not self.tested:
            return (self.sentence,)
        new, reference = SPLIT_NAMES[self.new], self._reference
        return (
            self.sentence,
            *self._missed(),
            *([self.shares.sentence(new, reference)] if self.shares and self.shares.found else []),
            *self.properties_found,
            *self.notes,
        )

    @property
    def properties_found(self) -> tuple[str, ...]:
        """A sentence on each simple property that differs, such as "Test images are darker: …"."""
        return tuple(one.sentence(SPLIT_NAMES[self.new]) for one in self.properties if one.found)

    @property
    def _reference(self) -> str:
        return joined([SPLIT_NAMES[split] for split in self.reference])

    @property
    def _such(self) -> str:
        return "these" if self.new == "new" else "new"

    def _missed(self) -> list[str]:
        """Return what a test that found nothing could have missed."""
        high = self.images.interval[1] if self.images.interval else None
        if self.found or high is None or high <= 0.5:
            return []
        pairs = f"up to {_per_100(high)} of 100 pairs"
        return [f"A difference by which a classifier would be right in {pairs} could have been missed."]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "new": self.new,
            "reference": list(self.reference),
            "sentence": self.sentence,
            "images": self.images.to_dict(),
            "class_shares": self.shares.to_dict() if self.shares else None,
            "properties": [one.to_dict() for one in self.properties],
            "farthest": [one.to_dict() for one in self.farthest],
            "notes": list(self.notes),
        }


def compare_samples(
    X: np.ndarray,
    is_new: np.ndarray,
    ids: np.ndarray,
    *,
    y: np.ndarray | None = None,
    classes: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    new: str = "test",
    reference: tuple[str, ...] = ("train", "val"),
    notes: tuple[str, ...] = (),
    seed: int = 0,
) -> DatasetShift:
    """Test two samples of embeddings, and find the images that are farthest away.

    Parameters
    ----------
    X : ndarray of shape (n, width)
        Embeddings of both samples.
    is_new : ndarray of bool, shape (n,)
        Whether each image is in the new sample.
    ids : ndarray of str, shape (n,)
    y : ndarray of shape (n,) or (n, k), optional
        Labels, if they are known in both samples: images are then compared with images of the same class.
    classes : ndarray of shape (k,), optional
        The classes, with `y`.
    groups : ndarray of str or int, shape (n,), optional
        Group in which each image stays with its copies.
    parts : ndarray of str or int, shape (n,), optional
        Group of each image before copies are joined, such as its patient.
    new : str, default="test"
    reference : tuple of str, default=("train", "val")
    notes : tuple of str, default=()
        As in `DatasetShift`.
    seed : int, default=0

    Returns
    -------
    DatasetShift
    """
    group, part = _numbers(groups), _numbers(parts)
    strata = None if y is None else strata_of(y, is_new)
    images = compare_rows(X, is_new, strata, group, seed=seed, parts=part)
    shares = None if y is None or classes is None else compare_class_shares(y, classes, is_new, group, seed)
    far = farthest(X, is_new, ids, group, seed=seed) if images.auc is not None else ()
    return DatasetShift(new, reference, images, shares, (), far, notes)


def with_properties(
    shift: DatasetShift,
    values: Mapping[str, np.ndarray],
    is_new: np.ndarray,
    y: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> DatasetShift:
    """Return a result that also has the simple properties in which the images differ.

    Parameters
    ----------
    shift : DatasetShift
    values : mapping of str to ndarray of shape (n,)
        The properties of the images; see :func:`hybrid.shift.properties.property_values`.
    is_new, y, groups, seed
        As in :func:`compare_samples`.
    """
    if not shift.tested:
        return shift
    group = _numbers(groups)
    strata = None if y is None else strata_of(y, is_new)
    return replace(shift, properties=compare_properties(values, is_new, strata, group, seed))


def _numbers(names: np.ndarray | None) -> np.ndarray | None:
    return None if names is None else np.unique(names, return_inverse=True)[1].ravel()


def _per_100(share: float) -> str:
    """Return a share as a number of 100 pairs; 0 and 100 only for exact values."""
    if 0 < share < 0.01:
        return "fewer than 1"
    return "more than 99" if 0.99 < share < 1 else f"{100 * share:.0f}"
