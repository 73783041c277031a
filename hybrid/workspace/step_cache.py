"""Mark the results of a run's finished steps, so that they are not computed again."""

import hashlib
import json
from pathlib import Path
from typing import Any

from hybrid._version import __version__
from hybrid.errors import InputError
from hybrid.files import read_json, write_json

STEP = "step.json"


def step_identity(**parts: Any) -> str:
    """Return a SHA-256 of everything that the result of a step depends on, given as JSON values."""
    text = json.dumps({"hybrid": __version__} | parts, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


def is_done(folder: Path, identity: str) -> bool:
    """Return whether a folder contains the result of the step with this identity."""
    try:
        return read_json(folder / STEP) == {"identity": identity}
    except InputError:
        return False


def mark_done(folder: Path, identity: str) -> None:
    """Write the identity of a step into the folder with its result. Call this when the result is complete."""
    write_json(folder / STEP, {"identity": identity})
