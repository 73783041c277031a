"""What lies in the workspace beside the scores: embedding sets, networks, manifests, and the data themselves."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets import Dataset, reopen
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.errors import InputError
from hybrid.files import read_json
from hybrid.pipelines import Manifest, read_manifest
from hybrid.workspace.provenance import TRAINING_RECORD
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard


@dataclass
class ReportInputs:
    """What was found for one group of models.

    Attributes
    ----------
    sets : dict of str to EmbeddingSet
        Those of the models, by name.
    trainings : dict of str to dict
        ``training.json`` of each network that the models' features came from, by the network's name.
    manifests : dict of str to Manifest
        Of the saved models, by name.
    dataset : Dataset or None
    missing : str
        Why there is no dataset.
    """

    sets: dict[str, EmbeddingSet] = field(default_factory=dict)
    trainings: dict[str, dict[str, Any]] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    dataset: Dataset | None = None
    missing: str = ""

    @property
    def about_data(self) -> dict[str, Any]:
        """What the embedding sets say of the data: its name, source, arguments, notes; empty if they are gone."""
        return next((found.info["dataset"] for found in self.sets.values()), {})

    def sets_of(self, model: dict[str, Any]) -> list[EmbeddingSet]:
        """Return the embedding sets of a model that are still there."""
        return [self.sets[name] for name in one_or_many(model.get("set")) if name in self.sets]


def collect(group: "Leaderboard", dataset: Dataset | None = None) -> ReportInputs:
    """Gather what there is on a group's models; what is gone is left out.

    Parameters
    ----------
    group : Leaderboard
    dataset : Dataset, optional
        The data, if they are at hand; else they are opened again as they were.
    """
    found = ReportInputs()
    for model in group.models:
        folder = Path(model["folder"])
        workspace = Workspace(folder.parents[1])
        with suppress(InputError):
            found.manifests[model["model"]] = read_manifest(folder / "model")
        for name in one_or_many(model.get("set")):
            with suppress(InputError):
                found.sets.setdefault(name, load_set(workspace, name))
        for network in _networks(model, found, workspace):
            with suppress(InputError):
                found.trainings.setdefault(network.name, read_json(network / TRAINING_RECORD))
    found.dataset, found.missing = _data(group, dataset, found.sets)
    return found


def one_or_many(given: Any) -> list[Any]:
    """Return as a list what metrics.json holds as one value, or as a list where a model has several extractors."""
    return [one for one in (given if isinstance(given, list) else [given]) if one]


def _networks(model: dict[str, Any], found: ReportInputs, workspace: Workspace) -> Iterable[Path]:
    """Return the folders of the trained networks that gave a model's features."""
    backbones = [one.info["extractor"]["params"]["backbone"] for one in found.sets_of(model)]
    for backbone in dict.fromkeys([*backbones, *one_or_many(model.get("backbone"))]):
        folder = workspace.networks / Path(backbone).parent.name
        if Path(backbone).suffix == ".keras" and (folder / TRAINING_RECORD).is_file():
            yield folder


def _data(group: "Leaderboard", given: Dataset | None, sets: dict[str, EmbeddingSet]) -> tuple[Dataset | None, str]:
    if given is not None and np.isin(group.ids, given.ids).all():
        return given, ""
    if not sets:
        return None, "The embedding set that names the data is no longer in the workspace."
    try:
        dataset = reopen(next(iter(sets.values())).info["dataset"].get("arguments") or {})
    except InputError as error:
        return None, str(error)
    if not np.isin(group.ids, dataset.ids).any():
        return None, f"The data at {dataset.source!r} are no longer those that were compared."
    return dataset, ""
