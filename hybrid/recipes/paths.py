"""Resolve the paths in a recipe.

Paths are relative to the folder of the recipe, and environment variables in them are expanded. Names of built-in data,
weights and backbones are returned unchanged.
"""

import os
import re
from pathlib import Path
from typing import Any

from hybrid.datasets.load import is_named
from hybrid.errors import InputError
from hybrid.files import expanded
from hybrid.files.object_store import is_address

PATH_KEYS = ("source", "image_root", "table", "weights", "backbone")
WEIGHTS = ("auto", "imagenet", "random")


def data_source(text: str, folder: Path) -> str:
    """Return the name of a built-in dataset or an address unchanged, or the absolute path of another data source."""
    expanded = _expanded(text)
    return expanded if is_named(expanded) or is_address(expanded) else _absolute(expanded, folder)


def weights_file(text: str, folder: Path) -> str:
    """Return one of `WEIGHTS` unchanged, or the absolute path of a file of weights."""
    return text if text in WEIGHTS else _absolute(_expanded(text), folder)


def backbone(text: str, folder: Path) -> str:
    """Return the name of a backbone unchanged, or the absolute path of a ``.keras`` file."""
    return _absolute(_expanded(text), folder) if text.endswith(".keras") else text


def from_current_folder(key: str, value: Any) -> Any:
    """Return the value of a key given on the command line, with an existing path made absolute.

    Paths on the command line are relative to the current folder instead of the folder of the recipe.
    """
    if key not in PATH_KEYS or not isinstance(value, str) or not expanded(value).exists() or is_named(value):
        return value
    return str(expanded(value).absolute())


def _absolute(text: str, folder: Path) -> str:
    return str((folder / expanded(text)).absolute())


def _expanded(text: str) -> str:
    """Return a text in which $NAME and ${NAME} are replaced by the values of the environment variables."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise InputError(f"{text!r} contains the environment variable {name}, which is not set.")
        return os.environ[name]

    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, text)
