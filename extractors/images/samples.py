"""The values of PNG, PPM and TIFF files with more than 8 bits, with what their headers say about the depth."""

import io
import math
import struct
import sys
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFile, ImageOps

from hybrid.extractors.images.depth import Samples
from hybrid.extractors.images.tiff import TiffFile, samples_of, states_limits

_UPPER = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", "RGB;16L": "RGB;16B", "RGBA;16L": "RGBA;16B"}
_FIRST = "B" if sys.byteorder == "little" else "L"  # the raw mode that takes the first byte of two
_NATIVE = {"RGB;16N": f"RGB;16{_FIRST}", "RGBA;16N": f"RGBA;16{_FIRST}"}
_UNREADABLE = "the lower bits of its 16-bit colour cannot be read; save the image as PNG"
_LOWER = _UPPER | _NATIVE  # raw modes that take the lower byte of 16-bit colour instead of the upper one


def read_samples(data: bytes, image: ImageFile.ImageFile, every_bit: bool = False) -> Samples | None:
    """Decode an image with more than 8 bits and return its values, upright.

    Parameters
    ----------
    data : bytes
        The file.
    image : Image
        The file as Pillow has opened it, not yet decoded.
    every_bit : bool, default=False
        Whether to read both bytes of 16-bit colour, of which Pillow keeps only the upper one. They are also read if the
        file says that it uses fewer bits.

    Returns
    -------
    Samples or None
        None for an image that Pillow decodes to 8 bits.

    Raises
    ------
    NotImplementedError
        If the layout of the file is such that the lower byte of its 16-bit colour cannot be read.
    """
    if image.mode[0] not in "IF":
        return _colour_samples(data, image) if every_bit or _states_fewer_bits(data, image) else None
    limits = None if image.format != "PPM" or _largest_in_header(image) == 65535 else (0, 65535)
    values = np.asarray(_upright(image))
    if isinstance(image, TiffFile):
        return samples_of(image, values)
    values = values.astype(np.uint16)  # PNG and PPM; Pillow opens some 16-bit files in its 32-bit mode
    values[values == image.info.get("transparency")] = 0
    return Samples(values, limits if image.format == "PPM" else _png_limits(values, data))


def _colour_samples(data: bytes, image: ImageFile.ImageFile) -> Samples | None:
    raw_modes = {_raw_mode(tile) for tile in image.tile}
    if image.format == "PPM" and image.mode == "RGB" and _largest_in_header(image) == 65535:
        return _ppm_colour(data, image)
    if not any(";16" in mode for mode in raw_modes):
        return None
    if not raw_modes <= _LOWER.keys():
        raise NotImplementedError(_UNREADABLE)
    upper, lower = (type(image)(io.BytesIO(data), "") for _ in range(2))
    lower.tile = [_with_raw_mode(tile, _LOWER[_raw_mode(tile)]) for tile in lower.tile]
    values = np.asarray(_upright(upper)).astype(np.uint16) << 8 | np.asarray(_upright(lower))
    return samples_of(upper, values) if isinstance(upper, TiffFile) else Samples(values, _png_limits(values, data))


def _upright(image: ImageFile.ImageFile) -> Image.Image:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _states_fewer_bits(data: bytes, image: ImageFile.ImageFile) -> bool:
    """Return whether a file with 16-bit colour says that fewer bits are significant."""
    if image.format == "PNG":
        return data[24:25] == b"\x10" and 0 < _significant_bits(data) < 16
    return isinstance(image, TiffFile) and states_limits(image)


def _png_limits(values: np.ndarray, data: bytes) -> tuple[float, float] | None:
    """Return the values for black and white that the chunk sBIT of a PNG states, or None.

    By the specification, values of n bits are scaled to 16 bits, and sBIT does not change how they are shown. Some
    programs write them unscaled. Then no value exceeds 2ⁿ - 1, and some are none that scaling gives.
    """
    bits = _significant_bits(data)
    if not 0 < bits < 16:
        return None
    most = 2**bits - 1
    if values.max(initial=0) > most:
        return 0, 65535
    small = values.astype(np.int64)
    nearest = (small * most + 32767) // 65535
    shifted = small >> (16 - bits) << (16 - bits)
    is_scaled = (np.abs(nearest * 65535 - small * most) <= most) | (small == shifted)
    return (0, 65535) if is_scaled.all() else (0, most)


def _significant_bits(data: bytes) -> int:
    return next((max(content, default=0) for name, content in _png_chunks(data) if name == b"sBIT"), 0)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and contents of the chunks before the pixels."""
    place = 8
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        if name == b"IDAT":
            return
        yield name, data[place + 8 : place + 8 + min(length, 4)] if name == b"sBIT" else b""
        place += 12 + length


def _largest_in_header(image: ImageFile.ImageFile) -> int:
    """Return the value for white that the header of a PPM file with more than 8 bits states."""
    args = image.tile[0].args
    return int(args[-1]) if isinstance(args, tuple) else 65535 if args == "I;16B" else 0


def _ppm_colour(data: bytes, image: ImageFile.ImageFile) -> Samples:
    if data[:2] != b"P6":
        raise NotImplementedError(_UNREADABLE)
    count = math.prod(image.size) * 3
    if len(data) < image.tile[0].offset + 2 * count:
        raise ValueError("it begins like a PPM file, but is damaged or truncated")
    pixels = np.frombuffer(data, ">u2", count, image.tile[0].offset)
    return Samples(pixels.reshape(image.height, image.width, 3).astype(np.uint16))


def _raw_mode(tile: "ImageFile._Tile") -> str:
    args = tile.args
    return str(args[0] if isinstance(args, tuple) else args)


def _with_raw_mode(tile: "ImageFile._Tile", raw_mode: str) -> "ImageFile._Tile":
    args = tile.args
    new = (raw_mode, *args[1:]) if isinstance(args, tuple) else raw_mode
    return tile._replace(args=new)
