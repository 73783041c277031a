"""JSON files."""

import json
import math
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.files.writing import Writer, write_atomic


def write_json(path: Path, value: Any, write: Writer = write_atomic) -> None:
    """Write a value as readable JSON, by default atomically."""
    data = json_bytes(value)
    write(path, lambda file: file.write(data))


def json_bytes(value: Any) -> bytes:
    """Return a value as readable JSON; :func:`parse_json` reads it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode(errors="backslashreplace")


def read_json(path: Path) -> Any:
    """Return the value of a JSON file; raise `InputError` with its path if it cannot be read or parsed."""
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read ({error}): delete it and create it again.") from error


def parse_json(data: bytes) -> Any:
    """Return the value of JSON text; raise `ValueError` if it is invalid, not finite, or nested too deeply."""
    try:
        return json.loads(data, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.20} is not a valid JSON number")
    return number
