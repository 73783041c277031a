"""Which layers of a pretrained network learn."""

from collections.abc import Iterable

import keras
from keras import layers

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.graph.cutting import leaf_operations

ALL = "all"


def upper_layers(network: keras.Model, wanted: int | str) -> list[keras.Layer]:
    """Return the upper layers of the backbone of a network that `build_pretrained` built.

    Parameters
    ----------
    network : keras.Model
    wanted : int or str
        How many of them, the name of the lowest, or ``"all"``.

    Returns
    -------
    list of keras.Layer
        From input to output; only layers with weights, and no batch norm.

    Raises
    ------
    InputError
        If there is no layer of that name.
    """
    found = list(leaf_operations(_backbone(network)))
    if isinstance(wanted, str) and wanted != ALL:
        names = [layer.name for layer in found]
        if wanted not in names:
            raise unknown_name("layer", wanted, names, f"It is not in the backbone {network.name!r}.")
        found = found[names.index(wanted) :]
    found = [layer for layer in found if getattr(layer, "weights", None) and not _is_norm(layer)]
    if not found:
        raise InputError(f"Of the backbone {network.name!r} no layer with weights is at or above {wanted!r}.")
    return found[max(len(found) - wanted, 0) :] if isinstance(wanted, int) else found


def let_learn(network: keras.Model, chosen: Iterable[keras.Layer]) -> None:
    """Let the output and the chosen layers of the backbone learn, and nothing else; to be compiled after it."""
    backbone, learning = _backbone(network), {id(layer) for layer in chosen}
    backbone.trainable = bool(learning)  # of all its layers
    for layer in leaf_operations(backbone):
        if isinstance(layer, keras.Layer):
            layer.trainable = id(layer) in learning


def _backbone(network: keras.Model) -> keras.Model:
    return next(layer for layer in network.layers if isinstance(layer, keras.Model))


def _is_norm(layer: keras.Layer) -> bool:
    return isinstance(layer, layers.BatchNormalization)
