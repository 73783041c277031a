"""`hybrid extract`."""

from pathlib import Path
from typing import Any

import click

from hybrid.cli.options import (
    data_options,
    extractor_options,
    json_option,
    make_extractor,
    on_bad_option,
    read_data,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import loud_warnings, print_json, print_notes, print_table, progress_bar, warn
from hybrid.errors import InputError
from hybrid.workspace import Workspace


@click.command()
@click.argument("data")
@click.option(
    "--backbone",
    default=None,
    metavar="NAME|FILE",
    help="A name of `hybrid backbones`, such as resnet50 or mobilenet:alpha=0.25, or a .keras file. "
    "Without it: the network trained last in this workspace.",
)
@extractor_options
@click.option("--name", default=None, help="Name of the embedding set.")
@data_options
@on_bad_option
@seed_option
@workspace_option
@json_option
def extract(data: str, workspace: Path, name: str | None, on_bad: str, seed: int, as_json: bool, **given: Any) -> None:
    """Bring the embeddings of DATA into the store and record them as an embedding set.

    DATA is a folder of classes (with or without train/val/test), an .npz, a CSV or Parquet manifest, or a name:
    digits, medmnist:NAME, keras:NAME. Images whose embedding is stored are not computed again.
    """
    from hybrid.embedding_set import extract_dataset, save_set
    from hybrid.workspace import check_name

    place = Workspace(workspace)
    extractor = make_extractor(given.pop("backbone") or _latest_network(place), seed, given)
    dataset = read_data(data, seed=seed, on_bad=on_bad, **given)
    with loud_warnings(), progress_bar("extracting") as progress:
        found = extract_dataset(dataset, extractor, on_bad=on_bad, progress=progress)
    found = save_set(found, place, name and check_name(name))
    info = found.info
    if as_json:
        print_json({"set": found.name} | info)
        return
    print_table(repr(dataset), ["images", "new", "cached", "skipped", "seconds", "images/s", "width"],
                [[len(dataset), info["new"], info["cached"], len(info["skipped"]), f"{info['seconds']:.1f}",
                  f"{len(dataset) / max(info['seconds'], 1e-9):.0f}", info["width"]]], left=0)  # fmt: skip
    print_notes(dataset.notes)
    for text in info["dataset"]["warnings"]:
        warn(f"WARNING: {text}")
    print_notes([f"Skipped {bad['id']}: {bad['reason']}" for bad in info["skipped"][:20]])
    if info["runtime"]:
        print_notes([f"The network ran through {info['runtime']}."])
    fields = info["extractor"]["identity"]["fields"]
    click.echo(
        f"  · {extractor.backbone} cut at {', '.join(fields['layers'])}, pooling {fields['pooling']}, preprocessing "
        f"{fields['preprocessing']}, {fields['size'][0]}×{fields['size'][1]}, fingerprint "
        f"{info['extractor']['fingerprint'][:12]}"
    )
    click.echo(f"Embedding set {found.name!r} is ready: hybrid fit svm")


def _latest_network(workspace: Workspace) -> str:
    path = workspace.latest("networks")
    if path is None:
        raise InputError(
            f"No --backbone was given and no network was trained in {str(workspace.folder)!r}: name one of "
            "`hybrid backbones`, such as --backbone mobilenet_v2, or run `hybrid train resnet_small DATA` first."
        )
    network = str(path.parent / "network.keras")
    click.echo(f"Backbone: {network} (the network trained last)", err=True)
    return network
