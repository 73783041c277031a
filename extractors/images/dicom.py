"""DICOM files: their pixels as a viewer shows them, and their header without what identifies a patient.

* The first frame is used. Overlays are ignored, also those in unused bits of the pixels.
* The modality LUT or the rescale slope and intercept are applied, then the VOI LUT, or the first window, or the window
  of the `Reading`. The functional groups of the first frame count too.
* Without a window, unsigned values of up to 8 bits stay as they are (0 to 2ⁿ - 1 for n bits). Otherwise, and with the
  window "full", the range is from the smallest to the largest value of the image, without padding, as in viewers.
* MONOCHROME1 is inverted. Padding is black. Palette and YBR colours are converted to RGB.
"""

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hybrid.errors import MissingExtraError
from hybrid.extractors.images.depth import Reading, scaled
from hybrid.extractors.images.limits import check_pixels, max_pixels, open_regular

if TYPE_CHECKING:
    from pydicom import Dataset

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_HEADER_BYTES = 2**26  # allowance for everything but the pixels when a deflated file is inflated
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
_RLE = "1.2.840.10008.1.2.5"
_VRS = {b"UL", b"CS", b"UI", b"OB", b"DA", b"TM", b"SH", b"LO", b"DT"}  # of the first elements of a file
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_GREY = ("MONOCHROME1", "MONOCHROME2")
_TRANSFORM = (
    "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence",
    "VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction",
)  # fmt: skip


