"""Paths in a recipe: relative to its folder, environment variables filled in, names of built-in data left alone."""

import os
import re
from pathlib import Path
from typing import Any

from hybrid.datasets.load import is_named
from hybrid.errors import InputError

PATH_KEYS = ("source", "image_root", "weights", "backbone")
WEIGHTS = ("auto", "imagenet", "random")


def data_source(text: str, folder: Path) -> str:
    """Return what `load_dataset` takes: a name as it is, a path from the recipe's folder."""
    filled = _filled(text)
    return filled if is_named(filled) else _from(filled, folder)


def weights_file(text: str, folder: Path) -> str:
    """Return a word for weights as it is, a path from the recipe's folder."""
    return text if text in WEIGHTS else _from(_filled(text), folder)


def backbone(text: str, folder: Path) -> str:
    """Return a backbone's name as it is, the path of a ``.keras`` file from the recipe's folder."""
    return _from(_filled(text), folder) if text.endswith(".keras") else text


def from_here(key: str, value: Any) -> Any:
    """Return the value of a key that was given on the command line: a path is relative to the current folder."""
    if key not in PATH_KEYS or not isinstance(value, str) or not Path(value).expanduser().exists() or is_named(value):
        return value
    return str(Path(value).expanduser().absolute())


def _from(text: str, folder: Path) -> str:
    return str((folder / Path(text).expanduser()).absolute())


def _filled(text: str) -> str:
    """Return a text with the environment's variables, written $NAME or ${NAME}, filled in."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise InputError(f"{text!r} names the environment variable {name}, which is not set.")
        return os.environ[name]

    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, text)
