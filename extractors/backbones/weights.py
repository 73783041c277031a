"""Load a weights file into a network, after comparing their shapes layer by layer."""

import warnings
from pathlib import Path

import h5py
import keras

from hybrid.errors import InputError, reason_of
from hybrid.extractors.backbones.untrusted import check_hdf5

Shapes = list[tuple[str, list[tuple[int, ...]]]]


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
        except (ValueError, OSError, KeyError) as error:
            problem = str(error)
    if problem:
        reason = " ".join(problem.split())[:300]
        raise InputError(f"Weights file {str(path)!r} does not fit {network.name!r}: {reason}")


def file_shapes(path: Path) -> Shapes | None:
    """Return the layers of a file in the Keras Applications format with the shapes of their weights.

    Returns None for a ``.weights.h5`` file.

    Raises
    ------
    InputError
        If the file does not exist, is not a weights file, or could be harmful.
    """
    if not path.is_file():
        raise InputError(f"There is no weights file {str(path)!r}.")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{str(path)!r} is not a weights file; expected an HDF5 file.") from error
    with file:
        try:
            check_hdf5(file, path.stat().st_size)
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise InputError(f"Weights file {str(path)!r} cannot be loaded safely: {reason_of(error)}.") from error
        root = file.get("model_weights", file)
        if "layer_names" not in root.attrs:
            if path.name.endswith(".weights.h5"):
                return None
            raise InputError(f"{str(path)!r} contains no Keras weights: it has no attribute 'layer_names'.")
        layers = [(_text(name), root[_text(name)]) for name in root.attrs["layer_names"]]
        shapes = [(name, [group[_text(w)].shape for w in group.attrs["weight_names"]]) for name, group in layers]
    return [(name, sizes) for name, sizes in shapes if sizes]


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
            f"{extra!r}."
        )
    return ""


def _format_sizes(sizes: list[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, size)) or "scalar" for size in sizes)


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
