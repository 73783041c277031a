"""`export_onnx`: a saved model as one ONNX file, written only if it does as the model does."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, MissingExtraError
from hybrid.files import write_atomic
from hybrid.pipelines import load_model, read_manifest

if TYPE_CHECKING:
    from hybrid.export.checking import Agreement

PACKAGES = ("onnx", "onnxruntime", "tf2onnx", "skl2onnx", "onnxmltools")
TOLERANCE = 1e-4
IMAGES = 256
_MOST_BYTES = 2**31 - 1  # of one message of Protocol Buffers, which an .onnx file is


@dataclass(frozen=True)
class Exported:
    """An ONNX file that was written, and how it was checked.

    Attributes
    ----------
    path : Path
    agreement : Agreement
        What was compared with the model.
    notes : dict of str to str
        What the file says of itself, in its ``metadata_props``.
    """

    path: Path
    agreement: "Agreement"
    notes: dict[str, str]


def export_onnx(
    model: str | Path,
    path: str | Path,
    *,
    check: Any = None,
    images: int = IMAGES,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write a saved model as one ONNX graph: preprocessing, network, scaler, PCA, head, calibration and threshold.

    The graph takes uint8 pixels, (N, height, width, channels), resized as the model's own reader resizes them: one
    input ``pixels``, or one for each size where the model has extractors of several. It gives ``probabilities``,
    float32 (N, n_classes), and ``label``, (N,), or int64 (N, n_labels) of 0 and 1. It is run in ONNX Runtime beside the
    model before it is written.

    Parameters
    ----------
    model : str or Path
        Folder of a saved model.
    path : str or Path
        The file to write; one that is there is replaced.
    check : array-like, optional
        Images to check on, as `FeatureExtractor.transform` takes them. By default those of the dataset that the model
        was fitted to, where it can be opened again, else made ones.
    images : int, default=256
        The most images to check on, spread evenly over those there are.
    tolerance : float, default=1e-4
        The most that a probability may differ. Of the very same embeddings, it is 1e-4 in any case.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        If something of the model cannot be exported, or the graph differs from it: then nothing is written.
    MissingExtraError
        If the packages of the extra ``onnx`` are not installed.

    Notes
    -----
    Runtimes of networks agree to about 1e-6 of an embedding's scale. Where an embedding lies that close to a split of
    a tree, or on a step of an isotonic calibration, that is enough for another probability.
    """
    check_installed()
    folder = Path(model).expanduser()
    manifest = read_manifest(folder)
    _check_exportable(manifest, folder.name)
    pipeline = load_model(folder)
    from hybrid.export.assembling import assemble, set_notes
    from hybrid.export.checking import compare
    from hybrid.export.images import images_to_check

    notes = describe(manifest, pipeline[-1], folder.name)
    graph, inputs = assemble(pipeline)
    if graph.ByteSize() > _MOST_BYTES:
        raise InputError(f"The graph has {graph.ByteSize():,} bytes; an ONNX file holds at most {_MOST_BYTES:,}.")
    X, source = images_to_check(check, manifest["info"], inputs, images)
    agreement = compare(graph, inputs, pipeline, X, source, tolerance)
    notes["checked"] = json.dumps(asdict(agreement))
    set_notes(graph, notes)
    target = Path(path).expanduser()
    write_atomic(target, lambda file: file.write(graph.SerializeToString()))
    return Exported(target, agreement, notes)


def check_installed() -> None:
    """Raise `MissingExtraError` unless the packages of the extra ``onnx`` are there."""
    for package in PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(package, "onnx", "An export to ONNX")


def describe(manifest: Mapping[str, Any], head: Any, name: str) -> dict[str, str]:
    """Return what the file says of the model, each value a text; what has structure as JSON."""
    info, classes, thresholds = manifest["info"], manifest["classes"], getattr(head, "thresholds_", None)
    names = info.get("labels")
    values = {
        "hybrid": manifest["versions"].get("hybrid", ""),
        "model": str(info.get("model", name)),
        "created": manifest["created"],
        "task": manifest["task"],
        "classes": list(map(str, names if isinstance(names, list) and len(names) == len(classes) else classes)),
        "steps": [step["type"] for step in manifest["steps"]],
        "extractors": [record["fingerprint"] for record in manifest["extractors"]],
        "aim": getattr(head, "aim", None),
        "thresholds": None if thresholds is None else thresholds.tolist(),
        "positive": None if thresholds is None or manifest["task"] != "binary" else _positive(head),
        "calibration": getattr(head, "calibration", None),
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _positive(head: Any) -> str:
    return str(head.classes_[head._positive_column()])


def _check_exportable(manifest: Mapping[str, Any], name: str) -> None:
    if not manifest["extractors"]:
        raise InputError(f"The model {name!r} takes embeddings, not images: it was saved without an extractor.")
    if manifest["info"].get("views"):
        raise InputError(
            f"The model {name!r} was judged by means over random views of each image, which are drawn by the image's "
            "content and cannot be drawn in a graph: fit it on a set without --views-of train+test."
        )


def default_name(model: Path) -> str:
    """Return the name of the file that a model is written to unless another is given."""
    from hybrid.workspace.workspace import slug

    return f"{slug(read_manifest(model)['info'].get('model', model.name))}.onnx"
