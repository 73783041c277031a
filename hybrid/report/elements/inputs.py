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
        Embedding sets that the models were fitted to, by name.
    trainings : dict of str to TrainingRecord
        Record of each trained network behind the models' features, by the network's name.
    manifests : dict of str to Manifest
        Manifests of the saved models, by name.
    dataset : Dataset or None
        The dataset; None if it cannot be opened, or if none of the sets is left.
    missing : str
        Why there is no dataset; "" if there is one.
    """

    sets: dict[str, EmbeddingSet] = field(default_factory=dict)
    trainings: dict[str, TrainingRecord] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    dataset: Dataset | None = None
    missing: str = ""

    @property
    def dataset_record(self) -> DatasetRecord | None:
        """The record of the data in the models' embedding sets; None if they are no longer there."""
        return next((embedding_set.record.dataset for embedding_set in self.sets.values()), None)

    def sets_of(self, model: ModelRecord) -> list[EmbeddingSet]:
        """Return the embedding sets of a model that are still there."""
        found = [self.sets[name] for name in model.sets if name in self.sets]
        return [embedding_set for embedding_set in found if _is_of_model(embedding_set, model)]


def collect(leaderboard: "Leaderboard", dataset: Dataset | None = None) -> ReportInputs:
    """Load the files of a leaderboard's models, without those that are gone and sets that were replaced since.

    Parameters
    ----------
    leaderboard : Leaderboard
        The leaderboard to report on.
    dataset : Dataset, optional
        The dataset. By default it is opened again with the recorded arguments.
    """
    report_inputs = ReportInputs()
    for model in leaderboard.models:
        workspace = Workspace(model.folder.parents[1])
        with suppress(InputError):
            report_inputs.manifests[model.name] = read_manifest(model.folder / "model")
        for name in model.sets:
            with suppress(InputError):
                embedding_set = load_set(workspace, name)
                if _is_of_model(embedding_set, model):
                    report_inputs.sets.setdefault(name, embedding_set)
        for network in _networks(model, report_inputs, workspace):
            with suppress(InputError):
                report_inputs.trainings.setdefault(network.name, TrainingRecord.read(network / TRAINING_RECORD))
    report_inputs.dataset, report_inputs.missing = _data(leaderboard, dataset, report_inputs.sets)
    return report_inputs


def _is_of_model(embedding_set: EmbeddingSet, model: ModelRecord) -> bool:
    """Return whether a model was fitted to this set, and not to an earlier set with the same name."""
    return model.was_fitted_to(embedding_set.record.dataset.fingerprint, embedding_set.fingerprint)


def _networks(model: ModelRecord, report_inputs: ReportInputs, workspace: Workspace) -> Iterable[Path]:
    """Return the folders of the trained networks that gave a model's features."""
    backbones = [embedding_set.record.extractor.backbone for embedding_set in report_inputs.sets_of(model)]
    for backbone in dict.fromkeys([*backbones, *model.backbones]):
        folder = workspace.networks / Path(backbone).parent.name
        if Path(backbone).suffix == ".keras" and (folder / TRAINING_RECORD).is_file():
            yield folder


def _data(
    leaderboard: "Leaderboard", given: Dataset | None, sets: dict[str, EmbeddingSet]
) -> tuple[Dataset | None, str]:
    if not sets:  # nothing could tell whether an image is still the one that the models saw
        return None, "The embedding set that the models were fitted to is no longer in the workspace."
    if given is not None and np.isin(leaderboard.ids, given.ids).all():
        return given, ""
    try:
        dataset = reopen(next(iter(sets.values())).record.dataset.arguments or {})
    except InputError as error:
        return None, str(error)
    if not np.isin(leaderboard.ids, dataset.ids).any():
        return None, f"The data at {dataset.source!r} no longer contain the compared images."
    return dataset, ""
