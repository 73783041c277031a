"""Find compared images that are in train, too, and score every model without them."""

from contextlib import suppress

import numpy as np

from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.leakage import Leakage
from hybrid.datasets import reopen
from hybrid.datasets.quality.measure import measure_within
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, evaluate_models
from hybrid.progress import Progress
from hybrid.workspace.workspace import Workspace

BYTES, PIXELS = "byte for byte", "byte for byte or pixel for pixel"
MOST_BYTES = 2**30  # that are decoded to compare pixels; `hybrid data` measures more, once


def find_copies(group: Leaderboard, progress: Progress | None = None) -> Leakage | None:
    """Return the compared images that are in train, too; None if the embedding set that names them is gone.

    Parameters
    ----------
    group : Leaderboard
    progress : callable, optional
        Called with (images measured, images to measure): once for a dataset, pixels are compared by what is
        remembered of them.
    """
    embedding_set = _set_of(group)
    if embedding_set is None or group.split == "train":
        return None
    contents, identity = _contents(embedding_set, progress)
    of_train = {content for content, split in zip(contents, embedding_set.split, strict=True) if split == "train"}
    ids = {id_ for id_, content in zip(embedding_set.ids.tolist(), contents, strict=True) if content in of_train}
    copied = np.isin(group.ids, list(ids))
    return Leakage(tuple(group.ids[copied].tolist()), len(copied), identity, _without(group, copied))


def _set_of(group: Leaderboard) -> EmbeddingSet | None:
    """Return an embedding set of the compared images that is still there."""
    for model in group.models:
        for name in model.sets:
            with suppress(InputError):
                embedding_set = load_set(Workspace(model.folder.parents[1]), name)
                if embedding_set.record.dataset.fingerprint == group.fingerprint:
                    return embedding_set
    return None


def _contents(embedding_set: EmbeddingSet, progress: Progress | None) -> tuple[list[bytes], str]:
    """Return what identifies each image's content: its pixels where they are at hand, else its file's bytes."""
    keys = [key.tobytes() for key in embedding_set.keys]
    try:
        dataset = reopen(embedding_set.record.dataset.arguments or {})
    except InputError:
        return keys, BYTES
    measured = measure_within(dataset.X, MOST_BYTES, progress) if dataset.of_files else None
    if measured is None:
        return keys, BYTES
    pixels = {
        key.tobytes(): row["pixels"].tobytes()
        for key, row, good in zip(measured.keys, measured.rows, measured.readable, strict=True)
        if good
    }
    return [pixels.get(key, key) for key in keys], PIXELS


def _without(group: Leaderboard, copied: np.ndarray) -> dict[str, Evaluation]:
    if not copied.any() or copied.all():
        return {}
    parts = {name: part.take(~copied) for name, part in zip(group.names, group.predictions, strict=True)}
    first = group.evaluations[0]
    return evaluate_models(
        next(iter(parts.values())).y,
        {name: part.proba for name, part in parts.items()},
        first.classes,
        y_pred={name: part.predicted for name, part in parts.items()},
        pos_label=first.positive,
    )
