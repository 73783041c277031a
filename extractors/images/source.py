"""Sources of images for an extractor: an array of paths, or an array of uint8 pixels."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.images.decoding import bytes_digest, decode, pixels_digest, read_bytes
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.store.cost import Pass, total

DIGEST_BYTES = 32


@dataclass
class Extraction:
    """The result of an extraction.

    Attributes
    ----------
    keys : ndarray of uint8, (n, 32)
        Digest of each image; zeros for skipped images.
    new : int
        Number of images that went through the network.
    cached : int
        Number of images whose embedding was already stored, or is that of an identical image.
    skipped : dict of int to str
        Rows that could not be read or decoded, with the reasons.
    animated : int
        Number of files with several frames or pages, of which the first was used.
    seconds : float
        Duration of the whole extraction, in which stored embeddings take almost no time.
    passes : list of Pass
        The passes of the network that computed these embeddings, now or earlier, and their times.
    runtime : str or None
        Name of the runtime that ran the network; None if nothing had to be computed.
    """

    keys: np.ndarray
    new: int = 0
    cached: int = 0
    skipped: dict[int, str] = field(default_factory=dict)
    animated: int = 0
    seconds: float = 0.0
    passes: list[Pass] = field(default_factory=list)
    runtime: str | None = None

    @property
    def cost(self) -> float | None:
        """Wall-clock seconds in which all of these embeddings were computed; None if this is not known."""
        return total(one.wall for one in self.passes)

    @property
    def processor(self) -> float | None:
        """Processor seconds in which all of these embeddings were computed; None if this is not known."""
        return total(one.processor for one in self.passes)


class Source(ABC):
    """A sequence of images. Each image has a digest and can be decoded."""

    @classmethod
    def of(cls, X: Any) -> "Source":
        """Return X if it is a source, otherwise an `ImageSource` of X."""
        return X if isinstance(X, Source) else ImageSource(X)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, number: int) -> str:
        """Return the name of an image in error messages: its path, or its row."""

    @abstractmethod
    def digests(self, files: FileDigests) -> tuple[np.ndarray, dict[int, str]]:
        """Return the digest of every image.

        Parameters
        ----------
        files : FileDigests
            Computes the digests of files.

        Returns
        -------
        keys : ndarray of uint8, (n, 32)
            The digests; zeros for images that cannot be read.
        bad : dict of int to str
            Numbers of the images that cannot be read, with the reasons.
        """

    @abstractmethod
    def decode(
        self, number: int, size: tuple[int, int], channels: int, interpolation: str, reading: Reading = AS_STATED
    ) -> tuple[bytes, np.ndarray]:
        """Return the digest and the decoded pixels of an image. Both are of the same bytes, read once.

        Parameters
        ----------
        number : int
            Number of the image.
        size, channels, interpolation, reading
            As for `hybrid.extractors.images.decoding.decode`.

        Returns
        -------
        digest : bytes
            SHA-256 of the image, 32 bytes.
        pixels : ndarray of uint8, (height, width, channels)

        Raises
        ------
        BadImageError
            If the image cannot be read or decoded.
        """

    def by_image(self, done: Extraction) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
        """Return the result of an extraction of this source by image, with the views of each.

        Parameters
        ----------
        done : Extraction
            The result by row: a row for each image and for each view.

        Returns
        -------
        keys : ndarray of uint8, (n, 32)
            Digests of the images.
        view_keys : ndarray of uint8, (n, k, 32)
            Keys of the k views of each image; zeros for images without views.
        skipped : dict of int to str
            Images that were skipped because they, or one of their views, could not be extracted, with the reasons.
        """
        return done.keys, np.empty((len(done.keys), 0, DIGEST_BYTES), np.uint8), done.skipped

    def image_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the image (n,) that each row comes from. Rows of one image follow each other."""
        return numbers

    @property
    @abstractmethod
    def paths(self) -> list[str] | None:
        """The path of each image; None if the images are in memory."""

    @abstractmethod
    def of_images(self, first: int, end: int) -> "Source":
        """Return the rows of consecutive images."""

    def shards(self, rows: int) -> Iterator[tuple[int, "Source"]]:
        """Divide the rows into sources of at least `rows` rows, without dividing those of an image.

        Yields
        ------
        first : int
            Number of the first row.
        source : Source
        """
        image = self.image_of(np.arange(len(self)))
        starts = np.flatnonzero(np.diff(image, prepend=-1))  # the first row of each image
        first = 0
        while first < len(self):
            following = np.searchsorted(starts, first + rows)
            end = int(starts[following]) if following < len(starts) else len(self)
            yield first, self.of_images(int(image[first]), int(image[end - 1]) + 1)
            first = end


class ImageSource(Source):
    """Images without views: each row is one image.

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
        self.images: list[str] | np.ndarray = _check(X)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def paths(self) -> list[str] | None:
        """The path of each image, see `Source`."""
        return self.images if isinstance(self.images, list) else None

    def of_images(self, first: int, end: int) -> "ImageSource":
        """Return the rows of consecutive images, see `Source`."""
        return ImageSource(self.images[first:end])

    def name(self, number: int) -> str:
        """Return the name of an image in error messages, see `Source`."""
        return self.images[number] if isinstance(self.images, list) else f"row {number}"

    def digests(self, files: FileDigests) -> tuple[np.ndarray, dict[int, str]]:
        """Return the digest of every image, see `Source`."""
        keys = np.zeros((len(self), DIGEST_BYTES), np.uint8)
        bad: dict[int, str] = {}
        if not isinstance(self.images, list):
            for number, pixels in enumerate(self.images):
                keys[number] = np.frombuffer(pixels_digest(pixels), np.uint8)
            return keys, bad
        for number, digest in enumerate(files(self.images)):
            if isinstance(digest, Exception):
                bad[number] = str(digest)
            else:
                keys[number] = np.frombuffer(digest, np.uint8)
        return keys, bad

    def decode(
        self, number: int, size: tuple[int, int], channels: int, interpolation: str, reading: Reading = AS_STATED
    ) -> tuple[bytes, np.ndarray]:
        """Return an image's digest and its pixels, see `Source`."""
        if isinstance(self.images, list):
            data = read_bytes(self.images[number])
            return bytes_digest(data), decode(data, size, channels, interpolation, self.images[number], reading)
        pixels = self.images[number]
        return pixels_digest(pixels), decode(pixels, size, channels, interpolation, self.name(number), reading)


def _check(X: Any) -> list[str] | np.ndarray:
    if isinstance(X, (str, Path)):
        raise InputError(f"One path {str(X)!r} was given; expected a sequence of images. Put the path in a list.")
    try:
        array = X if isinstance(X, np.ndarray) else np.asarray(X)
    except ValueError as error:
        raise InputError("X contains arrays of different shapes; expected images of one size, or paths.") from error
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
        raise InputError(f"X has shape {array.shape}, which is a single RGB image; give image[np.newaxis].")
    if array.dtype == np.uint8 and (array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3))):
        return array
    column = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 and array.dtype != np.uint8 else array
    if column.ndim == 1 and all(isinstance(item, (str, Path)) for item in column):
        return [str(item) for item in column]
    raise InputError(
        f"X has dtype {array.dtype} and shape {array.shape}; expected paths of shape (n,) or one column of paths, or "
        "uint8 pixels from 0 to 255 of shape (n, height, width) or (n, height, width, 1 or 3)."
    )
