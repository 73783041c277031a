"""Digests of files, and JSON files that hold the checksum of their content."""

import hashlib
import json
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.files.json_files import read_json, write_json


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object and its checksum, atomically; :func:`read_sealed` reads it."""
    value = json.loads(json.dumps(value))  # as it will be read: keys that are numbers become text
    write_json(path, {**value, "seal": _seal(value)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Return the JSON object that :func:`write_sealed` wrote; raise `InputError` if it does not match its checksum.

    Whitespace between values and the order of keys do not change the checksum.
    """
    value = read_json(path)
    try:
        return remove_seal(value)
    except ValueError as error:
        raise InputError(f"{str(path)!r} {error}: delete it and create it again.") from error


def remove_seal(value: Any) -> dict[str, Any]:
    """Return a JSON object that was sealed, without its seal; raise `ValueError` if one bit is not as it was."""
    if not isinstance(value, dict) or (content := dict(value)).pop("seal", None) != _seal(content):
        raise ValueError("does not match its checksum")
    return content


def _seal(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
