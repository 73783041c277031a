"""The layers of backbones, available without importing Keras, so that a wrong name is found before anything is loaded.

The layers of the pretrained backbones are in a file that ``tests/tools/layer_table.py`` writes. It is for one version
of Keras; with another one, a name that is not in the file is left for Keras to find.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hybrid.errors import InputError, unknown_name
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.options import PENULTIMATE
from hybrid.extractors.backbones.table import Backbone, BackboneSpec

TABLE = Path(__file__).with_name("pretrained_layers.json.gz")
NOT_OPTIONS = frozenset(  # parameters of the constructors in keras.applications that the extractor sets itself
    {"include_top", "weights", "input_tensor", "input_shape", "pooling", "classes", "name", "kwargs"}
    | {"classifier_activation", "include_preprocessing"}
)
_SAME_LAYERS = {"alpha", "depth_multiplier"}  # options that do not change the names of layers


@dataclass(frozen=True)
class TableLayer:
    """A layer of a pretrained backbone with its default options and input size.

    Attributes
    ----------
    name : str
        Name of the layer, ``"outer/inner"`` in a nested model.
    kind : str
        Name of its class in Keras.
    shape : tuple of int
        Shape of its output for one image.
    weights : tuple of tuple of int
        Shapes of its weights. Those of a nested model are with the model, not with its layers.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    weights: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class PretrainedLayers:
    """What is known of a pretrained backbone without importing Keras.

    Attributes
    ----------
    layers : tuple of TableLayer
        All layers from input to output, with and without the classification layers.
    default : str
        The layer whose output is the embedding by default.
    options : tuple of str
        Options of the network.
    least : int
        Smallest height and width of images, in pixels.
    only_whole, only_base : frozenset of str
        Names of layers that the network has only with, or only without, its classification layers.
    """

    layers: tuple[TableLayer, ...]
    default: str
    options: tuple[str, ...]
    least: int
    only_whole: frozenset[str]
    only_base: frozenset[str]

    @property
    def names(self) -> set[str]:
        """The full names of the layers, and those without the names of the models around them."""
        return {name for layer in self.layers for name in (layer.name, layer.name.split("/")[-1])}


def pretrained_layers(row: Backbone) -> PretrainedLayers:
    """Return the layers of a pretrained backbone of the table."""
    return _row(row.name)


def variants() -> dict[str, PretrainedLayers]:
    """Return the layers of all pretrained backbones, and of those with options for which Keras has weights, by name."""
    return {name: _row(name) for name in _content()["backbones"]}


def describes_installed_keras() -> bool:
    """Return whether the table was written with the installed version of Keras."""
    return _content()["keras"] == version("keras")


def check_layers(spec: BackboneSpec, layers: Sequence[str]) -> None:
    """Raise `InputError` if a backbone surely has no layer of a name. The message suggests similar names."""
    names = [name for name in layers if name != PENULTIMATE]
    if not names or (known := _names_of(spec)) is None:
        return
    row = _pretrained_row(spec)
    listed = f", whose layers `hybrid backbones {row.name}` lists" if row else ""
    for name in names:
        if name not in known and not (spec.path is not None and known.issuperset(name.split("/"))):
            raise unknown_name("layer", name, known, f"It is not in the network {spec.name!r}{listed}.")


def check_options(spec: BackboneSpec) -> None:
    """Raise `InputError` if a pretrained backbone has no option of a name."""
    row = _pretrained_row(spec)
    if row and describes_installed_keras():
        known = pretrained_layers(row).options
        for name in spec.options:
            if name not in known:
                raise unknown_name(f"option of {row.name}", name, known, "" if known else "It has no options.")


def check_least_size(spec: BackboneSpec, size: Sequence[int] | None) -> None:
    """Raise `InputError` if images of a size (height, width) are too small for a pretrained backbone."""
    row = _pretrained_row(spec)
    if row and size is not None and describes_installed_keras():
        least = pretrained_layers(row).least
        if min(size) < least:
            raise InputError(
                f"size={size[0]}×{size[1]} was given; the backbone {row.name} takes images of at least {least}×{least} "
                "pixels."
            )


def _names_of(spec: BackboneSpec) -> set[str] | None:
    """Return the names of a backbone's layers; None if they are not known without Keras."""
    if spec.path is not None:
        from hybrid.extractors.backbones.untrusted import check_keras_file  # imports h5py

        return set(_names_in(check_keras_file(spec.path)[0]))
    assert spec.row is not None
    if spec.row.kind == "custom":
        return set(Architecture(spec.row.name, None, spec.options).layer_names((spec.row.size, spec.row.size, 3)))
    if describes_installed_keras() and _SAME_LAYERS.issuperset(spec.options):
        return pretrained_layers(spec.row).names
    return None


def _names_in(config: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all layers in the configuration of a network, also of nested ones."""
    values: list[Any] = [config.get("config")]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            inner, is_policy = value.get("config"), "Policy" in str(value.get("class_name"))  # of a layer's type
            if isinstance(inner, dict) and isinstance(inner.get("name"), str) and not is_policy:
                yield inner["name"]
            values += value.values()
        elif isinstance(value, list):
            values += value


def _pretrained_row(spec: BackboneSpec) -> Backbone | None:
    return spec.row if spec.row is not None and spec.row.kind == "pretrained" else None


@cache
def _content() -> dict[str, Any]:
    return json.loads(gzip.decompress(TABLE.read_bytes()))


@cache
def _row(name: str) -> PretrainedLayers:
    row = _content()["backbones"][name]
    layers = tuple(
        TableLayer(layer, kind, tuple(shape), tuple(map(tuple, weights)))
        for layer, kind, shape, weights in row["layers"]
    )
    only = frozenset(row["only_whole"]), frozenset(row["only_base"])
    return PretrainedLayers(layers, row["default"], tuple(row["options"]), row["least"], *only)
