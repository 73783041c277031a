"""Images of a dataset that are also among those a model was made with, found by their content."""

from dataclasses import dataclass

import numpy as np

from hybrid.datasets.quality.known_copies import known_copies
from hybrid.external.internal import InternalSide
from hybrid.external.new_data import NewData
from hybrid.wording import first_few, number

_NAMES = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True, eq=False)
class Overlap:
    """Images of a dataset that are also among those a model was made with.

    Attributes
    ----------
    known : bool
        Whether it is known which images the model was made with.
    of_split : dict of str to tuple of str
        Ids of the images that are also in each of the model's own splits. An image in several counts in the first of
        train, val and test.
    identical : int
        How many of them are identical, byte for byte; the others are nearly identical, as far as that was measured
        before.
    left_out : bool
        Whether the scores are those without these images.
    """

    known: bool
    of_split: dict[str, tuple[str, ...]]
    identical: int = 0
    left_out: bool = True

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all these images."""
        return tuple(image for ids in self.of_split.values() for image in ids)

    def sentence(self) -> str:
        """Return what a reader has to know; "" if no image is in both."""
        if not self.known:
            return "Whether the model was made with some of these images is not known: its embedding set is not there."
        if not self.ids:
            return ""
        parts = [f"{len(ids)} of its {_NAMES[split]} images" for split, ids in self.of_split.items() if ids]
        are = "is" if len(self.ids) == 1 else "are"
        near = len(self.ids) - self.identical
        how = f" ({near} of them nearly identical)" if near else ""
        end = (
            "left out of all scores here." if self.left_out else "not left out, so that the scores are too optimistic."
        )
        return (
            f"{number(len(self.ids), 'image')} {are} also among those the model was made with{how}, "
            f"{' and '.join(parts)}: {first_few(self.ids)}; {end}"
        )


def find_overlap(data: NewData, internal: InternalSide) -> tuple[Overlap, np.ndarray]:
    """Return the images that are also among those a model was made with, and a mask over the images of the dataset.

    Identical images are found by their digests. Nearly identical ones are found among the images that were measured
    before, by `hybrid data` or by a split that keeps copies together; nothing is decoded.

    Parameters
    ----------
    data : NewData
    internal : InternalSide

    Returns
    -------
    Overlap
    ndarray of bool, shape (n,)
        Whether each image is in both.
    """
    if internal.keys is None or internal.key_splits is None:
        return Overlap(known=False, of_split={}), np.zeros(len(data), bool)
    cluster = known_copies(np.concatenate([internal.keys, data.keys]))
    own, new = cluster[: len(internal.keys)], cluster[len(internal.keys) :]
    of_split: dict[str, tuple[str, ...]] = {}
    found = np.zeros(len(data), bool)
    for split in _NAMES:
        also = np.isin(new, own[internal.key_splits == split]) & ~found
        of_split[split] = tuple(data.ids[also].tolist())
        found |= also
    digests = {key.tobytes() for key in internal.keys}
    identical = sum(key.tobytes() in digests for key in data.keys[found])
    return Overlap(True, of_split, identical), found
