"""Load a saved model. All files are verified before any is parsed, and nothing is unpickled."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.errors import InputError, reason_of
from hybrid.files import expanded
from hybrid.pipelines.prediction_sets import CalibrationScores
from hybrid.pipelines.saved.contents import HEAD, is_booster, is_trees
from hybrid.pipelines.saved.forest import attach_trees
from hybrid.pipelines.saved.inspect import inspect_model
from hybrid.pipelines.saved.kept_arrays import read_calibration, read_reference
from hybrid.pipelines.saved.manifest import Manifest
from hybrid.pipelines.saved.trusted import from_bytes
from hybrid.pipelines.saved.unpack import unpack_model
from hybrid.pipelines.saved.versions import OtherVersionsWarning, version_differences
from hybrid.pipelines.typicality import Reference


def load_model(folder: str | Path) -> Pipeline:
    """Load a pipeline that :func:`save_model` saved.

    Parameters
    ----------
    folder : str or Path
        The model's folder, or a .zip file of it, which is unpacked into the cache.

    Returns
    -------
    Pipeline
        The fitted pipeline. With extractors it takes images; without, it takes embeddings. The networks of the
        extractors are built at first use; an error is raised if their fingerprints differ from those in the manifest.
        A model whose predictions are means over an image and its views is returned as a `ViewPipeline`.

    Raises
    ------
    InputError
        If a file is missing, changed, not listed in the manifest, or holds a type that is not trusted; or if the
        model was saved with a version whose files the installed version may read wrongly.

    Warns
    -----
    OtherVersionsWarning
        If the model was saved with other versions, or on another kind of machine.

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
    """A pipeline and its manifest, loaded from a saved model, and the folder in which its files were verified."""

    pipeline: Pipeline
    manifest: Manifest
    folder: Path

    @property
    def reference(self) -> Reference | None:
        """What the model knows unfamiliar images by; None if it keeps no reference."""
        return read_reference(self.folder, self.manifest)

    @property
    def calibration(self) -> CalibrationScores | None:
        """What prediction sets are made from; None if the model keeps no scores."""
        return read_calibration(self.folder, self.manifest)


def open_model(folder: str | Path) -> LoadedModel:
    """Load the pipeline and the manifest of a saved model; see :func:`load_model`."""
    folder = expanded(folder).absolute()
    if folder.is_file():
        folder, inspection = unpack_model(folder)
    else:
        inspection = inspect_model(folder)
        inspection.check()
    model, manifest = inspection.model, inspection.manifest
    differences = version_differences(model, manifest)
    try:
        pipeline = _assemble(folder, manifest)
    except InputError as error:
        if not differences:
            raise
        raise InputError(
            f"{error} The model was saved with {differences}: fit and save it again with the installed versions."
        ) from error
    if differences:
        message = f"Model {model!r} was saved with {differences}: its probabilities may differ in their last digits."
        warnings.warn(message, OtherVersionsWarning, stacklevel=3)
    return LoadedModel(pipeline, manifest, folder)


def _assemble(folder: Path, manifest: Manifest) -> Pipeline:
    """Return the pipeline that is saved in a folder whose files were verified."""
    pipeline = from_bytes((folder / HEAD).read_bytes())
    if not isinstance(pipeline, Pipeline):
        raise InputError(f"Model {folder.name!r} holds a {type(pipeline).__name__}; expected a Pipeline.")
    if boosters := [name for name in manifest.files if is_booster(name)]:
        from hybrid.pipelines.saved.booster import attach_boosters  # imports XGBoost

        pipeline = attach_boosters(pipeline, {name: (folder / name).read_bytes() for name in boosters})
    if trees := [name for name in manifest.files if is_trees(name)]:
        pipeline = attach_trees(pipeline, {name: (folder / name).read_bytes() for name in trees})
    _check_prediction(pipeline, manifest, folder.name)
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


def _check_prediction(head: Pipeline, manifest: Manifest, model: str) -> None:
    """Predict from two rows to check that the head has the number of columns and the classes of the manifest."""
    width, classes = manifest.width, manifest.classes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            proba = head.predict_proba(np.ones((2, width), np.float32))
            valid = head.classes_.tolist() == classes and proba.shape == (2, len(classes)) and np.isfinite(proba).all()
        reason = "" if valid else "it does not return one probability for each class of the manifest"
    except Exception as error:  # an untrusted head can fail in any way
        reason = reason_of(error)
    if reason:
        raise InputError(
            f"Model {model!r} holds a head that cannot predict from embeddings of {width} columns: {reason}."
        )
