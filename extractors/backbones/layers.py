"""Build Keras models from descriptions of networks, with one function for each kind of layer."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import KerasTensor, layers

from hybrid.errors import InputError
from hybrid.extractors.backbones.description import GRAMMAR, Layer, layer_names, parse_description, with_dropout

Builder = Callable[[KerasTensor, Layer, str, dict[str, Any]], KerasTensor]


def build_described(
    description: Sequence[str],
    input_shape: tuple[int, int, int],
    n_outputs: int,
    multilabel: bool = False,
    *,
    dropout: float | None = None,
    l2: float = 0.0,
    name: str = "network",
) -> keras.Model:
    """Build a network from its description.

    Parameters
    ----------
    description : sequence of str
        Lines in the grammar of `hybrid.extractors.backbones.description`.
    input_shape : (int, int, int)
        Height, width and channels of the raw pixels. The network divides pixels by 255 first.
    n_outputs : int
        Number of classes or labels.
    multilabel : bool, default=False
        Whether the outputs are independent labels. They then have sigmoids, even if the description says otherwise.
    dropout : float, optional
        Rate of all dropout layers. If the network has none, one is added before each dense layer and before the output.
        By default the description is not changed.
    l2 : float, default=0.0
        L2 penalty on the kernels of all layers.
    name : str, default="network"
        Name of the model, also in error messages.

    Returns
    -------
    keras.Model
        The network, not compiled. Layers are named by kind and number (``"conv_2"``), the last layer before the output
        is named ``"features"``, and the output ``"probabilities"``. The output is a softmax over the classes, a sigmoid
        for each label or, for two classes and ``output sigmoid``, the probability of the second class.

    Raises
    ------
    InputError
        If a line does not follow the grammar, does not fit the previous layer, or shrinks the image to nothing.
    """
    described = parse_description(description)
    if dropout is not None:
        described = with_dropout(described, dropout)
    *hidden, output = described
    kernels = {"kernel_regularizer": keras.regularizers.L2(l2)} if l2 else {}
    inputs = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 255, name="rescaling")(inputs)
    for layer, layer_name in zip(hidden, layer_names(hidden), strict=True):
        failure = f"{name} cannot be built for images of {input_shape[0]}×{input_shape[1]}"
        x = _add_layer(x, layer, layer_name, kernels, failure)
    if len(x.shape) != 2:
        raise InputError(f"The network {name} must end in a vector for each image; add 'flatten' or 'globalpool'.")
    single = output.activation == "sigmoid" and n_outputs == 2 and not multilabel
    activation = "sigmoid" if multilabel or single else "softmax"
    units = 1 if single else n_outputs
    x = layers.Dense(units, activation=activation, dtype="float32", name="probabilities", **kernels)(x)
    return keras.Model(inputs, x, name=name)


def _add_layer(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any], failure: str) -> KerasTensor:
    build, *ranks = BUILDERS[layer.kind]
    if len(x.shape) - 1 not in ranks:
        raise InputError(
            f"The layer {GRAMMAR[layer.kind].example!r} takes {' or '.join(_RANKS[rank] for rank in ranks)}, but comes "
            f"after {_RANKS[len(x.shape) - 1]}."
        )
    too_small = InputError(
        f"{failure}: no pixels are left at the layer {name}. Use larger images, as with --size 64 (size=64)."
    )
    try:
        x = build(x, layer, name, kernels)
    except ValueError as error:
        raise too_small from error
    if 0 in x.shape:  # only some versions of Keras raise an error
        raise too_small
    return x


def _conv(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    options = {"activation": layer.activation, "use_bias": layer.bias, "name": name, **kernels}
    return layers.Conv2D(int(layer.amount), layer.size, layer.stride or 1, layer.padding, **options)(x)


def _pool(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    kind = layers.AveragePooling2D if layer.kind == "avgpool" else layers.MaxPooling2D
    return kind(layer.size, layer.stride, layer.padding, name=name)(x)


def _norm(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    return layers.BatchNormalization(momentum=0.9, name=name)(x)


def _residual(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    filters, stride = int(layer.amount), layer.stride or 1
    options = {"padding": "same", "use_bias": False, **kernels}
    y = layers.ReLU(name=f"{name}_relu_1")(_norm(x, layer, f"{name}_norm_1", {}))
    if stride > 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, stride, name=f"{name}_shortcut", **options)(y)
    y = layers.Conv2D(filters, 3, stride, name=f"{name}_conv_1", **options)(y)
    y = layers.ReLU(name=f"{name}_relu_2")(_norm(y, layer, f"{name}_norm_2", {}))
    y = layers.Conv2D(filters, 3, name=f"{name}_conv_2", **options)(y)
    return layers.Add(name=name)([x, y])


def _recurrent(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    kind = layers.LSTM if layer.kind == "lstm" else layers.GRU
    return kind(int(layer.amount), return_sequences=layer.sequences, name=name, **kernels)(x)


def _rows(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    return layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name=name)(x)


def _dense(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    options = {"activation": layer.activation, "use_bias": layer.bias, "name": name, **kernels}
    return layers.Dense(int(layer.amount), **options)(x)


def _standardize(x: KerasTensor, layer: Layer, name: str, kernels: dict[str, Any]) -> KerasTensor:
    return layers.LayerNormalization((1, 2, 3), epsilon=1e-5, center=False, scale=False, name=name)(x)


def _without_kernel(make: Callable[[Layer, str], keras.Layer]) -> Builder:
    return lambda x, layer, name, kernels: make(layer, name)(x)


_RANKS = {1: "a vector (from flatten or globalpool)", 2: "a sequence (from rows)", 3: "a feature map"}

# For each kind of layer: the function that builds it, and the numbers of dimensions (without the batch) of its input.
BUILDERS: dict[str, tuple[Builder, *tuple[int, ...]]] = {
    "conv": (_conv, 3),
    "pool": (_pool, 3),
    "avgpool": (_pool, 3),
    "norm": (_norm, 1, 2, 3),
    "dropout": (_without_kernel(lambda layer, name: layers.Dropout(layer.amount, name=name)), 1, 2, 3),
    "residual": (_residual, 3),
    "activation": (_without_kernel(lambda layer, name: layers.Activation(layer.activation, name=name)), 1, 2, 3),
    "globalpool": (_without_kernel(lambda layer, name: layers.GlobalAveragePooling2D(name=name)), 3),
    "globalmaxpool": (_without_kernel(lambda layer, name: layers.GlobalMaxPooling2D(name=name)), 3),
    "flatten": (_without_kernel(lambda layer, name: layers.Flatten(name=name)), 2, 3),
    "rows": (_rows, 3),
    "lstm": (_recurrent, 2),
    "gru": (_recurrent, 2),
    "dense": (_dense, 1),
    "standardize": (_standardize, 3),
}
