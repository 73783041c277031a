"""`hybrid compare`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.cli.options import json_option, workspace_option
from hybrid.cli.output import SHOWN, format_metric, print_json, print_notes, print_table, warn
from hybrid.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.comparison import Group

_COLUMNS = 5  # scores beside the one that orders


@click.command()
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="Which split to compare on.",
)
@click.option("--metric", default=None, help="What the models are sorted by. Default: by the task.")
@workspace_option
@json_option
def compare(split: str, metric: str | None, workspace: Path, as_json: bool) -> None:
    """Set all fitted models of the workspace side by side, on the same images.

    Writes reports/ in the workspace: comparison.json, comparison.csv, a bar chart and the confusion matrices.
    """
    from hybrid.comparison import compare as compare_results
    from hybrid.comparison import load_results

    place = Workspace(workspace)
    comparison = compare_results(load_results(place.models), split=split, metric=metric)
    written = comparison.save(place.reports)
    if as_json:
        print_json(comparison.to_dict() | {"files": [str(path) for path in written]})
        return
    for group in comparison.groups:
        _print_group(group, split)
    print_notes(comparison.notes)
    click.echo(f"Saved {', '.join(str(path) for path in written)}")


def _print_group(group: "Group", split: str) -> None:
    others = [name for name in SHOWN[group.task] if name != group.metric][:_COLUMNS]
    rows = [
        [
            model["model"],
            format_metric(result.metrics[group.metric]),
            f"{model['seconds']['fit']:.1f}",
            *(format_metric(result.metrics[name], interval=False) for name in others),
        ]
        for model, result in zip(group.models, group.evaluations, strict=True)
    ]
    title = f"{group.dataset}, {split}: {group.evaluations[0].n} images, best {group.metric} first, its 95% interval"
    print_table(title, ["model", group.metric, "fit s", *others], rows, optional=len(others))
    print_notes(group.notes)
    for text in dict.fromkeys(text for model in group.models for text in model.get("warnings", [])):
        warn(f"WARNING: {text}")
