"""The picture in a DICOM file, as a viewer shows it.

* The first frame is used. Overlays are ignored, also those in unused bits of the pixels.
* The modality LUT or the rescale slope and intercept are applied, then the VOI LUT, or the first window, or the window
  of the `Reading`. The functional groups of the first frame replace what the file states for all frames.
* A window of the `Reading` is applied as a LINEAR one if values are whole numbers, otherwise as a LINEAR_EXACT one.
* Without a window, unsigned values of up to 8 bits stay as they are (0 to 2ⁿ - 1 for n bits). Otherwise, and with the
  window "full", the range is from the smallest to the largest value of the image, without padding, as in viewers.
* MONOCHROME1 is inverted. Padding is black. Palette and YBR colours are converted to RGB.
* A compressed picture must have the size and the channels that the header states, and an end.
"""

from typing import TYPE_CHECKING

import numpy as np

from hybrid.errors import MissingExtraError
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.images.dicom_colours import from_palette, from_samples
from hybrid.extractors.images.dicom_frame import first_frame
from hybrid.extractors.images.dicom_grey import displayed
from hybrid.extractors.images.dicom_header import GREY, DicomError, class_in_words, damaged, parsed, whole_number
from hybrid.extractors.images.limits import UnreadableError, check_pixels

if TYPE_CHECKING:
    from pydicom import Dataset

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


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
    UnreadableError
        If it has more pixels than allowed.
    DicomError
        If the file cannot be decoded completely.
    """
    try:
        return _picture(parsed(data), reading)
    except (MissingExtraError, UnreadableError, DicomError):
        raise
    except Exception as error:  # pydicom converts values when they are first used
        raise damaged(error) from None


def _picture(found: "Dataset", reading: Reading) -> tuple[np.ndarray, str]:
    rows, columns = whole_number(found, "Rows"), whole_number(found, "Columns")
    if not any(name in found for name in _PIXELS) or rows < 1 or columns < 1:
        raise DicomError(f"it is a DICOM file without an image ({class_in_words(found)})")
    check_pixels(columns, rows)
    channels = whole_number(found, "SamplesPerPixel", 1)
    kind = str(found.get("PhotometricInterpretation") or "").strip()
    if (channels, kind) not in [*((1, grey) for grey in (*GREY, "PALETTE COLOR")), *((3, rgb) for rgb in _COLOURS)]:
        raise DicomError(
            f"it is a DICOM file of an unknown kind of colours ({channels} channels, PhotometricInterpretation "
            f"{_in_words(kind)}); expected one channel of grey or of a palette, or three of RGB or YBR"
        )
    pixels = first_frame(found, rows, columns, channels)
    if channels == 3:
        return from_samples(pixels, found), "RGB"
    if kind == "PALETTE COLOR":
        return from_palette(pixels, found), "P"
    bits = whole_number(found, "BitsStored", 8 * pixels.dtype.itemsize)
    grey, padding = displayed(pixels, bits, found, reading)
    if kind == "MONOCHROME1":
        grey = 255 - grey
    return grey if padding is None else np.where(padding, np.uint8(0), grey), "L" if bits <= 8 else f"I;{bits}"


def _in_words(kind: str) -> str:
    """Return a value of PhotometricInterpretation if it is one of the standard; another text is not quoted."""
    known = (*GREY, *_COLOURS, "PALETTE COLOR", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "HSV", "ARGB", "CMYK", "XYB")
    return kind if kind in known else "that is unknown" if kind else "missing"
