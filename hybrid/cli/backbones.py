"""`hybrid backbones`."""

from typing import TYPE_CHECKING

import click

from hybrid.cli.options import json_option
from hybrid.cli.output import print_json, print_table

if TYPE_CHECKING:
    from hybrid.extractors import Backbone


@click.command()
@click.argument("name", required=False)
@json_option
def backbones(name: str | None, as_json: bool) -> None:
    """List the available networks, or show the layers of the custom network NAME.

    A custom backbone is trained with `hybrid train`. It adapts to the size of its input; its number of parameters is
    for RGB images of the size shown. A pretrained backbone has ImageNet weights, which Keras downloads, or those of
    --weights FILE. The number of parameters does not include the output layer.
    """
    from dataclasses import asdict

    from hybrid.extractors import BACKBONES, find_backbone

    rows = list(BACKBONES.values()) if name is None else [find_backbone(name)]
    lines = _layers(rows[0]) if name else []
    if as_json:
        print_json({"backbones": [asdict(row) for row in rows]} | ({"layers": lines} if name else {}))
        return
    cells = [
        [row.name, row.kind, row.module and f"keras.applications.{row.module}", f"{row.size}×{row.size}", row.width,
         f"{row.parameters:,}"]
        for row in rows
    ]  # fmt: skip
    print_table("", ["backbone", "kind", "preprocessing", "input", "width", "parameters"], cells, left=3)
    for line in lines:
        click.echo(f"  {line}")
    click.echo(
        "Options follow a colon: mobilenet:alpha=0.25, convnet_bn:dropout=0.3. A .keras file is your own network."
    )


def _layers(row: "Backbone") -> list[str]:
    """Return the description of a custom network's layers, or an empty list for a pretrained network."""
    from hybrid.extractors.backbones.custom import Architecture

    return list(Architecture(row.name).lines((row.size, row.size, 3))) if row.kind == "custom" else []
