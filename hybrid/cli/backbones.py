"""`hybrid backbones`."""

from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command
from hybrid.cli.options import json_option
from hybrid.cli.output import print_json, print_table

if TYPE_CHECKING:
    from hybrid.extractors.backbones.table import BackboneSpec


_SIZES = ("width", "parameters")


@documented_command(
    ("All networks", "hybrid backbones"),
    ("The layers of one, for hybrid extract --layer", "hybrid backbones resnet50"),
    ("The layers of one with options", "hybrid backbones mobilenet:alpha=0.25"),
)
@click.argument("name", required=False, shell_complete=completion.backbones)
@json_option
def backbones(name: str | None, as_json: bool) -> None:
    """List the available networks, or show the layers of the network NAME.

    A custom backbone is trained with `hybrid train`. It adapts to the size of its input; its number of parameters is
    for RGB images of the size shown. A pretrained backbone has ImageNet weights, which Keras downloads, or those of
    --weights FILE. The number of parameters does not include the output layer.
    """
    from dataclasses import asdict

    from hybrid.extractors import BACKBONES
    from hybrid.extractors.backbones.listing import listed_backbone

    spec = listed_backbone(name) if name else None
    rows: list[dict[str, Any]] = [asdict(row) for row in BACKBONES.values()] if spec is None else [_row(spec)]
    if as_json:
        print_json({"backbones": rows} | (_layers(spec) if spec else {}))
        return
    cells = [
        [row["name"], row["kind"], row["module"] and f"keras.applications.{row['module']}",
         f"{row['size']}×{row['size']}", *("–" if row[key] is None else f"{row[key]:,}" for key in _SIZES)]
        for row in rows
    ]  # fmt: skip
    print_table("", ["backbone", "kind", "preprocessing", "input", "width", "parameters"], cells, left=3)
    if spec:
        _print_layers(spec)
    click.echo(
        "Options follow a colon: mobilenet:alpha=0.25, convnet_bn:dropout=0.3. A .keras file is your own network."
    )


def _row(spec: "BackboneSpec") -> dict[str, Any]:
    """Return the row of a network; with options, its own width and parameters, or None where they are not known."""
    from dataclasses import asdict

    from hybrid.extractors.backbones.listing import layers_with_options, width_and_parameters

    assert spec.row is not None
    row = asdict(spec.row)
    if not spec.options:
        return row
    known = (None, None) if row["kind"] == "custom" else width_and_parameters(layers_with_options(spec))
    return row | {"name": spec.name} | dict(zip(_SIZES, known, strict=True))


def _layers(spec: "BackboneSpec") -> dict[str, Any]:
    """Return the layers of a network as JSON values: lines of its description, or names, kinds and shapes."""
    from hybrid.extractors.backbones.listing import description, layers_with_options

    if spec.row is not None and spec.row.kind == "custom":
        return {"layers": description(spec)}
    found = layers_with_options(spec)
    layers = [{"name": layer.name, "kind": layer.kind, "shape": layer.shape} for layer in found.layers]
    return {"layers": layers, "default_layer": found.default}


def _print_layers(spec: "BackboneSpec") -> None:
    """Print the layers of a network from input to output."""
    from hybrid.extractors.backbones.listing import backbone_layers

    found = _layers(spec)
    if spec.row is not None and spec.row.kind == "custom":
        names = backbone_layers(spec.name)
        print_table("", ["layer", "description"], list(zip(names, found["layers"], strict=False)), left=2)
    else:
        shapes = ["×".join(map(str, layer["shape"])) for layer in found["layers"]]
        cells = [[layer["name"], layer["kind"], shape] for layer, shape in zip(found["layers"], shapes, strict=True)]
        print_table("", ["layer", "kind", "output"], cells, left=2)
    default = found.get("default_layer", "features")
    click.echo(
        f"The embedding is the output of {default}, unless `hybrid extract --backbone {spec.name} --layer NAME` names "
        "another layer."
    )
