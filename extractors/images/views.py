"""Views of an image: seeded random augmentations, each with its own key and embedding."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.images.augment import POLICY, Augmentation
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.extractors.images.digests import FileDigests, digest_keys
from hybrid.extractors.images.source import Extraction, Source
from hybrid.extractors.store.identity import canonical

_MAX_VIEWS = 10_000  # limit for records read from a file, since each view takes some memory

# Changes as by a patient's position and the exposure. There is no flip, since left and right of a body differ.
MILD = Augmentation((("rotate", 7), ("shift", 0.05), ("zoom", 0.1), ("brightness", 0.1)))


@dataclass(frozen=True)
class Views:
    """A number of seeded random augmentations of each image.

    Parameters
    ----------
    number : int
        Number of views of each image.
    augmentation : Augmentation, default=MILD
        Applied to the image after it is decoded to the network's input size.
    seed : int, default=0
        Seed of the random numbers. A view depends on the seed, its own number and the content of its image, but not on
        the number of views or on other images.

    Raises
    ------
    InputError
        If `number` is below 1, or the augmentation has no operation.
    """

    number: int
    augmentation: Augmentation = MILD
    seed: int = 0

    def __post_init__(self):
        if self.number < 1:
            raise InputError(f"views={self.number} was given; expected 1 or more.")
        if not self.augmentation.operations:
            raise InputError(
                "The augmentation has no operations, so every view would equal the image; name at least one."
            )

    def keys(self, digests: np.ndarray) -> np.ndarray:
        """Return the keys of all views of some images.

        Parameters
        ----------
        digests : ndarray of uint8, (n, 32)
            Digests of the images.

        Returns
        -------
        ndarray of uint8, (n, number, 32)
        """
        numbers = range(1, self.number + 1)
        keys = digest_keys([self.key(digest, view) for digest in map(bytes, digests) for view in numbers])
        return keys.reshape(len(digests), self.number, -1)

    def key(self, digest: bytes, view: int) -> bytes:
        """Return the 32-byte key of a view of an image, which is also its seed. Views are numbered from 1."""
        return hashlib.sha256(digest + self._texts[view - 1]).digest()

    def fields(self) -> dict[str, Any]:
        """Return the views as JSON values; :meth:`from_fields` reads them back."""
        return {"number": self.number, "augmentation": self.augmentation.fields(), "seed": self.seed}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Views":
        """Return the views from the values that :meth:`fields` returned.

        Raises
        ------
        InputError
            If the values are invalid, or are from another version of the augmentation policy.
        """
        try:
            policy = fields["augmentation"]["policy"]
            operations = tuple((str(name), float(strength)) for name, strength in fields["augmentation"]["operations"])
            number, seed = index(fields["number"]), index(fields["seed"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError("The views cannot be read: expected their number, augmentation and seed.") from error
        if policy != POLICY:
            raise InputError(
                f"The views were made by another version of the augmentation policy ({policy!r:.50}; it is {POLICY} "
                "now). Extract them again with --views."
            )
        if number > _MAX_VIEWS or not 0 <= seed < 2**32:
            raise InputError(
                f"{number} views with the seed {seed} are recorded; expected at most {_MAX_VIEWS} views and a seed "
                f"from 0 to {2**32 - 1}."
            )
        return cls(number, Augmentation(operations), seed)

    @cached_property
    def _texts(self) -> list[bytes]:
        """The text for each view that is hashed after the image's digest."""
        fields = {"augmentation": self.augmentation.fields(), "seed": self.seed}
        return [canonical(fields | {"view": view}).encode() for view in range(1, self.number + 1)]


class ViewSource(Source):
    """Images and views of some of them. Each image is followed by its views, and is decoded once for all of them.

    Parameters
    ----------
    X : array-like
        Images, as for `ImageSource`.
    views : Views
        The views to make.
    chosen : ndarray of bool, (n,)
        Whether views are made of each image.
    """

    def __init__(self, X: Any, views: Views, chosen: np.ndarray):
        self._source, self._views, self._chosen = Source.of(X), views, chosen
        counts = 1 + views.number * chosen.astype(int)
        self._image = np.repeat(np.arange(len(counts)), counts)
        self._view = np.arange(counts.sum()) - (np.cumsum(counts) - counts)[self._image]  # 0 is the image itself
        self._last = threading.local()

    def __reduce__(self) -> tuple[type["ViewSource"], tuple[Any, Views, np.ndarray]]:
        return ViewSource, (self._source, self._views, self._chosen)  # what threads hold stays where it is

    def __len__(self) -> int:
        return len(self._image)

    @property
    def paths(self) -> list[str] | None:
        """The path of each image, see `Source`."""
        return self._source.paths

    def of_images(self, first: int, end: int) -> "ViewSource":
        """Return the rows of consecutive images, see `Source`."""
        return ViewSource(self._source.of_images(first, end), self._views, self._chosen[first:end])

    def name(self, number: int) -> str:
        """Return the name of the image in error messages, see `Source`."""
        return self._source.name(int(self._image[number]))

    def digests(self, files: FileDigests) -> tuple[np.ndarray, dict[int, str]]:
        """Return the digest of every image and the key of every view, see `Source`."""
        digests, bad = self._source.digests(files)
        keys = digests[self._image]
        keys[self._view > 0] = self._views.keys(digests[self._chosen]).reshape(-1, keys.shape[1])
        failed = np.isin(self._image, list(bad))
        keys[failed] = 0
        return keys, {number: bad[self._image[number]] for number in np.flatnonzero(failed).tolist()}

    def decode(
        self, number: int, size: tuple[int, int], channels: int, interpolation: str, reading: Reading = AS_STATED
    ) -> tuple[bytes, np.ndarray]:
        """Return the image's digest and pixels, or the view's key and pixels, see `Source`."""
        image, view = int(self._image[number]), int(self._view[number])
        arguments = (image, size, channels, interpolation, reading)
        if getattr(self._last, "arguments", None) != arguments:
            self._last.decoded = self._source.decode(*arguments)
            self._last.arguments = arguments
        digest, pixels = self._last.decoded
        if not view:
            return digest, pixels
        key = self._views.key(digest, view)
        return key, self._views.augmentation(pixels, key)

    def image_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the image that each row comes from, see `Source`."""
        return self._image[numbers]

    def by_image(self, done: Extraction) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
        """Return the keys of the images and of their views, and the skipped images, see `Source`."""
        keys = done.keys[self._view == 0]
        view_keys = np.zeros((len(keys), self._views.number, keys.shape[1]), np.uint8)
        view_keys[self._chosen] = done.keys[self._view > 0].reshape(-1, *view_keys.shape[1:])
        skipped = {int(self._image[number]): reason for number, reason in done.skipped.items()}
        changed = self._chosen & (view_keys != self._views.keys(keys)).any(axis=(1, 2))
        for image in np.flatnonzero(changed).tolist():
            skipped.setdefault(image, "The image changed during the extraction.")
        return keys, view_keys, skipped
