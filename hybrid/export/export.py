"""Export a saved model to one ONNX file, which is written only if it agrees with the model."""

import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.errors import InputError, MissingExtraError
from hybrid.files import expanded, write_output
from hybrid.pipelines import Manifest, read_manifest
from hybrid.pipelines.saved.inspect import inspect_model
from hybrid.pipelines.saved.load import open_model

if TYPE_CHECKING:
    from hybrid.export.checking import Agreement

PACKAGES = ("onnx", "onnxruntime", "tf2onnx", "skl2onnx", "onnxmltools")
TOLERANCE = 1e-4
IMAGES = 256
_MAX_BYTES = 2**31 - 1  # limit of a Protocol Buffers message, the format of an .onnx file


@dataclass(frozen=True)
class Exported:
    """An exported ONNX file and its agreement with the model.

    Attributes
    ----------
    path : Path
        The written file.
    agreement : Agreement
        Result of the comparison with the model.
    notes : dict of str to str
        The ``metadata_props`` of the file, which describe the model.
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
    """Export a saved model to one ONNX graph: preprocessing, network, scaler, PCA, head, calibration and threshold.

    The graph takes uint8 pixels of shape (N, height, width, channels), resized in the same way as by the model itself.
    Its only input is ``pixels``, unless the model has extractors with different input sizes, which have an input each.
    Its outputs are ``probabilities``, float32 of shape (N, n_classes), and ``label`` of shape (N,) or, for a
    multi-label task, int64 of shape (N, n_labels) with values 0 and 1. Before the file is written, the graph is
    compared with the model in ONNX Runtime.

    Parameters
    ----------
    model : str or Path
        Folder of a saved model.
    path : str or Path
        File to write. An existing file is replaced.
    check : array-like, optional
        Images for the comparison, in a form that `FeatureExtractor.transform` accepts. By default the images of the
        dataset that the model was fitted to or, if it cannot be opened, synthetic images.
    images : int, default=256
        Maximum number of images for the comparison. They are spread evenly over all available images.
    tolerance : float, default=1e-4
        Largest allowed difference of a probability. For the same embeddings the limit is always 1e-4.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        If a part of the model cannot be exported or the graph differs from the model. Nothing is written then.
    MissingExtraError
        If the packages of the extra ``onnx`` are not installed.

    Notes
    -----
    The embeddings of different runtimes agree to a relative precision of about 1e-6. If an embedding lies that close to
    a split of a tree or to a step of an isotonic calibration, this difference can change its probabilities.
    """
    check_installed()
    folder = expanded(model)
    opened = open_model(folder)
    pipeline, manifest = opened.pipeline, opened.manifest
    _check_exportable(manifest, folder.name)
    from hybrid.export.assembling import assemble, set_notes
    from hybrid.export.checking import compare
    from hybrid.export.images import images_to_check

    notes = describe(manifest, pipeline[-1], folder.name)
    graph, inputs = assemble(pipeline)
    if graph.ByteSize() > _MAX_BYTES:
        raise InputError(f"The graph has {graph.ByteSize():,} bytes; an ONNX file holds at most {_MAX_BYTES:,}.")
    X, source = images_to_check(check, manifest.dataset, inputs, images)
    agreement = compare(graph, inputs, pipeline, X, source, tolerance)
    notes["checked"] = json.dumps(asdict(agreement))
    set_notes(graph, notes)
    target = expanded(path)
    write_output(target, lambda file: file.write(graph.SerializeToString()))
    return Exported(target, agreement, notes)


def check_installed() -> None:
    """Raise `MissingExtraError` unless the packages of the extra ``onnx`` are installed."""
    for package in PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(package, "onnx", "An export to ONNX")


def describe(manifest: Manifest, head: Any, name: str) -> dict[str, str]:
    """Return the description of a model for ``metadata_props``. Values that are not text are JSON."""
    thresholds = getattr(head, "thresholds_", None)
    values = {
        "hybrid": manifest.versions.get("hybrid", ""),
        "model": manifest.name(name),
        "created": manifest.created,
        "task": manifest.task,
        "classes": manifest.label_names,
        "steps": [step.type for step in manifest.steps],
        "extractors": [extractor.fingerprint for extractor in manifest.extractors],
        "aim": getattr(head, "aim", None),
        "thresholds": None if thresholds is None else thresholds.tolist(),
        "positive": None if thresholds is None or manifest.task != "binary" else _positive(head),
        "calibration": getattr(head, "calibration", None),
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _positive(head: Any) -> str:
    return str(head.classes_[head._positive_column()])


def _check_exportable(manifest: Manifest, name: str) -> None:
    if not manifest.extractors:
        raise InputError(f"The model {name!r} takes embeddings, not images, because it was saved without an extractor.")
    if manifest.views:
        raise InputError(
            f"The model {name!r} averages its predictions over random views of each image. The views depend on the "
            "bytes of the image, which a graph does not see. Fit the model on a set without --views-of train+test."
        )


def default_name(model: Path) -> str:
    """Return the default file name of an exported model."""
    from hybrid.workspace.workspace import slug

    folder = Path(model)
    manifest = inspect_model(folder).manifest if folder.is_file() else read_manifest(folder)
    return f"{slug(manifest.name(folder.stem if folder.is_file() else folder.name))}.onnx"
