"""`hybrid curve`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.classifiers import HEADS
from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import json_option, seed_option, workspace_option
from hybrid.cli.output import (
    loud_warnings,
    print_json,
    print_line,
    print_notes,
    print_table,
    progress_bar,
)
from hybrid.errors import InputError
from hybrid.wording import plural_of
from hybrid.workspace.workspace import Workspace, slug

if TYPE_CHECKING:
    import numpy as np

    from hybrid.comparison.refittable_model import RefittableModel
    from hybrid.planning import LearningCurve

_OPTIONS = (
    click.option(
        "--set",
        "set_names",
        multiple=True,
        metavar="NAME",
        shell_complete=completion.sets,
        help="Embedding set, if a head is named. Several sets of one dataset (repeatable) are concatenated. Default: "
        "the latest set.",
    ),
    click.option(
        "--metric",
        default=None,
        shell_complete=completion.metrics,
        help="The score. Default: ROC AUC of two classes, accuracy of more, average precision of labels.",
    ),
    click.option(
        "--times",
        type=click.FloatRange(1, min_open=True),
        default=2.0,
        show_default=True,
        help="How many times as many training images the curve is extrapolated to.",
    ),
    click.option(
        "--repeats",
        type=click.IntRange(min=3),
        default=10,
        show_default=True,
        help="How often nested shares are drawn.",
    ),
    click.option(
        "--sizes",
        type=click.IntRange(min=2),
        default=8,
        show_default=True,
        help="Number of shares, the last of which is all training images.",
    ),
    click.option(
        "--folds",
        type=click.IntRange(min=2),
        default=None,
        help="Score by cross-validation inside train with so many folds. Default: on validation, or 5 folds without "
        "it.",
    ),
    click.option(
        "--level",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.9,
        show_default=True,
        help="Share of cases in which the band of the extrapolation should hold.",
    ),
    click.option(
        "--test-images",
        default=None,
        metavar="N,N",
        help="Numbers of test images for which the width of the intervals is shown.",
    ),
    click.option("--jobs", type=int, default=None, help="Number of repeats to run in parallel. Default: 1."),
)


@documented_command(
    ("What twice as many images would bring the chosen model", "hybrid curve"),
    ("A fitted model, and three times as many images", "hybrid curve svm-PICTURES --times 3"),
    ("A head that is not fitted yet, on the latest set", "hybrid curve softmax"),
    ("More certain: more repeats", "hybrid curve --repeats 30"),
    ("How certain a score would be on 300 or 3,000 test images", "hybrid curve --test-images 300,3000"),
)
@click.argument("model", required=False, shell_complete=completion.models)
@in_group("Curve", *_OPTIONS)
@seed_option
@workspace_option
@json_option
def curve(
    model: str | None,
    set_names: tuple[str, ...],
    metric: str | None,
    times: float,
    repeats: int,
    sizes: int,
    folds: int | None,
    level: float,
    test_images: str | None,
    jobs: int | None,
    seed: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """Show how scores grow with the number of training images, and what more images would likely bring.

    MODEL is a fitted model, or a head such as svm, with its defaults. By default it is the model that is chosen on
    validation. The command fits it to nested shares of train several times, from cached embeddings, and scores it on
    validation, or by cross-validation inside train. It never uses test. It fits a curve to the scores and says what
    twice as many images would likely bring, overall and for the rarest class, or why that cannot be said. It also
    shows how wide the interval of a score would be on more or fewer test images.

    Patients and copies of an image stay together, and the classes are as frequent in each share as in train. The
    command writes report.html, figures, tables and learning-curve.json to reports/curves/MODEL in the workspace.
    """
    from hybrid.planning import learning_curve
    from hybrid.planning.interval_widths import SIZES
    from hybrid.planning.refitted import refitted
    from hybrid.report.learning_curve import write_learning_curve

    place = Workspace(workspace)
    if set_names and model not in HEADS:
        raise click.UsageError("--set is for a head, such as: hybrid curve svm --set NAME. A fitted model has its own.")
    fitted = refitted(place, model, set_names, seed)
    numbers = SIZES if test_images is None else _numbers(test_images)
    train, val = (_rows(fitted, split) for split in ("train", "val"))
    with progress_bar("fitting") as progress, loud_warnings():
        result = learning_curve(
            fitted.pipeline,
            *train[:2],
            groups=train[2],
            validation=None if folds or not len(val[1]) else val,
            classes=fitted.embeddings.classes.tolist(),
            metric=metric,
            pos_label=fitted.positive,
            sizes=sizes,
            repeats=repeats,
            folds=folds or 5,
            factor=times,
            level=level,
            random_state=seed,
            test_images=numbers,
            n_jobs=jobs,
            name=fitted.name,
            notes=fitted.notes,
            group_name=fitted.embeddings.group_name,
            progress=progress,
        )
    written = write_learning_curve(result, place.reports / "curves" / slug(fitted.name))
    if as_json:
        print_json(result.to_dict() | {"files": [str(path) for path in written]})
        return
    _show(result)
    print_line(f"Report: {written[0]}")


def _rows(model: "RefittableModel", split: str) -> tuple["np.ndarray", "np.ndarray", "np.ndarray | None"]:
    """Return the embeddings, labels and groups of one split, without views."""
    joined = model.embeddings
    rows, groups = joined.split == split, joined.groups_with_copies
    return joined.embeddings()[rows], joined.y[rows], None if groups is None else groups[rows]


def _show(result: "LearningCurve") -> None:
    """Print the sentences, the scores at each size, and the widths of intervals."""
    from hybrid.evaluation.metrics import format_score

    click.echo()
    for sentence in result.sentences():
        print_line(sentence)
    click.echo()
    groups = [] if result.groups is None else [plural_of(result.group_name)]
    curves = {"overall": result.overall, "rarest": result.rarest}
    rows = [
        [
            f"{row['images']:,.0f}",
            *(f"{row['groups']:,.0f}" for _ in groups),
            *(
                f"{format_score(row[f'{name}_mean'])} [{format_score(row[f'{name}_low'])}, "
                f"{format_score(row[f'{name}_high'])}]"
                for name in curves
            ),
        ]
        for row in result.table().to_dict("records")
    ]
    title = f"{result.model}: scores on {result.where}, mean of {result.repeats} repeats with lowest and highest"
    print_table(title, ["training images", *groups, *(one.title for one in curves.values())], rows, left=0)
    widths = result.interval_widths
    groups = [] if widths.groups is None else [plural_of(widths.group_name)]
    rows = [
        [
            f"{row['images']:,.0f}",
            *(f"{row['groups']:,.0f}" for _ in groups),
            *(f"{row[name]:.3f}" for name in widths.widths),
        ]
        for row in widths.table().to_dict("records")
    ]
    title = f"Width of the {widths.level:.0%} interval against the number of test images"
    print_table(title, ["test images", *groups, *widths.widths], rows, left=0)
    print_notes(result.notes)


def _numbers(text: str) -> list[int]:
    """Return the numbers of --test-images."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--test-images {text!r} was given; expected numbers such as 300,1000,3000.") from None
