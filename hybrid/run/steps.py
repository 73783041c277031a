"""The steps of a comparison: train, extract, fit; each is done only if what it makes is not there yet."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass
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
from hybrid.extractors.store.store import default_cache
from hybrid.files import read_json
from hybrid.models.ensemble import fit_ensemble
from hybrid.models.evaluate_and_save import FittedModel
from hybrid.models.fit import fit_head, fit_network
from hybrid.models.options import HeadOptions
from hybrid.progress import Progress
from hybrid.recipes.recipe import TrainStep
from hybrid.training import Epoch, forget_state, save_network, train_network
from hybrid.workspace.records import as_json
from hybrid.workspace.step_cache import STEP, is_done, mark_done, step_identity
from hybrid.workspace.workspace import BEST_NETWORK, Workspace


@dataclass
class RunProgress:
    """Who is told how far a run is; nobody by default.

    Attributes
    ----------
    say : callable
        Called with a line of text.
    progress : callable
        Called with what is done, gives a context that gives a function to report progress to.
    epoch : callable
        Called with each `Epoch` of a training.
    """

    say: Callable[[str], None] = lambda text: None
    progress: Callable[[str], AbstractContextManager[Progress | None]] = lambda text: nullcontext()
    epoch: Callable[[Epoch], None] = lambda epoch: None


@dataclass(frozen=True)
class PendingExtraction:
    """Embeddings to extract.

    Attributes
    ----------
    extractor : FeatureExtractor
    saved : bool
        Whether the workspace gets the set; a network's own outputs are in the predictions of its model.
    views : Views, optional
    views_of : str
        As in `extract_sets`.
    """

    extractor: FeatureExtractor
    saved: bool = True
    views: Views | None = None
    views_of: str = "train"


def data_fingerprint(dataset: Dataset, *splits: str) -> str:
    """Return the SHA-256 of images, labels and split of a dataset, or of some of its splits."""
    part = dataset.take(np.isin(dataset.split, splits)) if splits else dataset
    keys, _ = ImageSource(part.X).digests(FileDigests(default_cache()))
    return dataset_fingerprint(keys, part)


def train_step(step: TrainStep, dataset: Dataset, name: str, workspace: Workspace, listener: RunProgress) -> Path:
    """Train a network, unless it is there already; a training that was interrupted goes on. Return its path."""
    folder, architecture, options = workspace.networks / name, step.architecture, step.options
    identity = step_identity(
        step="train",
        data=data_fingerprint(dataset, "train", "val"),
        network=[architecture.name, architecture.description, architecture.options],
        options=options.to_dict(),
        size=step.size,
    )
    if is_done(folder, identity):
        listener.say(f"{name}: trained before")
        return folder / BEST_NETWORK
    listener.say(f"{name}: training {architecture.label}, at most {options.epochs} epochs")
    state = workspace.networks / f".{name}.state.npz"
    with listener.progress(f"training {name}") as progress:
        trained = train_network(
            architecture, dataset, options, size=step.size, report=listener.epoch, progress=progress, state=state
        )
    path = save_network(trained, folder, architecture, dataset, options)
    mark_done(folder, identity)
    forget_state(state)
    return path


def extract_step(
    wanted: Mapping[str, PendingExtraction], dataset: Dataset, workspace: Workspace, on_bad: str, listener: RunProgress
) -> dict[str, EmbeddingSet]:
    """Extract embeddings by name; of cuts that differ in the layer alone, all in one pass.

    Parameters
    ----------
    wanted : mapping of str to PendingExtraction
    dataset : Dataset
    workspace : Workspace
        Gets those sets that are to be saved, under their names.
    on_bad : str
        As in `extract_sets`.
    listener : RunProgress

    Returns
    -------
    dict of str to EmbeddingSet
    """
    found: dict[str, EmbeddingSet] = {}
    for names in _passes(wanted):
        first = wanted[names[0]]
        layers = [layer for name in names for layer in wanted[name].extractor.layer_list]
        listener.say(f"{', '.join(names)}: extracting")
        with listener.progress("extracting") as progress:
            sets = extract_sets(
                dataset,
                first.extractor.but(layers=layers),
                each_layer=len(layers) == len(names),
                views=first.views,
                views_of=first.views_of,
                on_bad=on_bad,
                progress=progress,
            )
        for name, one in zip(names, sets, strict=True):
            found[name] = _kept(one, name, workspace) if wanted[name].saved else one
    return found


def _passes(wanted: Mapping[str, PendingExtraction]) -> list[list[str]]:
    """Return the names in groups that can be extracted in one pass: one layer each, everything else the same."""
    groups: list[list[str]] = []
    for name, one in wanted.items():
        for names in groups:
            if len(one.extractor.layer_list) == 1 and all(_fit_together(one, wanted[other]) for other in names):
                names.append(name)
                break
        else:
            groups.append([name])
    return groups


def _fit_together(one: PendingExtraction, other: PendingExtraction) -> bool:
    """Return whether two extractions differ in their single layers alone, which may be one layer by two names."""
    params = [part.extractor.get_params() | {"layers": None} for part in (one, other)]
    alike = params[0] == params[1] and (one.views, one.views_of) == (other.views, other.views_of)
    return alike and len(other.extractor.layer_list) == 1 and one.extractor.resolve() != other.extractor.resolve()


def _kept(new: EmbeddingSet, name: str, workspace: Workspace) -> EmbeddingSet:
    """Save a set, unless the same one is there: what it says of the time it took is then the truth."""
    if not new.record.new:
        with suppress(InputError):
            old = load_set(workspace, name)
            if old.record.content == new.record.content and np.array_equal(old.ids, new.ids):
                return old
    return save_set(new, workspace, name)


def _content(embedding_set: EmbeddingSet) -> list[Any]:
    """Return what tells one set from another, as JSON values."""
    return as_json(embedding_set.record.content)


def network_step(
    network: Path,
    options: HeadOptions,
    embedding_set: EmbeddingSet,
    dataset: Dataset,
    name: str,
    workspace: Workspace,
    positive: str | None,
) -> None:
    """Evaluate a trained network's own output as a model, unless that is there already."""
    identity = step_identity(step="network", set=_content(embedding_set), options=asdict(options), positive=positive)
    if not is_done(workspace.models / name, identity):
        fit_network(network, dataset, workspace, name, positive, options=options, embeddings=embedding_set)
        mark_done(workspace.models / name, identity)


