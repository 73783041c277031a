"""`hybrid data`."""

from typing import Any

import click

from hybrid.cli.options import data_options, json_option, on_bad_option, read_data, seed_option
from hybrid.cli.output import print_json, print_notes, print_table


@click.command()
@click.argument("data")
@data_options
@on_bad_option
@seed_option
@json_option
def data(data: str, as_json: bool, **given: Any) -> None:
    """Look at DATA as `hybrid extract` and `hybrid train` see it: splits, classes, what was left out."""
    dataset = read_data(data, **given)
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
        )
        return
    labels = [str(label) for label in dataset.classes]
    sizes = {split: len(dataset.part(split)) for split in table}
    rows = [[label, *(counts[label] for counts in table.values())] for label in labels]
    rows.append(["images", *sizes.values()])
    print_table(repr(dataset), ["label" if dataset.task == "multilabel" else "class", *table], rows)
    print_notes(dataset.notes)
