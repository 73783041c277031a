"""Build the graph from uint8 pixels to float32 embeddings: preprocessing, cut network, pooling and concatenation."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.load import compute_in, fresh_state, load_network, symbolic
from hybrid.extractors.backbones.options import PENULTIMATE, POOLINGS, PREPROCESSINGS
from hybrid.extractors.backbones.table import BackboneSpec
from hybrid.extractors.graph.cutting import (
    check_cuttable,
    cut,
    default_ending,
    layer_names,
    leaf_operations,
    resolve_layer,
)
from hybrid.extractors.graph.multiply_adds import multiply_adds
from hybrid.extractors.images import decoding
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.store.identity import FORMAT, Identity

_MIN_GREY_SIDE = 8  # pixels; a shorter side of an input without an axis of channels is not one of an image


@dataclass(frozen=True)
class Graph:
    """The graph of an extractor.

    Attributes
    ----------
    model : keras.Model
        A model from uint8 pixels (n, height, width, channels) to float32 embeddings (n, …), in inference mode.
    identity : Identity
        Everything that can change a number in the embeddings.
    doubt : str
        A sentence that says how the end of the network was understood, if the layer was chosen by default and it is not
        clear whether the network ends in a classifier; otherwise "".
    """

    model: keras.Model
    identity: Identity
    doubt: str = ""


@fresh_state
def build_graph(
    spec: BackboneSpec,
    *,
    weights: str,
    layers: list[str],
    pooling: str,
    preprocessing: str,
    size: tuple[int, int] | None,
    interpolation: str,
    reading: Reading,
    seed: int,
    precision: str,
) -> Graph:
    """Build the graph of an extractor. The parameters are the resolved parameters of `FeatureExtractor`.

    Raises
    ------
    InputError
        If the network cannot be built, loaded or cut with these parameters, or its input is not an image.
    """
    if keras.config.image_data_format() != "channels_last":
        raise InputError("Keras is set to channels_first. Set image_data_format to channels_last in keras.json.")
    network, names = _network_with(spec, weights, layers, size, seed)
    doubt = default_ending(network).doubt if PENULTIMATE in names else ""
    names = [resolve_layer(network, name) for name in names]
    compute_in(network, precision)
    shape = _input_shape(network, size)
    convert, preprocessing = _preprocessing(spec, network, preprocessing, shape[2])
    model = _assemble(network, names, shape, convert, pooling)
    fields = {
        "format": FORMAT,
        "graph": _graph_digest(model),
        "weights": _weights_digest(model),
        "layers": names,
        "pooling": pooling,
        "preprocessing": preprocessing,
        "size": list(shape[:2]),
        "channels": shape[2],
        "interpolation": interpolation,
        "decode_policy": decoding.POLICY,
        "precision": precision,
    } | reading.fields()
    shape_of_one = tuple(model.outputs[0].shape[1:])
    return Graph(model, Identity(fields, shape_of_one, model.count_params(), multiply_adds(model)), doubt)


def _network_with(
    spec: BackboneSpec, weights: str, names: list[str], size: tuple[int, int] | None, seed: int
) -> tuple[keras.Model, list[str]]:
    """Return the network and the names of the layers.

    The classification layers of a pretrained network are loaded only if one of the layers is among them.
    """
    network = load_network(spec, weights, size, seed, top=False)
    check_cuttable(network)
    pretrained = spec.row is not None and spec.row.kind == "pretrained"
    if pretrained and not _has_layers(network, names) and _has_layers(symbolic(spec, size, include_top=True), names):
        network = load_network(spec, weights, size, seed, top=True)
    if pretrained:  # gives the same embedding whether or not the file contains the classification layers
        end = resolve_layer(symbolic(spec, size, include_top=False), PENULTIMATE)
        if _has_layers(network, [end]):  # the last layers of ConvNeXt differ with and without the classification layers
            names = [end if name == PENULTIMATE else name for name in names]
    return network, names


def _has_layers(network: keras.Model, names: list[str]) -> bool:
    inner_names = {path.split("/")[-1] for path in layer_names(network)}
    return (inner_names | set(layer_names(network)) | {PENULTIMATE}).issuperset(names)


def _input_shape(network: keras.Model, size: tuple[int, int] | None) -> tuple[int, int, int]:
    shape = _image_shape(network)
    height, width, channels = shape
    if size is None and None in (height, width):
        raise InputError(
            f"The network {network.name!r} takes images of any size. Give one with --size HEIGHTxWIDTH "
            "(size=(HEIGHT, WIDTH))."
        )
    for fixed, given in zip((height, width), size or (height, width), strict=True):
        if fixed not in (None, given):
            raise InputError(
                f"The network {network.name!r} takes images of {height}×{width}, "
                f"so size={given} cannot be used; leave it out."
            )
    return (*(size or (height, width)), channels)


def _image_shape(network: keras.Model) -> tuple[Any, Any, int]:
    """Return height, width (None for any) and channels of a network's input; without channels, it is grey."""
    shape = tuple(network.inputs[0].shape[1:])
    if len(shape) == 3 and shape[2] in (1, 3):
        return shape
    sides = shape
    if len(shape) == 1 and shape[0]:
        sides = (math.isqrt(shape[0]),) * 2 if math.isqrt(shape[0]) ** 2 == shape[0] else ()
    if len(sides) != 2 or any(side is not None and side < _MIN_GREY_SIDE for side in sides):
        raise InputError(
            f"The network {network.name!r} takes inputs of shape {shape}; expected images: (height, width, 1 or 3), "
            "(height, width) for grey images, or (height · width,) for square grey images."
        )
    return (*sides, 1)


