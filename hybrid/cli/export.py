"""`hybrid export`."""

from dataclasses import asdict
from pathlib import Path

import click

from hybrid.cli.options import json_option, max_pixels_option, workspace_option
from hybrid.cli.output import loud_warnings, print_json
from hybrid.models.find_model import find_model


@click.command()
@click.argument("model")
@click.option("--format", "kind", type=click.Choice(["onnx"]), default="onnx", show_default=True, help="Of the file.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="The file to write. Default: the model's name with .onnx behind it.",
)
@click.option(
    "--check",
    "data",
    default=None,
    metavar="DATA",
    help="Images to check on: a folder of them, or a dataset. Default: the dataset that the model was fitted to, where "
    "it is still there, else made images.",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="The most images to check on, spread evenly over those there are.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, max=1),
    default=1e-4,
    show_default=True,
    help="The most that a probability may differ from the model's.",
)
@max_pixels_option
@workspace_option
@json_option
def export(
    model: str,
    kind: str,
    output: Path | None,
    data: str | None,
    images: int,
    tolerance: float,
    workspace: Path,
    as_json: bool,
) -> None:
    """Write a saved MODEL as one file, from pixels to probabilities and labels, checked against it.

    MODEL is the name of a fitted model of the workspace, or a saved one: its folder, or a .zip of it. The graph
    holds preprocessing, networks, scaler, PCA, head, calibration and threshold, and takes uint8 pixels of the
    networks' size, (N, height, width, channels). Before it is written it is run in ONNX Runtime beside the model;
    if a probability differs by more than the tolerance, there is no file.

    \b
    svm, softmax, a network's own output   can be exported
    knn                                    can; the file holds all training embeddings, and of neighbours that are
                                           equally near another may be chosen
    forest, xgboost                        can; an image on a tree's split may differ, and then there is no file
    ensemble                               can, as its members can
    every calibration and threshold        can; isotonic has steps as trees have splits
    other heads of scikit-learn            can, with one label an image, where skl2onnx knows them
    means over views                       cannot: views are drawn by an image's content
    lower precision                        cannot: every runtime rounds it in its own way
    ConvNeXt                               cannot: tf2onnx does not know two of its operations
    """  # noqa: D301 - click's mark for lines that are not to be joined
    from hybrid.export.export import check_installed, default_name, export_onnx

    check_installed()
    with loud_warnings():
        folder = find_model(model, workspace)
        target = output or Path(default_name(folder))
        check = None
        if data is not None:
            from hybrid.export.images import read_images

            check = read_images(data)
        done = export_onnx(folder, target, check=check, images=images, tolerance=tolerance)
    agreement = done.agreement
    if as_json:
        print_json({"file": str(done.path), "agreement": asdict(agreement), "notes": done.notes})
        return
    click.echo(f"Wrote {done.path}")
    click.echo(
        f"  · {agreement.images} images ({agreement.source}): probabilities differ from the model's by "
        f"{agreement.largest_difference:.1e} at most, {agreement.other_labels} labels differ"
    )
