"""Corruptions: what may go wrong with a picture, in five strengths each, as seeded changes of its pixels.

They are applied to the pixels that a network sees: after an image was decoded and resized to the network's input size.
The rules below have a version number, :data:`POLICY`, which is part of the keys of corrupted images. Increase it when
you change a rule.

=========  ===========================================================================================================
blur       Gaussian blur with a standard deviation of 0.5, 1, 1.5, 2 or 3 pixels
noise      normal noise with a standard deviation of 4, 8, 16, 24 or 40 of 255 grey levels, independent in each pixel,
           and in each channel unless the image is grey
contrast   the distance of every value from the mean of the image is reduced to 80, 60, 45, 30 or 20 percent
jpeg       stored as JPEG of quality 75, 50, 30, 15 or 7 (Pillow's scale), with colour at half the resolution
rotation   rotated about the centre by 3, 6, 10, 20 or 30 degrees to a random side; the edge pixels fill the corners
=========  ===========================================================================================================

Values are rounded and clipped to 0 to 255. Random numbers depend on the seed and the content of the image alone.
Hendrycks and Dietterich (2019) introduced such tests for photographs; their corruptions are others.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.images.augment import as_image, as_pixels, moved, rotation, scaled
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.extractors.images.digests import FileDigests, digest_keys
from hybrid.extractors.images.source import Source
from hybrid.extractors.store.identity import canonical

POLICY = 1


@dataclass(frozen=True)
class Kind:
    """One kind of corruption.

    Attributes
    ----------
    strengths : tuple of float
        The five strengths, from the weakest to the strongest.
    unit : str
        What the strengths are, for the axis of a figure.
    template : str
        Format string that names a corruption of one strength in a sentence.
    change : callable
        Takes (pixels, strength, rng) and returns the changed pixels.
    """

    strengths: tuple[float, ...]
    unit: str
    template: str
    change: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

    def tick(self, strength: float) -> str:
        """Return a strength as it is written on an axis and in a table: shares as percentages."""
        return f"{strength:.0%}" if "%" in self.template else f"{strength:g}"


@dataclass(frozen=True)
class Corruption:
    """A corruption of one kind and strength.

    Parameters
    ----------
    kind : str
        A key of :data:`KINDS`.
    strength : float
        One of the strengths of the kind, or another number above 0.
    seed : int, default=0
        Seed of the random numbers.

    Raises
    ------
    InputError
        If the kind is unknown or the strength is not above 0.

    Examples
    --------
    >>> Corruption("blur", 2).describe()
    'blur of 2 pixels'
    >>> Corruption("contrast", 0.45).describe()
    'contrast reduced to 45%'
    """

    kind: str
    strength: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("corruption", self.kind, KINDS)
        if not self.strength > 0:
            raise InputError(f"The corruption {self.kind}={self.strength:g} was given; expected a strength above 0.")

    def describe(self) -> str:
        """Return the corruption in words."""
        text = KINDS[self.kind].template.format(self.strength)
        return text.removesuffix("s") if self.strength == 1 else text

    def fields(self) -> dict[str, Any]:
        """Return everything that can change the result, as JSON values."""
        return {"policy": POLICY, "corruption": self.kind, "strength": float(self.strength), "seed": self.seed}

    def key(self, digest: bytes) -> bytes:
        """Return the 32-byte key of a corrupted image, which is also the seed of its random numbers."""
        return hashlib.sha256(digest + canonical(self.fields()).encode()).digest()

    def __call__(self, pixels: np.ndarray, key: bytes) -> np.ndarray:
        """Return the corrupted image.

        Parameters
        ----------
        pixels : ndarray of uint8, (h, w, 1 or 3)
            The image. It is not modified.
        key : bytes
            Seed of the random numbers: the key of the corrupted image.

        Returns
        -------
        ndarray of uint8, (h, w, 1 or 3)
        """
        rng = np.random.default_rng(int.from_bytes(key, "big"))
        return KINDS[self.kind].change(pixels, self.strength, rng)


class CorruptedSource(Source):
    """Images that are corrupted after they are decoded to the size that a network takes.

    Parameters
    ----------
    X : array-like
        Images, as for `ImageSource`.
    corruption : Corruption
    """

    def __init__(self, X: Any, corruption: Corruption):
        self._source, self._corruption = Source.of(X), corruption

    def __len__(self) -> int:
        return len(self._source)

    @property
    def paths(self) -> list[str] | None:
        """The path of each image, see `Source`."""
        return self._source.paths

    def of_images(self, first: int, end: int) -> "CorruptedSource":
        """Return some consecutive images, see `Source`."""
        return CorruptedSource(self._source.of_images(first, end), self._corruption)

    def name(self, number: int) -> str:
        """Return the name of the image in error messages, see `Source`."""
        return self._source.name(number)

    def digests(self, files: FileDigests) -> tuple[np.ndarray, dict[int, str]]:
        """Return the key of every corrupted image, see `Source`."""
        digests, bad = self._source.digests(files)
        keys = digest_keys([self._corruption.key(digest) for digest in map(bytes, digests)]).copy()
        keys[list(bad)] = 0
        return keys, bad

    def decode(
        self, number: int, size: tuple[int, int], channels: int, interpolation: str, reading: Reading = AS_STATED
    ) -> tuple[bytes, np.ndarray]:
        """Return the key and the pixels of a corrupted image, see `Source`."""
        digest, pixels = self._source.decode(number, size, channels, interpolation, reading)
        key = self._corruption.key(digest)
        return key, self._corruption(pixels, key)


def all_corruptions(seed: int = 0) -> list[Corruption]:
    """Return every kind in every strength."""
    return [Corruption(name, strength, seed) for name, kind in KINDS.items() for strength in kind.strengths]


def _blur(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return as_pixels(as_image(pixels).filter(ImageFilter.GaussianBlur(strength)))


def _noise(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    is_grey = (pixels == pixels[..., :1]).all()
    shape = (*pixels.shape[:2], 1 if is_grey else pixels.shape[2])
    noisy = pixels + np.float32(strength) * rng.standard_normal(shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _contrast(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return scaled(pixels, strength, centre=float(pixels.mean()))


def _jpeg(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    file = io.BytesIO()
    as_image(pixels).save(file, "JPEG", quality=round(strength), subsampling="4:2:0")
    return as_pixels(Image.open(file))


def _rotation(pixels: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return moved(pixels, rotation(strength if rng.random() < 0.5 else -strength))


KINDS = {
    "blur": Kind((0.5, 1, 1.5, 2, 3), "blur, standard deviation in pixels", "blur of {:g} pixels", _blur),
    "noise": Kind((4, 8, 16, 24, 40), "noise, standard deviation in grey levels", "noise of {:g} grey levels", _noise),
    "contrast": Kind((0.8, 0.6, 0.45, 0.3, 0.2), "contrast that is left", "contrast reduced to {:.0%}", _contrast),
    "jpeg": Kind((75, 50, 30, 15, 7), "JPEG quality", "JPEG of quality {:g}", _jpeg),
    "rotation": Kind((3, 6, 10, 20, 30), "rotation in degrees", "rotation by {:g}°", _rotation),
}
