"""Marks on what a step of a run has made, so that the same step is not done again."""

import hashlib
import json
from pathlib import Path
from typing import Any

from hybrid._version import __version__
from hybrid.errors import InputError
from hybrid.files import read_json, write_json

STEP = "step.json"


def step_identity(**parts: Any) -> str:
    """Return the SHA-256 of all that a step's outcome depends on, given as JSON values."""
    text = json.dumps({"hybrid": __version__} | parts, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


def is_done(folder: Path, identity: str) -> bool:
    """Return whether the step of that identity made what is in a folder."""
    try:
        return read_json(folder / STEP) == {"identity": identity}
    except InputError:
        return False


def mark_done(folder: Path, identity: str) -> None:
    """Say which step made what is in a folder; to be called when all of it is there."""
    write_json(folder / STEP, {"identity": identity})
