"""Names of the files in a saved model's folder, and which files belong to the model."""

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

MANIFEST = "manifest.json"
HEAD = "head.skops"
REFERENCE = "reference.npz"
CALIBRATION = "calibration.npz"

_BOOSTER = re.compile(r"boosters/\d+\.json")
_TREES = re.compile(r"trees/\d+\.npz")
_SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}  # written when a user opens a folder


def list_files(folder: Path) -> list[str]:
    """Return the paths of all files and links in a folder except the manifest, relative to it and with slashes."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for path in paths if (name := path.relative_to(folder).as_posix()) != MANIFEST)


def foreign_files(folder: Path, belongs: Callable[[str], bool]) -> list[str]:
    """Return the files that do not belong to a model, except those that operating systems leave in folders."""
    return [name for name in list_files(folder) if not belongs(name) and not is_system_file(name)]


def is_plain_name(name: str) -> bool:
    """Return whether a path with forward slashes stays inside its folder on every operating system."""
    parts = PurePosixPath(name).parts
    plain = bool(parts) and "/".join(parts) == name
    return plain and ".." not in parts and not any(character in name for character in "\\:\0")


def is_booster(name: str) -> bool:
    """Return whether this is the name of a booster's file."""
    return _BOOSTER.fullmatch(name) is not None


def is_trees(name: str) -> bool:
    """Return whether this is the name of a file with the trees of a forest."""
    return _TREES.fullmatch(name) is not None


def is_system_file(name: str) -> bool:
    """Return whether this is the name of a file that operating systems leave in folders."""
    last = name.rpartition("/")[2]
    return last in _SYSTEM_FILES or last.startswith("._")
