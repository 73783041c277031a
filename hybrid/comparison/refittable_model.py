"""Models that can be fitted again, for cross-validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from hybrid.classifiers import NetworkOutput
from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.joined_set import JoinedSet, join_sets
from hybrid.errors import InputError
from hybrid.pipelines import load_model
from hybrid.pipelines.build import extractors_of
from hybrid.wording import first_few
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import Workspace


@dataclass(frozen=True, eq=False)
class RefittableModel:
    """A model that cross-validation fits again in every fold.

    Attributes
    ----------
    name : str
    embeddings : JoinedSet
        Embeddings, labels and splits of the images.
    pipeline : Pipeline
        Predicts labels from embeddings. It is not changed; clones of it are fitted.
    positive : object, optional
        The positive class of a binary task.
    notes : tuple of str
        Remarks on the scores.
    """

    name: str
    embeddings: JoinedSet
    pipeline: Pipeline
    positive: Any = None
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def images_in_training(self) -> int:
        """Number of train and validation images that a network behind the features was trained or selected on."""
        used = np.logical_or.reduce([part.in_training() for part in self.embeddings.sets])
        return int((used & (self.embeddings.split != "test")).sum())


def load_refittable(record: ModelRecord, workspace: Workspace, pipeline: Pipeline | None = None) -> RefittableModel:
    """Load a fitted model of a workspace.

    Parameters
    ----------
    record : ModelRecord
    workspace : Workspace
    pipeline : Pipeline, optional
        The fitted model, which predicts labels from embeddings. By default it is loaded from the workspace.

    Raises
    ------
    InputError
        If the model cannot be fitted again, because it contains the output of a network or its embedding sets have
        changed or are no longer there.
    """
    name, folder = record.name, workspace.models / record.name / "model"
    if record.adapted is not None:
        raise InputError(
            f"{name} was {record.adapted.sentence()}, so it cannot be fitted to these images alone: cross-validate its "
            "parent."
        )
    if pipeline is None:
        pipeline = load_model(folder)
        if extractors_of(pipeline[0]):
            pipeline = pipeline[1:]
    if any(isinstance(part, NetworkOutput) for part in estimators_in(pipeline)):
        raise InputError(
            "The output of a network cannot be cross-validated, as it would have to be trained in every fold."
        )
    embeddings = join_sets([load_set(workspace, set_name) for set_name in record.sets])
    fingerprints = tuple(part.fingerprint for part in embeddings.sets), embeddings.dataset.fingerprint
    if fingerprints != (record.extractor_fingerprints, record.dataset_fingerprint):
        raise InputError(
            f"The embedding set of the model {name!r} was replaced by one of other images or another extractor: "
            "fit the model again."
        )
    chosen = {"settings": record.tuning, "weights": record.weights}
    notes = [
        f"The {what} of {name} were chosen on these images, so its scores are slightly too optimistic."
        for what, record_of_choice in chosen.items()
        if record_of_choice
    ]
    if embeddings.views is not None:
        notes.append(f"{name} is fitted and scored without views in this cross-validation.")
    return RefittableModel(name, embeddings, pipeline, record.positive, tuple(notes))


def estimators_in(estimator: BaseEstimator) -> Iterator[BaseEstimator]:
    """Yield an estimator and all estimators inside it, such as steps of a pipeline or members of an ensemble."""
    yield estimator
    for value in estimator.get_params(deep=False).values():
        for item in value if isinstance(value, list) else [value]:
            for part in item if isinstance(item, tuple) else [item]:
                if isinstance(part, BaseEstimator):
                    yield from estimators_in(part)


def set_seed(estimator: BaseEstimator, seed: int) -> None:
    """Set every seed inside an unfitted estimator, also in the members of an ensemble."""
    for part in estimators_in(estimator):
        if part.get_params(deep=False).get("random_state") is not None:
            part.set_params(random_state=seed)


def training_overlap_notes(models: Sequence[RefittableModel], images: int) -> list[str]:
    """Return notes on models whose features come from networks that were trained on images of the folds."""
    by_count: dict[int, list[str]] = {}
    for model in models:
        if model.images_in_training:
            by_count.setdefault(model.images_in_training, []).append(model.name)
    return [
        f"Flattered: {first_few(names)}. The network behind {'it' if len(names) == 1 else 'each'} was trained or "
        f"selected on {count} of these {images} images, so no fold is new to it and its scores are too optimistic. "
        f"Judge {'it' if len(names) == 1 else 'them'} on test."
        for count, names in by_count.items()
    ]