def _preprocessing(
    spec: BackboneSpec, network: keras.Model, name: str, channels: int
) -> tuple[Callable[[keras.KerasTensor], keras.KerasTensor], str]:
    if name != "auto" and name not in PREPROCESSINGS:
        raise unknown_name("preprocessing", name, ["auto", *PREPROCESSINGS])
    if name == "auto" and spec.row is not None and spec.row.kind == "pretrained":
        module = getattr(keras.applications, spec.row.module)
        return module.preprocess_input, f"keras.applications.{spec.row.module}"
    if name == "auto":
        if not _scales_itself(network):
            raise InputError(
                f"The network {spec.name!r} has no Rescaling or Normalization layer at its input, so it is not known "
                f"how pixels were scaled in training. Give --preprocessing {'|'.join(PREPROCESSINGS)} "
                "(preprocessing=… in Python)."
            )
        name = "none"
    if name in ("torch", "caffe") and channels != 3:
        raise InputError(
            f"Preprocessing {name!r} is for RGB images; the network {spec.name!r} takes {channels} channel."
        )
    return _STEPS[name], name


def _scales_itself(network: keras.Model) -> bool:
    """Return whether the pixels are rescaled before the first layer with weights."""
    for operation in leaf_operations(network):
        if isinstance(operation, (layers.Rescaling, layers.Normalization)):
            return True
        if not isinstance(operation, keras.Layer) and type(operation).__name__ in _ARITHMETIC:
            return True
        if getattr(operation, "weights", None):
            return False
    return False


_ARITHMETIC = frozenset({"TrueDivide", "Divide", "Multiply", "Subtract", "Add"})

_STEPS: dict[str, Callable[[keras.KerasTensor], keras.KerasTensor]] = {
    "none": lambda pixels: pixels,
    "rescale": lambda pixels: pixels / 255.0,
    "tf": lambda pixels: pixels / 127.5 - 1.0,
    "torch": lambda pixels: keras.applications.imagenet_utils.preprocess_input(pixels, mode="torch"),
    "caffe": lambda pixels: keras.applications.imagenet_utils.preprocess_input(pixels, mode="caffe"),
}


def _assemble(
    network: keras.Model,
    names: list[str],
    shape: tuple[int, int, int],
    convert: Callable[[keras.KerasTensor], keras.KerasTensor],
    pooling: str,
) -> keras.Model:
    pixels = keras.Input(shape, dtype="uint8", name="pixels")
    scaled = convert(ops.cast(pixels, "float32"))
    if len(network.inputs[0].shape) != len(scaled.shape):
        scaled = layers.Reshape(shape[:2] if len(network.inputs[0].shape) == 3 else (shape[0] * shape[1],))(scaled)
    features = cut(network, names)(scaled, training=False)
    features = features if isinstance(features, (list, tuple)) else [features]
    pooled = [_pool(tensor, pooling, name) for tensor, name in zip(features, names, strict=True)]
    if len(pooled) > 1 and len(pooled[0].shape) != 2:
        raise InputError("Several layers cannot be concatenated with pooling='none'; choose a pooling or one layer.")
    joined = layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    return keras.Model(pixels, ops.cast(joined, "float32"), name="extractor")


def _pool(tensor: keras.KerasTensor, pooling: str, name: str) -> keras.KerasTensor:
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    rank = len(tensor.shape)
    if rank == 2 or pooling == "none":
        return tensor
    if pooling == "flatten":
        return layers.Flatten()(tensor)
    if rank not in (3, 4):
        raise InputError(
            f"Layer {name!r} has outputs of shape {tensor.shape[1:]}; only pooling='flatten' or 'none' fits them."
        )
    average, maximum = (
        (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)
        if rank == 4
        else (layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)
    )
    if pooling == "both":
        return layers.Concatenate()([average()(tensor), maximum()(tensor)])
    return (average if pooling == "avg" else maximum)()(tensor)


def _weights_digest(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for weight in model.weights:
        value = ops.convert_to_numpy(weight)
        if not np.isfinite(value).all():  # the embeddings need not show it, for example after a ReLU
            raise InputError(f"The weight {weight.path!r} of the network contains NaN or infinity; train it again.")
        digest.update(f"{value.dtype} {value.shape}\n".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _graph_digest(model: keras.Model) -> str:
    """Return the SHA-256 of a network's structure, without the names of layers, which Keras numbers consecutively."""
    return hashlib.sha256(json.dumps(_anonymous(model.get_config()), sort_keys=True).encode()).hexdigest()


def _anonymous(config: dict[str, Any]) -> dict[str, Any]:
    numbers = {layer["name"]: f"#{index}" for index, layer in enumerate(config["layers"])}

    def replace(value: Any) -> Any:
        if isinstance(value, dict):
            if "layers" in value and "input_layers" in value:
                return _anonymous(value)
            return {key: replace(item) for key, item in value.items() if key not in ("name", "seed")}
        if isinstance(value, (list, tuple)):
            return [replace(item) for item in value]
        return numbers.get(value, value) if isinstance(value, str) else value

    return {key: replace(config[key]) for key in ("layers", "input_layers", "output_layers")}
