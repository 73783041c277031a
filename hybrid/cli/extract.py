"""`hybrid extract`."""

from pathlib import Path
from typing import Any

import click

from hybrid.cli.options import data_options, json_option, on_bad_option, read_data, seed_option, workspace_option
from hybrid.cli.output import loud_warnings, print_json, print_notes, print_table, progress_bar
from hybrid.errors import InputError
from hybrid.extractors.options import POOLINGS, PREPROCESSINGS
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
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME",
    help="Where to cut (repeatable: concatenated). Default: penultimate.",
)
@click.option(
    "--pooling",
    type=click.Choice([name for name in POOLINGS if name != "none"]),
    default="avg",
    show_default=True,
    help="What makes one row of a feature map.",
)
@click.option(
    "--weights",
    default="auto",
    show_default=True,
    metavar="imagenet|random|FILE",
    help="auto: imagenet for a pretrained backbone, a .keras file's own.",
)
@click.option("--size", default=None, metavar="N|HxW", help="Size images are resized to. Default: the backbone's own.")
@click.option(
    "--preprocessing",
    type=click.Choice(["auto", *PREPROCESSINGS]),
    default="auto",
    show_default=True,
    help="How pixels are scaled. auto: as the backbone was trained.",
)
@click.option(
    "--interpolation",
    type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos"]),
    default="bilinear",
    show_default=True,
    help="Of resizing, antialiased.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=None, help="Default: chosen by the size.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False),
    default=None,
    envvar="HYBRID_CACHE",
    help="Folder of the embedding store. Default: your cache folder.",
)
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
    from hybrid.extractors import FeatureExtractor
    from hybrid.workspace import check_name

    place = Workspace(workspace)
    extractor_names = ("pooling", "weights", "preprocessing", "interpolation", "batch_size", "cache")
    extractor = FeatureExtractor(
        backbone=given.pop("backbone") or _latest_network(place),
        layers=list(given.pop("layers")) or "penultimate",
        size=parse_size(given.pop("size")),
        seed=seed,
        **{key: given.pop(key) for key in extractor_names},
    )
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
    print_notes([f"Skipped {bad['id']}: {bad['reason']}" for bad in info["skipped"][:20]])
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


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """Return what --size says: one side of a square, or height and width."""
    if text is None:
        return None
    try:
        sides = [int(part) for part in text.lower().replace("×", "x").split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise InputError(f"--size {text!r} was given; expected pixels, such as 224 or 160x120 (height x width).")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])
