"""The stored values of the first frame of a DICOM file."""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hybrid.errors import install_command
from hybrid.extractors.images.dicom_header import NATIVE, DicomError, whole_number

if TYPE_CHECKING:
    from pydicom import Dataset

_RLE = "1.2.840.10008.1.2.5"
_LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91",
          "1.2.840.10008.1.2.4.203")  # fmt: skip
_ALLOCATED = (1, 8, 16, 32, 64)
_NEEDED = ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel")


def first_frame(found: "Dataset", rows: int, columns: int, channels: int) -> np.ndarray:
    """Return the stored values of the first frame: (rows, columns) or, converted to RGB, (rows, columns, 3).

    Bits that are not used for pixels are cleared.

    Raises
    ------
    DicomError
        If they cannot be decoded completely, or the header and the pixels do not agree.
    """
    from pydicom.pixels import get_decoder, pixel_array

    syntax = found.file_meta.TransferSyntaxUID
    name = "an unknown transfer syntax" if syntax.name == str(syntax) else f"the transfer syntax {syntax.name!r}"
    try:
        is_available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise DicomError(f"its pixels are in {name}, which cannot be decoded") from None
    if not is_available:
        raise DicomError(f"its pixels are in {name}, whose decoder is missing: {install_command('dicom')}")
    shift = _check_bits(found) if "PixelData" in found else 0
    if str(syntax) not in (*NATIVE, _RLE):
        _keep_checked_codestream(found, (rows, columns, channels))
        shift = 0
    # What lossy compression makes of the largest value can be larger than what the bits hold.
    clears = not shift and str(syntax) not in _LOSSY
    try:
        # Of the decoders for RLE, only pydicom's own raises an ordinary error for damaged pixels.
        plugin = "pydicom" if syntax == _RLE else ""
        pixels = pixel_array(found, index=0, correct_unused_bits=clears, decoding_plugin=plugin)
    except Exception:  # pydicom and its decoders raise nearly anything on damaged files
        raise DicomError(f"its pixels in {name} cannot be decoded (it is truncated or damaged)") from None
    if pixels.shape != ((rows, columns) if channels == 1 else (rows, columns, channels)):
        raise DicomError("its pixels do not have the size that its header states")
    if shift:
        unused = 8 * pixels.dtype.itemsize - whole_number(found, "BitsStored") - shift
        pixels = (pixels << unused) >> (unused + shift)
    return pixels


def _check_bits(found: "Dataset") -> int:
    """Return how many bits are unused below those of a pixel. Raise `DicomError` for an impossible description."""
    if missing := [name for name in _NEEDED if name != "HighBit" and found.get(name) is None]:
        raise DicomError(f"it is a DICOM image whose header lacks {', '.join(missing)}")
    allocated, stored = whole_number(found, "BitsAllocated"), whole_number(found, "BitsStored")
    if allocated not in _ALLOCATED or not 1 <= stored <= allocated:
        raise DicomError(
            f"its header states {stored} bits in {allocated}; expected 1, 8, 16, 32 or 64, of which at least 1 is used"
        )
    shift = whole_number(found, "HighBit", stored - 1) + 1 - stored
    return shift if 0 < shift <= allocated - stored else 0


def _keep_checked_codestream(found: "Dataset", stated: tuple[int, int, int]) -> None:
    """Keep only the compressed first frame, and raise `DicomError` unless it is what the header states, and has an end.

    A small header could hide a picture that does not fit into memory. Decoders fill what is missing at the end of a
    picture.
    """
    from pydicom.encaps import encapsulate, get_frame

    tables = [found.get(name) for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")]
    frames = whole_number(found, "NumberOfFrames", 1) or 1
    try:
        frame = get_frame(
            found.PixelData, 0, number_of_frames=frames, extended_offsets=tuple(tables) if all(tables) else None
        )
    except Exception:  # it raises nearly anything on damaged files
        raise DicomError("its compressed pixels are damaged or truncated") from None
    size = _jpeg_2000_size(frame) if b"\xff\x4f\xff\x51" in frame[:4096] else _jpeg_size(frame)
    if size != stated:
        given = _in_words(*size) if size else "of unknown size"
        raise DicomError(f"it holds a compressed picture {given}, but its header states {_in_words(*stated)}")
    if not frame.rstrip(b"\0\xff").endswith(b"\xff\xd9"):
        raise DicomError("its compressed pixels are truncated: they have no end marker")
    found.PixelData, found.NumberOfFrames = encapsulate([frame]), 1
    for name in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if name in found:
            del found[name]


def _in_words(rows: int, columns: int, channels: int) -> str:
    return f"of {columns}×{rows} pixels" + (f" with {channels} channels" if channels != 1 else "")


def _jpeg_2000_size(frame: bytes) -> tuple[int, int, int] | None:
    """Return height, width and channels of a JPEG 2000 picture."""
    start = frame.index(b"\xff\x4f\xff\x51") + 8
    if len(frame) < start + 34:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", frame, start)
    return bottom - top, right - left, struct.unpack_from(">H", frame, start + 32)[0]


def _jpeg_size(frame: bytes) -> tuple[int, int, int] | None:
    """Return height, width and channels in the frame header of a JPEG or JPEG-LS picture, or None if there is none."""
    for marker, place in _jpeg_segments(frame):
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            return struct.unpack_from(">HHB", frame, place + 3) if len(frame) >= place + 8 else None
    return None


def _jpeg_segments(frame: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker before the scan, with the place of its segment."""
    place = 2
    while place + 4 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker == 0xDA:
            return
        yield marker, place + 2
        place += 2 + struct.unpack_from(">H", frame, place + 2)[0]
