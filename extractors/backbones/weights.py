"""Load a weights file into a network, after comparing their shapes layer by layer."""

import warnings
from pathlib import Path

import keras

from hybrid.errors import InputError
from hybrid.extractors.backbones.weights_file import OF_WHOLE_MODEL, Shapes, file_shapes


def load_weights(network: keras.Model, path: Path) -> None:
    """Load an HDF5 weights file (Keras 3's ``.weights.h5``, or the Keras Applications format).

    Raises
    ------
    InputError
        If the file is not a weights file, or does not fit. The message names the first layer that differs.
    """
    shapes = file_shapes(path)
    if shapes is not None:
        problem = mismatch(shapes, network_shapes(network))
        if problem:
            raise InputError(f"Weights file {str(path)!r} does not fit {network.name!r}: {problem}")
    with warnings.catch_warnings(record=True) as caught:  # for some layers that it skips, Keras only warns
        warnings.simplefilter("always", UserWarning)
        try:
            network.load_weights(path)
            problem = next((str(item.message) for item in caught if issubclass(item.category, UserWarning)), "")
        except Exception as error:  # Keras raises any error for a damaged file
            problem = str(error) or type(error).__name__
    if problem:
        reason = " ".join(problem.split())[:300]
        raise InputError(f"Weights file {str(path)!r} does not fit {network.name!r}: {reason}")


def network_shapes(network: keras.Model) -> Shapes:
    """Return the layers of a network that have weights, with the shapes of their weights."""
    shapes = []
    for layer in network.layers:
        weights = layer.trainable_weights + layer.non_trainable_weights
        if weights:
            shapes.append((layer.name, [tuple(weight.shape) for weight in weights]))
    return shapes


def mismatch(actual: Shapes, expected: Shapes) -> str:
    """Return a sentence about the first layer in which a file differs from a network; "" if it fits."""
    for (file_layer, file_sizes), (layer, sizes) in zip(actual, expected, strict=False):
        if sorted(file_sizes) != sorted(sizes):
            return (
                f"layer {layer!r} has weights of {_format_sizes(sizes)}, but the file's {file_layer!r} has weights of "
                f"{_format_sizes(file_sizes)}."
            )
    if len(actual) != len(expected):
        longer, owner = (actual, "only the file") if len(actual) > len(expected) else (expected, "only the network")
        extra = longer[min(len(actual), len(expected))][0]
        return (
            f"the file has {len(actual)} layers with weights, but the network has {len(expected)}; {owner} has "
            f"{extra!r}." + (f" If the file is of a whole model: {OF_WHOLE_MODEL}." if longer is actual else "")
        )
    return ""


def _format_sizes(sizes: list[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, size)) or "scalar" for size in sizes)
