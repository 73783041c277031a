"""Check an extractor's parameters without importing Keras, and describe them as JSON values.

The identity of the extractor is cached under the fingerprint of this description.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hybrid._version import __version__
from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.options import ENDING, PENULTIMATE, POOLINGS, PRECISIONS, PREPROCESSINGS
from hybrid.extractors.backbones.table import BackboneSpec, parse_backbone
from hybrid.extractors.images import decode
from hybrid.extractors.images.limits import open_regular
from hybrid.extractors.store.identity import FORMAT
from hybrid.files import expanded


class RandomWeightsWarning(UserWarning):
    """The network has random weights, so its features are those of an untrained network."""


class UnclearLayerWarning(UserWarning):
    """It is not clear where the network should be cut by default. The message says where it was cut, and why."""


def describe_parameters(
    backbone: str | Path,
    layers: list[str],
    pooling: str,
    weights: str | Path,
    size: int | Sequence[int] | None,
    preprocessing: str,
    interpolation: str,
    seed: int,
    precision: str,
) -> dict[str, Any]:
    """Return everything that determines the identity as JSON values; files are given by the digests of their contents.

    The parameters are those of `FeatureExtractor`.

    Raises
    ------
    InputError
        If a value is unknown, or two parameters contradict each other.
    """
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    if preprocessing not in ("auto", *PREPROCESSINGS):
        raise unknown_name("preprocessing", preprocessing, ["auto", *PREPROCESSINGS])
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    decode.resample(interpolation)
    if not layers or not all(isinstance(layer, str) for layer in layers):
        raise InputError(f"layers={layers!r} was given; expected one or more names of layers, such as 'penultimate'.")
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InputError(f"random_state={seed!r} was given; expected a whole number from 0 to {2**32 - 1}.")
    spec = parse_backbone(backbone)
    source = resolve_weights(weights, spec)
    return {
        "format": FORMAT,
        "decode_policy": decode.POLICY,
        "hybrid": __version__,
        "keras": version("keras"),
        "backend": keras_backend(),
        "backbone": spec.name if spec.path is None else _digest(spec.path),
        "weights": source if source in ("imagenet", "random", "file") else _digest(Path(source)),
        "seed": int(seed) if source == "random" else None,
        "layers": layers,
        "ending": ENDING if PENULTIMATE in layers else None,
        "pooling": pooling,
        "preprocessing": preprocessing,
        "size": resolve_size(size),
        "interpolation": interpolation,
        "precision": precision,
    }


def resolve_weights(weights: str | Path, spec: BackboneSpec) -> str:
    """Return ``"imagenet"``, ``"random"``, the path of a weights file, or ``"file"`` for those of a ``.keras`` file.

    Raises
    ------
    InputError
        If the weights do not exist, or cannot be used with the backbone.
    """
    given = str(weights)
    if spec.row is None:
        if given != "auto":
            raise InputError(
                f"weights={given!r} was given with a .keras file, which has its own weights; leave it out."
            )
        return "file"
    if given == "auto":
        return "imagenet" if spec.row.kind == "pretrained" else "random"
    if given == "random":
        return given
    if spec.row.kind == "custom":
        raise InputError(
            f"weights={given!r} was given for the custom backbone {spec.name!r}, which has none. Train it with "
            "`hybrid train`, then give the .keras file as the backbone."
        )
    if given == "imagenet":
        return given
    path = expanded(given)
    if not path.is_file():
        raise InputError(f"There is no weights file {given!r}; expected 'imagenet', 'random' or a file.")
    if path.suffix.lower() == ".keras":
        raise InputError(
            f"{given!r} is a whole model, not a weights file: give it as the backbone, or save the weights of its "
            "backbone with model.get_layer(NAME).save_weights('base.weights.h5')."
        )
    return str(path)


def resolve_size(size: int | Sequence[int] | None) -> list[int] | None:
    """Return ``[height, width]``, or None for the backbone's default. Raise `InputError` if the size is invalid."""
    if size is None:
        return None
    sides = [size, size] if isinstance(size, (int, np.integer)) else list(size)
    if len(sides) != 2 or not all(isinstance(side, (int, np.integer)) and side > 0 for side in sides):
        raise InputError(f"size={size!r} was given; expected a number of pixels, or (height, width).")
    return [int(side) for side in sides]


def keras_backend() -> str:
    """Return the name of the backend that Keras uses, or will use when it is imported."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    try:
        return json.loads((keras_home() / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def keras_home() -> Path:
    """Return the folder of Keras's settings and of the weights that it downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _digest(path: Path) -> str:
    try:
        with open_regular(str(path)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
