"""An extractor as a saved model keeps it: its parameters, its identity, and a copy of the file it stands on."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.extractors.atomic import write_atomic
from hybrid.extractors.backbones import parse_backbone
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.request import resolve_weights

NETWORK = "network/network.keras"
WEIGHTS = ("network/network.weights.h5", "network/network.h5")  # Keras tells the format of weights by the name


def save_extractor(extractor: FeatureExtractor, folder: Path) -> dict[str, Any]:
    """Copy the file that an extractor's network comes from, and return what the manifest says of it.

    A network with ImageNet or random weights is not copied: it is built again, and its fingerprint checked.
    """
    identity = extractor.resolve()
    params = extractor.get_params(deep=False)
    del params["cache"], params["fingerprint"]
    params["backbone"], params["layers"] = str(extractor.backbone), _list(extractor.layers)
    source = _source(extractor)
    if source is not None:
        parameter, path, name = source
        with path.open("rb") as file:
            write_atomic(folder / name, lambda copy: shutil.copyfileobj(file, copy))
        params[parameter] = name
    return {"params": params, "identity": identity.to_dict(), "fingerprint": identity.fingerprint}


def load_extractor(record: Mapping[str, Any], folder: Path) -> FeatureExtractor:
    """Return the extractor of a saved model whose files were checked; its network is built at first use.

    Raises
    ------
    InputError
        If the network comes from a file outside the folder.
    """
    params = dict(record["params"])
    files = {"backbone": (NETWORK,), "weights": WEIGHTS}
    for parameter, names in files.items():
        if params[parameter] in names and (folder / params[parameter]).is_file():
            params[parameter] = str((folder / params[parameter]).resolve())
        elif _is_outside(parameter, params[parameter]):
            raise InputError(
                f"Model {folder.name!r} has the {parameter} {params[parameter]!r}, which is no file of its own folder."
            )
    return FeatureExtractor(**params, fingerprint=record["fingerprint"])


def _source(extractor: FeatureExtractor) -> tuple[str, Path, str] | None:
    """Return the parameter that names a file, the file, and its name in a saved model."""
    spec = parse_backbone(extractor.backbone)
    if spec.path is not None:
        return "backbone", spec.path, NETWORK
    weights = resolve_weights(extractor.weights, spec)
    if weights in ("imagenet", "random"):
        return None
    return "weights", Path(weights), WEIGHTS[0] if weights.endswith(".weights.h5") else WEIGHTS[1]


def _is_outside(parameter: str, value: str) -> bool:
    if parameter == "weights":
        return value not in ("auto", "imagenet", "random")
    return parse_backbone(value).path is not None


def _list(layers: Any) -> str | list[str]:
    return layers if isinstance(layers, str) else list(layers)
