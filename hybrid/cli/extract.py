"""`hybrid extract`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import (
    cluster_option,
    data_options,
    extractor_options,
    json_option,
    make_extractor,
    on_bad_option,
    on_cluster,
    read_data,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import (
    loud_warnings,
    print_json,
    print_line,
    print_notes,
    print_table,
    progress_bar,
    shell_command,
    short_path,
    warn,
)
from hybrid.errors import InputError
from hybrid.wording import number
from hybrid.workspace.workspace import BEST_NETWORK, Workspace, check_name, slug

if TYPE_CHECKING:
    from hybrid.datasets import Dataset
    from hybrid.embeddings.embedding_set import EmbeddingSet
    from hybrid.embeddings.part import ExtractedPart
    from hybrid.extractors.images.views import Views
    from hybrid.shift.result import DatasetShift


_COSTS = (
    "run s is the time of this run; cost s is the time in which the features of these images were computed, in this "
    "run or an earlier one: decoding, network and writing. Both are by the wall clock; processor s is the cost in "
    "seconds of all processors, which other work on the machine changes less.",
)


_OPTIONS = (
    click.option("--each-layer", is_flag=True, help="Save one embedding set for each --layer, from one pass."),
    click.option(
        "--views",
        type=click.IntRange(min=1),
        default=None,
        metavar="K",
        help="Also extract K random augmentations (views) of every training image, on which heads are fitted too.",
    ),
    click.option(
        "--augment",
        multiple=True,
        metavar="NAME=STRENGTH",
        help="Augmentation of the views (repeatable), such as rotate=15 or flip. "
        "Default: small changes of rotation, shift, zoom and brightness.",
    ),
    click.option(
        "--views-of",
        type=click.Choice(["train", "train+test"]),
        default=None,
        help="Images that have views. With train+test, predictions are means over an image and its views. Default: "
        "train.",
    ),
    click.option("--name", default=None, help="Name of the embedding set; with --each-layer, NAME-LAYER."),
    click.option(
        "--part",
        default=None,
        metavar="K/N",
        help="Only compute the embeddings of part K of N, for jobs that share the cache. Then run the same command "
        "without --part, which finds them and saves the embedding set.",
    ),
    cluster_option,
    click.option(
        "--shift/--no-shift",
        default=True,
        show_default=True,
        help="Whether to test if test images differ from training and validation images. Of several layers the last is "
        "tested.",
    ),
)


@documented_command(
    ("Features of a pretrained network", "hybrid extract PICTURES --backbone mobilenet_v2"),
    ("Features of the network that was trained last", "hybrid extract PICTURES"),
    ("Another layer; hybrid backbones vgg16 lists them", "hybrid extract PICTURES --backbone vgg16 --layer fc1"),
    ("Heads also learn from 4 random views of each image", "hybrid extract PICTURES --backbone resnet50 --views 4"),
    ("On two processes of this machine", "hybrid extract PICTURES --backbone vgg16 --cluster local:2"),
    (
        "The first of four jobs that share the cache",
        "hybrid extract PICTURES --backbone resnet50 --part 1/4",
    ),
    ("ImageNet weights from a file, without a network", "hybrid extract PICTURES --backbone vgg16 --weights vgg.h5"),
)
@click.argument("data", shell_complete=completion.datasets)
@in_group(
    "Features",
    click.option(
        "--backbone",
        default=None,
        metavar="NAME|FILE",
        shell_complete=completion.backbones,
        help="A name from `hybrid backbones`, such as resnet50 or mobilenet:alpha=0.25, or a .keras file. "
        "Default: the network that was trained last in this workspace.",
    ),
)
@extractor_options
@in_group("Views, names and machines", *_OPTIONS)
@data_options
@on_bad_option
@seed_option
@workspace_option
@json_option
def extract(
    data: str,
    workspace: Path,
    name: str | None,
    each_layer: bool,
    part: str | None,
    cluster: str | None,
    views: int | None,
    augment: tuple[str, ...],
    views_of: str | None,
    shift: bool,
    on_bad: str,
    seed: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Compute and store the embeddings of DATA, and save them as an embedding set.

    DATA is a folder of class folders (with or without train/val/test), an .npz, a CSV or Parquet manifest, or a name:
    cells, cells:types, cells:labels, cells:north, digits, medmnist:NAME, keras:NAME. Embeddings that are already
    stored are not computed again.
    """
    from hybrid.embeddings.embedding_set import save_set
    from hybrid.embeddings.extract import extract_part, extract_sets
    from hybrid.embeddings.part import Part
    from hybrid.shift.of_set import shift_of_extracted

    place = Workspace(workspace)
    options: dict[str, Any] = {"views": _views(views, augment, views_of, seed), "views_of": views_of or "train"}
    options |= {"on_bad": on_bad, "each_layer": each_layer}
    only = None if part is None else Part.parse(part)
    if only and name:
        raise click.UsageError(
            "--part computes embeddings and saves no set: give --name to the command without --part."
        )
    extractor = make_extractor(given.pop("backbone") or _latest_network(place), seed, given)
    extractor.check()
    names = _names(name, extractor.layer_list if each_layer else None)
    dataset = read_data(data, seed=seed, on_bad=on_bad, **given)
    if only:
        with on_cluster(cluster), loud_warnings(), progress_bar("extracting") as progress:
            done = extract_part(dataset, extractor, only, **options, progress=progress)
        _show_part(done, as_json)
        return
    with on_cluster(cluster), loud_warnings(), progress_bar("extracting") as progress:
        extracted = extract_sets(dataset, extractor, **options, progress=progress)
    for bad in extracted[0].record.skipped:
        warn(f"Skipped {bad.id}: {bad.reason}")
    embedding_sets = [save_set(one, place, name) for one, name in zip(extracted, names, strict=True)]
    found = shift_of_extracted(dataset, embedding_sets[-1]) if shift else None
    if as_json:
        records: list[dict[str, Any]] = [{"set": one.name} | one.record.to_json() for one in embedding_sets]
        records[-1]["shift"] = found.to_dict() if found else None
        print_json({"sets": records} if each_layer else records[0])
    else:
        _show(dataset, embedding_sets, found)


