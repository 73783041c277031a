"""`hybrid data`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.options import (
    data_options,
    json_option,
    on_bad_option,
    parse_size,
    read_data,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import print_json, print_notes, print_table

if TYPE_CHECKING:
    from hybrid.datasets import Dataset


@click.command()
@click.argument("data")
@data_options
@on_bad_option
@click.option(
    "--augment",
    multiple=True,
    metavar="NAME=STRENGTH",
    help="Draw images beside what this makes of them (repeatable), as `hybrid train --augment`.",
)
@click.option("--size", default=None, metavar="N|HxW", help="Size of those images. Default: as for `hybrid train`.")
@seed_option
@workspace_option
@json_option
def data(
    data: str, as_json: bool, augment: tuple[str, ...], size: str | None, workspace: Path, seed: int, **given: Any
) -> None:
    """Look at DATA as `hybrid extract` and `hybrid train` see it: splits, classes, what was left out.

    With --augment, reports/augment-NAME.png in the workspace shows images beside their augmentations.
    """
    dataset = read_data(data, seed=seed, **given)
    picture = _draw(dataset, augment, size, workspace, seed) if augment else None
    table = dataset.counts_by_split()
    if as_json:
        print_json(
            {
                "name": dataset.name,
                "source": dataset.source,
                "task": dataset.task,
                "images": len(dataset),
                "counts_by_split": table,
                "notes": list(dataset.notes),
                "counts": dict(dataset.counts),
            }
            | ({"augmentations": str(picture)} if picture else {})
        )
        return
    labels = [str(label) for label in dataset.classes]
    sizes = {split: len(dataset.part(split)) for split in table}
    rows = [[label, *(counts[label] for counts in table.values())] for label in labels]
    rows.append(["images", *sizes.values()])
    print_table(repr(dataset), ["label" if dataset.task == "multilabel" else "class", *table], rows)
    print_notes(dataset.notes)
    if picture:
        click.echo(f"Saved {picture}")


def _draw(dataset: "Dataset", augment: tuple[str, ...], size: str | None, workspace: Path, seed: int) -> Path:
    from hybrid.extractors.augment import Augmentation
    from hybrid.plots import augmentation_grid, save_figure
    from hybrid.training.preview import preview
    from hybrid.workspace import Workspace, slug

    rows = preview(dataset, Augmentation.parse(augment), parse_size(size), seed)
    path = Workspace(workspace).reports / f"augment-{slug(dataset.name)}.png"
    return save_figure(augmentation_grid(rows, title=dataset.name), path)
