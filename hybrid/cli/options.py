"""Options that several commands share."""

import contextlib
from collections.abc import Collection, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hybrid.cli.help import Decorator, in_group
from hybrid.errors import InputError
from hybrid.extractors.backbones.options import PENULTIMATE, POOLINGS, PRECISIONS, PREPROCESSINGS, RUNTIMES
from hybrid.workspace.workspace import DEFAULT_WORKSPACE

DATA, SPEED = "Reading the data", "Speed and storage"  # titles of groups of options

workspace_option = click.option(
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_WORKSPACE,
    envvar="HYBRID_WORKSPACE",
    show_default=True,
    help="Folder for embedding sets, networks, models and reports.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="Seed of all random choices. Default: 0."
)
cluster_option = click.option(
    "--cluster",
    default=None,
    metavar="ADDRESS",
    help="Extract on the workers of a Dask cluster: the address of its scheduler, such as tcp://10.0.0.5:8786, or "
    "local:4 for four processes on this machine.",
)
heads_cluster_option = click.option(
    "--cluster",
    default=None,
    metavar="ADDRESS",
    help="Run the search or cross-validation on the workers of a Dask cluster: the address of its scheduler, such as "
    "tcp://10.0.0.5:8786, or local:4 for four processes on this machine. Workers read the embeddings from the store.",
)
on_bad_option = in_group(
    DATA,
    click.option(
        "--on-bad",
        type=click.Choice(["raise", "skip"]),
        default="raise",
        show_default=True,
        help="What to do with an image that cannot be decoded: stop with an error, or leave it out and list it.",
    ),
)

follow_links_option = in_group(
    DATA,
    click.option(
        "--follow-links", is_flag=True, help="Follow symbolic links that lead out of the folder of the images."
    ),
)


def _limit_pixels(ctx: click.Context, param: click.Parameter, most: int | None) -> None:
    from hybrid.extractors.images.limits import set_max_pixels

    set_max_pixels(most)


max_pixels_option = in_group(
    DATA,
    click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=None,
        envvar="HYBRID_MAX_PIXELS",
        expose_value=False,
        callback=_limit_pixels,
        help="Maximum number of pixels of an image. Larger images are refused before they are decoded. "
        "Default: 100 million.",
    ),
)

_TABLE_OPTIONS = (
    click.option("--label", default=None,
                 help="Label column of a manifest, or several columns A,B,C for multi-label data. For a folder of "
                 "DICOM files: the tag, such as ViewPosition, whose values are the labels."),
    click.option("--label-separator", default=None, metavar="TEXT",
                 help="What stands between several labels in one cell, such as '|' in Mass|Edema. none: every cell is "
                 "the name of one class. Default: separate lists, '|' and ';', and refuse what is unclear."),
    click.option("--path-column", default=None, help="Column of a manifest with the image paths."),
    click.option("--image-root", type=click.Path(file_okay=False), default=None,
                 help="Folder to which the paths of a manifest are relative."),
)  # fmt: skip

_READING_OPTIONS = (
    click.option("--bit-depth", type=click.IntRange(1, 32), default=None, metavar="BITS",
                 help="Number of bits that pixels use in files with more than 8 bits whose header does not tell, such "
                 "as 12 for 12-bit data in 16-bit PNG files. Default: the full depth of the file."),
    click.option("--window", default="file", show_default=True, metavar="CENTER,WIDTH|file|full",
                 help="Values shown from black to white in DICOM files, and in TIFF files without a fixed range. file: "
                 "the first window of each file. full: from the smallest to the largest value of each image."),
)  # fmt: skip

