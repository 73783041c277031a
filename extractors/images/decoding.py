"""The decode policy: how encoded images or pixel arrays become uint8 pixels of one size.

The policy has a version number, :data:`POLICY`, which is part of every extractor's identity. Increase it when you
change a rule.

* The format is recognised by the content. Of an animation or a multi-page file, the first frame is used. EXIF
  orientation is applied.
* More than 8 bits are scaled to 8 by their full range (65535 becomes 255), not clipped. The full range is that of the
  depth in the header: TIFF files of 9 to 15 bits, the range in SMinSampleValue and SMaxSampleValue, a depth in
  MaxSampleValue, and a PNG whose values are those of fewer bits in sBIT. Otherwise it is that of `Reading.bit_depth` or
  of all bits. 16-bit colour of full range keeps the upper byte. Where zero is white, values are inverted.
* Values without a fixed range (floating point, signed, 32-bit) are refused unless the header or the `Reading` states
  one.
* DICOM files are read as `hybrid.extractors.images.dicom` says.
* Transparent images are composited on black. CMYK, palette, 1-bit, YCbCr and Lab images are converted to RGB. Colour
  profiles are ignored.
* RGB is converted to grey by ITU-R 601-2 luma (Pillow's "L"); grey is converted to RGB by repeating the channel.
* Resizing stretches the image to the requested size, with antialiasing, in 8 bits. An image of that size stays as it
  is.
* A JPEG of at least twice the requested size is first decoded at a half, a quarter or an eighth of its size, but never
  below the requested size ("draft" decoding). This does not apply to "nearest", which copies existing pixels.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from hybrid.errors import SKIP_BAD, InputError, MissingExtraError, reason_of, unknown_name
from hybrid.extractors.images.depth import AS_STATED, Reading, Samples, to_8_bits
from hybrid.extractors.images.dicom import read_dicom
from hybrid.extractors.images.formats import HEAD_BYTES, open_image, sniff_format
from hybrid.extractors.images.limits import read_regular
from hybrid.extractors.images.samples import read_samples
from hybrid.extractors.images.tiff import UnusualTiffError, read_unusual, turned

POLICY = 4
EARLIER_POLICIES = (3,)  # they decode images of 8 bits in the same way

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class BadImageError(InputError):
    """An image cannot be read or decoded. The message names the image."""


def refuse_bad(bad: dict[int, str], on_bad: str) -> None:
    """Raise `BadImageError` if there are images that cannot be decoded and `on_bad` is ``"raise"``."""
    if bad and on_bad == "raise":
        first = next(iter(bad.values()))
        number = len(set(bad.values()))  # views fail together with their image
        more = f" ({number} such images so far.)" if number > 1 else ""
        raise BadImageError(
            f"{first}{more} Repair or remove it, or skip such images with {SKIP_BAD}. `hybrid data` lists all "
            "such images of a dataset."
        )


def read_bytes(path: str) -> bytes:
    """Return the bytes of a file. Raise `BadImageError` with its name if it cannot be read."""
    try:
        return read_regular(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadImageError(f"Image {path!r} cannot be read: {reason}.") from error


def bytes_digest(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 that identifies an encoded image."""
    return hashlib.sha256(data).digest()


def pixels_digest(pixels: np.ndarray) -> bytes:
    """Return the 32-byte SHA-256 that identifies an array of uint8 pixels of shape (h, w) or (h, w, c)."""
    header = f"pixels {pixels.shape}\n".encode()
    return hashlib.sha256(header + np.ascontiguousarray(pixels).tobytes()).digest()


def decode(
    data: bytes | np.ndarray,
    size: tuple[int, int],
    channels: int,
    interpolation: str = "bilinear",
    name: str = "",
    reading: Reading = AS_STATED,
) -> np.ndarray:
    """Decode one image to uint8 pixels of a fixed size.

    Parameters
    ----------
    data : bytes or ndarray of uint8, (h, w) or (h, w, c)
        An encoded image, or its pixels.
    size : (int, int)
        Height and width of the result, in pixels.
    channels : {1, 3}
        1 for grey, 3 for RGB.
    interpolation : str, default="bilinear"
        A key of :data:`INTERPOLATIONS`.
    name : str, default=""
        Name of the image in error messages.
    reading : Reading, default=AS_STATED
        How pixels with more than 8 bits are read.

    Returns
    -------
    ndarray of uint8, (height, width, channels)

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded completely.
    """
    with _named_errors(name):
        min_side = None if interpolation == "nearest" else max(size)
        image = _to_mode(_decoded(data, min_side, reading).image, channels)
        if image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), resample(interpolation))
        if channels == 3:
            image = image.convert("RGB")
    return np.asarray(image, dtype=np.uint8).reshape(size[0], size[1], channels)


