"""The files of a saved model's folder: their names, and which of them belong to the model."""

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

MANIFEST = "manifest.json"
HEAD = "head.skops"

_BOOSTER = re.compile(r"boosters/\d+\.json")
_TREES = re.compile(r"trees/\d+\.npz")
_LEFT_BY_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # written when somebody opens a folder


def list_files(folder: Path) -> list[str]:
    """Return the names of all files and links below a folder except the manifest, with forward slashes."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for path in paths if (name := path.relative_to(folder).as_posix()) != MANIFEST)


def foreign_files(folder: Path, belongs: Callable[[str], bool]) -> list[str]:
    """Return the files that do not belong in a model's folder, except those that operating systems leave there."""
    return [name for name in list_files(folder) if not belongs(name) and not is_left_by_system(name)]


def is_plain_name(name: str) -> bool:
    """Return whether a name with forward slashes can only mean a file inside its folder, on any system."""
    parts = PurePosixPath(name).parts
    plain = bool(parts) and "/".join(parts) == name
    return plain and ".." not in parts and not any(mark in name for mark in "\\:\0")


def is_booster(name: str) -> bool:
    """Return whether a file of a saved model is a booster, by its name."""
    return _BOOSTER.fullmatch(name) is not None


def is_trees(name: str) -> bool:
    """Return whether a file of a saved model holds the trees of a forest, by its name."""
    return _TREES.fullmatch(name) is not None


def is_left_by_system(name: str) -> bool:
    """Return whether a file is one that an operating system may leave in a folder."""
    last = name.rpartition("/")[2]
    return last in _LEFT_BY_SYSTEMS or last.startswith("._")
