"""A pretrained network with a new output."""

import keras
from keras import layers

from hybrid.extractors.backbones.load import compute_in, load_network
from hybrid.extractors.backbones.table import BackboneSpec


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
