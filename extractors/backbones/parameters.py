"""Check an extractor's parameters without importing Keras, and describe them as JSON values.

The identity of the extractor is cached under the fingerprint of this description.
"""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hybrid._version import __version__
from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.network_files import network_digest
from hybrid.extractors.backbones.options import ENDING, PENULTIMATE, POOLINGS, PRECISIONS, PREPROCESSINGS, RUNTIMES
from hybrid.extractors.backbones.table import BackboneSpec, parse_backbone
from hybrid.extractors.images import decoding
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.store.identity import FORMAT
from hybrid.files import expanded

_MOST_PIXELS = 2**26  # of an image that a network takes
_MOST_BATCH = 2**28  # pixels of a batch
_MOST_IMAGES = 2**16  # of a batch
_MOST_LAYERS = 1000  # of an extractor
_CHOICES = {
    "pooling": tuple(POOLINGS),
    "preprocessing": ("auto", *PREPROCESSINGS),
    "precision": PRECISIONS,
    "interpolation": tuple(decoding.INTERPOLATIONS),
    "runtime": RUNTIMES,
}


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
    reading: Reading,
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
    given = {"pooling": pooling, "preprocessing": preprocessing, "precision": precision, "interpolation": interpolation}
    for name, value in given.items():
        _check_choice(name, value, _CHOICES[name])
    if not layers or not all(isinstance(layer, str) for layer in layers):
        raise InputError(f"layers={layers!r} was given; expected one or more names of layers, such as 'penultimate'.")
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InputError(f"random_state={seed!r} was given; expected a whole number from 0 to {2**32 - 1}.")
    spec = parse_backbone(backbone)
    source = resolve_weights(weights, spec)
    return {
        "format": FORMAT,
        "decode_policy": decoding.POLICY,
        "hybrid": __version__,
        "keras": version("keras"),
        "backend": keras_backend(),
        "backbone": spec.name if spec.path is None else network_digest(spec.path),
        "weights": source if source in ("imagenet", "random", "file") else network_digest(Path(source)),
        "seed": int(seed) if source == "random" else None,
        "layers": layers,
        "ending": ENDING if PENULTIMATE in layers else None,
        "pooling": pooling,
        "preprocessing": preprocessing,
        "size": resolve_size(size),
        "interpolation": interpolation,
        "precision": precision,
    } | reading.fields()


def check_saved_parameters(params: Mapping[str, Any]) -> None:
    """Check the parameters of an extractor in a file, of which none may be a path, without reading any other file.

    Raises
    ------
    InputError
        If a value has another type than expected, is unknown, or would need very much memory or time.
    """
    for name, known in _CHOICES.items():
        if name in params:
            _check_choice(name, params[name], known)
    layers = params.get("layers", PENULTIMATE)
    names = layers if isinstance(layers, list) else [layers]
    if not 0 < len(names) <= _MOST_LAYERS or not all(isinstance(name, str) for name in names):
        raise InputError(f"layers={layers!r:.100} was given; expected 1 to {_MOST_LAYERS} names of layers.")
    seed = params.get("random_state", 0)
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise InputError(f"random_state={seed!r:.100} was given; expected a whole number from 0 to {2**32 - 1}.")
    Reading.of(params.get("bit_depth"), params.get("window", "file"))
    check_batch_size(params.get("batch_size"), resolve_size(params.get("size")) or (224, 224))


def check_batch_size(batch_size: Any, size: Sequence[int]) -> None:
    """Raise `InputError` if a batch of images of a size (height, width) is invalid or very large. None is valid."""
    if batch_size is None:
        return
    is_number = type(batch_size) is int or isinstance(batch_size, np.integer)
    if not is_number or not 1 <= batch_size <= _MOST_IMAGES or int(batch_size) * math.prod(size) > _MOST_BATCH:
        most = max(1, min(_MOST_IMAGES, _MOST_BATCH // math.prod(size)))
        raise InputError(
            f"batch_size={batch_size!r:.100} was given for images of {size[0]}×{size[1]}; expected a whole number "
            f"from 1 to {most:,}, or None to choose one."
        )


def _check_choice(name: str, value: Any, known: Iterable[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise unknown_name(name, value, known)


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
    sides = [size, size] if isinstance(size, (int, np.integer)) else size
    is_pair = isinstance(sides, (list, tuple, np.ndarray)) and len(sides) == 2
    if not is_pair or not all(type(side) is int or isinstance(side, np.integer) for side in sides) or min(sides) < 1:
        raise InputError(f"size={size!r:.100} was given; expected a number of pixels, or (height, width).")
    if int(sides[0]) * int(sides[1]) > _MOST_PIXELS:
        raise InputError(f"size={size!r:.100} was given; a network takes images of at most {_MOST_PIXELS:,} pixels.")
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
