"""Lookup tables of DICOM files: modality and VOI LUTs, palettes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.extractors.images.dicom_header import DicomError, is_big_endian

if TYPE_CHECKING:
    from pydicom import Dataset

_MAX_ENTRIES = 2**16


def looked_up(values: np.ndarray, table: "Dataset", found: "Dataset") -> tuple[np.ndarray, int]:
    """Return the entries of a lookup table for some values, and the largest entry that the table can have.

    Raises
    ------
    DicomError
        If the table is damaged.
    """
    try:
        count, first, bits = table_shape(table.LUTDescriptor)
        entries = table_entries(table.LUTData, count, bits, found)
    except Exception:  # pydicom raises nearly anything on damaged files
        raise DicomError("its lookup table is damaged") from None
    return entries[places(np.floor(values), first, count)], max(2**bits - 1, int(entries.max()))


def table_shape(descriptor: Sequence[int]) -> tuple[int, int, int]:
    """Return what a descriptor says: the number of entries, the value of the first one, and their bits.

    All three numbers can be written as signed or as unsigned ones.
    """
    count, first, bits = (int(part) for part in descriptor)
    return count % _MAX_ENTRIES or _MAX_ENTRIES, first, min(max(bits, 1), 16)


def table_entries(data: Any, count: int, bits: int, found: "Dataset") -> np.ndarray:
    """Return the entries of a table as int64: (count,).

    Parameters
    ----------
    data : bytes, int or sequence of int
        Entries of 8 or 16 bits, or numbers of 16 bits, which may hold two entries of 8 bits.
    count, bits : int
        What the descriptor says.
    found : Dataset
        The file, which knows the order of bytes.

    Raises
    ------
    DicomError
        If there are fewer entries than `count`.
    """
    order = ">" if is_big_endian(found) else "<"
    if not isinstance(data, bytes):
        numbers = np.atleast_1d(np.asarray(data)).astype(np.int64) % 2**16
        data, order = numbers.astype("<u2").tobytes(), "<"
        two_in_one = bits <= 8 and len(numbers) < count
    else:
        two_in_one = bits <= 8 and len(data) <= count + 1
    words = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")
    entries = words.astype("<u2").view(np.uint8) if two_in_one else words
    if len(entries) < count:
        raise DicomError("a lookup table with fewer entries than it states")
    return entries[:count].astype(np.int64)


def places(values: np.ndarray, first: int, count: int) -> np.ndarray:
    """Return the index of the entry for each value. Values outside have the first or the last entry."""
    if first >= _MAX_ENTRIES // 2 and values.size and values.min() < 0:  # a negative number, written as unsigned
        first -= _MAX_ENTRIES
    return np.clip(values.astype(np.int64) - first, 0, count - 1)
