"""Load a weights file into a network, after comparing their shapes layer by layer."""

import warnings
from pathlib import Path

import keras

from hybrid.errors import InputError
from hybrid.extractors.backbones.weights_file import Shapes, file_shapes, mismatch


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
