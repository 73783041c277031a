"""The decode policy: how encoded images or pixel arrays become uint8 pixels of one size.

The policy has a version number, :data:`POLICY`, which is part of every extractor's identity. Increase it when you
change a rule.

* The format is recognised by the content. Of an animation or a multi-page file, the first frame is used. EXIF
  orientation is applied.
* 16-bit grey is scaled to 8 bits by its full range (65535 becomes 255), not clipped. 16-bit colour keeps the upper
  byte.
* Transparent images are composited on black. CMYK, palette, 1-bit, YCbCr and Lab images are converted to RGB. Colour
  profiles are ignored.
* RGB is converted to grey by ITU-R 601-2 luma (Pillow's "L"); grey is converted to RGB by repeating the channel.
* Resizing stretches the image to the requested size, with antialiasing, in 8 bits. An image of that size stays as it
  is.
* A JPEG of at least twice the requested size is first decoded at a half, a quarter or an eighth of its size, but never
  below the requested size ("draft" decoding). This does not apply to "nearest", which copies existing pixels.
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
# Only these formats are read. Image.open is not used, since it would apply Pillow's own limit besides the user's.
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
    """An image cannot be read or decoded. The message names the image."""


def sniff_format(head: bytes) -> str | None:
    r"""Return the image format that the first bytes of a file indicate.

    Parameters
    ----------
    head : bytes
        The first 32 bytes, or fewer if the file is shorter.

    Returns
    -------
    str or None
        A Pillow format name, or None if the bytes are not of a supported format.

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
    """Return whether an image file is an animation or has several pages. Only the first frame is used.

    Additional pictures in a JPEG (MPO: previews, stereo pictures) do not count.
    """
    kind = sniff_format(data[:32])
    if kind == "PNG":
        return data.find(b"acTL", 0, data.find(b"IDAT")) > 0
    if kind not in ("GIF", "TIFF", "WEBP"):
        return False
    try:
        return getattr(_opened(data, kind), "is_animated", False)
    except Exception:  # a broken file is reported when it is decoded
        return False


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

    Returns
    -------
    ndarray of uint8, (height, width, channels)

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded completely.
    """
    with _named_errors(name):
        image = _to_mode(_as_image(data, None if interpolation == "nearest" else max(size)), channels)
        if image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), resample(interpolation))
        if channels == 3:
            image = image.convert("RGB")
    return np.asarray(image, dtype=np.uint8).reshape(size[0], size[1], channels)


def decode_within(data: bytes | np.ndarray, side: int, name: str = "") -> Image.Image:
    """Return an image for display, grey or RGB, with its own proportions and no side longer than `side` pixels.

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded completely.
    """
    with _named_errors(name):
        image = _to_mode(_as_image(data, 2 * side), 3)
        image.thumbnail((side, side), INTERPOLATIONS["lanczos"])
    return image


def decode_whole(data: bytes | np.ndarray, name: str = "") -> tuple[Image.Image, str]:
    """Return an upright image of its own size, grey or RGB, and the Pillow mode in which it was stored.

    Raises
    ------
    BadImageError
        If the bytes cannot be decoded completely.
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
    """Return Pillow's resampling filter of this name. Raise `InputError` for an unknown name."""
    if interpolation not in INTERPOLATIONS:
        raise unknown_name("interpolation", interpolation, INTERPOLATIONS)
    return INTERPOLATIONS[interpolation]


def _as_image(data: bytes | np.ndarray, min_side: int | None) -> Image.Image:
    """Return an upright image. A large JPEG may be decoded smaller, but with no side shorter than `min_side`."""
    if isinstance(data, np.ndarray):
        return Image.fromarray(data[..., 0] if data.ndim == 3 and data.shape[2] == 1 else data)
    kind = sniff_format(data[:32])
    if kind is None:
        raise ValueError("its content is not an image of a supported format" if data else "the file is empty")
    image = _opened(data, kind)
    if kind == "JPEG" and image.mode in ("L", "RGB") and min_side is not None:
        image.draft(None, (min_side, min_side))
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _opened(data: bytes, kind: str) -> Image.Image:
    """Return an image after reading its header and checking its size, but before decoding it."""
    try:
        image = _FORMATS[kind](io.BytesIO(data), "")
    except (SyntaxError, IndexError, TypeError, struct.error):
        raise ValueError(f"it begins like a {kind} file, but is damaged or truncated") from None
    check_pixels(*image.size)
    return image


def _to_mode(image: Image.Image, channels: int) -> Image.Image:
    """Return the image in mode "L" or "RGB": grey stays grey, which is cheaper to resize."""
    if image.mode.startswith("I"):
        image = _scale_to_8_bits(image)
    elif image.mode == "F":
        raise ValueError("floating-point pixels have no fixed range; save the image with 8 or 16 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    image = image.convert("RGB")
    return image.convert("L") if channels == 1 else image


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8 by the full range, with rounding. Pillow opens 16-bit PNG and PGM files in mode "I", too."""
    pixels = np.array(image, np.int32)
    pixels[pixels == image.info.get("transparency")] = 0
    if pixels.min(initial=0) < 0 or pixels.max(initial=0) > 65535:
        raise ValueError("32-bit integers have no fixed range; save the image with 8 or 16 bits")
    pixels *= 255
    pixels += 32767
    pixels //= 65535
    return Image.fromarray(pixels.astype(np.uint8))
