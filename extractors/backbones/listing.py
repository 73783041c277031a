"""The layers of a backbone and its options, without importing Keras."""

from math import prod
from pathlib import Path

from hybrid.errors import InputError
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.description import layer_names, parse_description
from hybrid.extractors.backbones.layer_table import PretrainedLayers, check_options, variants
from hybrid.extractors.backbones.table import BackboneSpec, parse_backbone
from hybrid.extractors.backbones.weights_fit import variant


def backbone_layers(backbone: str) -> list[str]:
    """Return the names of a backbone's layers from input to output, as `FeatureExtractor(layers=…)` takes them.

    Parameters
    ----------
    backbone : str
        A name, also with options, such as ``"resnet50"`` or ``"mobilenet:alpha=0.25"``.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If the backbone is unknown or a file, or if its layers are not known for these options.

    Examples
    --------
    >>> backbone_layers("mobilenet:alpha=0.25")[:3]
    ['input_layer', 'conv1', 'conv1_bn']
    """
    spec = listed_backbone(backbone)
    if spec.row is not None and spec.row.kind == "custom":
        return [*layer_names(parse_description(description(spec))[:-1]), "probabilities"]
    return [layer.name for layer in layers_with_options(spec).layers]


def listed_backbone(backbone: str) -> BackboneSpec:
    """Return a backbone whose layers can be listed; raise `InputError` for a file or an unknown option."""
    if Path(backbone).suffix.lower() == ".keras":
        raise InputError(
            f"{backbone!r} is a network file; only the layers of the listed networks are shown. For a layer that the "
            "file does not have, `hybrid extract --layer` names the nearest ones."
        )
    spec = parse_backbone(backbone)
    check_options(spec)
    return spec


def description(spec: BackboneSpec) -> list[str]:
    """Return the lines that describe a custom network with its options."""
    assert spec.row is not None
    return list(Architecture(spec.row.name, None, spec.options).lines((spec.row.size, spec.row.size, 3)))


def layers_with_options(spec: BackboneSpec) -> PretrainedLayers:
    """Return the layers of a pretrained backbone with its options; raise `InputError` if they are not known."""
    assert spec.row is not None
    known, name = variants(), variant(spec)
    if name not in known:
        offered = [one for one in known if one.partition(":")[0] == spec.row.name]
        raise InputError(
            f"The layers of {spec.name!r} are not known, because Keras has no weights for these options: expected one "
            f"of {', '.join(offered)}."
        )
    return known[name]


def width_and_parameters(found: PretrainedLayers) -> tuple[int, int]:
    """Return the width of the embeddings of a pretrained backbone, and its parameters without the output layers."""
    default = next(layer for layer in found.layers if layer.name == found.default)
    base = [layer for layer in found.layers if layer.name not in found.only_whole]
    return default.shape[-1], sum(prod(shape) for layer in base for shape in layer.weights)
