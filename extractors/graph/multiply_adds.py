"""Count the multiply-adds of a network, by which the time of several cuts of it is compared."""

import math

import keras

from hybrid.extractors.graph.tensors import has_graph, tensors_of


def multiply_adds(network: keras.Model) -> int | None:
    """Return the number of multiply-adds of a network for one image; None if the size of its tensors is not known.

    Every weight counts once for each position at which its layer applies it: once in a dense layer, and at each pixel
    of the output in a convolution. Operations without weights, such as pooling and inner products, do not count.
    """
    number, counted = 0, set()
    for tensor in tensors_of(network):
        operation, node, _ = tensor._keras_history
        if (id(operation), node) in counted:
            continue
        counted.add((id(operation), node))
        inside = multiply_adds(operation) if has_graph(operation) else _of_layer(operation, tensor)
        if inside is None:
            return None
        number += inside
    return number


def _of_layer(operation: keras.Operation, output: keras.KerasTensor) -> int | None:
    weights = sum(math.prod(weight.shape) for weight in getattr(operation, "weights", ()))
    if not weights:
        return 0
    positions = output.shape[1:-1]
    return None if None in positions else weights * math.prod(positions)