def _views(number: int | None, augment: tuple[str, ...], views_of: str | None, seed: int) -> "Views | None":
    if number is None:
        if augment or views_of:
            raise click.UsageError("--augment and --views-of describe the views: give --views K with them.")
        return None
    from hybrid.extractors.images.augment import Augmentation
    from hybrid.extractors.images.views import MILD, Views

    return Views(number, Augmentation.parse(augment) if augment else MILD, seed)


def _names(name: str | None, layers: list[str] | None) -> list[str | None]:
    """Return the requested name of each embedding set, or None for the default name."""
    if name is None or layers is None:
        return [name and check_name(name)] * len(layers or [""])
    return [check_name(f"{check_name(name)}-{slug(layer)}") for layer in layers]


def _show(dataset: "Dataset", embedding_sets: "list[EmbeddingSet]", shift: "DatasetShift | None") -> None:
    """Print a summary of embedding sets of the same images."""
    from hybrid.datasets.parts.groups import groups_of_splits
    from hybrid.evaluation.groups import group_name_of

    first = embedding_sets[0].record
    columns = ["set", "images", "new", "cached", "skipped", "run s", "cost s", "processor s", "width"]
    rows = [
        [one.name, len(dataset), one.record.new, one.record.cached, len(first.skipped), f"{first.seconds:.1f}",
         _seconds(one.record.cost), _seconds(one.record.processor), one.record.width]
        for one in embedding_sets
    ]  # fmt: skip
    print_table(repr(dataset), columns, rows)
    print_notes([*_COSTS, *_shared_pass(embedding_sets)])
    if any(one.record.measure == "runs" for one in embedding_sets):
        print_notes(["cost s contains an average over whole runs, which an earlier version of hybrid recorded."])
    print_notes(dataset.notes)
    if dataset.groups is not None:
        print_notes([groups_of_splits(dataset.groups, dataset.split, group_name_of(dataset.arguments))])
    for text in first.dataset.warnings:
        warn(f"WARNING: {text}")
    if first.animated:
        print_notes([f"{first.animated} images have several frames or pages: the first one was used."])
    if views := embedding_sets[0].views:
        of = "every image" if embedding_sets[0].averages else "every training image"
        counted = f"{views.number} views of {of} ({views.augmentation.describe()}; seed {views.seed})"
        print_notes([f"The numbers of new and cached images include {counted}."])
    if first.runtime:
        print_notes([f"The network ran through {first.runtime}."])
    for one in embedding_sets:
        fields = one.identity.fields
        print_notes([
            f"{short_path(one.record.extractor.backbone)} cut at {', '.join(fields['layers'])}, "
            f"pooling {fields['pooling']}, preprocessing {fields['preprocessing']}, "
            f"{fields['size'][0]}×{fields['size'][1]}, fingerprint {one.identity.fingerprint[:12]}"
        ])  # fmt: skip
    if shift and shift.tested:
        (warn if shift.found else print_line)(shift.sentence)
        print_notes(shift.properties_found)
    if len(embedding_sets) == 1:
        click.echo(f"Embedding set {embedding_sets[0].name!r} is ready: hybrid fit svm")
    else:
        names = f"{len(embedding_sets)} embedding sets are ready"
        click.echo(f"{names}: {shell_command('hybrid', 'fit', 'svm', '--set', embedding_sets[0].name)}")


def _show_part(done: "ExtractedPart", as_json: bool) -> None:
    """Print what was extracted of a part of a dataset."""
    for bad in done.skipped:
        warn(f"Skipped {bad.id}: {bad.reason}")
    if as_json:
        print_json(asdict(done))
        return
    counts = f"{number(done.new, 'new embedding')}, {done.cached} cached, {len(done.skipped)} skipped"
    click.echo(f"{str(done.part).capitalize()}: {number(done.images, 'image')}, {counts}, in {done.seconds:.1f} s.")
    click.echo("When all parts are done, run the same command without --part, which saves the embedding set.")


def _shared_pass(embedding_sets: "list[EmbeddingSet]") -> list[str]:
    """Return a note on the passes that computed several layers."""
    from hybrid.extractors.store.cost import together, total

    passes = together(one.record.known_passes for one in embedding_sets)
    if all(one.cuts == 1 for one in passes):
        return []
    wall, processor = total(one.wall for one in passes), total(one.processor for one in passes)
    return [
        "One pass computed several layers: each costs reading and decoding the images, and the network up to it by "
        f"multiply-adds. All sets shown cost {_seconds(wall)} s together, {_seconds(processor)} processor s."
    ]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _latest_network(workspace: Workspace) -> str:
    path = workspace.latest("networks")
    if path is None:
        raise InputError(
            f"No --backbone was given and no network was trained in {str(workspace.folder)!r}: give a name from "
            "`hybrid backbones`, such as --backbone mobilenet_v2, or run `hybrid train resnet_small DATA` first."
        )
    network = str(path.parent / BEST_NETWORK)
    click.echo(f"Backbone: {network} (the network trained last)", err=True)
    return network
