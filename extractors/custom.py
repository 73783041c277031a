"""Small CNNs that are trained from scratch. Each takes raw pixels: the rescaling is its first layer.

Every function has the same signature and gives an uncompiled `keras.Model` whose last layer is ``"probabilities"``:
softmax over the classes, or one sigmoid a label.
"""

import keras
from keras import layers


def convnet_small(input_shape: tuple[int, int, int], n_outputs: int, multilabel: bool = False) -> keras.Model:
    """Build the 2-convolution ConvNet: twice (conv 32 3x3, pool 2), then the classes.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width, channels; at least 10x10.
    n_outputs : int
        Number of classes or labels.
    multilabel : bool, default=False
        Independent sigmoids in place of a softmax.

    Returns
    -------
    keras.Model
    """
    inputs, x = _rescaled(input_shape)
    for _ in range(2):
        x = layers.Conv2D(32, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = _flattened(x, name="features")
    return keras.Model(inputs, _probabilities(x, n_outputs, multilabel), name="convnet_small")


def convnet_bn(input_shape: tuple[int, int, int], n_outputs: int, multilabel: bool = False) -> keras.Model:
    """Build the ConvNet with batch norm and dropout: blocks of 32 and 64 filters, dense 128.

    Parameters and return value are those of :func:`convnet_small`.
    """
    inputs, x = _rescaled(input_shape)
    for filters, dropout in ((32, 0.3), (64, 0.4)):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(dropout)(x)
    x = _flattened(x)
    x = layers.Dense(128, activation="relu", name="features")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(inputs, _probabilities(x, n_outputs, multilabel), name="convnet_bn")


def resnet_small(input_shape: tuple[int, int, int], n_outputs: int, multilabel: bool = False) -> keras.Model:
    """Build a residual net for 8 to 64 pixels: one pre-activation block each of 32, 64 and 128 filters.

    After He et al., "Identity Mappings in Deep Residual Networks" (2016). From 48 pixels on, the first convolution
    has stride 2. Parameters and return value are those of :func:`convnet_small`.
    """
    inputs, x = _rescaled(input_shape)
    stride = 2 if min(input_shape[:2]) >= 48 else 1
    x = layers.Conv2D(32, 3, strides=stride, padding="same", use_bias=False)(x)
    for filters, stride in ((32, 1), (64, 2), (128, 2)):
        x = _residual_block(x, filters, stride)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, _probabilities(x, n_outputs, multilabel), name="resnet_small")


def _residual_block(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    y = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    shortcut = x
    if stride > 1 or x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=stride, padding="same", use_bias=False)(y)
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(y)
    y = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    return layers.Add()([shortcut, y])


def _flattened(x: keras.KerasTensor, name: str | None = None) -> keras.KerasTensor:
    if 0 in x.shape:  # Keras says so itself in some versions only
        raise ValueError("the images are too small: nothing is left of them after the convolutions and poolings.")
    return layers.Flatten(name=name)(x)


def _rescaled(input_shape: tuple[int, int, int]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    inputs = keras.Input(input_shape, name="pixels")
    return inputs, layers.Rescaling(1 / 255)(inputs)


def _probabilities(x: keras.KerasTensor, n_outputs: int, multilabel: bool) -> keras.KerasTensor:
    activation = "sigmoid" if multilabel else "softmax"
    return layers.Dense(n_outputs, activation=activation, dtype="float32", name="probabilities")(x)
