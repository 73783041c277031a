"""The header of a DICOM file, of which nothing is quoted that could identify a patient."""

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterable, MutableSequence
from typing import TYPE_CHECKING, Any, BinaryIO

from hybrid.errors import MissingExtraError
from hybrid.extractors.images.limits import max_pixels, open_regular

if TYPE_CHECKING:
    from pydicom import Dataset

NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
GREY = ("MONOCHROME1", "MONOCHROME2")
_DEFLATED = "1.2.840.10008.1.2.1.99"
_HEADER_BYTES = 2**26  # allowance for everything but the pixels when a deflated file is inflated
_VRS = {b"UL", b"CS", b"UI", b"OB", b"DA", b"TM", b"SH", b"LO", b"DT"}  # of the first elements of a file


class DicomError(ValueError):
    """A DICOM file cannot be read. The message does not quote its header."""


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


def number_of_frames(data: bytes) -> int:
    """Return the number of frames that the header of a DICOM file states."""
    return whole_number(parsed(data, ["NumberOfFrames"]), "NumberOfFrames", 1)


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
    DicomError
        If the header cannot be read.
    """
    tags = list(tags)
    found = parsed(file, tags)
    values = {}
    for tag in tags:
        value = found.get(tag)
        parts = list(value) if isinstance(value, MutableSequence) else [value]
        if text := "\\".join(str(part).strip() for part in parts if part is not None).strip("\\ "):
            values[tag] = text
    return values


def dicom_size(path: str) -> tuple[int, int, bool] | None:
    """Return height and width of a DICOM file and whether it is grey, or None for a file of another format.

    Raises
    ------
    MissingExtraError
        If pydicom is not installed.
    DicomError, OSError, ValueError
        If the file cannot be read.
    """
    with open_regular(path) as file:
        if not is_dicom(file.read(160)):
            return None
        file.seek(0)
        found = read_header(file, ["Rows", "Columns", "PhotometricInterpretation"])
    height, width = (int(found.get(name, 0)) for name in ("Rows", "Columns"))
    if not height or not width:
        raise DicomError("it is a DICOM file without an image")
    return height, width, found.get("PhotometricInterpretation") in GREY


def pydicom_or_error() -> Any:
    """Return the package pydicom, which neither warns nor writes to logs about the files that it reads.

    What it says quotes values of the header, which can be names.

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
    logging.getLogger("pydicom").propagate = False
    return pydicom


def parsed(data: "bytes | BinaryIO", tags: list[str] | None = None) -> "Dataset":
    """Return the dataset of a file, or some of its tags without the pixels.

    Raises
    ------
    MissingExtraError
        If pydicom is not installed.
    DicomError
        If the header cannot be read.
    """
    pydicom = pydicom_or_error()
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        is_deflated = _is_deflated(file)
    except Exception as error:  # pydicom raises nearly anything on damaged files
        raise damaged(error) from None
    if is_deflated:
        _check_inflated(file.read())
    file.seek(0)
    try:
        found = pydicom.dcmread(file, force=True, stop_before_pixels=tags is not None, specific_tags=tags)
        for tag in tags or ():
            found.get(tag)  # values are converted when they are first used
    except Exception as error:
        raise damaged(error) from None
    if not hasattr(found, "file_meta") or "TransferSyntaxUID" not in found.file_meta:
        _assume_native(found)
    return found


def damaged(error: Exception) -> DicomError:
    """Return the error for a header with which pydicom cannot work. Its own messages would quote the header."""
    return DicomError(f"its DICOM header is damaged ({type(error).__name__})")


def whole_number(found: "Dataset", keyword: str, default: int = 0) -> int:
    """Return a whole number of a header, or `default` if it is missing or empty.

    Raises
    ------
    DicomError
        If it is something else.
    """
    value = found.get(keyword)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise DicomError(f"the {keyword} in its DICOM header is not one whole number") from None


def is_big_endian(found: "Dataset") -> bool:
    """Return whether words are stored with their high byte first."""
    return str(found.file_meta.TransferSyntaxUID) == NATIVE[2]


def class_in_words(found: "Dataset") -> str:
    """Return what kind of DICOM object a file holds."""
    uid = found.get("SOPClassUID") or found.file_meta.get("MediaStorageSOPClassUID")
    name = getattr(uid, "name", "")
    return name if name and name != str(uid) else "of unknown kind"


def _assume_native(found: "Dataset") -> None:
    """State the transfer syntax of a file without file meta information, which cannot be compressed."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    implicit, little = found.original_encoding
    if not hasattr(found, "file_meta"):
        found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = UID(NATIVE[0 if implicit else 1 if little else 2])


def _is_deflated(file: BinaryIO) -> bool:
    """Return whether a file is deflated; then it is positioned at the start of that part.

    pydicom decides with the same function. What is deflated is inflated at once, so this must be known before.
    """
    from pydicom.filereader import _read_file_meta_info, read_preamble

    file.seek(0)
    read_preamble(file, force=True)
    return bool(_read_file_meta_info(file).get("TransferSyntaxUID") == _DEFLATED)


def _check_inflated(rest: bytes) -> None:
    """Raise `ValueError` if deflated data inflate to more than an image within the limits needs."""
    most = 8 * max_pixels() + _HEADER_BYTES
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while rest and not inflater.eof:
        try:
            size += len(inflater.decompress(rest, 2**24))
        except zlib.error:
            raise DicomError("it is a deflated DICOM file, but is damaged or truncated") from None
        rest = inflater.unconsumed_tail
        if size > most:
            raise DicomError(
                f"it inflates to more than the limit of {most:,} bytes; if you trust it, raise --max-pixels"
            )
