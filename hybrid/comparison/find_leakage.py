"""Find compared images that are also in train, and score every model without them."""

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
from hybrid.workspace.predictions import known_groups
from hybrid.workspace.workspace import Workspace

BYTES, PIXELS = "byte for byte", "byte for byte or pixel for pixel"
MAX_DECODED_BYTES = 2**30  # of files that are decoded to compare pixels; `hybrid data` has no such limit


def find_leakage(leaderboard: Leaderboard, progress: Progress | None = None) -> Leakage | None:
    """Return the compared images that are also in train, and the scores of every model without them.

    Parameters
    ----------
    leaderboard : Leaderboard
    progress : callable, optional
        Called with the number of decoded images and the total number of images. The digests of the pixels are cached,
        so that a dataset is decoded only once.

    Returns
    -------
    Leakage or None
        None if the embedding set of the images no longer exists, or the compared split is train.
    """
    embedding_set = set_of(leaderboard)
    if embedding_set is None or leaderboard.split == "train":
        return None
    contents, identity = _contents(embedding_set, progress)
    train_contents = {content for content, split in zip(contents, embedding_set.split, strict=True) if split == "train"}
    ids = {id_ for id_, content in zip(embedding_set.ids.tolist(), contents, strict=True) if content in train_contents}
    leaked = np.isin(leaderboard.ids, list(ids))
    return Leakage(tuple(leaderboard.ids[leaked].tolist()), len(leaked), identity, _scores_without(leaderboard, leaked))


def set_of(leaderboard: Leaderboard) -> EmbeddingSet | None:
    """Return an embedding set of the compared images, or None if none exists any more."""
    for model in leaderboard.models:
        for name in model.sets:
            with suppress(InputError):
                embedding_set = load_set(Workspace(model.folder.parents[1]), name)
                if embedding_set.record.dataset.fingerprint == leaderboard.fingerprint:
                    return embedding_set
    return None


def _contents(embedding_set: EmbeddingSet, progress: Progress | None) -> tuple[list[bytes], str]:
    """Return a digest of each image's content, of its pixels if the file is available, otherwise of its bytes.

    The second value says which of the two was compared.
    """
    keys = [key.tobytes() for key in embedding_set.keys]
    try:
        dataset = reopen(embedding_set.record.dataset.arguments or {})
    except InputError:
        return keys, BYTES
    measured = (
        measure_within(dataset.X, MAX_DECODED_BYTES, progress, reading=dataset.reading) if dataset.of_files else None
    )
    if measured is None:
        return keys, BYTES
    pixels = {
        key.tobytes(): row["pixels"].tobytes()
        for key, row, readable in zip(measured.keys, measured.rows, measured.readable, strict=True)
        if readable
    }
    return [pixels.get(key, key) for key in keys], PIXELS


def _scores_without(leaderboard: Leaderboard, leaked: np.ndarray) -> dict[str, Evaluation]:
    if not leaked.any() or leaked.all():
        return {}
    parts = {name: part.take(~leaked) for name, part in zip(leaderboard.names, leaderboard.predictions, strict=True)}
    first = leaderboard.evaluations[0]
    return evaluate_models(
        next(iter(parts.values())).y,
        {name: part.proba for name, part in parts.items()},
        first.classes,
        y_pred={name: part.predicted for name, part in parts.items()},
        pos_label=first.positive,
        groups=known_groups(list(parts.values())),
        fixed_classes=leaderboard.fixed_classes,
    )
