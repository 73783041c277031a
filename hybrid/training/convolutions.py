"""Convolutions that TensorFlow does badly on a CPU: large kernels on maps of a few places."""

import math
from typing import TYPE_CHECKING, Any

from hybrid.extractors.runtimes.base import tensorflow_on_cpu

if TYPE_CHECKING:
    import keras

_PLACES = 16  # of the output: with more, and with smaller kernels, TensorFlow's own way is as quick
_WEIGHTS = 2**18


def multiply_small_maps(model: "keras.Model") -> None:
    """Let a network's convolutions with large kernels and outputs of a few places be products of matrices.

    They are the same sums; TensorFlow's own gradient for them takes up to eight times as long.
    Only this model in memory is changed, nothing of what is saved of it, and only on a CPU with TensorFlow.
    """
    if not tensorflow_on_cpu():
        return
    from keras import layers

    from hybrid.extractors.graph.cutting import leaf_operations

    for layer in leaf_operations(model):
        if type(layer) is layers.Conv2D and _is_plain(layer):
            layer.convolution_op = _by_product(layer)


def _is_plain(layer: "keras.layers.Conv2D") -> bool:
    return (
        layer.padding in ("valid", "same")
        and layer.data_format == "channels_last"
        and layer.groups == 1
        and {*layer.strides, *layer.dilation_rate} == {1}
    )


def _by_product(layer: "keras.layers.Conv2D") -> Any:
    """Return what a layer is to do instead of its `convolution_op`."""
    plain = layer.convolution_op

    def convolution_op(maps: Any, kernel: Any) -> Any:
        from keras import ops

        high, wide, depth, filters = kernel.shape
        same = layer.padding == "same"
        rows, columns = maps.shape[1:3] if same else (maps.shape[1] - high + 1, maps.shape[2] - wide + 1)
        if rows * columns > _PLACES or math.prod(kernel.shape) < _WEIGHTS:
            return plain(maps, kernel)
        if same:
            maps = ops.pad(maps, ((0, 0), *(((side - 1) // 2, side // 2) for side in (high, wide)), (0, 0)))
        seen = [
            ops.reshape(maps[:, row : row + high, column : column + wide], (-1, high * wide * depth))
            for row in range(rows)
            for column in range(columns)
        ]
        product = ops.matmul(ops.stack(seen, axis=1), ops.reshape(kernel, (-1, filters)))
        return ops.reshape(product, (-1, rows, columns, filters))

    return convolution_op
