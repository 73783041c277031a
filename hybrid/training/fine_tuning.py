"""Choose the layers of a pretrained network that are trained."""

from collections.abc import Iterable

import keras
from keras import layers

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.graph.cutting import leaf_operations

ALL = "all"


def upper_layers(network: keras.Model, selection: int | str) -> list[keras.Layer]:
    """Return the upper layers of the backbone of a pretrained network.

    Parameters
    ----------
    network : keras.Model
        A network built by `build_pretrained`.
    selection : int or str
        Number of layers, name of the lowest layer, or ``"all"``.

    Returns
    -------
    list of keras.Layer
        Layers with weights in the order from input to output. Batch normalization layers are left out.

    Raises
    ------
    InputError
        If the backbone has no layer of this name, or no layer with weights at or above it.
    """
    operations = list(leaf_operations(_backbone(network)))
    if isinstance(selection, str) and selection != ALL:
        names = [layer.name for layer in operations]
        if selection not in names:
            raise unknown_name("layer", selection, names, f"It is not in the backbone {network.name!r}.")
        operations = operations[names.index(selection) :]
    trainable = [layer for layer in operations if getattr(layer, "weights", None) and not _is_norm(layer)]
    if not trainable:
        raise InputError(f"The backbone {network.name!r} has no layer with weights at or above {selection!r}.")
    return trainable[max(len(trainable) - selection, 0) :] if isinstance(selection, int) else trainable


def set_trainable(network: keras.Model, chosen: Iterable[keras.Layer]) -> None:
    """Make only the output and the chosen layers of the backbone trainable.

    The network must be compiled afterwards.
    """
    backbone, trainable = _backbone(network), {id(layer) for layer in chosen}
    backbone.trainable = bool(trainable)  # this sets all layers of the backbone, so it comes first
    for layer in leaf_operations(backbone):
        if isinstance(layer, keras.Layer):
            layer.trainable = id(layer) in trainable


def _backbone(network: keras.Model) -> keras.Model:
    return next(layer for layer in network.layers if isinstance(layer, keras.Model))


def _is_norm(layer: keras.Layer) -> bool:
    return isinstance(layer, layers.BatchNormalization)
