"""Images as they come to an extractor: an array of paths, or an array of uint8 pixels."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.images.decode import bytes_digest, decode, pixels_digest, read_bytes
from hybrid.extractors.images.digests import FileDigests

DIGEST_BYTES = 32


@dataclass
class Extraction:
    """What an extraction did.

    Attributes
    ----------
    keys : ndarray of uint8, (n, 32)
        Digest of each image, zeros where it was skipped.
    new : int
        Images that went through the network.
    cached : int
        Images whose embedding was there, or is that of an identical image.
    skipped : dict of int to str
        Rows that could not be read or decoded, and why.
    animated : int
        Files, new or not, that hold several frames or pages: the first was used.
    seconds : float
        Of the whole extraction.
    cost : float or None
        Seconds that all of these embeddings took when they were computed, now or before; None where nobody knows.
    runtime : str or None
        What ran the network; None if nothing was left to compute.
    """

    keys: np.ndarray
    new: int = 0
    cached: int = 0
    skipped: dict[int, str] = field(default_factory=dict)
    animated: int = 0
    seconds: float = 0.0
    cost: float | None = None
    runtime: str | None = None


class Source(ABC):
    """A sequence of images of which each has a digest and can be decoded."""

    @classmethod
    def of(cls, X: Any) -> "Source":
        """Return what is a source already, and an `ImageSource` of anything else."""
        return X if isinstance(X, Source) else ImageSource(X)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, number: int) -> str:
        """Return what an error calls an image: its path, or its row."""

    @abstractmethod
    def digests(self, memory: FileDigests) -> tuple[np.ndarray, dict[int, str]]:
        """Return the digest of every image.

        Parameters
        ----------
        memory : FileDigests
            Of files seen before.

        Returns
        -------
        keys : ndarray of uint8, (n, 32)
            Zeros where the image cannot be read.
        bad : dict of int to str
            Which those are, and why.
        """

    @abstractmethod
    def decode(self, number: int, size: tuple[int, int], channels: int, interpolation: str) -> tuple[bytes, np.ndarray]:
        """Return an image's digest and its pixels, of the very bytes that were decoded.

        Raises
        ------
        BadImageError
            If the image cannot be read or decoded.
        """

    def by_image(self, done: Extraction) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
        """Return what an extraction of this source did, image by image.

        Returns
        -------
        keys : ndarray of uint8, (n, 32)
            Digests of the images.
        view_keys : ndarray of uint8, (n, k, 32)
            Keys of what else there is of each, zeros where there is nothing.
        skipped : dict of int to str
            Images of which anything could not be had, and why.
        """
        return done.keys, np.empty((len(done.keys), 0, DIGEST_BYTES), np.uint8), done.skipped

    def image_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return which image each number is of, (n,): those of one image are best decoded in turn."""
        return numbers


class ImageSource(Source):
    """Images, each as it is.

    Parameters
    ----------
    X : array-like
        Paths (str or Path) of shape (n,) or (n, 1), such as a DataFrame with one column; or pixels, uint8, of shape
        (n, height, width) or (n, height, width, 1 or 3).

    Raises
    ------
    InputError
        If X is neither.
    """

    def __init__(self, X: Any):
        self._images: list[str] | np.ndarray = _check(X)

    def __len__(self) -> int:
        return len(self._images)

    def name(self, number: int) -> str:
        """Return what an error calls an image, see `Source`."""
        return self._images[number] if isinstance(self._images, list) else f"row {number}"

    def digests(self, memory: FileDigests) -> tuple[np.ndarray, dict[int, str]]:
        """Return the digest of every image, see `Source`."""
        keys = np.zeros((len(self), DIGEST_BYTES), np.uint8)
        bad: dict[int, str] = {}
        if not isinstance(self._images, list):
            for number, pixels in enumerate(self._images):
                keys[number] = np.frombuffer(pixels_digest(pixels), np.uint8)
            return keys, bad
        for number, digest in enumerate(memory(self._images)):
            if isinstance(digest, Exception):
                bad[number] = str(digest)
            else:
                keys[number] = np.frombuffer(digest, np.uint8)
        return keys, bad

    def decode(self, number: int, size: tuple[int, int], channels: int, interpolation: str) -> tuple[bytes, np.ndarray]:
        """Return an image's digest and its pixels, see `Source`."""
        if isinstance(self._images, list):
            data = read_bytes(self._images[number])
            return bytes_digest(data), decode(data, size, channels, interpolation, self._images[number])
        pixels = self._images[number]
        return pixels_digest(pixels), decode(pixels, size, channels, interpolation, self.name(number))


def _check(X: Any) -> list[str] | np.ndarray:
    if isinstance(X, (str, Path)):
        raise InputError(f"One path {str(X)!r} was given; expected a sequence of images: put it in a list.")
    try:
        array = X if isinstance(X, np.ndarray) else np.asarray(X)
    except ValueError as error:
        raise InputError("X holds arrays of different shapes; expected images of one size, or paths.") from error
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
        raise InputError(f"X has shape {array.shape}, which is one RGB image: give image[np.newaxis].")
    if array.dtype == np.uint8 and (array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3))):
        return array
    column = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 and array.dtype != np.uint8 else array
    if column.ndim == 1 and all(isinstance(item, (str, Path)) for item in column):
        return [str(item) for item in column]
    raise InputError(
        f"X has dtype {array.dtype} and shape {array.shape}; expected paths of shape (n,) or one column of paths, or "
        "uint8 pixels from 0 to 255 of shape (n, height, width) or (n, height, width, 1 or 3)."
    )