def fit_step(
    head: str,
    options: HeadOptions,
    sets: Sequence[EmbeddingSet],
    name: str,
    workspace: Workspace,
    positive: str | None,
    listener: RunProgress,
) -> None:
    """Fit a head, unless it is there already."""
    identity = step_identity(
        step="fit", sets=[_content(one) for one in sets], head=head, options=asdict(options), positive=positive
    )
    if is_done(workspace.models / name, identity):
        listener.say(f"{name}: fitted before")
        return
    listener.say(f"{name}: fitting")
    fit_head(sets, head, options, workspace, positive=positive, name=name)
    mark_done(workspace.models / name, identity)


def fit_estimator_step(
    estimator: BaseEstimator,
    options: HeadOptions,
    sets: Sequence[EmbeddingSet],
    name: str,
    workspace: Workspace,
    positive: Any,
    listener: RunProgress,
) -> FittedModel:
    """Fit any scikit-learn classifier, in every run: whether its code has changed since cannot be told."""
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
    """Average models of the workspace, unless that average is there already."""
    made = {member: read_json(workspace.models / member / STEP) for member in members}
    identity = step_identity(step="ensemble", members=made, weights=weights, options=asdict(options), positive=positive)
    if is_done(workspace.models / name, identity):
        listener.say(f"{name}: averaged before")
        return
    listener.say(f"{name}: averaging {len(members)} models")
    fit_ensemble([], workspace, models=members, weights=weights, options=options, positive=positive, name=name)
    mark_done(workspace.models / name, identity)
