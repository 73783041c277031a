"""The steps of a comparison: train, extract and fit. A step is skipped if its result exists already."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from hybrid.datasets import Dataset
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set, save_set
from hybrid.embeddings.extract import dataset_fingerprint, extract_sets
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.images.views import Views
from hybrid.files import read_json
from hybrid.models.ensemble import fit_ensemble
from hybrid.models.evaluate_and_save import FittedModel
from hybrid.models.fit import fit_head, fit_network
from hybrid.models.options import HeadOptions
from hybrid.progress import Progress
from hybrid.recipes.recipe import TrainStep
from hybrid.run.changed_split import changed_split_warning
from hybrid.run.work import Work
from hybrid.training import Epoch, forget_state, save_network, train_network
from hybrid.wording import number
from hybrid.workspace.records import as_json
from hybrid.workspace.step_cache import STEP, is_done, mark_done, step_identity
from hybrid.workspace.workspace import BEST_NETWORK, Workspace


@dataclass
class RunProgress:
    """Receives progress updates of a run. Does nothing by default.

    Attributes
    ----------
    say : callable
        Called with a line of text.
    progress : callable
        Called with the title of a step. Returns a context manager, whose value is a progress callback or None.
    epoch : callable
        Called with each finished `Epoch` of a training.
    warn : callable
        Called with a sentence on each image that is skipped, because it cannot be decoded.
    work : Work
        Receives the names of the finished steps.
    """

    say: Callable[[str], None] = lambda text: None
    progress: Callable[[str], AbstractContextManager[Progress | None]] = lambda text: nullcontext()
    epoch: Callable[[Epoch], None] = lambda epoch: None
    warn: Callable[[str], None] = lambda text: None
    work: Work = field(default_factory=Work)


@dataclass(frozen=True)
class PendingExtraction:
    """An extraction that is still to be done.

    Attributes
    ----------
    extractor : FeatureExtractor
    saved : bool
        Whether the set is saved in the workspace. The outputs of a network are not: its predictions contain them.
    views : Views, optional
        As in `extract_sets`.
    views_of : str, default="train"
        As in `extract_sets`.
    """

    extractor: FeatureExtractor
    saved: bool = True
    views: Views | None = None
    views_of: str = "train"


def data_fingerprint(dataset: Dataset, *splits: str) -> str:
    """Return a SHA-256 of the images, labels and splits of a dataset, or of some of its splits."""
    part = dataset.take(np.isin(dataset.split, splits)) if splits else dataset
    keys, _ = ImageSource(part.X).digests(FileDigests())
    return dataset_fingerprint(keys, part)


def train_step(step: TrainStep, dataset: Dataset, name: str, workspace: Workspace, listener: RunProgress) -> Path:
    """Train a network unless it exists, continuing an interrupted training, and return its path."""
    folder, architecture, options = workspace.networks / name, step.architecture, step.options
    identity = step_identity(
        step="train",
        data=data_fingerprint(dataset, "train", "val"),
        network=[architecture.name, architecture.description, architecture.options],
        options=options.to_dict(),
        size=step.size,
        **dataset.reading.fields(),
    )
    if is_done(folder, identity):
        listener.say(f"{name}: trained before")
        listener.work.trained_before.append(name)
        return folder / BEST_NETWORK
    listener.say(f"{name}: training {architecture.label}, at most {options.epochs} epochs")
    state = workspace.networks / f".{name}.state.npz"
    with listener.progress(f"training {name}") as progress:
        trained = train_network(
            architecture,
            dataset,
            options,
            size=step.size,
            report=listener.epoch,
            progress=progress,
            state=state,
            say=lambda text: listener.say(f"{name}: {text}"),
        )
    path = save_network(trained, folder, architecture, dataset, options)
    mark_done(folder, identity)
    forget_state(state)
    listener.work.trained.append(name)
    return path


def extract_step(
    pending: Mapping[str, PendingExtraction],
    dataset: Dataset,
    workspace: Workspace,
    on_bad: str,
    listener: RunProgress,
) -> dict[str, EmbeddingSet]:
    """Extract embedding sets. Extractions that differ only in the layer share one pass over the images.

    Parameters
    ----------
    pending : mapping of str to PendingExtraction
        The extractions, keyed by the name of their set.
    dataset : Dataset
    workspace : Workspace
        Sets that are to be saved are saved here under their names.
    on_bad : str
        As in `extract_sets`.
    listener : RunProgress

    Returns
    -------
    dict of str to EmbeddingSet
    """
    extracted: dict[str, EmbeddingSet] = {}
    bad: dict[str, str] = {}
    for names in _passes(pending):
        first = pending[names[0]]
        layers = [layer for name in names for layer in pending[name].extractor.layer_list]
        with listener.progress(f"extracting {', '.join(names)}") as progress:
            sets = extract_sets(
                dataset,
                first.extractor.but(layers=layers),
                each_layer=len(layers) == len(names),
                views=first.views,
                views_of=first.views_of,
                on_bad=on_bad,
                progress=progress,
            )
        bad |= {image.id: image.reason for one in sets for image in one.record.skipped}
        listener.say(f"{', '.join(names)}: {_amount(sets)}")
        for name, embedding_set in zip(names, sets, strict=True):
            listener.work.add_set(name, embedding_set.record)
            saved = pending[name].saved
            extracted[name] = _save_if_new(embedding_set, name, workspace) if saved else embedding_set
    for image, reason in bad.items():
        listener.warn(f"Skipped {image}: {reason}")
    return extracted


def _amount(sets: Sequence[EmbeddingSet]) -> str:
    """Return how many embeddings a pass computed, and how many were in the store."""
    new, cached = max(one.record.new for one in sets), min(one.record.cached for one in sets)
    if not new:
        return "stored before"
    return f"{number(new, 'embedding')} extracted" + (f", {cached} stored before" if cached else "")


def _passes(pending: Mapping[str, PendingExtraction]) -> list[list[str]]:
    """Return the names of the extractions of each pass. Those of one pass have one layer each and differ in it."""
    passes: list[list[str]] = []
    for name, extraction in pending.items():
        for names in passes:
            if len(extraction.extractor.layer_list) == 1 and all(
                _differ_only_in_layer(extraction, pending[other]) for other in names
            ):
                names.append(name)
                break
        else:
            passes.append([name])
    return passes


def _differ_only_in_layer(first: PendingExtraction, second: PendingExtraction) -> bool:
    """Return whether two extractions of one layer each differ only in it. Two names of the same layer do not differ."""
    params = [pending.extractor.get_params() | {"layers": None} for pending in (first, second)]
    same = params[0] == params[1] and (first.views, first.views_of) == (second.views, second.views_of)
    return same and len(second.extractor.layer_list) == 1 and first.extractor.resolve() != second.extractor.resolve()


def _save_if_new(new: EmbeddingSet, name: str, workspace: Workspace) -> EmbeddingSet:
    """Save a set unless the same set exists already. The existing record has the true duration of the extraction."""
    with suppress(InputError):
        old = load_set(workspace, name)
        same = old.record.content == new.record.content and np.array_equal(old.ids, new.ids)
        if same and not new.record.new:
            if old.record.skipped == new.record.skipped:
                return old
            new = replace(new, record=replace(old.record, skipped=new.record.skipped, dataset=new.record.dataset))
        dataset = new.record.dataset
        dataset = replace(dataset, warnings=(*dataset.warnings, *changed_split_warning(old, new)))
        new = replace(new, record=replace(new.record, dataset=dataset))
    return save_set(new, workspace, name)


def _content(embedding_set: EmbeddingSet) -> list[Any]:
    """Return what a model's record depends on, as JSON values, which are equal for interchangeable sets."""
    record = embedding_set.record
    skipped = [[image.id for image in record.skipped]] if record.skipped else []  # its record has a warning about them
    return [*as_json(record.content), *skipped]


