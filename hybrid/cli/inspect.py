"""`hybrid inspect`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command
from hybrid.cli.options import json_option, workspace_option
from hybrid.cli.output import print_json, print_table
from hybrid.models.find_model import find_model

if TYPE_CHECKING:
    from hybrid.pipelines.saved.adapted_from import AdaptedFrom
    from hybrid.pipelines.saved.inspect import Inspection


@documented_command(
    ("A model of the workspace", "hybrid inspect svm-PICTURES-mobilenet_v2"),
    ("A model that somebody sent", "hybrid inspect model.zip"),
)
@click.argument("model", shell_complete=completion.models_or_files)
@workspace_option
@json_option
def inspect(model: str, workspace: Path, as_json: bool) -> None:
    """Describe a saved MODEL and check its files, without loading the model.

    MODEL is the name of a fitted model of the workspace, the folder of a saved model, or a .zip of that folder. Size
    and SHA-256 of every file are compared with the manifest. The exit code is 1 if a file differs, is missing or is not
    listed.
    """
    from hybrid.pipelines.saved.inspect import inspect_model

    found = inspect_model(find_model(model, workspace))
    if as_json:
        manifest = found.manifest.to_dict()
        print_json({"model": found.model, "whole": not found.faults, "faults": found.faults, "manifest": manifest})
    else:
        _show(found)
    found.check()


def _reading(params: Mapping[str, Any]) -> str:
    """Return how an extractor reads pixels of more than 8 bits, or an empty text if as their files state."""
    from hybrid.extractors.images.depth import Reading

    return Reading.from_fields(params).describe()


def _parent(adapted: "AdaptedFrom") -> str:
    """Return the parent of an adapted model, with the digest by which its manifest is recognised."""
    return f"{adapted.sentence()}; SHA-256 of the parent's manifest: {adapted.parent_sha256[:16]}"


def _show(found: "Inspection") -> None:
    manifest = found.manifest
    networks = [f"{extractor.backbone} ({extractor.fingerprint[:12]})" for extractor in manifest.extractors]
    reading = dict.fromkeys(_reading(extractor.params) for extractor in manifest.extractors)
    arguments = manifest.dataset.get("arguments")
    tags = arguments.get("dicom_tags") if isinstance(arguments, dict) else None
    rows = [
        ("task", manifest.task),
        ("classes", ", ".join(map(str, manifest.classes))),
        *((name, str(manifest.info[name])) for name in ("aim", "threshold") if manifest.info.get(name)),
        *([("parent", _parent(manifest.adapted))] if manifest.adapted else []),
        ("steps", " → ".join(step.type for step in manifest.steps)),
        ("networks", ", ".join(networks) or "none: the model takes embeddings"),
        *([("pixels of more than 8 bits", "; ".join(reading))] if any(reading) else []),
        *([("tags of DICOM files", ", ".join(map(str, tags)))] if isinstance(tags, list) else []),
        ("width of embeddings", manifest.width),
        *manifest.kept.items(),
        ("created", manifest.created),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())),
        ("schema", manifest.schema),
    ]
    name = manifest.model or found.model  # the folder of a model of a workspace is called "model"
    print_table(f"Model {name!r}", ["", "value"], rows, left=2)
    files = manifest.files
    names = [*files, *(name for name in found.faults if name not in files)]
    print_table(
        "",
        ["file", "state", "bytes", "SHA-256"],
        [
            (name, found.faults.get(name, "as saved"), *((file.size, file.sha256[:16]) if file else ("–", "–")))
            for name in names
            for file in [files.get(name)]
        ],
        left=2,
    )
