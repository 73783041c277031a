"""Other ways to compute convolutions that TensorFlow on a CPU computes slowly, or with errors."""

import math
from typing import TYPE_CHECKING, Any

from hybrid.extractors.runtimes.base import tensorflow_on_cpu

if TYPE_CHECKING:
    import keras

# TensorFlow's own convolution is as fast for larger outputs and for smaller kernels.
_MAX_POSITIONS = 16  # height times width of the output
_MIN_WEIGHTS = 2**18
# oneDNN computes so many channels at once on processors with AVX-512, and half as many with AVX2.
_CHANNELS_AT_ONCE = 16


def multiply_small_maps(model: "keras.Model") -> None:
    """Compute a network's convolutions with large kernels and small outputs as matrix products.

    The sums are the same, but TensorFlow's gradient of such a convolution takes up to eight times as long. The function
    changes only the model in memory, not what is saved of it. It does nothing unless TensorFlow runs on a CPU.

    Parameters
    ----------
    model : keras.Model
        The network, changed in place.
    """
    if not tensorflow_on_cpu():
        return
    from keras import layers

    from hybrid.extractors.graph.cutting import leaf_operations

    for layer in leaf_operations(model):
        if type(layer) is layers.Conv2D and _can_be_product(layer):
            layer.convolution_op = _convolution_by_products(layer)


def apply_strides_first(model: "keras.Model") -> None:
    """Compute a network's strided 1×1 convolutions of fewer than 16 channels without strides, on the pixels they use.

    The results are the same. TensorFlow leaves the gradient of such a convolution to oneDNN, which writes outside its
    memory: with AVX-512 the process crashes at about 46×46 pixels or more, and with AVX2 the gradient is wrong (issue
    6035 of oneDNN; version 3.7.3, which TensorFlow 2.21 contains, is affected). The function changes only the model in
    memory, not what is saved of it. It does nothing unless TensorFlow runs on a CPU.

    Parameters
    ----------
    model : keras.Model
        The network, changed in place.
    """
    if not tensorflow_on_cpu():
        return
    from keras import layers

    from hybrid.extractors.graph.cutting import leaf_operations

    for layer in leaf_operations(model):
        if type(layer) is layers.Conv2D and _is_strided_point(layer):
            layer.convolution_op = _convolution_without_strides(layer)


def _is_strided_point(layer: "keras.layers.Conv2D") -> bool:
    return (
        {*layer.kernel_size} == {1}
        and max(layer.strides) > 1
        and layer.kernel.shape[-2] < _CHANNELS_AT_ONCE
        and layer.data_format == "channels_last"
        and layer.groups == 1  # Keras leaves groups to XLA
    )


def _convolution_without_strides(layer: "keras.layers.Conv2D") -> Any:
    """Return a replacement for the layer's `convolution_op`. A 1×1 kernel needs no padding."""
    down, right = layer.strides

    def convolution_op(maps: Any, kernel: Any) -> Any:
        from keras import ops

        return ops.conv(maps[:, ::down, ::right], kernel, data_format="channels_last")

    return convolution_op


def _can_be_product(layer: "keras.layers.Conv2D") -> bool:
    return (
        layer.padding in ("valid", "same")
        and layer.data_format == "channels_last"
        and layer.groups == 1
        and {*layer.strides, *layer.dilation_rate} == {1}
    )


def _convolution_by_products(layer: "keras.layers.Conv2D") -> Any:
    """Return a replacement for the layer's `convolution_op`."""
    original = layer.convolution_op

    def convolution_op(maps: Any, kernel: Any) -> Any:
        from keras import ops

        height, width, depth, filters = kernel.shape
        same = layer.padding == "same"
        rows, columns = maps.shape[1:3] if same else (maps.shape[1] - height + 1, maps.shape[2] - width + 1)
        if rows * columns > _MAX_POSITIONS or math.prod(kernel.shape) < _MIN_WEIGHTS:
            return original(maps, kernel)
        if same:
            maps = ops.pad(maps, ((0, 0), *(((side - 1) // 2, side // 2) for side in (height, width)), (0, 0)))
        patches = [
            ops.reshape(maps[:, row : row + height, column : column + width], (-1, height * width * depth))
            for row in range(rows)
            for column in range(columns)
        ]
        product = ops.matmul(ops.stack(patches, axis=1), ops.reshape(kernel, (-1, filters)))
        return ops.reshape(product, (-1, rows, columns, filters))

    return convolution_op
