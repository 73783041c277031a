"""TIFF files: the depth, the polarity and the range of the values that their tags state."""

import io
import math
import struct
from typing import Any

import numpy as np
from PIL import Image, ImageFile, ImageOps
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from hybrid.extractors.images.depth import Samples
from hybrid.extractors.images.limits import check_pixels

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _ORIENTATION = 256, 257, 258, 259, 262, 266, 274
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _MIN, _MAX, _FORMAT, _SMIN, _SMAX = 273, 277, 278, 279, 280, 281, 339, 340, 341
_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED = 1, 2, 3, 4
_KINDS = {_UNSIGNED: "unsigned integer", _SIGNED: "signed integer", _FLOAT: "floating-point"}
_NATIVE = {
    **dict.fromkeys(("I;16S", "I;16BS"), "I;16NS"),
    **dict.fromkeys(("I;32S", "I;32BS"), "I;32NS"),
    **dict.fromkeys(("F;32F", "F;32BF"), "F;32NF"),
}


class TiffFile(TiffImageFile):
    """Pillow's reader of TIFF files, which also notes the polarity of images with more than 8 bits.

    Pillow inverts 8-bit images in which zero is white, but ignores it for 16 bits in one byte order and refuses it in
    the other one.

    Attributes
    ----------
    white_is_zero : bool
        Whether zero is white in values that Pillow does not invert.
    """

    white_is_zero = False

    def _setup(self) -> None:
        bits, kind = _bits_and_kind(self.tag_v2)
        if kind == _UNDEFINED:
            self.tag_v2[_FORMAT] = tuple(_UNSIGNED for _ in self.tag_v2[_FORMAT])
        is_signed_8 = (bits, kind) == (8, _SIGNED)
        if (bits > 8 or is_signed_8) and self.tag_v2.get(_PHOTOMETRIC, 0) == 0:
            self.white_is_zero = _PHOTOMETRIC in self.tag_v2
            self.tag_v2[_PHOTOMETRIC] = 1
        if is_signed_8:  # Pillow takes negative values for bright ones
            raise UnusualTiffError(self.tag_v2, self.white_is_zero)
        try:
            super()._setup()
        except SyntaxError as error:
            if "unknown pixel mode" in str(error):
                raise UnusualTiffError(self.tag_v2, self.white_is_zero) from None
            raise
        self.tile = [tile._replace(args=_native_args(tile)) for tile in self.tile]


class UnusualTiffError(ValueError):
    """Pillow cannot read this kind of pixels. The message names the kind."""

    def __init__(self, tags: ImageFileDirectory_v2, white_is_zero: bool):
        self.tags, self.white_is_zero = tags, white_is_zero
        bits, kind = _bits_and_kind(tags)
        count = tags.get(_SAMPLES, 1)
        channels = f" in {count} channels" if count != 1 else ""
        super().__init__(
            f"{bits}-bit {_KINDS.get(kind, 'unknown')} pixels{channels}, as this TIFF has them, cannot be read; save "
            "the image with 8 or 16 bits, without compression"
        )


def states_limits(image: TiffFile) -> bool:
    """Return whether the tags of an image with more than 8 bits state the values for black and white."""
    bits, kind = _bits_and_kind(image.tag_v2)
    return bits > 8 and _limits(image.tag_v2, bits, kind) is not None


def samples_of(image: TiffFile, values: np.ndarray) -> Samples:
    """Return the values of an image with more than 8 bits as Pillow has read them, with what its tags say."""
    bits, kind = _bits_and_kind(image.tag_v2)
    if kind == _UNSIGNED and bits == 32:  # Pillow has no unsigned mode of 32 bits
        values = values.view(np.uint32) if values.dtype == np.int32 else values
    if values.dtype == np.int32 and bits == 16:
        values = values.astype(np.int16)
    if values.dtype.kind == "u" and bits <= 16:
        values = values.astype(np.uint16, copy=False)
    return Samples(values, _limits(image.tag_v2, bits, kind), image.white_is_zero)