def network_step(
    network: Path,
    options: HeadOptions,
    embedding_set: EmbeddingSet,
    dataset: Dataset,
    name: str,
    workspace: Workspace,
    positive: str | None,
    listener: RunProgress,
) -> None:
    """Evaluate the output of a trained network as a model, unless that model exists already."""
    identity = step_identity(step="network", set=_content(embedding_set), options=asdict(options), positive=positive)
    if is_done(workspace.models / name, identity):
        listener.work.fitted_before.append(name)
        return
    fit_network(network, dataset, workspace, name, positive, options=options, embeddings=embedding_set)
    mark_done(workspace.models / name, identity)
    listener.work.fitted.append(name)


def fit_step(
    head: str,
    options: HeadOptions,
    sets: Sequence[EmbeddingSet],
    name: str,
    workspace: Workspace,
    positive: str | None,
    listener: RunProgress,
) -> None:
    """Fit a head, unless the model exists already."""
    identity = step_identity(
        step="fit",
        sets=[_content(embedding_set) for embedding_set in sets],
        head=head,
        options=asdict(options),
        positive=positive,
    )
    if is_done(workspace.models / name, identity):
        listener.say(f"{name}: fitted before")
        listener.work.fitted_before.append(name)
        return
    listener.say(f"{name}: fitting")
    fit_head(sets, head, options, workspace, positive=positive, name=name)
    mark_done(workspace.models / name, identity)
    listener.work.fitted.append(name)


def fit_estimator_step(
    estimator: BaseEstimator,
    options: HeadOptions,
    sets: Sequence[EmbeddingSet],
    name: str,
    workspace: Workspace,
    positive: Any,
    listener: RunProgress,
) -> FittedModel:
    """Fit a scikit-learn classifier. It is fitted in every run, since changes of its code cannot be detected."""
    listener.say(f"{name}: fitting")
    return fit_head(sets, estimator, options, workspace, positive=positive, name=name)


def ensemble_step(
    members: Sequence[str],
    weights: str,
    options: HeadOptions,
    name: str,
    workspace: Workspace,
    positive: str | None,
    listener: RunProgress,
) -> None:
    """Average models of the workspace, unless the ensemble exists already."""
    identities = {member: read_json(workspace.models / member / STEP) for member in members}
    identity = step_identity(
        step="ensemble", members=identities, weights=weights, options=asdict(options), positive=positive
    )
    if is_done(workspace.models / name, identity):
        listener.say(f"{name}: averaged before")
        listener.work.fitted_before.append(name)
        return
    listener.say(f"{name}: averaging {len(members)} models")
    fit_ensemble([], workspace, models=members, weights=weights, options=options, positive=positive, name=name)
    mark_done(workspace.models / name, identity)
    listener.work.fitted.append(name)