_FURTHER_OPTIONS = (
    click.option("--dicom-tag", "dicom_tags", multiple=True, metavar="KEYWORD",
                 help="Tag of DICOM files, such as ViewPosition, that is kept for --by (repeatable)."),
    click.option("--columns", default=None, metavar="A,B|none",
                 help="Further columns of a table, such as hospital,sex,age, to keep with the embeddings for --by. "
                 "Default: numbers, and columns with few different values; no names, dates or free text."),
    click.option("--column-pattern", "column_patterns", multiple=True, metavar="NAME=REGEX",
                 help="A further column whose value the parentheses of a regular expression match in the path of an "
                 "image (repeatable): 'hospital=^([^/]+)/' takes the first folder."),
    click.option("--table", type=click.Path(dir_okay=False), default=None, metavar="FILE",
                 help="CSV or Parquet file with further columns, such as the age. A row names an image by its path or "
                 "file name, or a patient by the name of the group."),
    click.option("--drop", default="", metavar="FINDINGS",
                 help="Leave out images with these findings of `hybrid data` before a split is drawn: duplicates, "
                 "near-duplicates, conflicts, blank, undecodable, size, brightness (separated by commas). Of "
                 "duplicates, one image is kept, preferably one of test."),
    follow_links_option,
    max_pixels_option,
)  # fmt: skip

_DATA_OPTIONS = (*_TABLE_OPTIONS, *_READING_OPTIONS, *_FURTHER_OPTIONS)

_DRAWN_OPTIONS = (
    click.option("--split", "fractions", default="70/15/15", show_default=True, metavar="T/V/T",
                 help="Percentages of train/val/test, for the splits that are missing in the data."),
    click.option("--val", type=float, default=None, metavar="SHARE",
                 help="Draw a new validation split: this share of the given train and validation images together."),
    click.option("--val-as-test", is_flag=True,
                 help="Use the given validation images as test. A validation split is then drawn from train."),
    click.option("--together", type=click.Choice(["duplicates", "near-duplicates", "none"]), default="duplicates",
                 show_default=True, help="Which copies of an image stay in one split when a split is drawn: identical "
                 "ones, nearly identical ones as well, or none."),
)  # fmt: skip

_GIVEN_OPTIONS = (
    click.option("--split-names", default=None, metavar="NAMES|none",
                 help="What the names of folders or the values of the split column mean: train, val, test or skip, "
                 "such as fold1=train,fold2=test. none: there is no split in the data, and folders are classes."),
    click.option("--split-column", default=None, help="Column of a manifest with train, val or test."),
    click.option("--group-column", default=None,
                 help="Column of a manifest with groups, such as patients. A split that is drawn divides no group."),
    click.option("--group-pattern", default=None, metavar="REGEX",
                 help="Regular expression whose parentheses match the group, such as the patient, in the path of an "
                 "image: '(person\\d+)_|(IM-\\d+)'. Images that it does not match are groups of their own."),
)  # fmt: skip

cache_option = in_group(
    SPEED,
    click.option(
        "--cache",
        type=click.Path(file_okay=False),
        default=None,
        envvar="HYBRID_CACHE",
        metavar="FOLDER|ADDRESS",
        help="Embedding store: a folder, or an address such as s3://bucket/prefix (also gs:// and az://). Default: "
        "the cache folder of the user.",
    ),
)

_EXTRACTOR_OPTIONS = (
    click.option(
        "--layer",
        "layers",
        multiple=True,
        metavar="NAME",
        help="Layer at which the network is cut. Several layers (repeatable) are concatenated. Default: penultimate, "
        "the layer before a classifier's last layer, or the output of a network that ends in an embedding.",
    ),
    click.option(
        "--pooling",
        type=click.Choice([name for name in POOLINGS if name != "none"]),
        default="avg",
        show_default=True,
        help="How a feature map is reduced to one row.",
    ),
    click.option(
        "--weights",
        default="auto",
        show_default=True,
        metavar="imagenet|random|FILE",
        help="Weights of the network. auto: imagenet for a pretrained backbone, its own for a .keras file.",
    ),
    click.option(
        "--size", default=None, metavar="N|HxW", help="Size to which images are resized. Default: that of the backbone."
    ),
    click.option(
        "--preprocessing",
        type=click.Choice(["auto", *PREPROCESSINGS]),
        default="auto",
        show_default=True,
        help="Scaling of the pixels. auto: the scaling with which the backbone was trained.",
    ),
    click.option(
        "--interpolation",
        type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos"]),
        default="bilinear",
        show_default=True,
        help="Interpolation of the resizing, which is antialiased.",
    ),
)

