"""The manifest of a saved model: its dataclass, reader and writer."""

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from hybrid._version import __version__
from hybrid.errors import InputError
from hybrid.extractors.store.identity import fingerprint
from hybrid.files import expanded, file_digest, parse_json, restore_folder, write_json
from hybrid.pipelines.saved.adapted_from import AdaptedFrom
from hybrid.pipelines.saved.contents import CALIBRATION, MANIFEST, REFERENCE, list_files

SCHEMA, _OLDEST = 3, 2  # since schema 3 the trees of forests are saved in separate files

MOST_BYTES = 2**26
_MOST_FILES = 10_000  # of a model, which has few besides one for each forest, booster and network


@dataclass(frozen=True)
class SavedStep:
    """Name and class name of a step of the saved pipeline."""

    name: str
    type: str


@dataclass(frozen=True)
class SavedExtractor:
    """An extractor of a saved model.

    Attributes
    ----------
    params : dict
        Parameters of the `FeatureExtractor`. If the model has a copy of the network or weights, the parameter is the
        name of that file in the model's folder.
    identity : dict
        Everything that can change an embedding; see `hybrid.extractors.store.identity`.
    fingerprint : str
        SHA-256 hash of the identity.
    """

    params: dict[str, Any]
    identity: dict[str, Any]
    fingerprint: str

    @property
    def backbone(self) -> str:
        """Name of the backbone, or of its file."""
        return str(self.params.get("backbone"))

    @property
    def has_own_file(self) -> bool:
        """Whether the model holds a copy of the network or of its weights."""
        return any(str(self.params.get(name)).startswith("network/") for name in ("backbone", "weights"))

    @property
    def parameters(self) -> int:
        """Number of parameters of the network; 0 if it is not recorded."""
        return self.identity.get("parameters") or 0


