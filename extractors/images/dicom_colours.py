"""Colours of DICOM files: three channels, and palettes."""

from typing import TYPE_CHECKING

import numpy as np

from hybrid.extractors.images.depth import scaled
from hybrid.extractors.images.dicom_header import DicomError, whole_number
from hybrid.extractors.images.dicom_tables import places, table_entries, table_shape

if TYPE_CHECKING:
    from pydicom import Dataset

_CHANNELS = ("Red", "Green", "Blue")


def from_samples(pixels: np.ndarray, found: "Dataset") -> np.ndarray:
    """Return the values of three channels as uint8, scaled by their depth."""
    bits = whole_number(found, "BitsStored", 8 * pixels.dtype.itemsize)
    low = -(2 ** (bits - 1)) if pixels.dtype.kind == "i" else 0
    return scaled(pixels, low, low + 2**bits - 1)


def from_palette(pixels: np.ndarray, found: "Dataset") -> np.ndarray:
    """Return the colours of a palette, (h, w, 3) of uint8.

    Entries of 8 bits may be stored in 16, whatever their description says: a palette without any value above 255 is
    one of 8 bits.
    """
    try:
        count, first, bits = table_shape(found.RedPaletteColorLookupTableDescriptor)
        if "RedPaletteColorLookupTableData" in found:
            columns = [
                table_entries(found[f"{name}PaletteColorLookupTableData"].value, count, 8, found) for name in _CHANNELS
            ]
            table = np.stack(columns, axis=-1)
        else:
            table = _from_segments(count, first, bits, found)
    except Exception:  # pydicom raises nearly anything on damaged files
        raise DicomError("its palette is missing or damaged") from None
    return scaled(table, 0, 255 if table.max() <= 255 else 65535)[places(pixels, first, count)]


def _from_segments(count: int, first: int, bits: int, found: "Dataset") -> np.ndarray:
    """Return the entries of a palette in segments, which pydicom expands: (count, 3)."""
    from pydicom.pixels import apply_color_lut

    if bits == 8 and count > 256:  # pydicom counts the entries in 8 bits, too
        raise DicomError("a palette in segments with more than 256 entries of 8 bits")
    return apply_color_lut(np.arange(first, first + count, dtype=np.int32), found)[..., :3]
