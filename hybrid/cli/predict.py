"""`hybrid predict`."""

from pathlib import Path

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command
from hybrid.cli.options import follow_links_option, json_option, max_pixels_option, on_bad_option, workspace_option
from hybrid.cli.output import loud_warnings, print_exactly, print_json, print_line, progress_bar, warn
from hybrid.models.find_model import find_model


@documented_command(
    ("All images of a folder, as a CSV file", "hybrid predict svm-PICTURES new_images --output new.csv"),
    ("Some images, with a model that somebody sent", "hybrid predict model.zip a.png b.png"),
    (
        "Sets that contain the true class in 9 of 10 cases",
        "hybrid predict svm-PICTURES new_images --coverage 0.9",
    ),
    ("For scripts", "hybrid predict svm-PICTURES new_images --json"),
)
@click.argument("model", shell_complete=completion.models_or_files)
@click.argument("images", nargs=-1, required=True, shell_complete=completion.files)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write the predictions to this file.",
)
@click.option(
    "--coverage",
    type=float,
    default=None,
    metavar="SHARE",
    help="Add the prediction set of each image: the classes that contain the true one with this probability, such as "
    "0.9, if the images are drawn like those that the model was validated on. Default: no sets.",
)
@click.option(
    "--per-class",
    is_flag=True,
    help="With --coverage: the probability holds for the images of each class by itself.",
)
@on_bad_option
@follow_links_option
@max_pixels_option
@workspace_option
@json_option
def predict(
    model: str,
    images: tuple[str, ...],
    output: Path | None,
    coverage: float | None,
    per_class: bool,
    on_bad: str,
    follow_links: bool,
    workspace: Path,
    as_json: bool,
) -> None:
    """Predict labels and probabilities of new IMAGES (files or folders), as CSV, or as JSON with --json.

    MODEL is the name of a fitted model of the workspace, the folder of a saved model, or a .zip of that folder. If a
    threshold gives an image another label than the most probable one, a line on standard error states the threshold.

    The column `typicality` says how many of the training images are as far away from the others as an image; 0.03 are 3
    of 100. An image with 0.01 or less is `unfamiliar`: the model was not fitted to anything like it, and what it
    predicts means little. A line on standard error names such images.
    """
    if per_class and coverage is None:
        raise click.UsageError("--per-class applies to prediction sets only: give --coverage with it.")
    from hybrid.models.predict import find_images, predict_images

    with loud_warnings(), progress_bar("extracting") as progress:
        folder, paths = find_model(model, workspace), find_images(images, follow_links)
        result = predict_images(folder, paths, coverage=coverage, per_class=per_class, on_bad=on_bad, progress=progress)
    for path, reason in result.skipped.items():
        warn(f"Skipped {path}: {reason}")
    for note in result.notes:
        print_line(note, err=True)
    if as_json and output is None:
        print_json(result.to_dict())
        return
    from hybrid.files import write_output

    if as_json:
        content = result.to_json().encode(errors="backslashreplace")
    else:
        content = result.to_csv().encode(errors="surrogateescape")
    if output is None:
        print_exactly(content)
        return
    write_output(output, lambda file: file.write(content))
    print_line(f"Wrote {len(result.rows)} predictions to {output}", err=True)