def read_unusual(data: bytes, error: UnusualTiffError) -> tuple[Samples, int]:
    """Return the values of an uncompressed grey TIFF of a kind that Pillow cannot read, and its EXIF orientation.

    These are 9 to 15 bits, 16-bit and 64-bit floating point, 8-bit and 64-bit signed integers and the like.

    Raises
    ------
    UnusualTiffError
        If it has several channels, is compressed or tiled.
    ValueError
        If its size is above the limit, or the file is too short.
    """
    tags = error.tags
    bits, kind = _bits_and_kind(tags)
    plain = all(tags.get(tag, 1) == 1 for tag in (_COMPRESSION, _SAMPLES, _FILL_ORDER)) and _STRIPS in tags
    order = "<" if tags.prefix == b"II" else ">"
    try:
        dtype = np.dtype(f"{order}{'uif'[kind - 1]}{bits // 8}") if bits % 8 == 0 else np.dtype("u2")
    except (TypeError, IndexError):
        raise error from None
    if not plain or (bits % 8 and not (8 < bits < 16 and kind == _UNSIGNED)):
        raise error
    width, height = int(tags[_WIDTH]), int(tags[_HEIGHT])
    check_pixels(width, height)
    row_bytes = math.ceil(width * bits / 8)
    rows = min(int(tags.get(_ROWS, height)), height)
    strips = [
        data[offset : offset + row_bytes * min(rows, height - number * rows)]
        for number, offset in enumerate(tags[_STRIPS][: math.ceil(height / max(rows, 1))])
    ]
    raw = b"".join(strips)
    if len(raw) != row_bytes * height or not width or not height:
        raise ValueError("it begins like a TIFF file, but is damaged or truncated")
    if bits % 8:
        packed = np.frombuffer(raw, np.uint8).reshape(height, row_bytes)
        ones = np.unpackbits(packed, axis=1, count=width * bits).reshape(height, width, bits)
        values: np.ndarray = np.zeros((height, width), np.uint16)
        for bit in range(bits):
            values = values << 1 | ones[..., bit]
    else:
        values = np.frombuffer(raw, dtype).reshape(height, width).astype(dtype.newbyteorder("="))
    limits = _limits(tags, bits, kind)
    return Samples(values, limits, error.white_is_zero), int(tags.get(_ORIENTATION, 1))


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return an image that is turned as an EXIF orientation says."""
    image.getexif()[_ORIENTATION] = orientation
    return ImageOps.exif_transpose(image)


def _native_args(tile: "ImageFile._Tile") -> Any:
    """Return the arguments of a decoder, with the raw mode of the machine for what libtiff decodes.

    libtiff puts the bytes of values into the machine's order. Pillow considers it for unsigned values of 16 bits only.
    """
    args = tile.args
    if tile.codec_name == "libtiff" and isinstance(args, tuple) and args:
        return (_NATIVE.get(args[0], args[0]), *args[1:])
    return args


def _bits_and_kind(tags: ImageFileDirectory_v2) -> tuple[int, int]:
    bits, kind = tags.get(_BITS, (1,)), tags.get(_FORMAT, (_UNSIGNED,))
    return max(bits, default=1), max(kind, default=_UNSIGNED)


def _limits(tags: ImageFileDirectory_v2, bits: int, kind: int) -> tuple[float, float] | None:
    """Return the values for black and white, or None if the tags do not state them.

    MinSampleValue and MaxSampleValue are statistics of the image according to the specification. They count only as the
    statement of a depth, such as 0 and 4095.
    """
    low, high = (_number(tags.get(tag)) for tag in (_SMIN, _SMAX))
    if high is not None and high > (low or 0):
        return low or 0.0, high
    if kind == _UNSIGNED and 8 < bits < 16:
        return 0, 2**bits - 1
    most = _number(tags.get(_MAX))
    if kind == _UNSIGNED and bits > 8 and most is not None and not _number(tags.get(_MIN)):
        depth = round(math.log2(most + 1)) if most > 0 else 0
        if 1 < depth < bits and most == 2**depth - 1:
            return 0, most
    return None


def _number(value: object) -> float | None:
    first = value[0] if isinstance(value, tuple) and value else value
    try:
        number = float(first)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def open_tiff(data: bytes) -> TiffFile:
    """Return a TIFF file after reading its first directory.

    Raises
    ------
    UnusualTiffError
        If Pillow cannot read its kind of pixels.
    ValueError
        If the file is damaged.
    """
    try:
        return TiffFile(io.BytesIO(data), "")
    except (SyntaxError, IndexError, TypeError, struct.error):
        raise ValueError("it begins like a TIFF file, but is damaged or truncated") from None
