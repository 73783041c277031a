"""A saved model's manifest: what it says of the model and of its files, read and written."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from hybrid._version import __version__
from hybrid.errors import InputError
from hybrid.extractors.store.identity import fingerprint
from hybrid.files import file_digest, parse_json, write_json

SCHEMA, _OLDEST = 3, 2  # 3: the trees of forests are files of their own
MANIFEST = "manifest.json"
HEAD = "head.skops"

MOST_BYTES = 2**26


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _has(value: Any, **kinds: type) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in kinds.items())


def _is_files(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _has(one, sha256=str) and set(one) == {"size", "sha256"} and _is_count(one["size"]) for one in value.values()
    )


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "schema": _is_count,
    "created": lambda value: isinstance(value, str),
    "versions": lambda value: isinstance(value, dict) and all(isinstance(one, str) for one in value.values()),
    "task": lambda value: value in ("binary", "multiclass", "multilabel"),
    "labels": lambda value: isinstance(value, str),
    "classes": lambda value: isinstance(value, list) and all(isinstance(one, str | int | float) for one in value),
    "width": _is_count,
    "steps": lambda value: (
        isinstance(value, list) and bool(value) and all(_has(one, name=str, type=str) for one in value)
    ),
    "extractors": lambda value: (
        isinstance(value, list) and all(_has(one, params=dict, identity=dict, fingerprint=str) for one in value)
    ),
    "info": lambda value: isinstance(value, dict),
    "files": _is_files,
}
_BOOSTER = re.compile(r"boosters/\d+\.json")
_TREES = re.compile(r"trees/\d+\.npz")
_LEFT_BY_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # looking at a folder must not spoil it


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Return the manifest of a saved model, without loading the model.

    Parameters
    ----------
    folder : str or Path
        The model's folder.

    Returns
    -------
    dict
        ``task`` ("binary", "multiclass" or "multilabel"), ``classes`` and their kind ``labels`` ("string", "integer",
        "float", "boolean"; "multilabel", where the classes are column numbers), ``width`` of the embeddings, ``steps``,
        ``extractors`` (parameters, identity, fingerprint of each, in the order of their columns; none for a head
        alone), ``info`` as it was given to :func:`save_model`, ``versions``, ``created`` (ISO 8601, UTC), ``files``
        (size in bytes and SHA-256) and ``schema``.

    Raises
    ------
    InputError
        If there is no model, it was made by an earlier or later version, or its manifest was changed.
    """
    folder = Path(folder).expanduser().absolute()
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():
        raise InputError(f"There is no saved model {str(folder)!r}: expected a folder with a {MANIFEST} in it.")
    if path.stat().st_size > MOST_BYTES:
        raise changed(folder.name, MANIFEST, f"it has more than {MOST_BYTES:,} bytes")
    try:
        return parse_manifest(path.read_bytes(), folder.name, str(path))
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}.") from error


def parse_manifest(data: bytes, model: str, path: str) -> dict[str, Any]:
    """Return the manifest that a file's bytes hold, see :func:`read_manifest`.

    Parameters
    ----------
    data : bytes
    model, path : str
        What an error calls the model, and the file.

    Raises
    ------
    InputError
        If it is none, is of another schema, was changed, or does not have the fields of a manifest.
    """
    try:
        manifest = parse_json(data)
    except ValueError as error:
        raise InputError(f"{path!r} is no manifest of a saved model: {error}.") from error
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if not isinstance(schema, int):
        raise InputError(f"{path!r} is no manifest of a saved model: it states no schema.")
    if schema > SCHEMA:
        raise InputError(
            f"Model {model!r} has schema {schema}; hybrid {__version__} reads up to {SCHEMA}: update hybrid."
        )
    if schema < _OLDEST:
        raise InputError(
            f"Model {model!r} has schema {schema}, of an earlier version; hybrid {__version__} reads schemas {_OLDEST} "
            f"to {SCHEMA}: fit and save it again."
        )
    stated = manifest.pop("sha256", None)
    if stated != fingerprint(manifest) or set(manifest) != set(_FIELDS):
        raise changed(model, MANIFEST, "it does not match its checksum")
    for name, fits in _FIELDS.items():
        if not fits(manifest[name]):
            raise changed(model, MANIFEST, f"its {name} are not what a saved model has")
    return manifest


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest with its own checksum; the values must be what :func:`to_json` returned."""
    write_json(folder / MANIFEST, {**manifest, "sha256": fingerprint(manifest)})


def to_json(value: Any) -> Any:
    """Return a value as JSON has it: NumPy's numbers and arrays as Python's, paths as text.

    Raises
    ------
    InputError
        If it holds something else, or NaN or infinity.
    """
    try:
        return json.loads(json.dumps(value, default=_plain, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"The information on the model cannot be written as JSON: {error}") from error


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the size in bytes and the SHA-256 of every file in a folder, by its name with forward slashes."""
    return {
        name: {"size": (folder / name).stat().st_size, "sha256": file_digest(folder / name)}
        for name in list_files(folder)
    }


def foreign_files(folder: Path, belongs: Callable[[str], bool]) -> list[str]:
    """Return the files that do not belong in a model's folder; what systems leave there is not counted."""
    return [name for name in list_files(folder) if not belongs(name) and not is_left_by_system(name)]


def changed(model: str, name: str, how: str) -> InputError:
    """Return the error for a file that is not as it was saved."""
    return InputError(f"Model {model!r} was changed after it was saved: {name} ({how}). Save it again.")


def is_plain_name(name: str) -> bool:
    """Return whether a name with forward slashes can only mean a file inside its folder, on any system."""
    parts = PurePosixPath(name).parts
    plain = bool(parts) and "/".join(parts) == name
    return plain and ".." not in parts and not any(mark in name for mark in "\\:\0")


def list_files(folder: Path) -> list[str]:
    """Return the names of all files and links below a folder but the manifest, with forward slashes."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for path in paths if (name := path.relative_to(folder).as_posix()) != MANIFEST)


def is_booster(name: str) -> bool:
    """Return whether a file of a saved model is a booster, by its name."""
    return _BOOSTER.fullmatch(name) is not None


def is_trees(name: str) -> bool:
    """Return whether a file of a saved model holds the trees of a forest, by its name."""
    return _TREES.fullmatch(name) is not None


def is_left_by_system(name: str) -> bool:
    """Return whether a file is one that looking at a folder may leave in it."""
    last = name.rpartition("/")[2]
    return last in _LEFT_BY_SYSTEMS or last.startswith("._")


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is neither text, number, list nor dict")