def is_dicom(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a DICOM file, also of one without its preamble.

    Parameters
    ----------
    head : bytes
        At least the first 132 bytes, or the whole file if it is shorter.
    """
    if head[128:132] == b"DICM":
        return True
    if len(head) < 132:
        return False
    for order in "<>":
        group, element = struct.unpack_from(f"{order}HH", head)
        if group in (2, 8) and element <= 0x20:
            (length,) = struct.unpack_from("<I", head, 4)
            value = head[8 : 8 + length]
            is_text = 0 < length <= 64 and length % 2 == 0 and all(32 <= byte < 127 or not byte for byte in value)
            if head[4:6] in _VRS or (order == "<" and (is_text or (length == 4 and element <= 1))):
                return True
    return False


def read_dicom(data: bytes, reading: Reading) -> tuple[np.ndarray, str]:
    """Return the first frame of a DICOM file in 8 bits, as a viewer shows it.

    Parameters
    ----------
    data : bytes
        The file.
    reading : Reading
        Its window replaces that of the file.

    Returns
    -------
    pixels : ndarray of uint8, (h, w) or (h, w, 3)
    mode : str
        How they are stored, similar to Pillow's modes: "I;12" for 12 bits of grey.

    Raises
    ------
    MissingExtraError
        If pydicom is not installed.
    ValueError
        If the file cannot be decoded completely. The message does not quote its header.
    """
    from_file = _quietly(data)
    rows, columns = (int(from_file.get(name) or 0) for name in ("Rows", "Columns"))
    photometric = str(from_file.get("PhotometricInterpretation", "MONOCHROME2")).strip()
    if not any(name in from_file for name in _PIXELS) or not rows or not columns:
        raise ValueError(f"it is a DICOM file without an image ({_class_in_words(from_file)})")
    check_pixels(columns, rows)
    if int(from_file.get("SamplesPerPixel") or 1) not in (1, 3):
        raise ValueError("it is a DICOM file with an unknown number of channels; expected 1 or 3")
    pixels = _first_frame(from_file, rows, columns)
    bits = int(from_file.get("BitsStored") or 8 * pixels.dtype.itemsize)
    if pixels.ndim == 3:
        return scaled(pixels, 0, 2**bits - 1), "RGB"
    if photometric == "PALETTE COLOR":
        return _coloured(pixels, from_file), "P"
    grey = _displayed(pixels, bits, from_file, reading)
    if photometric == "MONOCHROME1":
        grey = 255 - grey
    padding = _padding(pixels, from_file)
    return np.where(padding, np.uint8(0), grey) if padding is not None else grey, "L" if bits <= 8 else f"I;{bits}"


def number_of_frames(data: bytes) -> int:
    """Return the number of frames that the header of a DICOM file states."""
    return int(_quietly(data, ["NumberOfFrames"]).get("NumberOfFrames") or 1)


def read_header(file: BinaryIO, tags: Iterable[str]) -> dict[str, str]:
    """Return the values of some tags of a DICOM file as text, without reading its pixels.

    Parameters
    ----------
    file : binary file
        The file, at its start.
    tags : iterable of str
        Keywords such as "ViewPosition".

    Returns
    -------
    dict of str to str
        The values by keyword. Several values of a tag are joined by backslashes. Missing and empty tags are left out.

    Raises
    ------
    MissingExtraError
        If pydicom is not installed.
    ValueError
        If the header cannot be read. The message does not quote it.
    """
    tags = list(tags)
    found = _quietly(file.read() if _DEFLATED in file.read(4096) else file, tags)
    values = {}
    for tag in tags:
        value = found.get(tag)
        parts = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
        if text := "\\".join(str(part).strip() for part in parts if part is not None).strip("\\ "):
            values[tag] = text
    return values


def dicom_size(path: str) -> tuple[int, int, bool] | None:
    """Return height and width of a DICOM file and whether it is grey, or None for a file of another format.

    Raises
    ------
    MissingExtraError
        If pydicom is not installed.
    OSError, ValueError
        If the file cannot be read.
    """
    with open_regular(path) as file:
        if not is_dicom(file.read(160)):
            return None
        file.seek(0)
        found = read_header(file, ["Rows", "Columns", "PhotometricInterpretation"])
    height, width = (int(found.get(name, 0)) for name in ("Rows", "Columns"))
    if not height or not width:
        raise ValueError("it is a DICOM file without an image")
    return height, width, found.get("PhotometricInterpretation") in _GREY


def pydicom_or_error() -> Any:
    """Return the package pydicom, which does not warn about files while it reads them.

    Its warnings quote values of the header, which can be names.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtraError("pydicom", "dicom", "Reading DICOM files") from error
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    return pydicom


def _quietly(data: "bytes | BinaryIO", tags: list[str] | None = None) -> "Dataset":
    """Return the dataset of a file, or some of its tags. Errors do not quote what is in it."""
    pydicom = pydicom_or_error()
    if isinstance(data, bytes):
        _check_deflated(data)
        data = io.BytesIO(data)
    else:
        data.seek(0)
    try:
        found = pydicom.dcmread(data, force=True, stop_before_pixels=tags is not None, specific_tags=tags)
        for tag in tags or (*_TRANSFORM, "Rows", "Columns", "NumberOfFrames"):
            found.get(tag)  # values are converted when they are first used
    except MissingExtraError:
        raise
    except Exception as error:  # pydicom raises nearly anything on damaged files
        raise ValueError(f"its DICOM header is damaged ({type(error).__name__})") from None
    if not hasattr(found, "file_meta") or "TransferSyntaxUID" not in found.file_meta:
        _assume_native(found)
    return found


def _assume_native(found: "Dataset") -> None:
    """State the transfer syntax of a file without file meta information, which cannot be compressed."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    implicit, little = found.original_encoding
    if not hasattr(found, "file_meta"):
        found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = UID(_NATIVE[0 if implicit else 1 if little else 2])


def _check_deflated(data: bytes) -> None:
    """Raise `ValueError` if a deflated file inflates to more than an image within the limits needs."""
    if _DEFLATED not in data[:4096]:
        return
    if data[128:136] != b"DICM\x02\0\0\0":
        raise ValueError("it is a deflated DICOM file without a usual header")
    (length,) = struct.unpack_from("<I", data, 140)
    most = 8 * max_pixels() + _HEADER_BYTES
    inflater, rest, size = zlib.decompressobj(-zlib.MAX_WBITS), data[144 + length :], 0
    while rest and not inflater.eof:
        try:
            size += len(inflater.decompress(rest, 2**24))
        except zlib.error:
            raise ValueError("it is a deflated DICOM file, but is damaged or truncated") from None
        rest = inflater.unconsumed_tail
        if size > most:
            raise ValueError(
                f"it inflates to more than the limit of {most:,} bytes; if you trust it, raise --max-pixels"
            )


def _first_frame(found: "Dataset", rows: int, columns: int) -> np.ndarray:
    """Return the stored values of the first frame: (rows, columns) or, converted to RGB, (rows, columns, 3)."""
    from pydicom.pixels import pixel_array

    syntax = found.file_meta.TransferSyntaxUID
    if str(syntax) not in (*_NATIVE, _RLE):
        _check_codestream(found, rows, columns)
    bits, allocated = found.get("BitsStored"), found.get("BitsAllocated")
    spare = int(found.get("HighBit") or 0) + 1 - int(bits or 0) if str(syntax) in (*_NATIVE, _RLE) else 0
    shifted = bool(bits and allocated and 0 < spare <= allocated - bits)
    try:
        pixels = pixel_array(found, index=0, correct_unused_bits=not shifted)
    except Exception as error:  # pydicom and its decoders raise nearly anything on damaged files
        reason = " (it is truncated or damaged)" if not isinstance(error, NotImplementedError) else ""
        raise ValueError(f"its pixels in the transfer syntax {syntax.name!r} cannot be decoded{reason}") from None
    if pixels.shape[:2] != (rows, columns):
        raise ValueError("its pixels do not have the size that its header states")
    if shifted:
        unused = 8 * pixels.dtype.itemsize - int(bits) - spare
        pixels = (pixels << unused) >> (unused + spare)
    return pixels


def _check_codestream(found: "Dataset", rows: int, columns: int) -> None:
    """Raise `ValueError` unless the compressed first frame has the size that the header states.

    A small header could hide a picture that does not fit into memory.
    """
    from pydicom.encaps import get_frame

    try:
        frame = get_frame(found.PixelData, 0, number_of_frames=int(found.get("NumberOfFrames") or 1))
    except Exception:  # it raises nearly anything on damaged files
        raise ValueError("its compressed pixels are damaged or truncated") from None
    size = _jpeg_2000_size(frame) if b"\xff\x4f\xff\x51" in frame[:4096] else _jpeg_size(frame)
    if size != (rows, columns):
        given = f"of {size[1]}×{size[0]} pixels" if size else "of unknown size"
        raise ValueError(f"it holds a compressed picture {given}, but its header states {columns}×{rows}")


def _jpeg_2000_size(frame: bytes) -> tuple[int, int] | None:
    start = frame.index(b"\xff\x4f\xff\x51") + 8
    if len(frame) < start + 16:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", frame, start)
    return bottom - top, right - left


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """Return height and width in the frame header of a JPEG or JPEG-LS picture, or None if there is none."""
    for marker, place in _jpeg_segments(frame):
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            return struct.unpack_from(">HH", frame, place + 3) if len(frame) >= place + 7 else None
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


def _displayed(pixels: np.ndarray, bits: int, found: "Dataset", reading: Reading) -> np.ndarray:
    """Return grey values in 8 bits, after the transformations of the file and the window."""
    how = _transform(found)
    values: np.ndarray = pixels
    if luts := how.get("ModalityLUTSequence"):
        values = _looked_up(pixels, luts[0], found)[0]
    elif (slope := how.get("RescaleSlope")) is not None:
        intercept = how.get("RescaleIntercept")
        if (slope, intercept or 0) != (1, 0):
            values = pixels * float(slope) + float(intercept or 0)
    if not isinstance(reading.window, str):
        return _windowed(values, *reading.window, "LINEAR" if reading.window[1] >= 1 else "LINEAR_EXACT")
    if reading.window == "file":
        if luts := how.get("VOILUTSequence"):
            looked_up, most = _looked_up(values, luts[0], found)
            return scaled(looked_up, 0, most)
        centre, width = (_first_number(how.get(name)) for name in ("WindowCenter", "WindowWidth"))
        function = str(how.get("VOILUTFunction") or "LINEAR").strip().upper()
        if centre is not None and width is not None and width >= (1 if function == "LINEAR" else math.ulp(0)):
            return _windowed(values, centre, width, function)
        if values is pixels and pixels.dtype.kind == "u" and bits <= 8:
            return scaled(values, 0, 2**bits - 1)
    padding = _padding(pixels, found)
    shown = values if padding is None else values[~padding]
    return scaled(values, float(shown.min()), float(shown.max())) if shown.size else np.zeros(values.shape, np.uint8)


def _transform(found: "Dataset") -> dict[str, Any]:
    """Return the elements that change grey values, those of the first frame's functional groups before the others."""
    elements: dict[str, Any] = {}
    shared, each = (found.get(f"{name}FunctionalGroupsSequence") for name in ("Shared", "PerFrame"))
    groups = [group[0] for group in (shared, each) if group]
    inner = [
        group.get(name) for group in groups for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence")
    ]
    for source in [found, *(sequence[0] for sequence in inner if sequence)]:
        elements |= {name: value for name in _TRANSFORM if (value := source.get(name)) not in (None, "")}
    return elements


def _looked_up(values: np.ndarray, table: "Dataset", found: "Dataset") -> tuple[np.ndarray, float]:
    """Return the entries of a lookup table for some values, and the largest entry that the table can have."""
    count, first, bits = (int(part) for part in table.LUTDescriptor)
    entries = table.LUTData
    if isinstance(entries, bytes):
        order = ">" if found.file_meta.TransferSyntaxUID == _NATIVE[2] else "<"
        is_bytes = bits <= 8 and len(entries) <= (count or 2**16) + 1
        entries = np.frombuffer(entries, np.uint8 if is_bytes else f"{order}u2")
    entries = np.asarray(entries).astype(np.int64)[: count or 2**16]
    if first >= 2**15 and values.min() < 0:
        first -= 2**16
    places = np.clip(np.floor(values).astype(np.int64) - first, 0, len(entries) - 1)
    return entries[places], max(2**bits - 1, int(entries.max()))


def _windowed(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Return values in 8 bits by a window, with the functions of part 3, C.11.2.1.2 and C.11.2.1.3, of the standard."""
    distance = values.astype(np.float64) - centre
    if function == "SIGMOID":
        return scaled(1 / (1 + np.exp(np.clip(-4 * distance / width, -700, 700))), 0, 1)
    if function == "LINEAR":
        distance, width = distance + 0.5, width - 1
    if not width:
        return np.where(distance > 0, np.uint8(255), np.uint8(0))
    return scaled(distance / width + 0.5, 0, 1)


def _coloured(pixels: np.ndarray, found: "Dataset") -> np.ndarray:
    from pydicom.pixels import apply_color_lut

    try:
        colours = apply_color_lut(pixels, found)
    except Exception:  # pydicom raises nearly anything on damaged files
        raise ValueError("its palette is missing or damaged") from None
    return scaled(colours[..., :3], 0, 255 if colours.dtype == np.uint8 else 65535)


def _padding(pixels: np.ndarray, found: "Dataset") -> np.ndarray | None:
    """Return a mask of the stored values that are padding, or None if there are none."""
    if pixels.dtype.kind == "f":
        padding = ~np.isfinite(pixels)
        return padding if padding.any() else None
    first = found.get("PixelPaddingValue")
    if not isinstance(first, int):
        return None
    last = found.get("PixelPaddingRangeLimit")
    ends = [_signed_like(pixels, end) for end in (first, last if isinstance(last, int) else first)]
    padding = (pixels >= min(ends)) & (pixels <= max(ends))
    return padding if padding.any() else None


def _signed_like(pixels: np.ndarray, value: int) -> int:
    """Return a value that was written as unsigned as a value of signed pixels."""
    most = np.iinfo(pixels.dtype).max
    return value - 2 * (most + 1) if pixels.dtype.kind == "i" and value > most else value


def _first_number(value: Any) -> float | None:
    first = value if isinstance(value, int | float | str) or value is None else next(iter(value), None)
    try:
        number = float(first)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _class_in_words(found: "Dataset") -> str:
    name = getattr(found.get("SOPClassUID") or found.file_meta.get("MediaStorageSOPClassUID"), "name", "")
    return name or "of unknown kind"
