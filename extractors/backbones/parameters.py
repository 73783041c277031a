"""What was asked for, without importing Keras: the text that an extractor's identity is remembered under."""

import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hybrid._version import __version__
from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.options import POOLINGS, PRECISIONS, PREPROCESSINGS
from hybrid.extractors.backbones.table import BackboneSpec, parse_backbone
from hybrid.extractors.images import decode
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.store.identity import FORMAT


class RandomWeightsWarning(UserWarning):
    """The network has random weights: its features are those of an untrained network."""


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
    memory: FileDigests,
) -> dict[str, Any]:
    """Return JSON values that hold everything an identity follows from, files by the digest of their content.

    The parameters are those of `FeatureExtractor`, and the memory of file digests.

    Raises
    ------
    InputError
        If one is unknown, or does not go with another.
    """
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    if preprocessing not in ("auto", *PREPROCESSINGS):
        raise unknown_name("preprocessing", preprocessing, ["auto", *PREPROCESSINGS])
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    decode.resample(interpolation)
    if not layers or not all(isinstance(layer, str) for layer in layers):
        raise InputError(f"layers={layers!r} was given; expected the name of one layer or more, such as 'penultimate'.")
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
        "backbone": spec.name if spec.path is None else _digest(spec.path, memory),
        "weights": source if source in ("imagenet", "random", "file") else _digest(Path(source), memory),
        "seed": int(seed) if source == "random" else None,
        "layers": layers,
        "pooling": pooling,
        "preprocessing": preprocessing,
        "size": resolve_size(size),
        "interpolation": interpolation,
        "precision": precision,
    }


def resolve_weights(weights: str | Path, spec: BackboneSpec) -> str:
    """Return ``"imagenet"``, ``"random"``, ``"file"`` (the ``.keras`` file's own) or the path of a weights file."""
    given = str(weights)
    if spec.row is None:
        if given != "auto":
            raise InputError(f"weights={given!r} was given with a .keras file, which holds its own: leave it out.")
        return "file"
    if given == "auto":
        return "imagenet" if spec.row.kind == "pretrained" else "random"
    if given == "random":
        return given
    if spec.row.kind == "custom":
        raise InputError(
            f"weights={given!r} was given for the custom backbone {spec.name!r}: train it with `hybrid train`, "
            "then give the .keras file as the backbone."
        )
    if given == "imagenet":
        return given
    path = Path(given).expanduser()
    if not path.is_file():
        raise InputError(f"There is no weights file {given!r}; expected 'imagenet', 'random' or a file.")
    return str(path)


def resolve_size(size: int | Sequence[int] | None) -> list[int] | None:
    """Return ``[height, width]``, or None for the backbone's own."""
    if size is None:
        return None
    sides = [size, size] if isinstance(size, (int, np.integer)) else list(size)
    if len(sides) != 2 or not all(isinstance(side, (int, np.integer)) and side > 0 for side in sides):
        raise InputError(f"size={size!r} was given; expected a number of pixels, or (height, width).")
    return [int(side) for side in sides]


def keras_backend() -> str:
    """Return the backend that Keras has or will have."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"]
    try:
        return json.loads((keras_home() / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def keras_home() -> Path:
    """Return the folder of Keras's settings and of the weights that it downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _digest(path: Path, memory: FileDigests) -> str:
    (digest,) = memory([str(path.resolve())])
    if isinstance(digest, Exception):
        raise InputError(f"{str(path)!r} cannot be read: {digest}") from digest
    return digest.hex()
