"""Read which layers a weights file holds, and check the file, without importing Keras."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from hybrid.errors import InputError, reason_of
from hybrid.extractors.backbones.untrusted import check_hdf5

Shapes = list[tuple[str, list[tuple[int, ...]]]]

OF_WHOLE_MODEL = (
    "Save the backbone's own weights, as in model.get_layer(NAME).save_weights('base.weights.h5'), or give the model "
    "itself as the backbone, saved with model.save('network.keras')"
)


def check_weights_file(path: Path) -> None:
    """Check that a file holds the weights of a network that may be a backbone.

    Raises
    ------
    InputError
        If the file does not exist, is not a weights file, is damaged or could be harmful, or if it holds the weights of
        a whole model in which the backbone is nested.
    """
    shapes = file_shapes(path)
    nested = _nested_model(path) if shapes is None else _largest_layer(shapes)
    if nested:
        raise InputError(
            f"Weights file {str(path)!r} is of a whole model in which the backbone is nested, as {nested!r:.60}. "
            f"{OF_WHOLE_MODEL}."
        )


def file_shapes(path: Path) -> Shapes | None:
    """Return the layers of a file in the Keras Applications format with the shapes of their weights.

    Returns None for a ``.weights.h5`` file.

    Raises
    ------
    InputError
        If the file does not exist, is not a weights file, is damaged, or could be harmful.
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
        except Exception as error:  # h5py raises any error for a damaged file
            raise InputError(f"Weights file {str(path)!r} cannot be loaded safely: {reason_of(error)}.") from error
        root = file.get("model_weights", file)
        if isinstance(root, h5py.Group) and not _has_names(root, "layer_names"):
            if path.name.endswith(".weights.h5"):
                return None
            raise InputError(f"{str(path)!r} contains no Keras weights: it has no attribute 'layer_names'.")
        try:
            return [(name, sizes) for name, sizes in _layers(root) if sizes]
        except Exception as error:
            raise InputError(f"Weights file {str(path)!r} is damaged: {reason_of(error)}.") from error


def stored_shapes(path: Path) -> list[tuple[int, ...]]:
    """Return the shapes of all weights in a ``.weights.h5`` file, without those of an optimizer."""
    shapes = []

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            shapes.append(item.shape)

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return shapes


def mismatch(actual: Shapes, expected: Shapes) -> str:
    """Return a sentence about the first layer in which a file differs from a network; "" if it fits."""
    for (file_layer, file_sizes), (layer, sizes) in zip(actual, expected, strict=False):
        if sorted(file_sizes) != sorted(sizes):
            return (
                f"layer {layer!r} has weights of {format_sizes(sizes)}, but the file's {file_layer!r} has weights of "
                f"{format_sizes(file_sizes)}."
            )
    if len(actual) != len(expected):
        longer, owner = (actual, "only the file") if len(actual) > len(expected) else (expected, "only the network")
        extra = longer[min(len(actual), len(expected))][0]
        return (
            f"the file has {len(actual)} layers with weights, but the network has {len(expected)}; {owner} has "
            f"{extra!r}." + (f" If the file is of a whole model: {OF_WHOLE_MODEL}." if longer is actual else "")
        )
    return ""


def format_sizes(sizes: list[tuple[int, ...]]) -> str:
    """Return shapes as text, such as "3×3×3×8, 8"."""
    return ", ".join("×".join(map(str, size)) or "scalar" for size in sizes)


def _layers(root: h5py.Group) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    """Yield each layer that a group lists with the shapes of its weights."""
    for layer in _names(root, "layer_names"):
        group = _member(root, layer, h5py.Group, "layer")
        yield layer, [_member(group, weight, h5py.Dataset, "weight").shape for weight in _names(group, "weight_names")]


def _member(group: h5py.Group, name: str, kind: type, what: str) -> h5py.Group | h5py.Dataset:
    member = group.get(name)
    if not isinstance(member, kind):
        raise ValueError(f"it lists the {what} {name!r:.100}, but does not contain it")
    return member


def _has_names(group: h5py.Group, key: str) -> bool:
    return key in group.attrs or f"{key}0" in group.attrs


def _names(group: h5py.Group, key: str) -> list[str]:
    """Return the names in an attribute, which Keras divides into several if it is long."""
    keys = [key] if key in group.attrs else []
    while keys != [key] and f"{key}{len(keys)}" in group.attrs:
        keys.append(f"{key}{len(keys)}")
    if not keys:
        raise ValueError(f"{group.name!r:.100} has no attribute {key!r}")
    names: list[str] = []
    for part in keys:
        values = np.asarray(group.attrs[part])
        listed = values.tolist() if values.ndim == 1 else [None]
        if not all(isinstance(name, str | bytes) for name in listed):
            raise ValueError(f"the attribute {part!r} of {group.name!r:.100} is not a list of names")
        names += [name.decode() if isinstance(name, bytes) else str(name) for name in listed]
    return names


def _largest_layer(shapes: Shapes) -> str:
    """Return the layer that holds most of the weights of a file, as a nested model does; "" if there is none."""
    total = sum(len(sizes) for _, sizes in shapes)
    return next((layer for layer, sizes in shapes if len(sizes) > 8 and total < 2 * len(sizes)), "")


def _nested_model(path: Path) -> str:
    """Return the nested model that holds most of the weights of a ``.weights.h5`` file; "" if there is none."""
    with h5py.File(path, "r") as file:
        counts: dict[str, int] = {}
        total = 0

        def count(name: str, item: h5py.Group | h5py.Dataset) -> None:
            nonlocal total
            if isinstance(item, h5py.Dataset):
                total += 1
                parts = name.split("/")
                if len(parts) > 3 and parts[0] == parts[2] == "layers":
                    counts[parts[1]] = counts.get(parts[1], 0) + 1

        file.visititems(count)
    return next((group for group, number in counts.items() if number > 8 and total < 2 * number), "")
