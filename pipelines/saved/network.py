"""Save and load a model's extractors: parameters, identity, and a copy of the user's network or weights file."""

import re
import shutil
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.parameters import check_saved_parameters, resolve_weights
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.extractor import recorded_parameters
from hybrid.extractors.store.identity import Identity
from hybrid.files import expanded, write_atomic
from hybrid.pipelines.saved.manifest import SavedExtractor

_FILES = {  # Keras recognises the format of weights by the name
    "backbone": re.compile(r"network/network(-\d+)?\.keras"),
    "weights": re.compile(r"network/network(-\d+)?(\.weights)?\.h5"),
}


def is_network(name: str) -> bool:
    """Return whether this is the name of a saved model's copy of a network or of weights."""
    return any(pattern.fullmatch(name) for pattern in _FILES.values())


def save_extractor(extractor: FeatureExtractor, folder: Path, copies: dict[Path, str]) -> SavedExtractor:
    """Copy the file of an extractor's network or weights, and return the extractor's entry in the manifest.

    A network with ImageNet or random weights is not copied: it is rebuilt and its fingerprint checked.

    Parameters
    ----------
    extractor : FeatureExtractor
        The extractor to save.
    folder : Path
        The model's folder.
    copies : dict of Path to str
        Names in the folder of the files that were copied already. A new copy is added to it.

    Returns
    -------
    SavedExtractor
        The entry.
    """
    identity = extractor.resolve()
    params = extractor.get_params(deep=False)
    del params["cache"], params["fingerprint"]
    params["backbone"], params["layers"] = str(extractor.backbone), _layers_as_json(extractor.layers)
    source = _source(extractor)
    if source is not None:
        parameter, path, suffix = source
        path = expanded(path).resolve()
        if path not in copies:
            number = f"-{len(copies) + 1}" if copies else ""
            copies[path] = f"network/network{number}{suffix}"
            with path.open("rb") as file:
                write_atomic(folder / copies[path], lambda copy: shutil.copyfileobj(file, copy))
        params[parameter] = copies[path]
    return SavedExtractor(params, identity.to_dict(), identity.fingerprint)


def load_extractor(record: SavedExtractor, folder: Path) -> FeatureExtractor:
    """Return the extractor of a saved model whose files were verified; its network is built at first use.

    Raises
    ------
    InputError
        If the network is in a file outside the folder, or the record does not have the parameters of an extractor.
    """
    try:
        params = recorded_parameters(record.params, Identity.from_dict(record.identity))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"Model {folder.name!r} has an extractor whose identity is incomplete.") from error
    known = set(FeatureExtractor().get_params(deep=False)) - {"cache", "fingerprint"}
    if set(params) - known or not all(isinstance(params.get(name), str) for name in _FILES):
        raise InputError(
            f"Model {folder.name!r} has an extractor with missing or unknown parameters; expected "
            f"{', '.join(sorted(known))}."
        )
    try:
        check_saved_parameters(params)
        spec = parse_backbone(params["backbone"]) if not params["backbone"].endswith(".keras") else None
        if spec is not None and spec.row is not None and spec.row.kind == "custom":
            Architecture.parse(params["backbone"])  # checks its options
    except InputError as error:
        raise InputError(f"Model {folder.name!r} has an extractor that cannot be used: {error}") from error
    for parameter, pattern in _FILES.items():
        if pattern.fullmatch(params[parameter]) and (folder / params[parameter]).is_file():
            params[parameter] = str((folder / params[parameter]).resolve())
        elif _is_outside(parameter, params[parameter]):
            raise InputError(
                f"Model {folder.name!r} has the {parameter} {params[parameter]!r}, which is not a file in its folder."
            )
    return FeatureExtractor(**params, fingerprint=record.fingerprint)


def _source(extractor: FeatureExtractor) -> tuple[str, Path, str] | None:
    """Return the parameter that names a file, the file, and the suffix of its copy; None if there is no file."""
    spec = parse_backbone(extractor.backbone)
    if spec.path is not None:
        return "backbone", spec.path, ".keras"
    weights = resolve_weights(extractor.weights, spec)
    if weights in ("imagenet", "random"):
        return None
    return "weights", Path(weights), ".weights.h5" if weights.endswith(".weights.h5") else ".h5"


def _is_outside(parameter: str, value: str) -> bool:
    if parameter == "weights":
        return value not in ("auto", "imagenet", "random")
    return parse_backbone(value).path is not None


def _layers_as_json(layers: Any) -> str | list[str]:
    return layers if isinstance(layers, str) else list(layers)
