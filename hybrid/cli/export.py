"""`hybrid export`."""

from dataclasses import asdict
from pathlib import Path

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command
from hybrid.cli.options import json_option, max_pixels_option, workspace_option
from hybrid.cli.output import loud_warnings, print_json, print_line
from hybrid.models.find_model import find_model
from hybrid.wording import number


@documented_command(
    ("One file for ONNX Runtime", "hybrid export svm-PICTURES --output svm.onnx"),
    ("Compare it with the model on these images", "hybrid export svm-PICTURES --check new_images"),
)
@click.argument("model", shell_complete=completion.models_or_files)
@click.option(
    "--format", "kind", type=click.Choice(["onnx"]), default="onnx", show_default=True, help="Format of the file."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Path of the file. Default: the name of the model with the suffix .onnx.",
)
@click.option(
    "--check",
    "data",
    default=None,
    metavar="DATA",
    help="Images for the check: a folder of images or a dataset. Default: the dataset that the model was fitted on if "
    "it still exists, otherwise synthetic images.",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Maximum number of images for the check. They are spread evenly over all images.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, max=1),
    default=1e-4,
    show_default=True,
    help="Maximum difference between a probability and that of the model.",
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
    """Export a saved MODEL as one file that takes pixels and returns probabilities and labels.

    MODEL is the name of a fitted model of the workspace, the folder of a saved model, or a .zip of that folder. The
    exported graph contains preprocessing, networks, scaler, PCA, head, calibration and threshold. It takes uint8 pixels
    of shape (N, height, width, channels) in the input size of the networks. Before the file is written, the graph is
    run in ONNX Runtime and compared with the model. If a probability differs by more than the tolerance, no file is
    written.

    \b
    Can it be exported?
      svm, softmax, network: yes
      knn: yes; the file contains all training embeddings,
        and of equally near neighbours others may be chosen
      forest, xgboost: yes; no file is written if an image
        is so close to a split of a tree that its
        probability differs
      ensemble: yes, if all its members can be exported
      calibration, threshold: yes; isotonic calibration has
        steps, which are like the splits of trees
      other scikit-learn heads: yes, for one label per
        image, if skl2onnx supports them
      means over views: no, they depend on the image
      lower precision: no, every runtime rounds differently
      ConvNeXt: no, tf2onnx lacks two of its operations
    """  # noqa: D301 - \b tells click not to join the following lines
    from hybrid.export.export import check_installed, default_name, export_onnx

    check_installed()
    with loud_warnings():
        folder = find_model(model, workspace)
        target = output or Path(default_name(folder))
        check = None
        if data is not None:
            from hybrid.export.images import read_images

            check = read_images(data)
        exported = export_onnx(folder, target, check=check, images=images, tolerance=tolerance)
    agreement = exported.agreement
    if as_json:
        print_json({"file": str(exported.path), "agreement": asdict(agreement), "notes": exported.notes})
        return
    print_line(f"Wrote {exported.path}")
    labels = number(agreement.other_labels, "label differs", "labels differ")
    click.echo(
        f"  · {agreement.images} images ({agreement.source}): probabilities differ from the model's by "
        f"at most {agreement.largest_difference:.1e}, {labels}"
    )
