"""`hybrid stress`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import DATA, json_option, max_pixels_option, on_bad_option, seed_option, workspace_option
from hybrid.cli.output import (
    format_metric,
    loud_warnings,
    print_json,
    print_line,
    print_notes,
    print_table,
    progress_bar,
    short_path,
)
from hybrid.evaluation.registry.tasks import TASKS

if TYPE_CHECKING:
    from hybrid.robustness import StressRecord

_MORE = 2  # scores besides the main one


@documented_command(
    ("The test images of the model's own data", "hybrid stress svm-PICTURES"),
    ("Validation images, without a look at test", "hybrid stress svm-PICTURES --split val"),
    ("Another dataset, 200 images of it", "hybrid stress svm-PICTURES NEW_PICTURES --images 200"),
)
@click.argument("model", shell_complete=completion.models_or_files)
@click.argument("data", required=False, shell_complete=completion.datasets)
@in_group(
    DATA,
    click.option(
        "--split",
        type=click.Choice(["train", "val", "test"]),
        default=None,
        help="The images to use. Default: test of the model's own data; all images of DATA.",
    ),
    click.option(
        "--images",
        type=click.IntRange(min=2),
        default=None,
        metavar="N",
        help="Use a random sample of at most N images. The network sees each in 25 corruptions.",
    ),
    click.option(
        "--map",
        "class_map",
        multiple=True,
        metavar="THEIRS=OURS",
        help="The model's class for a class of DATA with another name (repeatable). 'Covid=' leaves its images out.",
    ),
)
@on_bad_option
@max_pixels_option
@in_group(
    "Result",
    click.option("--metric", default=None, help="Main score, whose differences are tested. Default: that of the task."),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        help="Draw the figure to this file, such as stress.png.",
    ),
)
@seed_option
@workspace_option
@json_option
def stress(
    model: str,
    data: str | None,
    split: str | None,
    images: int | None,
    class_map: tuple[str, ...],
    on_bad: str,
    metric: str | None,
    output: Path | None,
    seed: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """Measure how MODEL copes with blurred, noisy, pale, compressed and rotated images, in five strengths each.

    DATA is a labelled dataset. Without it, the test images of the data that the model was fitted to are used, which is
    a look at test that hybrid plan shows. The corruptions are applied at the size at which the network sees an image.
    Each score has an interval, and the differences from the unchanged images are tested. The result is saved in stress/
    of the workspace, where reports and the checklist for a paper find it. Embeddings are stored: another model on the
    same network takes seconds.
    """
    from hybrid.external.class_mapping import parse_class_map
    from hybrid.robustness import stress

    with loud_warnings(), progress_bar("corrupting images") as progress:
        record = stress(
            model,
            data,
            split=split,
            class_map=parse_class_map(class_map) or None,
            images=images,
            metric=metric,
            workspace=workspace,
            on_bad=on_bad,
            random_state=seed,
            tell=lambda text: print_line(text, err=True),
            progress=progress,
        )
    files = [record.path]
    if output is not None:
        from hybrid.plots import save_figure

        files.append(save_figure(record.plot(), output))
    if as_json:
        print_json(record.to_json() | {"sentences": record.sentences(), "files": list(map(str, files))})
        return
    _show(record)
    for file in files:
        print_line(f"Wrote {short_path(str(file))}")


def _show(record: "StressRecord") -> None:
    first, *others = record.sentences()
    print_line(first)
    print_notes(record.notes)
    names = [record.metric, *(name for name in TASKS[record.task].report if name != record.metric)][: 1 + _MORE]
    rows = [["none", *(format_metric(record.clean[name]) for name in names), ""]]
    for one in record.scores:
        mark = "" if one.difference is None else f"{one.difference:+.3f}{' *' if one.distinguishable else ''}"
        rows.append([one.words, *(format_metric(one.metrics[name]) for name in names), mark])
    print_table("", ["corruption", *names, f"difference in {record.metric}"], rows)
    print_line(f"  * significant at {1 - record.level:.0%} ({record.test}, corrected for all corruptions)")
    print_notes(others)
