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
    """List the networks there are, or show the layers of the custom one called NAME.

    A custom backbone is trained with `hybrid train`; it fits its input, and the figures are for the input shown, RGB. A
    pretrained one comes with ImageNet weights, downloaded by Keras, or with --weights FILE. The figures are without the
    classes.
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
        "Options go behind a colon: mobilenet:alpha=0.25, convnet_bn:dropout=0.3. Your own network: a .keras file."
    )


def _layers(row: "Backbone") -> list[str]:
    """Return the description of a custom network, nothing for a pretrained one."""
    from hybrid.extractors.backbones.custom import Architecture

    return list(Architecture(row.name).lines((row.size, row.size, 3))) if row.kind == "custom" else []
