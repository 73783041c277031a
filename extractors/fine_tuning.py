"""A pretrained network with a new output, and which of its layers learn."""

from collections.abc import Iterable

import keras
from keras import layers

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones import BackboneSpec
from hybrid.extractors.cutting import leaf_operations
from hybrid.extractors.networks import compute_in, load_network

ALL = "all"


def build_pretrained(
    spec: BackboneSpec,
    weights: str,
    input_shape: tuple[int, int, int],
    n_outputs: int,
    multilabel: bool = False,
    *,
    dropout: float = 0.2,
    l2: float = 0.0,
) -> keras.Model:
    """Build a network of a pretrained backbone, its own preprocessing before it and a new output behind it.

    Parameters
    ----------
    spec : BackboneSpec
        With a row of a pretrained backbone.
    weights : str
        ``"imagenet"``, ``"random"`` or a weights file.
    input_shape : (int, int, int)
        Height, width, 3 channels of the raw pixels.
    n_outputs : int
        Number of classes or labels.
    multilabel : bool, default=False
        Whether outputs are independent labels: sigmoids, not one softmax.
    dropout : float, default=0.2
        Rate before the output.
    l2 : float, default=0.0
        Penalty on the output's kernel.

    Returns
    -------
    keras.Model
        Not compiled. The backbone is a nested model in inference mode: its batch norm keeps the statistics that it
        came with, whichever of its layers learn. The layer before the output is called ``"features"``, the output
        ``"probabilities"``.

    Raises
    ------
    InputError
        If the backbone cannot be built so, or its weights cannot be had or do not fit.
    """
    assert spec.row is not None
    policy = keras.config.dtype_policy()
    backbone = load_network(spec, weights, input_shape[:2], 0, top=False)
    if policy.compute_dtype != "float32":
        compute_in(backbone, policy.compute_dtype)
    inputs = keras.Input(input_shape, dtype="float32", name="pixels")
    x = getattr(keras.applications, spec.row.module).preprocess_input(inputs)
    x = backbone(x, training=False)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(dropout, name="dropout_1")(x)
    x = layers.Dense(
        n_outputs,
        activation="sigmoid" if multilabel else "softmax",
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
        dtype="float32",
        name="probabilities",
    )(x)
    return keras.Model(inputs, x, name=spec.row.name)


def upper_layers(network: keras.Model, wanted: int | str) -> list[keras.Layer]:
    """Return the upper layers of the backbone of a network that `build_pretrained` built.

    Parameters
    ----------
    network : keras.Model
    wanted : int or str
        How many of them, the name of the lowest, or ``"all"``.

    Returns
    -------
    list of keras.Layer
        From input to output; only layers with weights, and no batch norm.

    Raises
    ------
    InputError
        If there is no layer of that name.
    """
    found = list(leaf_operations(_backbone(network)))
    if isinstance(wanted, str) and wanted != ALL:
        names = [layer.name for layer in found]
        if wanted not in names:
            raise unknown_name("layer", wanted, names, f"It is not in the backbone {network.name!r}.")
        found = found[names.index(wanted) :]
    found = [layer for layer in found if getattr(layer, "weights", None) and not _is_norm(layer)]
    if not found:
        raise InputError(f"Of the backbone {network.name!r} no layer with weights is at or above {wanted!r}.")
    return found[max(len(found) - wanted, 0) :] if isinstance(wanted, int) else found


def let_learn(network: keras.Model, chosen: Iterable[keras.Layer]) -> None:
    """Let the output and the chosen layers of the backbone learn, and nothing else; to be compiled after it."""
    backbone, learning = _backbone(network), {id(layer) for layer in chosen}
    backbone.trainable = bool(learning)  # of all its layers
    for layer in leaf_operations(backbone):
        if isinstance(layer, keras.Layer):
            layer.trainable = id(layer) in learning


def _backbone(network: keras.Model) -> keras.Model:
    return next(layer for layer in network.layers if isinstance(layer, keras.Model))


def _is_norm(layer: keras.Layer) -> bool:
    return isinstance(layer, layers.BatchNormalization)
