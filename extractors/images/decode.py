"""Image bytes or pixel arrays in, uint8 pixels of one size out: the decode policy.

The policy is part of every extractor's identity (:data:`POLICY`): change a rule, raise the number.

* The format is told by content. Of an animation, or of several pages, the first frame. EXIF orientation is applied.
* 16-bit grey is scaled to 8 bits by its full range (65535 becomes 255), not clipped. Of 16-bit colour, the upper byte.
* Alpha is laid on a black background. CMYK, palettes, 1-bit, YCbCr, Lab go through RGB. Colour profiles are left out.
* RGB to grey is ITU-R 601-2 luma (Pillow's "L"); grey to RGB repeats the channel.
* Resizing stretches to the size asked for, antialiased, in 8 bits; an image of that size is not touched.
* A JPEG of at least twice the size asked for is decoded at a half, a quarter or an eighth, never at less than that
  size, before it is resized ("draft" decoding); not so with "nearest", which picks pixels that are there.
"""

import hashlib
import io
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from hybrid.errors import InputError, reason_of, unknown_name
from hybrid.extractors.images.limits import check_pixels, read_regular

POLICY = 3

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

IMAGE_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".webp",
        ".ppm",
        ".pgm",
        ".pbm",
    }
)

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
# These formats and no others. Not through Image.open: it would add Pillow's own limit to the one that the user set.
_FORMATS: dict[str, Callable[[io.BytesIO, str], Image.Image]] = {
    "JPEG": jpeg_factory,
    "PNG": PngImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "WEBP": WebPImageFile,
    "PPM": PpmImageFile,
}


class BadImageError(InputError):
    """An image that cannot be read or decoded; the message names it."""


def sniff_format(head: bytes) -> str | None:
    r"""Return the image format that the first bytes of a file announce.

    Parameters
    ----------
    head : bytes
        The first 32 bytes, or fewer if the file is shorter.

    Returns
    -------
    str or None
        A Pillow format name, or None if the bytes are no image that is read here.

    Examples
    --------
    >>> sniff_format(b"\x89PNG\r\n\x1a\n"), sniff_format(b"hello")
    ('PNG', None)
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    return None


def has_more_frames(data: bytes) -> bool:
    """Whether an image file is an animation or has several pages, of which only the first is used.

    A JPEG's further pictures (MPO: previews, the other eye) are none of that.
    """
    kind = sniff_format(data[:32])
    if kind == "PNG":
        return data.find(b"acTL", 0, data.find(b"IDAT")) > 0
    if kind not in ("GIF", "TIFF", "WEBP"):
        return False
    try:
        return getattr(_opened(data, kind), "is_animated", False)
    except Exception:  # what cannot be decoded is said when it is decoded
        return False


def read_bytes(path: str) -> bytes:
    """Return a file's bytes; raise `BadImageError` naming it if it cannot be read."""
    try:
        return read_regular(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadImageError(f"Image {path!r} cannot be read: {reason}.") from error


def bytes_digest(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 that identifies an encoded image."""
    return hashlib.sha256(data).digest()


def pixels_digest(pixels: np.ndarray) -> bytes:
    """Return the 32-byte SHA-256 that identifies an array of uint8 pixels, (h, w) or (h, w, c)."""
    header = f"pixels {pixels.shape}\n".encode()
    return hashlib.sha256(header + np.ascontiguousarray(pixels).tobytes()).digest()


def decode(
    data: bytes | np.ndarray,
    size: tuple[int, int],
    channels: int,
    interpolation: str = "bilinear",
    name: str = "",
) -> np.ndarray:
    """Decode one image to uint8 pixels of a fixed size.

    Parameters
    ----------
    data : bytes or ndarray of uint8, (h, w) or (h, w, c)
        An encoded image, or its pixels.
    size : (int, int)
        Height and width, in pixels.
    channels : {1, 3}
        1 for grey, 3 for RGB.
    interpolation : str, default="bilinear"
        A key of :data:`INTERPOLATIONS`.
    name : str, default=""
        What an error calls the image.

    Returns
    -------
    ndarray of uint8, (height, width, channels)

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded whole.
    """
    with _named_errors(name):
        image = _to_mode(_as_image(data, None if interpolation == "nearest" else max(size)), channels)
        if image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), resample(interpolation))
        if channels == 3:
            image = image.convert("RGB")
    return np.asarray(image, dtype=np.uint8).reshape(size[0], size[1], channels)


def decode_within(data: bytes | np.ndarray, side: int, name: str = "") -> Image.Image:
    """Decode one image to be looked at: in its own proportions, grey or RGB, no side above `side` pixels.

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded whole.
    """
    with _named_errors(name):
        image = _to_mode(_as_image(data, 2 * side), 3)
        image.thumbnail((side, side), INTERPOLATIONS["lanczos"])
    return image


def decode_whole(data: bytes | np.ndarray, name: str = "") -> tuple[Image.Image, str]:
    """Decode one image at its own size: upright, grey or RGB; and say in which of Pillow's modes it was stored.

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded whole.
    """
    with _named_errors(name):
        image = _as_image(data, None)
        return _to_mode(image, 3), image.mode


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise BadImageError(f"Image {name!r} cannot be decoded: {reason_of(error).rstrip('.')}.") from error


def resample(interpolation: str) -> Image.Resampling:
    """Return Pillow's filter of that name."""
    if interpolation not in INTERPOLATIONS:
        raise unknown_name("interpolation", interpolation, INTERPOLATIONS)
    return INTERPOLATIONS[interpolation]


def _as_image(data: bytes | np.ndarray, least_side: int | None) -> Image.Image:
    """Open an image upright; a JPEG may come smaller, but no side below `least_side` unless it was."""
    if isinstance(data, np.ndarray):
        return Image.fromarray(data[..., 0] if data.ndim == 3 and data.shape[2] == 1 else data)
    kind = sniff_format(data[:32])
    if kind is None:
        raise ValueError("its content is no image of a format that is read here" if data else "the file is empty")
    image = _opened(data, kind)
    if kind == "JPEG" and image.mode in ("L", "RGB") and least_side is not None:
        image.draft(None, (least_side, least_side))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _opened(data: bytes, kind: str) -> Image.Image:
    """Return an image whose header was read and whose size is allowed; nothing is decoded yet."""
    try:
        image = _FORMATS[kind](io.BytesIO(data), "")
    except (SyntaxError, IndexError, TypeError, struct.error):
        raise ValueError(f"it begins like a {kind} file but is none, or is cut short") from None
    check_pixels(*image.size)
    return image


def _to_mode(image: Image.Image, channels: int) -> Image.Image:
    """Return the image in mode "L" or "RGB": grey stays grey, which is cheaper to resize."""
    if image.mode.startswith("I"):
        image = _scale_to_8_bits(image)
    elif image.mode == "F":
        raise ValueError("floating-point pixels have no fixed range; save it with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    image = image.convert("RGB")
    return image.convert("L") if channels == 1 else image


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8 by the full range, rounded: 65535 becomes 255. Mode "I" holds 16-bit PNG and PGM too."""
    pixels = np.array(image, np.int32)
    pixels[pixels == image.info.get("transparency")] = 0
    if pixels.min(initial=0) < 0 or pixels.max(initial=0) > 65535:
        raise ValueError("32-bit integers have no fixed range; save it with 8 or 16 bits")
    pixels *= 255
    pixels += 32767
    pixels //= 65535
    return Image.fromarray(pixels.astype(np.uint8))
