"""Check the record of an extractor in a saved model's manifest, before any file of the model is opened."""

import re
from collections.abc import Collection
from typing import Any

from hybrid.errors import InputError
from hybrid.extractors import Extractor
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.layer_table import check_layers, check_least_size, check_options
from hybrid.extractors.backbones.parameters import check_saved_parameters, resolve_size
from hybrid.extractors.backbones.table import parse_backbone
from hybrid.extractors.recorded_parameters import current_names, recorded_parameters
from hybrid.extractors.store.identity import Identity
from hybrid.pipelines.saved.manifest import SavedExtractor

FILES = {  # Keras recognises the format of weights by the name
    "backbone": re.compile(r"network/network(-\d+)?\.keras"),
    "weights": re.compile(r"network/network(-\d+)?(\.weights)?\.h5"),
}


def check_extractor(record: SavedExtractor, model: str, files: Collection[str]) -> dict[str, Any]:
    """Return the parameters of a saved model's extractor, after they have been checked.

    Parameters
    ----------
    record : SavedExtractor
        The record in the manifest.
    model : str
        Name of the model in error messages.
    files : collection of str
        Names of the model's files.

    Returns
    -------
    dict
        Parameters of an `Extractor`. The files of networks and weights are named as in the record.

    Raises
    ------
    InputError
        If parameters are missing or unknown, have another type than expected or need very much memory or time, or if a
        network is in a file outside the model.
    """
    known = set(Extractor().get_params()) - {"cache", "fingerprint"}
    params, identity = current_names(record.params), _identity(record, model)
    if set(params) - known or not all(isinstance(params.get(name), str) for name in FILES):
        raise InputError(
            f"Model {model!r} has an extractor with missing or unknown parameters; expected {', '.join(sorted(known))}."
        )
    try:
        check_saved_parameters(params)
        params = recorded_parameters(params, identity)
        if not params["backbone"].endswith(".keras"):
            _check_backbone(params)
    except InputError as error:
        raise InputError(f"Model {model!r} has an extractor that cannot be used: {error}") from error
    for parameter, pattern in FILES.items():
        is_own_file = pattern.fullmatch(params[parameter]) and params[parameter] in files
        if not is_own_file and _is_outside(parameter, params[parameter]):
            raise InputError(
                f"Model {model!r} has the {parameter} {params[parameter]!r}, which is not a file in its folder."
            )
    return params


def _identity(record: SavedExtractor, model: str) -> Identity:
    """Return the identity in a record, if its values have the types that are used before the network is built."""
    try:
        identity = Identity.from_dict(record.identity)
        layers = identity.fields.get("layers", [])
        numbers = [number for number in (identity.parameters, identity.multiply_adds) if number is not None]
        whole = all(type(number) is int and number >= 0 for number in (*numbers, *identity.output_shape))
        if whole and isinstance(layers, list) and all(isinstance(layer, str) for layer in layers):
            return identity
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"Model {model!r} has an extractor whose identity is incomplete.") from error
    raise InputError(f"Model {model!r} has an extractor whose identity has values of other types than expected.")


def _check_backbone(params: dict[str, Any]) -> None:
    """Check the options, layers and size of a backbone that is given by its name."""
    spec = parse_backbone(params["backbone"])
    if spec.row is None:
        return
    if spec.row.kind == "custom":
        Architecture.parse(params["backbone"])
    layers = params.get("layers", [])
    check_options(spec)
    check_layers(spec, [layers] if isinstance(layers, str) else layers)
    check_least_size(spec, resolve_size(params.get("size")))


def _is_outside(parameter: str, value: str) -> bool:
    if parameter == "weights":
        return value not in ("auto", "imagenet", "random")
    return parse_backbone(value).path is not None
