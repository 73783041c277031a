"""Load a saved model: every file is checked before one is parsed, and nothing is unpickled."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.errors import InputError, reason_of
from hybrid.pipelines.saved.contents import HEAD, is_booster, is_trees
from hybrid.pipelines.saved.forest import put_trees
from hybrid.pipelines.saved.inspect import inspect_model
from hybrid.pipelines.saved.manifest import Manifest
from hybrid.pipelines.saved.trusted import from_bytes
from hybrid.pipelines.saved.unpack import unpack_model
from hybrid.pipelines.saved.versions import OtherVersionsWarning, other_versions


def load_model(folder: str | Path) -> Pipeline:
    """Load the pipeline that :func:`save_model` saved.

    Parameters
    ----------
    folder : str or Path
        The model's folder, or a .zip of it, which is unpacked into the cache.

    Returns
    -------
    Pipeline
        The fitted pipeline. With extractors it takes images; their networks are built at first use, and refused if
        their fingerprints are not those in the manifest. Without extractors it takes embeddings. For a model that was
        evaluated by means over an image and its views it is a `ViewPipeline`, which predicts such means.

    Raises
    ------
    InputError
        If a file is missing, changed, not listed, or holds a type that is not trusted; or if another version made the
        model whose files this version may read wrongly.

    Warns
    -----
    OtherVersionsWarning
        Once, if the model was saved with other versions, or on another kind of machine.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from hybrid.pipelines import make_head_pipeline, save_model
    >>> X, y = load_iris(return_X_y=True)
    >>> folder = save_model(make_head_pipeline("softmax").fit(X, y), "iris")
    >>> load_model(folder).predict(X[:1])
    array([0])
    """
    return open_model(folder).pipeline


@dataclass(frozen=True)
class LoadedModel:
    """A loaded model: its pipeline and its manifest."""

    pipeline: Pipeline
    manifest: Manifest


def open_model(folder: str | Path) -> LoadedModel:
    """Return the pipeline and the manifest of a saved model, see :func:`load_model`."""
    folder = Path(folder).expanduser().absolute()
    if folder.is_file():
        folder, found = unpack_model(folder)
    else:
        found = inspect_model(folder)
        found.check()
    other = other_versions(found.model, found.manifest)
    try:
        pipeline = _assemble(folder, found.manifest)
    except InputError as error:
        if not other:
            raise
        raise InputError(f"{error} The model was saved with {other}: fit and save it again with these.") from error
    if other:
        told = f"Model {found.model!r} was saved with {other}: its probabilities may differ in their last digits."
        warnings.warn(told, OtherVersionsWarning, stacklevel=3)
    return LoadedModel(pipeline, found.manifest)


def _assemble(folder: Path, manifest: Manifest) -> Pipeline:
    """Return the pipeline that the checked files of a folder hold."""
    pipeline = from_bytes((folder / HEAD).read_bytes())
    if not isinstance(pipeline, Pipeline):
        raise InputError(f"Model {folder.name!r} holds a {type(pipeline).__name__}; expected a Pipeline.")
    if boosters := [name for name in manifest.files if is_booster(name)]:
        from hybrid.pipelines.saved.booster import put_boosters  # imports XGBoost

        pipeline = put_boosters(pipeline, {name: (folder / name).read_bytes() for name in boosters})
    if trees := [name for name in manifest.files if is_trees(name)]:
        pipeline = put_trees(pipeline, {name: (folder / name).read_bytes() for name in trees})
    _try(pipeline, manifest, folder.name)
    if not manifest.extractors:
        return pipeline
    from hybrid.pipelines.build import side_by_side
    from hybrid.pipelines.saved.network import load_extractor

    extractors = [load_extractor(record, folder) for record in manifest.extractors]
    steps = [(manifest.steps[0].name, side_by_side(extractors)), *pipeline.steps]
    if manifest.views is None:
        return Pipeline(steps)
    from hybrid.extractors.images.views import Views
    from hybrid.pipelines.views import ViewPipeline

    return ViewPipeline(steps, views=Views.from_fields(manifest.views))


def _try(head: Pipeline, manifest: Manifest, model: str) -> None:
    """Check that a head takes the columns, and gives a probability for each of the classes, that the manifest names."""
    width, classes = manifest.width, manifest.classes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            proba = head.predict_proba(np.ones((2, width), np.float32))
            sound = head.classes_.tolist() == classes and proba.shape == (2, len(classes)) and np.isfinite(proba).all()
        reason = "" if sound else "it does not give a probability for each of the manifest's classes"
    except Exception as error:  # an untrusted head can fail in any way
        reason = reason_of(error)
    if reason:
        raise InputError(
            f"Model {model!r} holds a head that cannot predict from embeddings of {width} columns: {reason}."
        )
