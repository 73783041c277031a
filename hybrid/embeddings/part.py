"""A part of a dataset, for extractions that several jobs share."""

import re
from dataclasses import dataclass

import numpy as np

from hybrid.datasets import Dataset
from hybrid.errors import InputError
from hybrid.workspace.set_record import SkippedImage


@dataclass(frozen=True)
class Part:
    """One of several parts of equal size.

    Attributes
    ----------
    number : int
        Number of the part, from 1.
    count : int
        How many parts there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Return the part that a text such as ``"3/16"`` names.

        Raises
        ------
        InputError
            If the text is not of this form, or there is no such part.

        Examples
        --------
        >>> Part.parse("3/16")
        Part(number=3, count=16)
        """
        found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text)
        part = cls(int(found[1]), int(found[2])) if found else None
        if part is None or not 1 <= part.number <= part.count:
            raise InputError(
                f"The part {text!r} was given; expected its number and how many parts there are, from 1/16 to 16/16 "
                "for sixteen parts."
            )
        return part

    def of_dataset(self, dataset: Dataset) -> Dataset:
        """Return the images of this part: consecutive ones, so that a job reads neighbouring files."""
        first, end = (len(dataset) * number // self.count for number in (self.number - 1, self.number))
        return dataset.take(np.arange(first, end))

    def __str__(self) -> str:
        return f"part {self.number} of {self.count}"


@dataclass(frozen=True)
class ExtractedPart:
    """The result of extracting a part of a dataset.

    Attributes
    ----------
    part : Part
    images : int
        Number of images of the part.
    new, cached : int
        Number of embeddings, of all layers and views, that were computed, and that were in the store already.
    skipped : tuple of SkippedImage
        Images that could not be decoded, with the reasons.
    seconds : float
        Duration in wall-clock seconds.
    """

    part: Part
    images: int = 0
    new: int = 0
    cached: int = 0
    skipped: tuple[SkippedImage, ...] = ()
    seconds: float = 0.0
