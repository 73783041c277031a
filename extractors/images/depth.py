"""Pixels with more than 8 bits: the range of their values, and their scaling to 8 bits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.errors import InputError

WINDOWS = ("file", "full")
MAX_BIT_DEPTH = 32


@dataclass(frozen=True)
class Reading:
    """How pixels with more than 8 bits are read. It is part of an extractor's identity.

    Attributes
    ----------
    bit_depth : int or None
        Number of bits that the values use, for files whose header does not tell. None is the full depth of the file.
    window : "file", "full" or (float, float)
        The values that become black and white in DICOM files, and in other files whose values have no fixed range
        (floating point, signed or 32-bit): those that the file states, the smallest and the largest value of the
        image, or the same centre and width for every image.
    """

    bit_depth: int | None = None
    window: str | tuple[float, float] = "file"

    @classmethod
    def of(cls, bit_depth: Any = None, window: Any = "file") -> "Reading":
        """Return the reading that users describe.

        Parameters
        ----------
        bit_depth : int, optional
            From 1 to 32.
        window : str or (float, float), default="file"
            "file", "full", or centre and width as "CENTER,WIDTH" or as a pair.

        Raises
        ------
        InputError
            If a value is invalid.

        Examples
        --------
        >>> Reading.of(12).fields(), Reading.of(window="40,400").fields(), Reading.of().fields()
        ({'bit_depth': 12}, {'window': [40.0, 400.0]}, {})
        """
        if bit_depth is not None and (
            isinstance(bit_depth, bool) or not isinstance(bit_depth, int | np.integer) or not 1 <= bit_depth <= 32
        ):
            raise InputError(
                f"bit_depth={bit_depth!r:.100} was given; expected a number of bits from 1 to {MAX_BIT_DEPTH}, "
                "such as 12."
            )
        return cls(None if bit_depth is None else int(bit_depth), _window(window))

    @classmethod
    def from_fields(cls, fields: Any) -> "Reading":
        """Return the reading of an identity's fields. Fields of identities without a reading give the default."""
        return cls.of(fields.get("bit_depth"), fields.get("window", "file"))

    def fields(self) -> dict[str, Any]:
        """Return what differs from the default as JSON values."""
        window = self.window if isinstance(self.window, str) else list(self.window)
        values = {"bit_depth": self.bit_depth, "window": None if window == "file" else window}
        return {name: value for name, value in values.items() if value is not None}

    def describe(self) -> str:
        """Return what differs from the default in words, or an empty text."""
        window = self.window if isinstance(self.window, str) else ",".join(f"{part:.15g}" for part in self.window)
        parts = [f"bit depth {self.bit_depth}"] if self.bit_depth else []
        return ", ".join([*parts, *([] if window == "file" else [f"window {window}"])])


AS_STATED = Reading()


@dataclass(frozen=True, eq=False)
class Samples:
    """The values of an image as its file holds them.

    Attributes
    ----------
    values : ndarray, (h, w) or (h, w, channels)
        The values, of any type.
    limits : (float, float) or None
        The values for black and white that the header states; None if it states none.
    white_is_zero : bool
        Whether the smallest value is white.
    """

    values: np.ndarray
    limits: tuple[float, float] | None = None
    white_is_zero: bool = False

    @property
    def peak(self) -> int:
        """Largest value if 16-bit values could use fewer bits without the header saying so, otherwise 0."""
        return int(self.values.max(initial=0)) if self.limits is None and self.values.dtype == np.uint16 else 0


def to_8_bits(samples: Samples, reading: Reading = AS_STATED) -> np.ndarray:
    """Return the values scaled to 0 to 255, as uint8, with white as 255.

    Parameters
    ----------
    samples : Samples
        The values.
    reading : Reading, default=AS_STATED
        What is known about them besides the header.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    ValueError
        If the range of the values is not known, or if values exceed the bit depth.
    """
    values = samples.values
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("its pixels contain NaN or infinity")
    low, high = _limits(samples, reading)
    grey = scaled(values, low, high)
    return 255 - grey if samples.white_is_zero else grey


def scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values as uint8, with `low` and all below as 0, and `high` and all above as 255."""
    if values.dtype == np.uint16 and (low, high) == (0, 65535):  # in integers, which is four times as fast
        return ((values.astype(np.int32) * 255 + 32767) // 65535).astype(np.uint8)
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    fraction = (values.astype(np.float64) - low) / (high - low)
    return np.floor(np.clip(fraction, 0, 1) * 255 + 0.5).astype(np.uint8)


def _limits(samples: Samples, reading: Reading) -> tuple[float, float]:
    values, stated = samples.values, samples.limits
    fixed = values.dtype.kind == "u" and values.dtype.itemsize <= 2
    if not fixed and not isinstance(reading.window, str):
        centre, width = reading.window
        return centre - width / 2, centre + width / 2
    if not fixed and reading.window == "full":
        return float(values.min()), float(values.max())
    if stated is not None:
        return stated
    if reading.bit_depth is not None:
        most = 2**reading.bit_depth - 1
        if values.size and (values.min() < 0 or values.max() > most):
            raise ValueError(
                f"its values are from {values.min():g} to {values.max():g}, which do not fit into the bit depth of "
                f"{reading.bit_depth} (0 to {most:,}) that was given"
            )
        return 0, most
    if fixed:
        return 0, 2 ** (8 * values.dtype.itemsize) - 1
    raise ValueError(
        f"{type_in_words(values.dtype)} pixels have no fixed range, and the file states none; give the range with "
        "--bit-depth BITS (bit_depth=BITS) or --window CENTER,WIDTH (window=(CENTER, WIDTH)), or "
        "save the image with 8 or 16 bits"
    )


def type_in_words(dtype: np.dtype) -> str:
    """Return a type of pixels in words.

    Examples
    --------
    >>> type_in_words(np.dtype("f8")), type_in_words(np.dtype("i2")), type_in_words(np.dtype("u4"))
    ('64-bit floating-point', '16-bit signed integer', '32-bit unsigned integer')
    """
    kind = {"f": "floating-point", "i": "signed integer"}.get(dtype.kind, "unsigned integer")
    return f"{8 * dtype.itemsize}-bit {kind}"


def _window(given: Any) -> str | tuple[float, float]:
    if given in (None, *WINDOWS):
        return given or WINDOWS[0]
    try:
        parts: Sequence[Any] = given.split(",") if isinstance(given, str) else given
        centre, width = (float(part) for part in parts)
    except (TypeError, ValueError, AttributeError, OverflowError):
        centre = width = math.nan
    if not (math.isfinite(centre) and math.isfinite(width) and width > 0):
        raise InputError(
            f"window={given!r:.100} was given; expected 'file', 'full', or centre and width as CENTER,WIDTH, such as "
            "40,400, with a width above 0."
        )
    return centre, width
