"""Save a fitted pipeline as a folder from which nothing is ever unpickled.

    manifest.json    schema, versions, classes, extractor, what the caller adds; size and SHA-256 of each file
    head.skops       scaler, PCA and head
    booster.json     the booster of an XGBoost head
    network/         a copy of the user's .keras or weights file, where there is one

A network with ImageNet or random weights is not kept: it is built again, and its fingerprint checked.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from hybrid import __version__
from hybrid.classifiers import HEADS
from hybrid.errors import InputError
from hybrid.extractors.atomic import replace_folder, write_atomic
from hybrid.extractors import FeatureExtractor
from hybrid.pipelines.manifest import SCHEMA, describe_files, to_json, unlisted, write_manifest
from hybrid.pipelines.network import NETWORK, WEIGHTS, save_extractor
from hybrid.pipelines.trusted import to_bytes

HEAD = "head.skops"
BOOSTER = "booster.json"

_PACKAGES = ("numpy", "scikit-learn", "skops", "xgboost", "keras")
_KINDS = {"U": "string", "O": "string", "i": "integer", "u": "integer", "b": "boolean", "f": "float"}


def save_model(
    pipeline: Pipeline,
    folder: str | Path,
    *,
    extractor: FeatureExtractor | None = None,
    info: Mapping[str, Any] | None = None,
) -> Path:
    """Save a fitted pipeline; a model that is there already is replaced only once the new one is complete.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted, of :func:`make_pipeline` or :func:`make_head_pipeline`.
    folder : str or Path
        The model's folder; its parents are made if need be.
    extractor : FeatureExtractor, optional
        What gave the embeddings that the pipeline was fitted to: the saved model then goes from images to labels.
    info : mapping, optional
        JSON values to keep in the manifest, such as the training set, metrics and a threshold.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the pipeline is not fitted, holds a type that cannot be loaded safely, or does not fit the extractor;
        or if the folder holds something else than a saved model.
    """
    whole = _compose(pipeline, extractor)
    target = Path(folder).expanduser().resolve()
    _check_target(target)
    with replace_folder(target) as new:
        _write(new, whole, dict(info or {}))
    return target


def _compose(pipeline: Any, extractor: FeatureExtractor | None) -> Pipeline:
    """Return the fitted pipeline, with the extractor before it if one was given."""
    if not isinstance(pipeline, Pipeline):
        hint = "; save its best_estimator_" if hasattr(pipeline, "best_estimator_") else ""
        raise InputError(f"A {type(pipeline).__name__} was given; expected a fitted Pipeline{hint}.")
    try:
        check_is_fitted(pipeline)
    except NotFittedError as error:
        raise InputError("The pipeline is not fitted: fit it before it is saved.") from error
    if extractor is None:
        return pipeline
    if isinstance(pipeline[0], FeatureExtractor):
        raise InputError("The pipeline has an extractor of its own: leave out extractor=.")
    shape, width = extractor.resolve().output_shape, pipeline.n_features_in_
    if shape != (width,):
        raise InputError(
            f"The extractor gives embeddings of shape {shape}, but the pipeline was fitted to {width} columns: "
            "give the extractor that made them."
        )
    return Pipeline([("extractor", extractor), *pipeline.steps])


def _write(folder: Path, pipeline: Pipeline, info: dict[str, Any]) -> None:
    extractor = pipeline[0] if isinstance(pipeline[0], FeatureExtractor) else None
    steps = pipeline if extractor is None else pipeline[1:]
    bare, booster = _without_booster(steps)
    data = to_bytes(bare)
    write_atomic(folder / HEAD, lambda file: file.write(data))
    if booster is not None:
        write_atomic(folder / BOOSTER, lambda file: file.write(booster))
    manifest = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        **_describe_labels(steps[-1]),
        "width": steps.n_features_in_,
        "steps": [{"name": name, "type": type(step).__name__} for name, step in pipeline.steps],
        "extractor": None if extractor is None else save_extractor(extractor, folder),
        "info": info,
        "files": describe_files(folder),
    }
    write_manifest(folder, to_json(manifest))


def _without_booster(steps: Pipeline) -> tuple[Pipeline, bytes | None]:
    name, head = steps.steps[-1]
    if type(head).__module__ != HEADS["xgboost"].module:
        return steps, None
    from hybrid.pipelines.booster import take_booster  # imports XGBoost

    bare, booster = take_booster(head)
    return Pipeline([*steps.steps[:-1], (name, bare)]), booster


def _describe_labels(head: Any) -> dict[str, Any]:
    classes = np.asarray(head.classes_)
    multilabel = getattr(head, "multilabel_", False)
    return {
        "task": "multilabel" if multilabel else "binary" if len(classes) == 2 else "multiclass",
        "labels": "multilabel" if multilabel else _KINDS.get(classes.dtype.kind, classes.dtype.name),
        "classes": classes,
    }


def _versions() -> dict[str, str]:
    return {"hybrid": __version__, "python": python_version(), **{name: version(name) for name in _PACKAGES}}


def _check_target(target: Path) -> None:
    """Refuse to replace a folder in which there is anything that no model wrote."""
    if target.exists() and not target.is_dir():
        raise InputError(f"{str(target)!r} is a file; expected a folder to save the model in.")
    if foreign := unlisted(target, (HEAD, BOOSTER, NETWORK, *WEIGHTS)):
        raise InputError(
            f"{str(target)!r} holds {foreign[0]!r}, which is no part of a saved model, so it is not replaced: "
            "give another folder."
        )
