"""Refuse networks whose weights, outputs or inner products would need very much memory, before any is allocated."""

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers

from hybrid.errors import InputError
from hybrid.extractors.backbones.untrusted import FREE_BYTES

_MAX_VALUES = 2**28  # number of values that a layer may compute from one image
_MAX_WEIGHTS = 2**30  # number of weights of a network that is built by its name


def check_weights(network: keras.Model, weights_bytes: int) -> None:
    """Raise `InputError` if a file's network describes weights far larger than those in the file."""
    described = sum(math.prod(variable.shape) * np.dtype(variable.dtype).itemsize for variable in network.variables)
    if described > max(FREE_BYTES, 2 * weights_bytes):
        raise InputError(f"it describes weights of {described:,} bytes, but contains {weights_bytes:,} bytes")


def check_size(network: keras.Model) -> None:
    """Raise `InputError` if a network that is built by its name has very many weights, or a layer very many values."""
    if (number := network.count_params()) > _MAX_WEIGHTS:
        raise InputError(f"it would have {number:,} weights, of at most {_MAX_WEIGHTS:,}")
    check_outputs(network)


def check_outputs(network: keras.Model) -> None:
    """Raise `InputError` if a layer or operation computes very many values from one image.

    The products of queries and keys inside attention layers count, too: they grow with the square of the length of the
    sequence, and are no output of any layer.
    """
    for operation in _operations(network):
        for node in operation._inbound_nodes:
            for tensor in node.output_tensors:
                _check(operation, _count(tensor.shape), "computes")
            if (number := _products(operation, node)) is not None:
                _check(operation, number, "computes inner products of")


def _check(operation: keras.Operation, number: int, does: str) -> None:
    if number > _MAX_VALUES:
        raise InputError(f"its layer {operation.name!r:.100} {does} {number:,} values from each image")


def _operations(network: keras.Model) -> Iterator[keras.Operation]:
    """Yield the layers and operations of a network, of the models nested in it, and inside of layers."""
    visited = set()
    for layer in network._flatten_layers():
        inner = getattr(layer, "_functional", None) or layer  # of a sequential model
        for operation in (layer, *getattr(inner, "operations", ())):
            if id(operation) not in visited:
                visited.add(id(operation))
                yield operation


def _products(operation: keras.Operation, node: Any) -> int | None:
    """Return the number of inner products that an attention layer or an einsum computes, or None for any other."""
    shapes = [tensor.shape for tensor in node.input_tensors]
    if isinstance(operation, layers.MultiHeadAttention):
        axes = operation._attention_axes or range(1, len(shapes[0]) - 1)
        queries, keys = ([shape[axis] for axis in axes] for shape in (shapes[0], shapes[1]))
        others = _count(shapes[0][:-1]) // _count((None, *queries))
        return operation._num_heads * others * _count((None, *queries)) * _count((None, *keys))
    if isinstance(operation, layers.GroupQueryAttention):
        return operation.num_query_heads * _count(shapes[0][:-1]) * _count(shapes[1][:-1])
    if isinstance(operation, layers.AdditiveAttention):
        return _count(shapes[0]) * _count(shapes[1][:-1])
    if isinstance(operation, layers.Attention):
        return _count(shapes[0][:-1]) * _count(shapes[1][:-1])
    if type(operation).__name__ == "DotProductAttention":  # (batch, length, heads, width)
        return _count(shapes[0][:-1]) * (shapes[1][1] or 1)
    if type(operation).__name__ == "Einsum" and len(shapes) > 2:
        return _einsum_values(operation.subscripts, shapes)
    return None


def _einsum_values(subscripts: str, shapes: list[tuple[int | None, ...]]) -> int:
    """Return an upper bound of the number of values of any intermediate product of several operands."""
    operands = subscripts.replace(" ", "").partition("->")[0].split(",")
    sides: dict[str, int] = {}
    for letters, shape in zip(operands, shapes, strict=False):
        named = letters.replace("...", "")
        for letter, side in zip(named, shape[len(shape) - len(named) :], strict=False):
            sides[letter] = max(sides.get(letter, 1), side or 1)
    return math.prod(sides.values())


def _count(shape: tuple[int | None, ...]) -> int:
    """Return the number of values of one image. Unknown sides, such as that of the batch, count once."""
    return math.prod(side or 1 for side in shape)
