"""Save a fitted pipeline as a folder from which nothing is ever unpickled.

    manifest.json      schema, versions, classes, extractors, what the caller adds; size and SHA-256 of each file
    head.skops         scaler, PCA and head, or the ensemble of them
    trees/0.npz        the trees of a random forest; there may be several, one for each label
    boosters/0.json    the booster of an XGBoost head; an ensemble may have several
    network/           copies of the user's .keras or weights files, where there are any

A network with ImageNet or random weights is not kept: it is built again, and its fingerprint checked.
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
from hybrid.files import replace_folder, write_atomic
from hybrid.pipelines.build import extractors_of, side_by_side
from hybrid.pipelines.saved.contents import HEAD, foreign_files, is_booster, is_trees
from hybrid.pipelines.saved.forest import take_trees
from hybrid.pipelines.saved.manifest import Manifest, SavedStep, describe_files, write_manifest
from hybrid.pipelines.saved.network import is_network, save_extractor
from hybrid.pipelines.saved.trusted import to_bytes
from hybrid.pipelines.saved.versions import describe_versions
from hybrid.pipelines.views import ViewPipeline

_KINDS = {"U": "string", "O": "string", "i": "integer", "u": "integer", "b": "boolean", "f": "float"}


def save_model(
    pipeline: Pipeline,
    folder: str | Path,
    *,
    extractor: FeatureExtractor | Sequence[FeatureExtractor] | None = None,
    info: Mapping[str, Any] | None = None,
) -> Path:
    """Save a fitted pipeline; a model that is there already is replaced only once the new one is complete.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted, of :func:`make_pipeline` or :func:`make_head_pipeline`.
    folder : str or Path
        The model's folder; its parents are made if need be.
    extractor : FeatureExtractor or sequence of them, optional
        What gave the embeddings that the pipeline was fitted to, side by side where there are several: the saved
        model then goes from images to labels.
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

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from hybrid.pipelines import make_head_pipeline
    >>> pipeline = make_head_pipeline("svm").fit(*load_iris(return_X_y=True))
    >>> save_model(pipeline, "iris", info={"note": "three species"}).name
    'iris'
    """
    whole = _compose(pipeline, extractor)
    target = Path(folder).expanduser().resolve()
    _check_target(target)
    with replace_folder(target) as new:
        _write(new, whole, dict(info or {}))
    return target


def _compose(pipeline: Any, extractor: FeatureExtractor | Sequence[FeatureExtractor] | None) -> Pipeline:
    """Return the fitted pipeline, with the extractors before it if any were given."""
    if not isinstance(pipeline, Pipeline):
        hint = "; save its best_estimator_" if hasattr(pipeline, "best_estimator_") else ""
        raise InputError(f"A {type(pipeline).__name__} was given; expected a fitted Pipeline{hint}.")
    try:
        check_is_fitted(pipeline)
    except NotFittedError as error:
        raise InputError("The pipeline is not fitted: fit it before it is saved.") from error
    if extractor is None:
        return pipeline
    if extractors_of(pipeline[0]):
        raise InputError("The pipeline has an extractor of its own: leave out extractor=.")
    extractors = [extractor] if isinstance(extractor, FeatureExtractor) else list(extractor)
    shapes, width = [one.resolve().output_shape for one in extractors], pipeline.n_features_in_
    if any(len(shape) != 1 for shape in shapes) or sum(shape[0] for shape in shapes) != width:
        raise InputError(
            f"The extractor gives embeddings of shape {' and '.join(map(str, shapes))}, but the pipeline was fitted to "
            f"{width} columns: give the extractor that made them, or all of them in order."
        )
    return Pipeline([("extractor", side_by_side(extractors)), *pipeline.steps])


def _write(folder: Path, pipeline: Pipeline, info: dict[str, Any]) -> None:
    extractors = extractors_of(pipeline[0])
    steps = pipeline[1:] if extractors else pipeline
    bare, boosters = _without_boosters(steps)
    bare, trees = take_trees(bare)
    contents = {HEAD: to_bytes(bare), **trees, **boosters}
    for name, data in contents.items():
        write_atomic(folder / name, partial(_put, data))
    copies: dict[Path, str] = {}
    if isinstance(pipeline, ViewPipeline):
        info["views"] = pipeline.views.fields()
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


def _put(data: bytes, file: IO[bytes]) -> None:
    file.write(data)


def _without_boosters(steps: Pipeline) -> tuple[Pipeline, dict[str, bytes]]:
    """Return the steps without XGBoost's boosters, and these by the names of their files."""
    if "xgboost" not in sys.modules:  # then none of the steps is of it
        return steps, {}
    from hybrid.pipelines.saved.booster import take_boosters

    return take_boosters(steps)


def _describe_labels(head: Any) -> dict[str, Any]:
    classes = np.asarray(head.classes_)
    multilabel = getattr(head, "multilabel_", False)
    return {
        "task": "multilabel" if multilabel else "binary" if len(classes) == 2 else "multiclass",
        "labels": "multilabel" if multilabel else _KINDS.get(classes.dtype.kind, classes.dtype.name),
        "classes": classes,
    }


def _check_target(target: Path) -> None:
    """Refuse to replace a folder in which there is anything that no model wrote."""
    if target.exists() and not target.is_dir():
        raise InputError(f"{str(target)!r} is a file; expected a folder to save the model in.")
    if foreign := foreign_files(target, _is_own):
        raise InputError(
            f"{str(target)!r} holds {foreign[0]!r}, which is no part of a saved model, so it is not replaced: "
            "give another folder."
        )


def _is_own(name: str) -> bool:
    return name == HEAD or is_booster(name) or is_trees(name) or is_network(name)
