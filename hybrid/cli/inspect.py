"""`hybrid inspect`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybrid.cli.options import json_option, workspace_option
from hybrid.cli.output import print_json, print_table
from hybrid.models.find import find_model

if TYPE_CHECKING:
    from hybrid.pipelines.saved.inspect import Inspection


@click.command()
@click.argument("model")
@workspace_option
@json_option
def inspect(model: str, workspace: Path, as_json: bool) -> None:
    """Show what a saved MODEL says of itself, and check its files, without loading anything of it.

    MODEL is the name of a fitted model of the workspace, the folder of a saved one, or a .zip of that folder. Size and
    SHA-256 of every file are compared with the manifest; exit code 1 if one differs, is missing or is not listed.
    """
    from hybrid.pipelines.saved.inspect import inspect_model

    path = Path(model).expanduser()
    found = inspect_model(path if path.is_file() else find_model(model, workspace))
    if as_json:
        print_json(
            {"model": found.model, "whole": not found.faults, "faults": found.faults, "manifest": found.manifest}
        )
    else:
        _show(found)
    found.check()


def _show(found: "Inspection") -> None:
    manifest = found.manifest
    networks = [f"{one['params'].get('backbone')} ({one['fingerprint'][:12]})" for one in manifest["extractors"]]
    rows = [
        ("task", manifest["task"]),
        ("classes", ", ".join(map(str, manifest["classes"]))),
        ("steps", " → ".join(f"{step['type']}" for step in manifest["steps"])),
        ("networks", ", ".join(networks) or "none: it takes embeddings"),
        ("width of embeddings", manifest["width"]),
        ("created", manifest["created"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())),
        ("schema", manifest["schema"]),
    ]
    print_table(f"Model {found.model!r}", ["", "says"], rows, left=2)
    files = manifest["files"]
    names = [*files, *(name for name in found.faults if name not in files)]
    print_table(
        "",
        ["file", "state", "bytes", "SHA-256"],
        [
            (name, found.faults.get(name, "as saved"), files.get(name, {}).get("size", "–"),
             files.get(name, {}).get("sha256", "–")[:16])
            for name in names
        ],
        left=2,
    )  # fmt: skip
