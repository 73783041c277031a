"""`hybrid data`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import data_options, json_option, parse_size, read_data, seed_option, workspace_option
from hybrid.cli.output import (
    print_counts,
    print_json,
    print_line,
    print_notes,
    print_table,
    progress_bar,
    share,
    shell_command,
    warn,
)
from hybrid.wording import number
from hybrid.workspace.workspace import Workspace, slug

if TYPE_CHECKING:
    from hybrid.datasets import Dataset
    from hybrid.datasets.quality import Finding
    from hybrid.datasets.quality.label_columns import LabelColumn
    from hybrid.datasets.summary import DatasetSummary

_OPTIONS = (
    click.option(
        "--checks/--no-checks",
        default=True,
        help="Check every image for copies, near-duplicates, blank images and outliers. The results are cached.",
    ),
    click.option(
        "--by",
        multiple=True,
        metavar="COLUMN[:BINS][+COLUMN]",
        help="Count the classes by the values of a further column, and test whether it predicts the label: sex, "
        "age:50,70 with limits of bins, or sex+view for combinations. Repeatable. By default, all suitable columns "
        "are tested.",
    ),
    click.option(
        "--augment",
        multiple=True,
        metavar="NAME=STRENGTH",
        help="Draw images next to augmented versions of them (repeatable). The format is that of `hybrid train "
        "--augment`.",
    ),
    click.option(
        "--size", default=None, metavar="N|HxW", help="Size of the augmented images. Default: as for `hybrid train`."
    ),
)
_WRITE = click.option(
    "--write",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    metavar="FOLDER",
    help="Only write the images of a dataset that has a name, or of an .npz, as files: a folder for each class with "
    "PNG files, and the manifest labels.csv. FOLDER must be new or empty.",
)
_NAMED = 3  # clusters of a finding that are named on the screen


@documented_command(
    ("A folder with one subfolder per class", "hybrid data PICTURES"),
    ("A table with the paths and labels of images", "hybrid data labels.csv --group-column patient"),
    ("What augmentation does to the images", "hybrid data PICTURES --augment rotate=15 --augment flip"),
    ("Images to practise with, as files", "hybrid data cells --write smears"),
    ("Does the hospital or the age predict the label?", "hybrid data labels.csv --by hospital --by age:50,70"),
    ("Counts only, without looking at the images", "hybrid data PICTURES --no-checks"),
)
@click.argument("data", shell_complete=completion.datasets)
@data_options
@in_group("Checks and pictures", *_OPTIONS)
@in_group("Files", _WRITE)
@seed_option
@workspace_option
@json_option
def data(
    data: str,
    checks: bool,
    as_json: bool,
    by: tuple[str, ...],
    augment: tuple[str, ...],
    size: str | None,
    write: Path | None,
    workspace: Path,
    seed: int,
    **given: Any,
) -> None:
    """Show the splits, classes and sizes of DATA, as `hybrid extract` and `hybrid train` see it, and its problems.

    The command writes to reports/ in the workspace: data-NAME.png shows the number of images, findings-NAME.png shows
    examples of findings, and findings-NAME.json lists all findings. With --augment, augment-NAME.png shows images next
    to augmented versions of them.
    """
    from hybrid.datasets.summary import summarize

    dataset = read_data(data, seed=seed, on_bad="skip", **given)
    if write:
        _write(dataset, write, as_json)
        return
    reports, name = Workspace(workspace).reports, slug(dataset.name)
    summary = _examine(dataset, by) if checks else summarize(dataset, columns=_counted(dataset, by))
    pictures = _draw(dataset, summary.findings or (), reports, name)
    if augment:
        pictures["augmentations"] = _draw_augmented(dataset, augment, size, seed, reports / f"augment-{name}.png")
    drawn: dict[str, Any] = {picture: str(path) for picture, path in pictures.items()}
    summary = replace(summary, **drawn)
    listing = reports / f"findings-{name}.json"
    if checks:
        summary.write(listing)
    if as_json:
        print_json(summary.to_json())
        return
    _show(dataset, summary, reports / f"findings-{name}.json")
    for path in pictures.values():
        print_line(f"Saved {path}")
    if checks:
        print_line(f"Saved {listing} with the names of all findings")


def _write(dataset: "Dataset", folder: Path, as_json: bool) -> None:
    """Write the images as files and say how they are read again."""
    from hybrid.datasets import write_images
    from hybrid.datasets.parts.suggested_groups import suggested_groups

    manifest = write_images(dataset, folder)
    if as_json:
        print_json({"folder": str(folder), "manifest": str(manifest), "images": len(dataset)})
        return
    print_line(f"Wrote {number(len(dataset), 'image')} and {manifest.name} to {folder}. To read them:")
    print_line(f"  {shell_command('hybrid', 'data', folder / manifest.name)}")
    if dataset.y.ndim == 1:
        groups = suggested_groups(dataset.ids.tolist())
        pattern = ["--group-pattern", groups.pattern] if groups else []
        print_line(f"  {shell_command('hybrid', 'data', f'{folder}/', *pattern)}")


def _examine(dataset: "Dataset", by: tuple[str, ...]) -> "DatasetSummary":
    """Run all checks on a dataset and return its summary."""
    from hybrid.datasets.quality.checks import find, measured
    from hybrid.datasets.summary import summarize
    from hybrid.evaluation.subgroups.partition import make_partitions

    make_partitions(dataset.columns, by)  # a column that is unknown is named before the images are read
    with progress_bar("examining images") as progress:
        examined = measured(dataset, progress, by=by)
    return summarize(dataset, find(examined), examined.measures, examined.label_columns if by else ())


def _counted(dataset: "Dataset", by: tuple[str, ...]) -> "Sequence[LabelColumn]":
    """Return the counts of the classes by columns, without looking at the images."""
    from hybrid.datasets.quality.label_columns import label_columns

    return label_columns(dataset.columns, dataset.y, dataset.classes, dataset.groups, by=by) if by else ()


def _draw(dataset: "Dataset", findings: "Sequence[Finding]", reports: Path, name: str) -> dict[str, Path]:
    from hybrid.datasets.examples import example_rows
    from hybrid.plots import class_counts, example_grid, save_figure

    title = f"{dataset.name}: {len(dataset):,} images"
    drawn = {"chart": save_figure(class_counts(dataset.counts_by_split(), title=title), reports / f"data-{name}.png")}
    if rows := example_rows(findings, dataset):
        figure = example_grid(rows, title=f"{dataset.name}: findings")
        drawn["examples"] = save_figure(figure, reports / f"findings-{name}.png")
    return drawn


def _draw_augmented(dataset: "Dataset", augment: tuple[str, ...], size: str | None, seed: int, path: Path) -> Path:
    from hybrid.extractors.images.augment import Augmentation
    from hybrid.plots import augmentation_grid, save_figure
    from hybrid.training.preview import preview

    rows = preview(dataset, Augmentation.parse(augment), parse_size(size), seed)
    return save_figure(augmentation_grid(rows, title=dataset.name), path)


def _show(dataset: "Dataset", summary: "DatasetSummary", all_findings: Path) -> None:
    from hybrid.datasets.quality.label_columns import ADVICE, PREDICTING

    print_counts(dataset, [str(len(dataset.part(split))) for split in summary.counts_by_split])
    print_notes(summary.notes)
    print_notes(summary.in_words())
    _show_columns(dataset, summary.label_columns or ())
    if summary.findings is None:
        return
    columns = ["finding", "--drop", "found", "clusters", "in several splits", "with several labels"]
    rows = [_finding_row(finding) for finding in summary.findings]
    print_table("findings", columns, rows, left=2, optional=3)  # the notes below name the clusters, too
    for finding in summary.findings:
        if finding.check == PREDICTING and summary.label_columns:
            continue  # said above
        print_notes([f"{finding.title}: {cluster.in_words()}" for cluster in finding.clusters[:_NAMED]])
        if (more := len(finding.clusters) - _NAMED) > 0:
            print_notes([f"{finding.title}: {more} more, all in {all_findings}"])
        print_notes([ADVICE] if finding.check == PREDICTING and finding.clusters else [])
    for finding in summary.findings:
        if finding.in_several_splits:
            warn(f"WARNING: {finding.warning()}")


def _show_columns(dataset: "Dataset", columns: "Sequence[LabelColumn]") -> None:
    """Print the number of images of each class by the values of each column, and whether it predicts the label."""
    from hybrid.datasets.quality.label_columns import ADVICE

    for column in columns:
        rows = [
            [value, column.images[value], *(share(count, column.images[value]) for count in counts.values())]
            for value, counts in column.counts.items()
        ]
        print_table(f"{dataset.name} by {column.name}", [column.name, "images", *map(str, dataset.classes)], rows)
    print_notes([*(column.note for column in columns if column.note), *(column.sentence() for column in columns)])
    print_notes([ADVICE] if any(column.predicts for column in columns) else [])


def _finding_row(finding: "Finding") -> list[object]:
    several = any(len(cluster.rows) > 1 for cluster in finding.clusters)
    counts = [len(finding.clusters), finding.in_several_splits, finding.under_several_labels] if several else [""] * 3
    return [finding.title, finding.drop, finding.size, *counts]
