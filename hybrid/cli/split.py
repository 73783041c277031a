"""`hybrid split`."""

from pathlib import Path
from typing import Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import (
    data_options,
    given_options,
    json_option,
    on_bad_option,
    read_data,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import print_counts, print_json, print_line, print_notes, progress_bar, share, shell_command
from hybrid.workspace.workspace import Workspace, slug

_OPTIONS = (
    click.option("--keep", is_flag=True, help="Keep the given val and test images, and draw only missing splits."),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        help="Path of the file. Default: splits/NAME.csv (or .npz) in the workspace.",
    ),
)


@documented_command(
    ("70% train, 15% validation, 15% test", "hybrid split PICTURES --split 70/15/15"),
    ("All images of a patient in one split", "hybrid split labels.csv --group-column patient"),
    ("Nearly identical images in one split as well", "hybrid split PICTURES --together near-duplicates"),
    ("Keep the given test images, draw validation", "hybrid split PICTURES --keep --output my_split.csv"),
)
@click.argument("data", shell_complete=completion.datasets)
@data_options
@on_bad_option
@in_group("New split", *_OPTIONS)
@seed_option
@workspace_option
@json_option
def split(
    data: str,
    fractions: str,
    seed: int,
    on_bad: str,
    drop: str,
    together: str,
    keep: bool,
    output: Path | None,
    workspace: Path,
    as_json: bool,
    **given: Any,
) -> None:
    """Draw a new split of DATA, stratified, in which groups and copies of an image stay together.

    The command writes a manifest with the columns path, label, split and group, which every command accepts as DATA. No
    image is moved or copied. Images in an array, such as an .npz, have no paths, so their split is saved as a new .npz
    with the pixels.
    """
    from hybrid.datasets.parts.split import parse_fractions
    from hybrid.datasets.resplit import save_split, split_dataset

    drop += ",undecodable" if on_bad == "skip" else ""
    dataset = read_data(data, fractions="100/0/0", seed=seed, on_bad=on_bad, drop=drop, together=together, **given)
    with progress_bar("examining images") as progress:
        dataset = split_dataset(
            dataset, parse_fractions(fractions), seed, together=together, keep=keep, progress=progress
        )
    suffix = ".csv" if dataset.of_files else ".npz"
    path = save_split(dataset, output or Workspace(workspace).folder / "splits" / f"{slug(dataset.name)}{suffix}")
    table = dataset.counts_by_split()
    if as_json:
        print_json({"split": str(path), "counts_by_split": table, "notes": list(dataset.notes), "seed": seed})
        return
    print_counts(dataset, [share(len(dataset.part(name)), len(dataset)) for name in table])
    print_notes(dataset.notes)
    extract = shell_command("hybrid", "extract", path, *given_options({"bit_depth", "window"}))
    print_line(f"Saved {path}: {extract}")
