"""The data that a model of a workspace was fitted to, and the images that it has seen."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hybrid.datasets import Dataset, reopen
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.errors import InputError, unknown_name
from hybrid.workspace.history import SHOWN, Event, History
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import METRICS, Workspace


@dataclass(frozen=True, eq=False)
class OwnData:
    """The dataset that a model was fitted to, with its split. :func:`own_data` opens it.

    Attributes
    ----------
    record : ModelRecord
    dataset : Dataset
    embeddings : EmbeddingSet
        The embedding set that the model was fitted to.
    workspace : Workspace
    """

    record: ModelRecord
    dataset: Dataset
    embeddings: EmbeddingSet
    workspace: Workspace

    def check_split(self, split: str) -> None:
        """Raise `InputError` if the data lack a split, it is train, or test is locked."""
        known = [name for name in ("val", "test") if (self.dataset.split == name).any()]
        if split not in known:
            raise unknown_name("split", split, known, "The model was fitted to the train images of its own data.")
        if split == "test" and History(self.workspace).is_locked:
            raise InputError(
                "Scores on test are locked in this workspace: use validation (--part val), or unlock them with "
                "hybrid plan --unlock-test."
            )

    def check_unchanged(self, keys: np.ndarray) -> None:
        """Raise `InputError` if images are not those that the embedding set contains."""
        new = ~_isin(keys, self.embeddings.keys)
        if new.any():
            raise InputError(
                f"{int(new.sum())} of {len(keys)} images of {self.dataset.name} have changed since the model was "
                "fitted: extract and fit again, or give a dataset."
            )

    def add_look(self) -> None:
        """Add a look at test to the history of the workspace."""
        record = self.record
        History(self.workspace).add(
            Event(
                SHOWN,
                by="stress",
                dataset=record.dataset,
                dataset_fingerprint=record.dataset_fingerprint,
                models={record.name: record.predictions_sha256},
            )
        )

    @staticmethod
    def fitted_to(path: Path, keys: np.ndarray) -> np.ndarray:
        """Tell for each image whether a saved model was fitted to it or chosen on it, as far as its workspace knows.

        Parameters
        ----------
        path : Path
            The saved model.
        keys : ndarray of uint8, shape (n, 32)
            SHA-256 digests of the images.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        record = record_of(path)
        embeddings = _sets(record) if record is not None else []
        seen = [one.keys[one.split != "test"] for one in embeddings]
        return _isin(keys, np.concatenate(seen)) if seen else np.zeros(len(keys), bool)


def own_data(path: Path) -> OwnData:
    """Return the data that a model was fitted to.

    Raises
    ------
    InputError
        If the model is not in a workspace, its embedding set is gone, or the dataset cannot be opened again.
    """
    record = record_of(path)
    embeddings = _sets(record) if record is not None else []
    if record is None or not embeddings:
        raise InputError(
            f"The data that the model {path.name!r} was fitted to are not known in this workspace: give a dataset as "
            "well."
        )
    dataset = reopen(embeddings[0].record.dataset.arguments or {})
    return OwnData(record, dataset, embeddings[0], Workspace(record.folder.parents[1]))


def record_of(path: Path) -> ModelRecord | None:
    """Return the record of a saved model in a workspace; None for a model that is elsewhere."""
    path = path.absolute()
    file = path.parent / METRICS
    if path.name != "model" or path.parent.parent.name != "models" or not file.is_file():
        return None

    return replace(ModelRecord.read(file), folder=path.parent)


def _sets(record: ModelRecord) -> list[EmbeddingSet]:
    """Return the embedding sets of a model that are still those that it was fitted to."""
    workspace = Workspace(record.folder.parents[1])
    names = {path.stem for path in workspace.records("sets")}
    sets = [load_set(workspace, name) for name in record.sets if name in names]
    return [one for one in sets if one.record.dataset.fingerprint == record.dataset_fingerprint]


def _isin(keys: np.ndarray, others: np.ndarray) -> np.ndarray:
    known = {row.tobytes() for row in others}
    return np.array([row.tobytes() in known for row in keys], bool)
