"""A model as a cross-validation takes it, and what is to be said of its scores there."""

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
class Candidate:
    """A model to cross-validate.

    Attributes
    ----------
    name : str
    embeddings : JoinedSet
        Its embeddings, labels and splits.
    pipeline : Pipeline
        From embeddings to labels; it is left as it is, copies of it are fitted.
    positive : object, optional
        The positive class of a binary task.
    notes : tuple of str
        What its scores should be read with.
    """

    name: str
    embeddings: JoinedSet
    pipeline: Pipeline
    positive: Any = None
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def seen(self) -> int:
        """Number of the images of train and validation that the networks behind its features were trained on."""
        seen = np.logical_or.reduce([one.in_training() for one in self.embeddings.sets])
        return int((seen & (self.embeddings.split != "test")).sum())


def fitted_candidate(record: ModelRecord, workspace: Workspace, pipeline: Pipeline | None = None) -> Candidate:
    """Return a fitted model of a workspace as a candidate.

    Parameters
    ----------
    record : ModelRecord
    workspace : Workspace
    pipeline : Pipeline, optional
        The model, from embeddings to labels; loaded from the workspace if not given.

    Raises
    ------
    InputError
        If it cannot be fitted anew: it holds a network's own output, or its embeddings are no longer there.
    """
    name, folder = record.name, workspace.models / record.name / "model"
    if pipeline is None:
        pipeline = load_model(folder)
        if extractors_of(pipeline[0]):
            pipeline = pipeline[1:]
    if any(isinstance(part, NetworkOutput) for part in estimators_in(pipeline)):
        raise InputError("A network's own output cannot be refitted: it would have to be trained in every fold.")
    embeddings = join_sets([load_set(workspace, one) for one in record.sets])
    now = tuple(one.fingerprint for one in embeddings.sets), embeddings.dataset.fingerprint
    if now != (record.extractor_fingerprints, record.dataset_fingerprint):
        raise InputError(
            f"The set of the model {name!r} was extracted anew since, from other images or in another way: "
            "fit the model again."
        )
    chosen = {"settings": record.tuning, "weights": record.weights}
    notes = [
        f"The {what} of {name} were chosen on these images, which flatters it a little."
        for what, how in chosen.items()
        if how
    ]
    if embeddings.views is not None:
        notes.append(f"{name} is fitted and scored here without the views of its images.")
    return Candidate(name, embeddings, pipeline, record.positive, tuple(notes))


def estimators_in(estimator: BaseEstimator) -> Iterator[BaseEstimator]:
    """Return an estimator and all that it is made of: steps of a pipeline, members of an ensemble."""
    yield estimator
    for value in estimator.get_params(deep=False).values():
        for item in value if isinstance(value, list) else [value]:
            for part in item if isinstance(item, tuple) else [item]:
                if isinstance(part, BaseEstimator):
                    yield from estimators_in(part)


def flattered(candidates: Sequence[Candidate], images: int) -> list[str]:
    """Return a sentence for those whose features are of networks that were trained on the images of the folds."""
    by_number: dict[int, list[str]] = {}
    for one in candidates:
        if one.seen:
            by_number.setdefault(one.seen, []).append(one.name)
    return [
        f"Flattered: {first_few(names)}. The network behind {'it' if len(names) == 1 else 'each'} was trained on, or "
        f"chosen by, {seen} of these {images} images, so that no fold is new to it; judge "
        f"{'it' if len(names) == 1 else 'them'} on test."
        for seen, names in by_number.items()
    ]
