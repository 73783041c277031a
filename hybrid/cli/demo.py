"""`hybrid demo`."""

import shlex
import time
from pathlib import Path

import click

from hybrid.cli.help import documented_command
from hybrid.cli.options import workspace_option
from hybrid.cli.output import print_line
from hybrid.workspace.workspace import DEFAULT_WORKSPACE

_MODEL = "svm-digits-resnet_small"
_COMMANDS = (
    "data digits",
    "train resnet_small digits --epochs 20",
    "extract digits",
    "fit svm",
    "fit forest",
    "fit xgboost",
    "fit softmax",
    "compare",
)


@documented_command(
    ("The whole job, in the folder hybrid_runs", "hybrid demo"),
    ("In another folder", "hybrid demo --workspace try"),
)
@workspace_option
def demo(workspace: Path) -> None:
    """Run all steps on built-in data, offline: the handwritten digits of scikit-learn, 8×8 pixels.

    Each command is printed before it runs, so that you can repeat it with your own images.
    """
    started = time.perf_counter()
    for command in _COMMANDS:
        _run(shlex.split(command), workspace)
    pictures = _write_pictures(workspace / "demo_images")
    _run(["predict", _MODEL, *pictures], workspace)
    click.echo(f"\nDone in {time.perf_counter() - started:.0f} s. Then try your own images:")
    click.echo("  hybrid extract FOLDER --backbone mobilenet_v2 && hybrid fit svm && hybrid compare")
    print_line("")
    print_line(f"Open the report in your browser: {(workspace / 'reports' / 'report.html').absolute()}")


def _run(args: list[str], workspace: Path) -> None:
    from hybrid.cli.main import main

    if args[0] != "data" and str(workspace) != DEFAULT_WORKSPACE:
        args = [*args, "--workspace", str(workspace)]
    click.secho(f"\n$ hybrid {shlex.join(args)}", bold=True)
    main.main(args, prog_name="hybrid", standalone_mode=False)


def _write_pictures(folder: Path) -> list[str]:
    """Write a few test images as PNG files with their label in the name, and return the paths."""
    from PIL import Image

    from hybrid.datasets import load_dataset

    test = load_dataset("digits").part("test")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for row in range(3):
        path = folder / f"digit_{test.y[row]}_{row}.png"
        Image.fromarray(test.X[row]).save(path)
        paths.append(str(path))
    return paths
