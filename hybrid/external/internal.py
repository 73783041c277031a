"""The internal side of an external validation: a saved model's own test images, or its validation images."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.errors import InputError
from hybrid.evaluation import Evaluation
from hybrid.workspace.fitted_models import evaluate_split, read_predictions, read_record, workspace_of
from hybrid.workspace.history import History, image_digests
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.validation_use import chosen_on_validation, validation_note
from hybrid.workspace.workspace import METRICS

_SPLITS = ("test", "val")
OWN_NAMES = {"test": "own test images", "val": "own validation images", "": "own images"}


@dataclass(frozen=True, eq=False)
class InternalSide:
    """What is known of a saved model's own images.

    Attributes
    ----------
    split : {"test", "val", ""}
        The split whose scores are compared; "" if there is none.
    predictions : Predictions or None
        The model's predictions on this split.
    record : ModelRecord or None
        The model's record in its workspace; None for a model outside a workspace.
    note : str
        Why the split is not test, or what is missing; "" for test.
    keys : ndarray of uint8, shape (n, 32), or None
        SHA-256 digests of the images of all splits; None if they are not known.
    key_splits : ndarray of str, shape (n,), or None
        Their splits.
    sets : tuple of EmbeddingSet
        The embedding sets that the model was fitted to; empty unless all of them are still in the workspace.
    """

    split: str = ""
    predictions: Predictions | None = None
    record: ModelRecord | None = None
    note: str = ""
    keys: np.ndarray | None = None
    key_splits: np.ndarray | None = None
    sets: tuple[EmbeddingSet, ...] = ()

    @property
    def of_test(self) -> bool:
        """Whether the scores are those of the model's own test images."""
        return self.split == "test"

    def saved_scores(self) -> Evaluation:
        """Return the scores on the split as the model's record holds them, or will hold them after a look at test."""
        assert self.predictions is not None
        assert self.record is not None
        saved = self.record.splits.get(self.split)
        return saved or evaluate_split(self.predictions, self.split, self.record.positive)

    def test_images(self) -> tuple[str, ...]:
        """Return the digests of the model's test images for the history of its workspace; empty if not known."""
        if self.keys is None or self.key_splits is None:
            return ()
        return image_digests(self.keys[self.key_splits == "test"])


def find_internal(model: Path, *, hide_test: bool = False) -> InternalSide:
    """Return what is known of a saved model's own images.

    Where test may be shown, its predictions are returned; the caller adds the look to the history of the workspace.

    Parameters
    ----------
    model : Path
        The folder or .zip file of the model.
    hide_test : bool, default=False
        Whether to take the validation images in place of test, as is done if the workspace locks test.

    Returns
    -------
    InternalSide

    Raises
    ------
    InputError
        If the record of the model or its predictions are damaged.
    """
    if model.is_file() or not (model.parent / METRICS).is_file():
        return InternalSide(
            note="There is no internal score to compare with: a saved model outside a workspace holds no predictions "
            "of its own. Give the name of the model in the workspace in which it was fitted."
        )
    record = read_record(model.parent)
    workspace = workspace_of(record)
    locked = workspace is not None and History(workspace).is_locked
    evaluated = (*record.splits, *record.sealed)
    allowed = [split for split in _SPLITS if split in evaluated and not (split == "test" and (locked or hide_test))]
    found = _sets_of(record)
    keys, key_splits = (found[0].keys, found[0].split) if found else (None, None)
    sets = tuple(one for one in found if record.was_fitted_to(one.record.dataset.fingerprint, one.fingerprint))
    sets = sets if len(sets) == len(record.sets) else ()
    if not allowed:
        note = f"There is no internal score to compare with: {_why_not_test(record, locked, hide_test)}."
        return InternalSide("", None, record, note, keys, key_splits, sets)
    split = allowed[0]
    note = ""
    if split == "val":
        used = validation_note(chosen_on_validation(record))
        note = f"Compared with the model's validation images, because {_why_not_test(record, locked, hide_test)}."
        note = f"{note} {used}".rstrip()
    return InternalSide(split, read_predictions(record).part(split), record, note, keys, key_splits, sets)


def _why_not_test(record: ModelRecord, locked: bool, hidden: bool) -> str:
    if "test" not in (*record.splits, *record.sealed):
        return "the model has no test images of its own"
    if hidden:
        return "its test scores are hidden"
    assert locked  # otherwise the test images are taken
    return "scores on test are locked in its workspace (hybrid plan --unlock-test)"


def _sets_of(record: ModelRecord) -> list[EmbeddingSet]:
    """Return the embedding sets of a model's images that are still in its workspace."""
    workspace = workspace_of(record)
    if workspace is None:
        return []
    found = []
    for name in record.sets:
        with suppress(InputError):
            embeddings = load_set(workspace, name)
            if embeddings.record.dataset.fingerprint == record.dataset_fingerprint:
                found.append(embeddings)
    return found
