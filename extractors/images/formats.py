"""Image formats: recognising them by the content, and opening files before they are decoded."""

import io
import struct
from collections.abc import Callable

from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.WebPImagePlugin import WebPImageFile

from hybrid.extractors.images.dicom_header import is_dicom, number_of_frames
from hybrid.extractors.images.limits import check_pixels
from hybrid.extractors.images.tiff import TiffFile

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
        ".dcm",
        ".dicom",
    }
)
HEAD_BYTES = 160  # first bytes of a file that show its format: DICOM files begin with 128 bytes of any content

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
_FORMATS: dict[str, Callable[[io.BytesIO, str], ImageFile.ImageFile]] = {
    "JPEG": jpeg_factory,
    "PNG": PngImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffFile,
    "WEBP": WebPImageFile,
    "PPM": PpmImageFile,
}


def sniff_format(head: bytes) -> str | None:
    r"""Return the image format that the first bytes of a file indicate.

    Parameters
    ----------
    head : bytes
        The first :data:`HEAD_BYTES` bytes, or fewer if the file is shorter.

    Returns
    -------
    str or None
        A Pillow format name or ``"DICOM"``, or None if the bytes are not of a supported format.

    Examples
    --------
    >>> sniff_format(b"\x89PNG\r\n\x1a\n"), sniff_format(b"hello")
    ('PNG', None)
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return "DICOM" if name == "TIFF" and head[128:132] == b"DICM" else name  # a file can be both
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    return "DICOM" if is_dicom(head) else None


def has_more_frames(data: bytes) -> bool:
    """Return whether an image file is an animation or has several pages. Only the first frame is used.

    Additional pictures in a JPEG (MPO: previews, stereo pictures) do not count.
    """
    kind = sniff_format(data[:HEAD_BYTES])
    if kind == "PNG":
        return data.find(b"acTL", 0, data.find(b"IDAT")) > 0
    if kind not in ("GIF", "TIFF", "WEBP", "DICOM"):
        return False
    try:
        if kind == "DICOM":
            return number_of_frames(data) > 1
        return getattr(open_image(data, kind), "is_animated", False)
    except Exception:  # a broken file is reported when it is decoded
        return False


def open_image(data: bytes, kind: str) -> ImageFile.ImageFile:
    """Return an image after reading its header and checking its size, but before decoding it."""
    try:
        image = _FORMATS[kind](io.BytesIO(data), "")
    except (SyntaxError, IndexError, TypeError, struct.error):
        raise ValueError(f"it begins like a {kind} file, but is damaged or truncated") from None
    check_pixels(*image.size)
    return image
