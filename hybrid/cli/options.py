"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hybrid.errors import InputError
from hybrid.extractors.backbones.options import PENULTIMATE, POOLINGS, PRECISIONS, PREPROCESSINGS, RUNTIMES
from hybrid.workspace.workspace import DEFAULT_WORKSPACE

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

workspace_option = click.option(
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_WORKSPACE,
    envvar="HYBRID_WORKSPACE",
    show_default=True,
    help="Folder of sets, networks, models and reports.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Seed of everything drawn."
)
on_bad_option = click.option(
    "--on-bad",
    type=click.Choice(["raise", "skip"]),
    default="raise",
    show_default=True,
    help="What to do about an image that cannot be decoded: stop and name it, or leave it out and list it.",
)

follow_links_option = click.option(
    "--follow-links", is_flag=True, help="Follow symbolic links that lead out of the folder of images."
)


def _limit_pixels(ctx: click.Context, param: click.Parameter, most: int | None) -> None:
    from hybrid.extractors.images.limits import set_max_pixels

    set_max_pixels(most)


max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    default=None,
    envvar="HYBRID_MAX_PIXELS",
    expose_value=False,
    callback=_limit_pixels,
    help="Refuse images of more pixels before they are decoded. Default: 100 million.",
)

_DATA_OPTIONS = (
    click.option("--split", "fractions", default="70/15/15", show_default=True, metavar="T/V/T",
                 help="Percent for train/val/test, for the splits that the data lack."),
    click.option("--val", type=float, default=None, metavar="SHARE",
                 help="Draw validation anew: this share of train and of the given validation together."),
    click.option("--label", default=None, help="Label column of a manifest; several, with commas, for multi-label."),
    click.option("--path-column", default=None, help="Column of a manifest that holds the image paths."),
    click.option("--split-column", default=None, help="Column of a manifest that holds train, val or test."),
    click.option("--group-column", default=None, help="Column of a manifest whose images stay in one split."),
    click.option("--group-pattern", default=None, metavar="REGEX",
                 help="Regex on an image's path whose first group, such as a patient, stays in one split."),
    click.option("--image-root", type=click.Path(file_okay=False), default=None,
                 help="Folder that a manifest's paths are relative to."),
    click.option("--drop", default="", metavar="FINDING,…",
                 help="Leave out what `hybrid data` finds, before a split is drawn: duplicates, near-duplicates, "
                 "conflicts, blank, undecodable, size, brightness. Of duplicates one stays, one of test first."),
    follow_links_option,
    max_pixels_option,
)  # fmt: skip

cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False),
    default=None,
    envvar="HYBRID_CACHE",
    help="Folder of the embedding store. Default: your cache folder.",
)

_EXTRACTOR_OPTIONS = (
    click.option(
        "--layer",
        "layers",
        multiple=True,
        metavar="NAME",
        help="Where to cut (repeatable: concatenated). Default: penultimate.",
    ),
    click.option(
        "--pooling",
        type=click.Choice([name for name in POOLINGS if name != "none"]),
        default="avg",
        show_default=True,
        help="What makes one row of a feature map.",
    ),
    click.option(
        "--weights",
        default="auto",
        show_default=True,
        metavar="imagenet|random|FILE",
        help="auto: imagenet for a pretrained backbone, a .keras file's own.",
    ),
    click.option(
        "--size", default=None, metavar="N|HxW", help="Size images are resized to. Default: the backbone's own."
    ),
    click.option(
        "--preprocessing",
        type=click.Choice(["auto", *PREPROCESSINGS]),
        default="auto",
        show_default=True,
        help="How pixels are scaled. auto: as the backbone was trained.",
    ),
    click.option(
        "--interpolation",
        type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos"]),
        default="bilinear",
        show_default=True,
        help="Of resizing, antialiased.",
    ),
    click.option("--batch-size", type=click.IntRange(min=1), default=None, help="Default: chosen by the size."),
    cache_option,
    click.option(
        "--runtime",
        type=click.Choice(RUNTIMES),
        default="auto",
        show_default=True,
        help="What runs the network. auto: Keras where it has a GPU, else OpenVINO.",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="float32",
        show_default=True,
        help="What the network computes in. Lower is quicker on hardware that has it, and gives other embeddings.",
    ),
)


def all_of(*options: Decorator) -> Decorator:
    """Return one decorator that adds several options to a command, in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


extractor_options = all_of(*_EXTRACTOR_OPTIONS)  # read by `make_extractor`
data_options = all_of(*_DATA_OPTIONS)  # read by `read_data`


def make_extractor(backbone: str, seed: int, given: dict[str, Any]) -> Any:
    """Return the `Extractor` that the options say, and take them out of what was given."""
    from hybrid.extractors import Extractor

    names = ("pooling", "weights", "preprocessing", "interpolation", "batch_size", "cache", "runtime", "precision")
    return Extractor(
        backbone=backbone,
        layers=list(given.pop("layers")) or PENULTIMATE,
        size=parse_size(given.pop("size")),
        random_state=seed,
        **{name: given.pop(name) for name in names},
    )


def read_data(data: str, *, fractions: str, seed: int, on_bad: str = "raise", drop: str = "", **given: Any) -> Any:
    """Return the `Dataset` that DATA and its options say."""
    from hybrid.cli.output import progress_bar
    from hybrid.datasets import load_dataset
    from hybrid.datasets.parts.split import parse_fractions

    given |= {"fractions": parse_fractions(fractions), "random_state": seed, "on_bad": on_bad}
    names = [name.strip() for name in drop.split(",") if name.strip()]
    if not names:  # then nothing is looked at
        return load_dataset(data, **given)
    with progress_bar("looking at images") as progress:
        return load_dataset(data, drop=names, progress=progress, **given)


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
