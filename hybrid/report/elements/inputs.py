"""Load the inputs of the report besides the scores: embedding sets, training records, manifests, and the dataset."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid.datasets import Dataset, reopen
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.errors import InputError
from hybrid.pipelines import Manifest, read_manifest
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.set_record import DatasetRecord
from hybrid.workspace.training_record import TrainingRecord
from hybrid.workspace.workspace import TRAINING_RECORD, Workspace

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard


@dataclass
class ReportInputs:
    """The files of the workspace, and the dataset, that the report of one leaderboard uses.

    Attributes
    ----------
    sets : dict of str to EmbeddingSet
        Those of the models, by name.
    trainings : dict of str to TrainingRecord
        Of each network that the models' features came from, by the network's name.
    manifests : dict of str to Manifest
        Of the saved models, by name.
    dataset : Dataset or None
    missing : str
        Why there is no dataset.
    """

    sets: dict[str, EmbeddingSet] = field(default_factory=dict)
    trainings: dict[str, TrainingRecord] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    dataset: Dataset | None = None
    missing: str = ""

    @property
    def dataset_record(self) -> DatasetRecord | None:
        """The record of the data in the models' embedding sets; None if they are no longer there."""
        return next((one.record.dataset for one in self.sets.values()), None)

    def sets_of(self, model: ModelRecord) -> list[EmbeddingSet]:
        """Return the embedding sets of a model that are still there."""
        return [self.sets[name] for name in model.sets if name in self.sets]


def collect(leaderboard: "Leaderboard", dataset: Dataset | None = None) -> ReportInputs:
    """Load the files of a leaderboard's models. Files that no longer exist are left out.

    Parameters
    ----------
    leaderboard : Leaderboard
    dataset : Dataset, optional
        The dataset. By default it is opened again with the recorded arguments.
    """
    found = ReportInputs()
    for model in leaderboard.models:
        workspace = Workspace(model.folder.parents[1])
        with suppress(InputError):
            found.manifests[model.name] = read_manifest(model.folder / "model")
        for name in model.sets:
            with suppress(InputError):
                found.sets.setdefault(name, load_set(workspace, name))
        for network in _networks(model, found, workspace):
            with suppress(InputError):
                found.trainings.setdefault(network.name, TrainingRecord.read(network / TRAINING_RECORD))
    found.dataset, found.missing = _data(leaderboard, dataset, found.sets)
    return found


def _networks(model: ModelRecord, found: ReportInputs, workspace: Workspace) -> Iterable[Path]:
    """Return the folders of the trained networks that gave a model's features."""
    backbones = [one.record.extractor.backbone for one in found.sets_of(model)]
    for backbone in dict.fromkeys([*backbones, *model.backbones]):
        folder = workspace.networks / Path(backbone).parent.name
        if Path(backbone).suffix == ".keras" and (folder / TRAINING_RECORD).is_file():
            yield folder


def _data(
    leaderboard: "Leaderboard", given: Dataset | None, sets: dict[str, EmbeddingSet]
) -> tuple[Dataset | None, str]:
    if given is not None and np.isin(leaderboard.ids, given.ids).all():
        return given, ""
    if not sets:
        return None, "The embedding set that records the source of the data is no longer in the workspace."
    try:
        dataset = reopen(next(iter(sets.values())).record.dataset.arguments or {})
    except InputError as error:
        return None, str(error)
    if not np.isin(leaderboard.ids, dataset.ids).any():
        return None, f"The data at {dataset.source!r} no longer contain the compared images."
    return dataset, ""