def decode_within(data: bytes | np.ndarray, side: int, name: str = "", reading: Reading = AS_STATED) -> Image.Image:
    """Return an image for display, grey or RGB, with its own proportions and no side longer than `side` pixels.

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded completely.
    """
    with _named_errors(name):
        image = _to_mode(_decoded(data, 2 * side, reading).image, 3)
        image.thumbnail((side, side), INTERPOLATIONS["lanczos"])
    return image


@dataclass(frozen=True, eq=False)
class WholeImage:
    """An upright image of its own size.

    Attributes
    ----------
    image : Image
        The image, in 8 bits.
    mode : str
        The Pillow mode in which it is stored, or a similar name, such as "I;12" for 12 bits.
    peak : int
        Largest value if 16-bit values could use fewer bits without the header saying so, otherwise 0.
    """

    image: Image.Image
    mode: str
    peak: int = 0


def decode_whole(data: bytes | np.ndarray, name: str = "", reading: Reading = AS_STATED) -> WholeImage:
    """Return an upright image of its own size, grey or RGB.

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded completely.
    """
    with _named_errors(name):
        whole = _decoded(data, None, reading, every_bit=True)
        return WholeImage(_to_mode(whole.image, 3), whole.mode, whole.peak)


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    try:
        yield
    except MissingExtraError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise BadImageError(f"Image {name!r} cannot be decoded: {reason_of(error).rstrip('.')}.") from error


def resample(interpolation: str) -> Image.Resampling:
    """Return Pillow's resampling filter of this name. Raise `InputError` for an unknown name."""
    if interpolation not in INTERPOLATIONS:
        raise unknown_name("interpolation", interpolation, INTERPOLATIONS)
    return INTERPOLATIONS[interpolation]


def _decoded(data: bytes | np.ndarray, min_side: int | None, reading: Reading, every_bit: bool = False) -> WholeImage:
    """Return an upright image in 8 bits. A large JPEG may be decoded smaller, but with no side below `min_side`.

    Both bytes of 16-bit colour are read if `every_bit` is true and its file allows it, or if a bit depth is given.
    """
    if isinstance(data, np.ndarray):
        image = Image.fromarray(data[..., 0] if data.ndim == 3 and data.shape[2] == 1 else data)
        return WholeImage(image, image.mode)
    kind = sniff_format(data[:HEAD_BYTES])
    if kind is None:
        raise ValueError("its content is not an image of a supported format" if data else "the file is empty")
    if kind == "DICOM":
        pixels, mode = read_dicom(data, reading)
        return WholeImage(Image.fromarray(pixels), mode)
    try:
        image = open_image(data, kind)
    except UnusualTiffError as error:
        samples, orientation = read_unusual(data, error)
        return _of_samples(samples, reading, str(samples.values.dtype), orientation)
    mode = image.mode
    try:
        found = read_samples(data, image, every_bit or reading.bit_depth is not None)
    except NotImplementedError as error:
        if reading.bit_depth is not None:
            raise ValueError(str(error)) from error
        found = None
    if found is not None:
        return _of_samples(found, reading, mode)
    if kind == "JPEG" and mode in ("L", "RGB") and min_side is not None:
        image.draft(None, (min_side, min_side))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return WholeImage(image, mode)


def _of_samples(samples: Samples, reading: Reading, mode: str, orientation: int = 1) -> WholeImage:
    return WholeImage(turned(Image.fromarray(to_8_bits(samples, reading)), orientation), mode, samples.peak)


def _to_mode(image: Image.Image, channels: int) -> Image.Image:
    """Return the image in mode "L" or "RGB": grey stays grey, which is cheaper to resize."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    image = image.convert("RGB")
    return image.convert("L") if channels == 1 else image
