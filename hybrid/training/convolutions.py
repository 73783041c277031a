"""A faster way to compute convolutions with large kernels and small outputs in TensorFlow on a CPU."""

import math
from typing import TYPE_CHECKING, Any

from hybrid.extractors.runtimes.base import tensorflow_on_cpu

if TYPE_CHECKING:
    import keras

# TensorFlow's own convolution is as fast for larger outputs and for smaller kernels.
_MAX_POSITIONS = 16  # height times width of the output
_MIN_WEIGHTS = 2**18


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
