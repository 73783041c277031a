"""`hybrid backbones`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command
from hybrid.cli.options import json_option
from hybrid.cli.output import print_json, print_table
from hybrid.errors import InputError

if TYPE_CHECKING:
    from hybrid.extractors import Backbone


@documented_command(
    ("All networks", "hybrid backbones"),
    ("The layers of one, for hybrid extract --layer", "hybrid backbones resnet50"),
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

    from hybrid.extractors import BACKBONES, find_backbone

    if name and Path(name).suffix.lower() == ".keras":
        raise InputError(
            f"{name!r} is a network file; only the layers of the listed networks are shown. For a layer that the file "
            "does not have, `hybrid extract --layer` names the nearest ones."
        )
    rows = list(BACKBONES.values()) if name is None else [find_backbone(name)]
    if as_json:
        print_json({"backbones": [asdict(row) for row in rows]} | (_layers(rows[0]) if name else {}))
        return
    cells = [
        [row.name, row.kind, row.module and f"keras.applications.{row.module}", f"{row.size}×{row.size}", row.width,
         f"{row.parameters:,}"]
        for row in rows
    ]  # fmt: skip
    print_table("", ["backbone", "kind", "preprocessing", "input", "width", "parameters"], cells, left=3)
    if name:
        _print_layers(rows[0])
    click.echo(
        "Options follow a colon: mobilenet:alpha=0.25, convnet_bn:dropout=0.3. A .keras file is your own network."
    )


def _layers(row: "Backbone") -> dict[str, Any]:
    """Return the layers of a network as JSON values: lines of its description, or names, kinds and shapes."""
    from hybrid.extractors.backbones.custom import Architecture
    from hybrid.extractors.backbones.layer_table import pretrained_layers

    if row.kind == "custom":
        return {"layers": list(Architecture(row.name).lines((row.size, row.size, 3)))}
    found = pretrained_layers(row)
    layers = [{"name": layer.name, "kind": layer.kind, "shape": layer.shape} for layer in found.layers]
    return {"layers": layers, "default_layer": found.default}


def _print_layers(row: "Backbone") -> None:
    """Print the layers of a network from input to output."""
    from hybrid.extractors.backbones.description import layer_names, parse_description

    found = _layers(row)
    if row.kind == "custom":
        names = [*layer_names(parse_description(found["layers"])[:-1]), "probabilities"]
        print_table("", ["layer", "description"], list(zip(names, found["layers"], strict=False)), left=2)
    else:
        shapes = ["×".join(map(str, layer["shape"])) for layer in found["layers"]]
        cells = [[layer["name"], layer["kind"], shape] for layer, shape in zip(found["layers"], shapes, strict=True)]
        print_table("", ["layer", "kind", "output"], cells, left=2)
    default = found.get("default_layer", "features")
    click.echo(
        f"The embedding is the output of {default}, unless `hybrid extract --backbone {row.name} --layer NAME` names "
        "another layer."
    )
