"""Save a fitted pipeline as a folder that can be loaded without unpickling anything.

    manifest.json      schema, versions, classes, extractors, the caller's info; size and SHA-256 hash of each file
    head.skops         scaler, PCA and head, or an ensemble of these
    trees/0.npz        the trees of a random forest; several files if there are several labels or forests
    boosters/0.json    the booster of an XGBoost head; several files if there are several heads
    reference.npz      some embeddings of training images, and the distances of others, to recognise unfamiliar images
    calibration.npz    probabilities of images that the model was not fitted to, for prediction sets
    network/           copies of the user's .keras or weights files, if there are any

A network with ImageNet or random weights is not saved: it is rebuilt at loading and its fingerprint checked.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.files import expanded, replace_folder, write_atomic
from hybrid.pipelines.build import extractors_of, side_by_side
from hybrid.pipelines.prediction_sets import CalibrationScores
from hybrid.pipelines.saved.contents import CALIBRATION, HEAD, REFERENCE, foreign_files, is_booster, is_trees
from hybrid.pipelines.saved.forest import detach_trees
from hybrid.pipelines.saved.kept_arrays import kept_files
from hybrid.pipelines.saved.manifest import Manifest, SavedStep, describe_files, write_manifest
from hybrid.pipelines.saved.network import is_network, save_extractor
from hybrid.pipelines.saved.trusted import to_bytes
from hybrid.pipelines.saved.versions import describe_versions
from hybrid.pipelines.typicality import Reference
from hybrid.pipelines.views import ViewPipeline

_KINDS = {"U": "string", "O": "string", "i": "integer", "u": "integer", "b": "boolean", "f": "float"}


def save_model(
    pipeline: Pipeline,
    folder: str | Path,
    *,
    extractor: FeatureExtractor | Sequence[FeatureExtractor] | None = None,
    info: Mapping[str, Any] | None = None,
    reference: Reference | None = None,
    calibration: CalibrationScores | None = None,
) -> Path:
    """Save a fitted pipeline in a folder.

    A saved model in that folder is replaced, but only once the new one is complete.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted pipeline, as :func:`make_pipeline` or :func:`make_head_pipeline` returns it.
    folder : str or Path
        The model's folder. Missing parent folders are created.
    extractor : FeatureExtractor or sequence of them, optional
        For a pipeline that was fitted to embeddings: the extractor that computed them, or several extractors in the
        order of their columns. The saved model then takes images. By default it takes what `pipeline` takes.
    info : mapping, optional
        JSON values to store in the manifest, such as the training set, metrics and a threshold.
    reference : Reference, optional
        What :func:`~hybrid.pipelines.make_reference` returns for the embeddings of the training images. With it,
        :func:`~hybrid.predict` says how typical each image is.
    calibration : CalibrationScores, optional
        What :func:`~hybrid.pipelines.make_calibration` returns for images that the pipeline was not fitted to. With
        it, :func:`~hybrid.predict` can return prediction sets.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the pipeline is not fitted, holds a type that cannot be loaded safely, or does not fit the extractor, the
        reference or the calibration; or if the folder holds files that do not belong to a saved model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from hybrid.pipelines import make_head_pipeline
    >>> pipeline = make_head_pipeline("svm").fit(*load_iris(return_X_y=True))
    >>> save_model(pipeline, "iris", info={"note": "three species"}).name
    'iris'
    """
    complete = _compose(pipeline, extractor)
    target = expanded(folder).resolve()
    _check_target(target)
    with replace_folder(target) as new:
        _write(new, complete, dict(info or {}), reference, calibration)
    return target


def _compose(pipeline: Any, extractor: FeatureExtractor | Sequence[FeatureExtractor] | None) -> Pipeline:
    """Return the fitted pipeline, preceded by the extractors if any are given."""
    if not isinstance(pipeline, Pipeline):
        hint = "; save its best_estimator_" if hasattr(pipeline, "best_estimator_") else ""
        raise InputError(f"A {type(pipeline).__name__} was given; expected a fitted Pipeline{hint}.")
    try:
        check_is_fitted(pipeline)
    except NotFittedError as error:
        raise InputError("The pipeline is not fitted: fit it before saving it.") from error
    if extractor is None:
        return pipeline
    if extractors_of(pipeline[0]):
        raise InputError("The pipeline already has an extractor: leave out extractor=.")
    extractors = [extractor] if isinstance(extractor, FeatureExtractor) else list(extractor)
    shapes, width = [step.resolve().output_shape for step in extractors], pipeline.n_features_in_
    if any(len(shape) != 1 for shape in shapes) or sum(shape[0] for shape in shapes) != width:
        raise InputError(
            f"The extractor gives embeddings of shape {' and '.join(map(str, shapes))}, but the pipeline was fitted to "
            f"{width} columns: give the extractors that computed them, in the order of their columns."
        )
    return Pipeline([("extractor", side_by_side(extractors)), *pipeline.steps])


def _write(
    folder: Path,
    pipeline: Pipeline,
    info: dict[str, Any],
    reference: Reference | None,
    calibration: CalibrationScores | None,
) -> None:
    extractors = extractors_of(pipeline[0])
    steps = pipeline[1:] if extractors else pipeline
    stripped, boosters = _without_boosters(steps)
    stripped, trees = detach_trees(stripped)
    contents = {HEAD: to_bytes(stripped), **trees, **boosters}
    multilabel = getattr(steps[-1], "multilabel_", False)
    contents |= kept_files(reference, calibration, steps.n_features_in_, len(steps[-1].classes_), multilabel)
    for name, data in contents.items():
        write_atomic(folder / name, partial(_write_bytes, data))
    copies: dict[Path, str] = {}
    if isinstance(pipeline, ViewPipeline):
        info["views"] = pipeline.views.fields()
    if reference is not None:
        info.setdefault("reference", reference.describe())
    if calibration is not None:
        info.setdefault("prediction_sets", calibration.source)
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=describe_versions(),
        **_describe_labels(steps[-1]),
        width=steps.n_features_in_,
        steps=[SavedStep(name, type(step).__name__) for name, step in pipeline.steps],
        extractors=[save_extractor(extractor, folder, copies) for extractor in extractors],
        info=info,
        files=describe_files(folder),
    )
    write_manifest(folder, manifest)


def _write_bytes(data: bytes, file: IO[bytes]) -> None:
    file.write(data)


def _without_boosters(steps: Pipeline) -> tuple[Pipeline, dict[str, bytes]]:
    """Return the steps without the boosters of XGBoost, and the boosters by file name."""
    if "xgboost" not in sys.modules:  # then no step uses XGBoost
        return steps, {}
    from hybrid.pipelines.saved.booster import detach_boosters

    return detach_boosters(steps)


def _describe_labels(head: Any) -> dict[str, Any]:
    classes = np.asarray(head.classes_)
    multilabel = getattr(head, "multilabel_", False)
    return {
        "task": "multilabel" if multilabel else "binary" if len(classes) == 2 else "multiclass",
        "labels": "multilabel" if multilabel else _KINDS.get(classes.dtype.kind, classes.dtype.name),
        "classes": classes,
    }


def _check_target(target: Path) -> None:
    """Raise `InputError` if the folder holds files that do not belong to a saved model."""
    if target.exists() and not target.is_dir():
        raise InputError(f"{str(target)!r} is a file; expected a folder to save the model in.")
    if foreign := foreign_files(target, _is_model_file):
        raise InputError(
            f"{str(target)!r} holds {foreign[0]!r}, which is not part of a saved model, so it is not replaced: "
            "give another folder."
        )


def _is_model_file(name: str) -> bool:
    return name in (HEAD, REFERENCE, CALIBRATION) or is_booster(name) or is_trees(name) or is_network(name)