@dataclass(frozen=True)
class SavedFile:
    """Size in bytes and SHA-256 hash of a file of the model."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The description of a saved model that :func:`~hybrid.pipelines.read_manifest` returns.

    Attributes
    ----------
    created : str
        When the model was saved, in ISO 8601, UTC.
    versions : dict of str to str
        Versions of hybrid, Python and the packages that the model was saved with, and the kind of machine.
    task : {"binary", "multiclass", "multilabel"}
        The kind of classification.
    labels : {"string", "integer", "float", "boolean", "multilabel"}
        Type of the classes. With "multilabel" the classes are the indices of the label columns.
    classes : list
        The classes, in the order of the probabilities.
    width : int
        Number of columns of the embeddings.
    steps : list of SavedStep
        The steps of the pipeline.
    extractors : list of SavedExtractor
        The extractors, in the order of their columns; empty for a model that takes embeddings.
    info : dict
        The values that were given to :func:`~hybrid.save_model`.
    files : dict of str to SavedFile
        Every file of the model except the manifest, by its relative path with forward slashes.
    schema : int
        Version of the file format.
    """

    created: str
    versions: dict[str, str]
    task: str
    labels: str
    classes: list[Any]
    width: int
    steps: list[SavedStep]
    extractors: list[SavedExtractor]
    info: dict[str, Any]
    files: dict[str, SavedFile]
    schema: int = SCHEMA

    def __getitem__(self, name: str) -> Any:
        """Return a field of :meth:`to_dict`, because :func:`read_manifest` formerly returned a dict."""
        message = f"A manifest is no longer a dict: write manifest.{name} in place of manifest[{name!r}]."
        warnings.warn(message, FutureWarning, stacklevel=2)
        return self.to_dict()[name]

    @property
    def model(self) -> str | None:
        """The name that the model was given; None without one."""
        name = self.info.get("model")
        return name if isinstance(name, str) else None

    @property
    def aim(self) -> str | None:
        """The aim that the threshold was chosen for; None without one."""
        aim = self.info.get("aim")
        return aim if isinstance(aim, str) else None

    @property
    def views(self) -> dict[str, Any] | None:
        """The views that predictions are means over, as `Views.fields` returns them; None without views."""
        views = self.info.get("views")
        return views if isinstance(views, dict) else None

    @property
    def dataset(self) -> dict[str, Any]:
        """The record of the dataset that the model was fitted to; empty if it is not recorded."""
        dataset = self.info.get("dataset")
        return dataset if isinstance(dataset, dict) else {}

    @property
    def head(self) -> str:
        """Name of the head, or the type of the last step if no name is recorded."""
        return str(self.info.get("head") or self.steps[-1].type)

    @property
    def adapted(self) -> AdaptedFrom | None:
        """Where an adapted model comes from; None for other models."""
        return AdaptedFrom.from_info(self.info.get("adapted"))

    @property
    def reference(self) -> str:
        """Which images the model knows unfamiliar ones by, in words; without a reference, the reason."""
        return self._text("reference", REFERENCE)

    @property
    def prediction_sets(self) -> str:
        """Which images calibrate prediction sets, in words; without scores of any, the reason."""
        return self._text("prediction_sets", CALIBRATION)

    @property
    def label_names(self) -> list[str]:
        """Names of the classes or labels as strings."""
        names = self.info.get("labels")
        if not isinstance(names, list) or len(names) != len(self.classes):
            names = self.classes
        return [str(name) for name in names]

    def name(self, default: str) -> str:
        """Return the name of the model, or the default if no name is recorded."""
        return str(self.info.get("model", default))

    def _text(self, name: str, file: str) -> str:
        text = self.info.get(name)
        if isinstance(text, str) and text:
            return text
        return "images that are not named" if file in self.files else "it was saved without, or by an earlier version"

    @property
    def kept(self) -> dict[str, str]:
        """What the model keeps of images, in words."""
        texts = {"reference": (REFERENCE, self.reference), "prediction sets": (CALIBRATION, self.prediction_sets)}
        return {name: text if file in self.files else f"none: {text}" for name, (file, text) in texts.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as a dict of JSON values."""
        return {"schema": self.schema} | asdict(self)


def model_info(
    model: str,
    dataset: Mapping[str, Any],
    head: str,
    labels: list[Any],
    views: Mapping[str, Any] | None,
    aim: str | None = None,
    threshold: str = "",
    adapted: AdaptedFrom | None = None,
    reference: str = "",
    prediction_sets: str = "",
) -> dict[str, Any]:
    """Return the ``info`` of a model that was fitted in a workspace, which properties of `Manifest` read.

    Parameters
    ----------
    model, head : str
        Names of the model and of its head.
    dataset : mapping
        The record of the dataset.
    labels : list
        Names of the classes or labels.
    views : mapping or None
        The views that predictions are means over, as `Views.fields` returns them; None without views.
    aim : str, optional
        What the threshold was chosen for.
    threshold : str, default=""
        How labels follow from probabilities, in words.
    adapted : AdaptedFrom, optional
        Where an adapted model comes from.
    reference, prediction_sets : str, default=""
        Why the model keeps no reference of its training images, and why it can make no prediction sets.
    """
    info = {"model": model, "dataset": dataset, "head": head, "labels": labels, "views": views}
    info |= {"aim": aim, "threshold": threshold}
    kept = {"reference": reference, "prediction_sets": prediction_sets}
    info |= {name: text for name, text in kept.items() if text}
    return info if adapted is None else info | {"adapted": adapted.to_info()}


def read_manifest(folder: str | Path) -> Manifest:
    """Read the manifest of a saved model, without loading the model.

    Parameters
    ----------
    folder : str or Path
        The model's folder.

    Returns
    -------
    Manifest
        The manifest.

    Raises
    ------
    InputError
        If there is no saved model, its manifest was changed, or this version of hybrid cannot read it.
    """
    folder = expanded(folder).absolute()
    restore_folder(folder)
    path = folder / MANIFEST
    if not path.is_file() or path.is_symlink():
        raise InputError(f"There is no saved model {str(folder)!r}: expected a folder with a {MANIFEST} in it.")
    if path.stat().st_size > MOST_BYTES:
        raise _changed(folder.name, f"it has more than {MOST_BYTES:,} bytes")
    try:
        return parse_manifest(path.read_bytes(), folder.name, str(path))
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}.") from error


def parse_manifest(data: bytes, model: str, path: str) -> Manifest:
    """Parse and check the contents of a manifest's file.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    model, path : str
        Names of the model and of the file in error messages.

    Returns
    -------
    Manifest
        The manifest.

    Raises
    ------
    InputError
        If the file is not a manifest, was changed, or has a schema that this version of hybrid cannot read.
    """
    try:
        record = parse_json(data)
    except ValueError as error:
        raise InputError(f"{path!r} is not the manifest of a saved model: {error}.") from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if not isinstance(schema, int):
        raise InputError(f"{path!r} is not the manifest of a saved model: it states no schema.")
    if schema > SCHEMA:
        raise InputError(
            f"Model {model!r} has schema {schema}; hybrid {__version__} reads up to {SCHEMA}: update hybrid."
        )
    if schema < _OLDEST:
        raise InputError(
            f"Model {model!r} has schema {schema} of an earlier version; hybrid {__version__} reads schemas {_OLDEST} "
            f"to {SCHEMA}: fit and save it again."
        )
    if record.pop("sha256", None) != fingerprint(record):
        raise _changed(model, "it does not match its checksum")
    if other := sorted(set(record) ^ set(_CHECKS)):
        raise _changed(model, f"fields are missing or unknown: {', '.join(other):.200}")
    if isinstance(record["files"], dict):
        check_number_of_files(model, len(record["files"]))
    for name, fits in _CHECKS.items():
        if not fits(record[name]):
            raise _changed(model, f"the field {name!r} does not have the expected type or value")
    return Manifest(
        **record
        | {
            "steps": [SavedStep(**step) for step in record["steps"]],
            "extractors": [SavedExtractor(**extractor) for extractor in record["extractors"]],
            "files": {name: SavedFile(**file) for name, file in record["files"].items()},
        }
    )


def check_number_of_files(model: str, number: int) -> None:
    """Raise `InputError` if a model has so many files that to inspect them would take very long."""
    if number > _MOST_FILES:
        raise InputError(f"Model {model!r} has {number:,} files; expected at most {_MOST_FILES:,}: copy it again.")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest with its own checksum.

    Raises
    ------
    InputError
        If a value cannot be written as JSON.
    """
    record = _to_json(manifest.to_dict())
    write_json(folder / MANIFEST, {**record, "sha256": fingerprint(record)})


def _to_json(value: Any) -> Any:
    """Return a value as JSON values: NumPy arrays and numbers as lists and numbers, paths as strings."""
    try:
        return json.loads(json.dumps(value, default=_to_python, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"The manifest of the model cannot be written as JSON: {error}") from error


def describe_files(folder: Path) -> dict[str, SavedFile]:
    """Return the size and SHA-256 hash of every file in a folder, by its relative path with forward slashes."""
    return {name: SavedFile((folder / name).stat().st_size, file_digest(folder / name)) for name in list_files(folder)}


def _changed(model: str, reason: str) -> InputError:
    return InputError(f"Model {model!r} was changed after it was saved: {MANIFEST} ({reason}). Save it again.")


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_record(value: Any, kind: type, **types: type) -> bool:
    """Return whether a value is a dict with the fields of a dataclass, where the given fields have these types."""
    names = {field.name for field in fields(kind)}
    return isinstance(value, dict) and set(value) == names and all(isinstance(value[n], t) for n, t in types.items())


def _is_list(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(fits, value))


def _is_file(value: Any) -> bool:
    return _is_record(value, SavedFile, sha256=str) and _is_count(value["size"])


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "schema": _is_count,
    "created": lambda value: isinstance(value, str),
    "versions": lambda value: isinstance(value, dict) and all(isinstance(version, str) for version in value.values()),
    "task": lambda value: value in ("binary", "multiclass", "multilabel"),
    "labels": lambda value: isinstance(value, str),
    "classes": lambda value: _is_list(value, lambda item: isinstance(item, str | int | float)),
    "width": _is_count,
    "steps": lambda value: (
        bool(value) and _is_list(value, lambda step: _is_record(step, SavedStep, name=str, type=str))
    ),
    "extractors": lambda value: _is_list(
        value, lambda item: _is_record(item, SavedExtractor, params=dict, identity=dict, fingerprint=str)
    ),
    "info": lambda value: isinstance(value, dict),
    "files": lambda value: isinstance(value, dict) and all(map(_is_file, value.values())),
}


def _to_python(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a string, number, list or dict")
