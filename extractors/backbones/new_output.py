"""Build a pretrained network with a new output layer."""

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
    """Build a network from a pretrained backbone: its preprocessing, the backbone, and a new output layer.

    Parameters
    ----------
    spec : BackboneSpec
        A pretrained backbone.
    weights : str
        ``"imagenet"``, ``"random"`` or a weights file.
    input_shape : (int, int, int)
        Height, width and channels (3) of the raw pixels.
    n_outputs : int
        Number of classes or labels.
    multilabel : bool, default=False
        Whether the outputs are independent labels (sigmoids) instead of classes (softmax).
    dropout : float, default=0.2
        Dropout rate before the output.
    l2 : float, default=0.0
        L2 penalty on the kernel of the output.

    Returns
    -------
    keras.Model
        The network, not compiled. The backbone is a nested model in inference mode, so its batch normalization keeps
        the pretrained statistics, whichever of its layers are trainable. The pooling layer after the backbone is named
        ``"features"``, and the output ``"probabilities"``.

    Raises
    ------
    InputError
        If the backbone cannot be built with these settings, or its weights are not available or do not fit.
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
