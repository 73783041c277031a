"""Find out without Keras whether a file holds the weights of a pretrained backbone, or those of another one."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from hybrid.errors import InputError
from hybrid.extractors.backbones.layer_table import PretrainedLayers, TableLayer, describes_installed_keras, variants
from hybrid.extractors.backbones.parameters import keras_home
from hybrid.extractors.backbones.table import BackboneSpec
from hybrid.extractors.backbones.weights_file import file_shapes, format_sizes, mismatch, stored_shapes

_WITHOUT_EFFECT = {"dropout", "dropout_rate"}  # options that do not change the weights
_DEFAULTS = {"alpha": 1, "depth_multiplier": 1, "minimalistic": False}
_CLASSES = 1000


def check_weights_fit(spec: BackboneSpec, path: Path) -> None:
    """Check whether the weights in a file may be those of a pretrained backbone.

    Raises
    ------
    InputError
        If they are those of another backbone, which the message names, or the file lacks weights of the backbone.
    """
    if re.fullmatch(r"efficientnetb\d(_notop)?\.h5", path.name):
        raise InputError(
            "Keras builds EfficientNet with an additional rescaling layer for its own ImageNet weights, so "
            f"{path.name!r} would give wrong features here. Put it into {str(keras_home() / 'models')!r} and give "
            "weights 'imagenet'."
        )
    if not describes_installed_keras():
        return
    listed = file_shapes(path)
    held = Counter(stored_shapes(path) if listed is None else (shape for _, shapes in listed for shape in shapes))
    known, own = variants(), variant(spec)
    if own in known and _holds(held, known[own]):
        return
    others = [name for name, found in known.items() if name != own and _holds(held, found)]
    problem = f"its weights are those of {' or '.join(others)}." if others else ""
    if own in known and not problem:
        base = [layer for layer in known[own].layers if layer.weights and layer.name not in known[own].only_whole]
        if Counter(_weights(base)) - held:
            expected = [(layer.name, list(layer.weights)) for layer in base]
            problem = (listed and mismatch(listed, expected)) or _lack(held, base)
    if problem:
        raise InputError(f"Weights file {str(path)!r} does not fit {spec.name!r}: {problem}")


def variant(spec: BackboneSpec) -> str:
    """Return the backbone as users write it, without options that do not change its weights."""
    kept = {
        name: value
        for name, value in spec.options.items()
        if name not in _WITHOUT_EFFECT and value != _DEFAULTS.get(name)
    }
    return BackboneSpec(spec.row, kept).name


def _holds(held: Counter, found: PretrainedLayers) -> bool:
    """Return whether shapes are exactly those of a network without or with its classification layers.

    The number of classes does not matter.
    """
    if held == Counter(_weights(layer for layer in found.layers if layer.name not in found.only_whole)):
        return True
    *layers, classifier = [layer for layer in found.layers if layer.weights and layer.name not in found.only_base]
    rest = held - Counter(_weights(layers))
    classes = next((shape[0] for shape in rest if len(shape) == 1), None)  # the length of the bias
    with_classes = [tuple(classes if side == _CLASSES else side for side in shape) for shape in classifier.weights]
    return rest == Counter(with_classes) and held.total() == rest.total() + len(_weights(layers))


def _lack(held: Counter, layers: Sequence[TableLayer]) -> str:
    """Return a sentence about the first layer with weights whose shape the file lacks, or about their number."""
    for layer in layers:
        if not all(held[shape] for shape in layer.weights):
            return f"layer {layer.name!r} has weights of {format_sizes(list(layer.weights))}, which the file lacks."
    return f"the network has {len(_weights(layers))} arrays of weights, but the file has {held.total()}."


def _weights(layers: Iterable[TableLayer]) -> list[tuple[int, ...]]:
    return [shape for layer in layers for shape in layer.weights]
