"""`hybrid split`."""

from pathlib import Path
from typing import Any

import click

from hybrid.cli.options import data_options, json_option, on_bad_option, read_data, seed_option, workspace_option
from hybrid.cli.output import print_counts, print_json, print_notes, progress_bar, share
from hybrid.workspace.workspace import Workspace, slug


@click.command()
@click.argument("data")
@data_options
@on_bad_option
@click.option(
    "--together",
    type=click.Choice(["duplicates", "near-duplicates", "none"]),
    default="duplicates",
    show_default=True,
    help="Which copies of an image stay in one split: identical ones, nearly identical ones too, or none.",
)
@click.option("--keep", is_flag=True, help="Leave images of val and of test where they are; draw only what is missing.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="The file to write. Default: splits/NAME.csv (or .npz) in the workspace.",
)
@seed_option
@workspace_option
@json_option
def split(
    data: str,
    fractions: str,
    seed: int,
    together: str,
    keep: bool,
    output: Path | None,
    workspace: Path,
    as_json: bool,
    **given: Any,
) -> None:
    """Split DATA anew, 70/15/15 or as --split says: stratified, by group, copies together.

    Writes a manifest that every command takes as DATA: path, label, split, group. No image is moved or copied. Images
    in an array, such as an .npz, have no paths: their split is written as a new .npz, with the pixels.
    """
    from hybrid.datasets.parts.split import parse_fractions
    from hybrid.datasets.resplit import save_split, split_dataset

    given_split = read_data(data, fractions="100/0/0", seed=seed, **given)
    with progress_bar("looking at images") as progress:
        found = split_dataset(
            given_split, parse_fractions(fractions), seed, together=together, keep=keep, progress=progress
        )
    suffix = ".csv" if found.of_files else ".npz"
    path = save_split(found, output or Workspace(workspace).folder / "splits" / f"{slug(found.name)}{suffix}")
    table = found.counts_by_split()
    if as_json:
        print_json({"split": str(path), "counts_by_split": table, "notes": list(found.notes), "seed": seed})
        return
    print_counts(found, [share(len(found.part(name)), len(found)) for name in table])
    print_notes(found.notes)
    click.echo(f"Saved {path}: hybrid extract {path}")
