"""`hybrid demo`."""

import os
import shlex
import shutil
import sys
import time
from pathlib import Path

import click

from hybrid.cli.help import documented_command
from hybrid.cli.options import workspace_option
from hybrid.cli.output import print_line, shell_command
from hybrid.workspace.workspace import DEFAULT_WORKSPACE

_DATA = "cells:types"
_MODEL = "svm-cells-types-small"
_COMMANDS = (
    f"data {_DATA}",
    f"train resnet_small:width=16 {_DATA} --size 48 --epochs 20 --name small",
    f"extract {_DATA}",
    "fit svm",
    "fit forest",
    "fit xgboost",
    "fit softmax",
    "compare",
)
_NEXT = (
    ("A pretrained network, which is downloaded (9 MB)", f"extract {_DATA} --backbone mobilenet_v2"),
    ("Pictures to practise with, as files", "data cells --write smears"),
    ("Your own images, with a subfolder for each class", "data PICTURES"),
)


@documented_command(
    ("The whole job, in the folder hybrid_runs", "hybrid demo"),
    ("In another folder", "hybrid demo --workspace try"),
)
@workspace_option
def demo(workspace: Path) -> None:
    """Run all steps on built-in pictures, offline: five kinds of white blood cells, drawn by this program.

    The command trains a small network, fits four classifiers to its features, compares them, and writes a report. Each
    command is printed before it runs, so that you can repeat it with your own images. All of it takes about a minute on
    two processor cores.
    """
    started = time.perf_counter()
    _say(
        f"This runs {len(_COMMANDS) + 1} commands on 800 drawn pictures of blood cells, and takes about a minute on "
        "two cores. Nothing is downloaded. The task is to tell five kinds of white cells apart, in patients that "
        f"training has not seen. Results are saved in {workspace}."
    )
    for command in _COMMANDS:
        _run(shlex.split(command), workspace)
    pictures = _write_pictures(workspace / "demo_images")
    _run(["predict", _MODEL, *pictures], workspace)
    _say(f"\nDone in {time.perf_counter() - started:.0f} s. Open the report in your browser:")
    print_line(f"  {(workspace / 'reports' / 'report.html').absolute()}")
    click.echo("\nWhat to try next:")
    if activation := _activation():
        click.secho("  # First, so that this terminal finds the command hybrid", dim=True)
        print_line(f"  {activation}")
    for words, command in _NEXT:
        click.secho(f"  # {words}", dim=True)
        print_line(f"  {shell_command('hybrid', *_in_workspace(shlex.split(command), workspace))}")


def _activation() -> str:
    """Return the command that activates the environment of this program, or "" if a shell finds `hybrid` anyway."""
    if shutil.which("hybrid"):
        return ""
    if sys.platform == "win32":
        return str(Path(sys.prefix) / "Scripts" / "activate")
    script = Path(sys.prefix) / "bin" / "activate"
    return shell_command("source", os.path.relpath(script)) if script.exists() else ""


def _say(text: str) -> None:
    """Print a paragraph that is wrapped to the width of the terminal."""
    click.echo(click.wrap_text(text, min(shutil.get_terminal_size().columns, 100)))


def _in_workspace(args: list[str], workspace: Path) -> list[str]:
    return args if str(workspace) == DEFAULT_WORKSPACE else [*args, "--workspace", str(workspace)]


def _run(args: list[str], workspace: Path) -> None:
    from hybrid.cli.main import main

    args = _in_workspace(args, workspace)
    click.secho(f"\n$ {shell_command('hybrid', *args)}", bold=True)
    main.main(args, prog_name="hybrid", standalone_mode=False)


def _write_pictures(folder: Path) -> list[str]:
    """Write a few test images as PNG files with their label in the name, and return the paths."""
    from PIL import Image

    from hybrid.datasets import load_dataset

    test = load_dataset(_DATA).part("test")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for row in range(3):
        path = folder / f"{test.y[row]}_{row}.png"
        Image.fromarray(test.X[row]).save(path)
        paths.append(str(path))
    return paths
