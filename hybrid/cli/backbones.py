"""`hybrid backbones`."""

import click

from hybrid.cli.options import json_option
from hybrid.cli.output import print_json, print_table


@click.command()
@json_option
def backbones(as_json: bool) -> None:
    """List the networks there are: input size, embedding width, parameters.

    A custom backbone is trained with `hybrid train`; it fits its input, and the figures are for 32×32 RGB. A pretrained
    one comes with ImageNet weights, downloaded by Keras, or with --weights FILE; the figures are without its classes.
    """
    from dataclasses import asdict

    from hybrid.extractors import BACKBONES

    if as_json:
        print_json({"backbones": [asdict(row) for row in BACKBONES.values()]})
        return
    rows = [
        [row.name, row.kind, row.module and f"keras.applications.{row.module}", f"{row.size}×{row.size}", row.width,
         f"{row.parameters:,}"]
        for row in BACKBONES.values()
    ]  # fmt: skip
    print_table("", ["backbone", "kind", "preprocessing", "input", "width", "parameters"], rows, left=3)
    click.echo("Options of the constructor go behind a colon: mobilenet:alpha=0.25. Your own network: a .keras file.")
