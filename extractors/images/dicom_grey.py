"""Grey values of DICOM files: modality, padding, windows."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.extractors.images.depth import Reading, scaled
from hybrid.extractors.images.dicom_header import DicomError
from hybrid.extractors.images.dicom_tables import looked_up

if TYPE_CHECKING:
    from pydicom import Dataset

_MODALITY = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence")
_VOI = ("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction")
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
_PADDING = {
    "PixelData": ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    "FloatPixelData": ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    "DoubleFloatPixelData": ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
}


def displayed(
    pixels: np.ndarray, bits: int, found: "Dataset", reading: Reading
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return grey values after the transformations of the file and the window, before MONOCHROME1 is inverted.

    Parameters
    ----------
    pixels : ndarray, (h, w)
        The stored values.
    bits : int
        How many bits they use.
    found : Dataset
        The file.
    reading : Reading
        Its window replaces that of the file.

    Returns
    -------
    grey : ndarray of uint8, (h, w)
    padding : ndarray of bool, (h, w), or None
        Which pixels do not belong to the picture.
    """
    modality, voi = _transformations(found)
    padding = _padding(pixels, bits, found)
    if padding is not None and pixels.dtype.kind == "f":
        pixels = np.where(padding, 0, pixels)  # calculations with NaN warn
    values, are_whole = _modality_values(pixels, modality, found)
    grey = None
    if not isinstance(reading.window, str):
        centre, width = reading.window
        grey = _windowed(values, centre, width, "LINEAR" if are_whole and width >= 1 else "LINEAR_EXACT")
    elif reading.window == "file":
        grey = _as_stated(values, voi, found)
        if grey is None and values is pixels and pixels.dtype.kind == "u" and bits <= 8:
            grey = scaled(values, 0, 2**bits - 1)
    if grey is None:
        shown = values if padding is None else values[~padding]
        low, high = (float(shown.min()), float(shown.max())) if shown.size else (0, 0)
        grey = scaled(values, low, high)
    return grey, padding


def _transformations(found: "Dataset") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the elements that change grey values: those of the modality, and those of the window.

    The functional groups of the first frame come before those of all frames, and these before the rest of the file.
    """
    groups = [found.get(f"{name}FunctionalGroupsSequence") for name in ("PerFrame", "Shared")]
    sources = {_MODALITY: [found], _VOI: [found]}
    for group in (sequence[0] for sequence in reversed(groups) if sequence):
        for names, keyword in ((_MODALITY, "PixelValueTransformationSequence"), (_VOI, "FrameVOILUTSequence")):
            if inner := group.get(keyword):
                sources[names].append(inner[0])

    def last(names: tuple[str, ...]) -> dict[str, Any]:
        for source in reversed(sources[names]):
            if stated := {name: value for name in names if (value := source.get(name)) not in (None, "")}:
                return stated
        return {}

    return last(_MODALITY), last(_VOI)


def _modality_values(pixels: np.ndarray, modality: dict[str, Any], found: "Dataset") -> tuple[np.ndarray, bool]:
    """Return the values after the modality LUT or the rescale, and whether they are whole numbers."""
    if tables := modality.get("ModalityLUTSequence"):
        return looked_up(pixels, tables[0], found)[0], True
    slope, intercept = (
        _first_number(modality[name]) if name in modality else default
        for name, default in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    if not slope or intercept is None:
        raise DicomError("its rescale slope or intercept is no number, or the slope is 0")
    are_whole = pixels.dtype.kind != "f" and slope.is_integer() and intercept.is_integer()
    return pixels if (slope, intercept) == (1, 0) else pixels * slope + intercept, are_whole


def _as_stated(values: np.ndarray, voi: dict[str, Any], found: "Dataset") -> np.ndarray | None:
    """Return values in 8 bits by the VOI LUT, or the first window of the file, or None if it states neither."""
    if tables := voi.get("VOILUTSequence"):
        entries, most = looked_up(values, tables[0], found)
        return scaled(entries, 0, most)
    centre, width = (_first_number(voi.get(name)) for name in ("WindowCenter", "WindowWidth"))
    function = str(voi.get("VOILUTFunction") or "LINEAR").strip().upper()
    function = function if function in _FUNCTIONS else "LINEAR"
    if centre is None or width is None or width < (1 if function == "LINEAR" else math.ulp(0)):
        return None
    return _windowed(values, centre, width, function)


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


def _padding(pixels: np.ndarray, bits: int, found: "Dataset") -> np.ndarray | None:
    """Return a mask of the stored values that are padding, or None if there are none."""
    names = next(names for keyword, names in _PADDING.items() if keyword in found)
    first, last = (_first_number(found.get(name)) for name in names)
    padding = ~np.isfinite(pixels) if pixels.dtype.kind == "f" else np.zeros(pixels.shape, bool)
    if first is not None:
        ends = [_as_stored(end, pixels, bits) for end in (first, first if last is None else last)]
        padding |= (pixels >= min(ends)) & (pixels <= max(ends))
    return padding if padding.any() else None


def _as_stored(value: float, pixels: np.ndarray, bits: int) -> float:
    """Return a padding value as pixels hold it: without unused bits, and signed if they are."""
    if pixels.dtype.kind == "f" or bits >= 64:
        return value
    low = -(2 ** (bits - 1)) if pixels.dtype.kind == "i" else 0
    return (int(value) - low) % 2**bits + low


def _first_number(value: Any) -> float | None:
    """Return a finite number, or the first one of several values."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        value = next(iter(value), None)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