_SPEED_OPTIONS = (
    click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        default=None,
        help="Number of images in a batch. Default: depends on the size of the images.",
    ),
    cache_option,
    click.option(
        "--runtime",
        type=click.Choice(RUNTIMES),
        default="auto",
        show_default=True,
        help="Library that runs the network. auto: Keras if it has a GPU, otherwise OpenVINO.",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="float32",
        show_default=True,
        help="Precision of the network. A lower precision is faster on hardware that supports it, and gives other "
        "embeddings.",
    ),
)


def _all_of(*options: Decorator) -> Decorator:
    return lambda function: reduce(lambda decorated, option: option(decorated), reversed(options), function)


# read by `make_extractor`
extractor_options = _all_of(in_group("Features", *_EXTRACTOR_OPTIONS), in_group(SPEED, *_SPEED_OPTIONS))
data_options = _all_of(
    in_group(DATA, *_DATA_OPTIONS), in_group("Splits", *_DRAWN_OPTIONS, *_GIVEN_OPTIONS)
)  # read by `read_data`
# Of a dataset on which a finished model is measured: no split is drawn, and the model reads pixels as in training.
new_data_options = in_group(DATA, *_TABLE_OPTIONS, *_FURTHER_OPTIONS, *_GIVEN_OPTIONS)  # read by `read_new_data`


def make_extractor(backbone: str, seed: int, given: dict[str, Any]) -> Any:
    """Return the `Extractor` that the options describe, and remove these options from `given`."""
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
    """Return the `Dataset` that DATA and its options describe."""
    from hybrid.cli.output import progress_bar
    from hybrid.datasets import load_dataset
    from hybrid.datasets.parts.split import parse_fractions

    given |= {"fractions": parse_fractions(fractions), "random_state": seed, "on_bad": on_bad}
    names = [name.strip() for name in drop.split(",") if name.strip()]
    with progress_bar("examining images") as progress:
        return load_dataset(data, drop=names or None, progress=progress, **given)


def read_new_data(data: str, *, on_bad: str = "raise", drop: str = "", **given: Any) -> Any:
    """Return the `Dataset` that DATA and its options describe, on which a finished model is measured."""
    from hybrid.cli.output import progress_bar
    from hybrid.datasets import load_dataset

    names = [name.strip() for name in drop.split(",") if name.strip()]
    with progress_bar("examining images") as progress:
        return load_dataset(data, to_fit=False, on_bad=on_bad, drop=names or None, progress=progress, **given)


def given_options(names: Collection[str]) -> list[str]:
    """Return those of some options that the user of the running command has given, as words of a command line."""
    context = click.get_current_context()
    words = []
    for parameter in context.command.params:
        is_given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if parameter.name not in names or not is_given or not isinstance(parameter, click.Option):
            continue
        value = context.params[parameter.name]
        if parameter.is_flag:
            words.append(parameter.opts[0])
        else:
            values = value if parameter.multiple else [value]
            words += [word for one in values for word in (parameter.opts[0], str(one))]
    return words


@contextlib.contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """Let extractors use the workers of a cluster until the end of the block; without an address, this process."""
    if address is None:
        yield
        return
    from hybrid.extractors.cluster.client import connected

    with connected(address) as client:
        click.echo(f"Dask dashboard: {client.dashboard_link}", err=True)
        yield


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """Return the size that --size gives: the side of a square, or height and width."""
    if text is None:
        return None
    try:
        sides = [int(part) for part in text.lower().replace("×", "x").split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise InputError(f"--size {text!r} was given; expected pixels, such as 224 or 160x120 (height x width).")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def parse_prevalence(text: str | None) -> float | dict[str, float] | None:
    """Return the class frequencies of --prevalence."""
    if text is None:
        return None
    try:
        if "=" not in text:
            return float(text)
        pairs = [part.rpartition("=") for part in text.split(",")]
        return {name.strip(): float(share) for name, _, share in pairs}
    except ValueError:
        raise InputError(
            f"--prevalence {text!r} was given; expected a share such as 0.08, or CLASS=SHARE for each class, separated "
            "by commas."
        ) from None
