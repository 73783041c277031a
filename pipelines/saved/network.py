"""Save and load a model's extractors: parameters, identity, and a copy of the user's network or weights file."""

import shutil
from pathlib import Path
from typing import Any

from hybrid.extractors import FeatureExtractor
from hybrid.extractors.backbones.parameters import resolve_weights
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.files import expanded, write_atomic
from hybrid.pipelines.saved.contents import list_files
from hybrid.pipelines.saved.extractor import FILES, check_extractor
from hybrid.pipelines.saved.manifest import SavedExtractor


def is_network(name: str) -> bool:
    """Return whether this is the name of a saved model's copy of a network or of weights."""
    return any(pattern.fullmatch(name) for pattern in FILES.values())


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
    params = check_extractor(record, folder.name, list_files(folder))
    for parameter, pattern in FILES.items():
        if pattern.fullmatch(params[parameter]):
            params[parameter] = str((folder / params[parameter]).resolve())
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


def _layers_as_json(layers: Any) -> str | list[str]:
    return layers if isinstance(layers, str) else list(layers)
