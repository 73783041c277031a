"""`hybrid data`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.options import data_options, json_option, parse_size, read_data, seed_option, workspace_option
from hybrid.cli.output import print_counts, print_json, print_notes, print_table, progress_bar, warn
from hybrid.workspace.workspace import Workspace, slug

if TYPE_CHECKING:
    from hybrid.datasets import Dataset
    from hybrid.datasets.quality import Finding

_NAMED = 3  # groups of a finding that are named on the screen


@click.command()
@click.argument("data")
@data_options
@click.option(
    "--checks/--no-checks",
    default=True,
    help="Look at every image: copies, near-duplicates, blank ones, outliers. Default: yes; again, it takes no time.",
)
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
    data: str,
    checks: bool,
    as_json: bool,
    augment: tuple[str, ...],
    size: str | None,
    workspace: Path,
    seed: int,
    **given: Any,
) -> None:
    """Look at DATA as `hybrid extract` and `hybrid train` see it: splits, classes, sizes, and what is wrong with it.

    Writes reports/ in the workspace: data-NAME.png with the counts, findings-NAME.png with examples of what was found,
    findings-NAME.json with all of it. With --augment, augment-NAME.png shows images beside their augmentations.
    """
    dataset = read_data(data, seed=seed, on_bad="skip", **given)
    reports, name = Workspace(workspace).reports, slug(dataset.name)
    record, findings = _look(dataset) if checks else (_counts(dataset), [])
    pictures = _draw(dataset, findings, reports, name)
    if augment:
        pictures["augmentations"] = _draw_augmented(dataset, augment, size, seed, reports / f"augment-{name}.png")
    record |= {what: str(path) for what, path in pictures.items()}
    if checks:
        from hybrid.files import write_json

        write_json(reports / f"findings-{name}.json", record)
    if as_json:
        print_json(record)
        return
    _show(dataset, record, findings)
    for path in pictures.values():
        click.echo(f"Saved {path}")


def _counts(dataset: "Dataset") -> dict[str, Any]:
    return {
        "name": dataset.name,
        "source": dataset.source,
        "task": dataset.task,
        "images": len(dataset),
        "counts_by_split": dataset.counts_by_split(),
        "notes": list(dataset.notes),
        "counts": dict(dataset.counts),
        "left_out": {why: list(names) for why, names in dataset.left_out.items()},
    }


def _look(dataset: "Dataset") -> tuple[dict[str, Any], "list[Finding]"]:
    """Return all that there is to say of a dataset, as JSON values, and what the checks found."""
    from hybrid.datasets.quality import examine
    from hybrid.datasets.summary import describe_images, describe_labels

    with progress_bar("looking at images") as progress:
        findings, measures = examine(dataset, progress)
    found = {"findings": [finding.to_dict() for finding in findings]}
    return _counts(dataset) | describe_labels(dataset) | describe_images(measures) | found, findings


def _draw(dataset: "Dataset", findings: "Sequence[Finding]", reports: Path, name: str) -> dict[str, Path]:
    from hybrid.datasets.examples import example_rows
    from hybrid.plots import class_counts, example_grid, save_figure

    title = f"{dataset.name}: {len(dataset):,} images"
    drawn = {"chart": save_figure(class_counts(dataset.counts_by_split(), title=title), reports / f"data-{name}.png")}
    if rows := example_rows(findings, dataset):
        figure = example_grid(rows, title=f"{dataset.name}: what to look at")
        drawn["examples"] = save_figure(figure, reports / f"findings-{name}.png")
    return drawn


def _draw_augmented(dataset: "Dataset", augment: tuple[str, ...], size: str | None, seed: int, path: Path) -> Path:
    from hybrid.extractors.images.augment import Augmentation
    from hybrid.plots import augmentation_grid, save_figure
    from hybrid.training.preview import preview

    rows = preview(dataset, Augmentation.parse(augment), parse_size(size), seed)
    return save_figure(augmentation_grid(rows, title=dataset.name), path)


def _show(dataset: "Dataset", record: dict[str, Any], findings: "Sequence[Finding]") -> None:
    print_counts(dataset, [str(len(dataset.part(split))) for split in record["counts_by_split"]])
    print_notes(dataset.notes)
    if not findings:
        return
    from hybrid.datasets.summary import in_words

    print_notes(in_words(record))
    columns = ["finding", "--drop", "found", "groups", "in several splits", "under several labels"]
    print_table("what to look at", columns, [_finding_row(finding) for finding in findings], left=2)
    for finding in findings:
        print_notes([f"{finding.title}: {group.in_words()}" for group in finding.groups[:_NAMED]])
    for finding in findings:
        if finding.in_several_splits:
            warn(f"WARNING: {finding.warning()}")


def _finding_row(finding: "Finding") -> list[object]:
    together = any(len(group.rows) > 1 for group in finding.groups)
    counts = [len(finding.groups), finding.in_several_splits, finding.under_several_labels] if together else [""] * 3
    return [finding.title, finding.drop, finding.size, *counts]
