"""Find compared images that are also in train, and score every model without them."""

import numpy as np

from hybrid.comparison.compared_images import ComparedImages
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.leakage import Leakage
from hybrid.evaluation import Evaluation, evaluate_models
from hybrid.workspace.predictions import known_groups

BYTES, PIXELS = "byte for byte", "byte for byte or pixel for pixel"


def find_leakage(leaderboard: Leaderboard, images: ComparedImages | None) -> Leakage | None:
    """Return the compared images that are also in train, and the scores of every model without them.

    Parameters
    ----------
    leaderboard : Leaderboard
    images : ComparedImages or None
        Images are compared by their pixels if they were measured, otherwise by the bytes of their files.

    Returns
    -------
    Leakage or None
        None if the embedding set of the images no longer exists, or the compared split is train.
    """
    if images is None or leaderboard.split == "train":
        return None
    embedding_set = images.sets[0]
    contents, identity = _contents(images)
    train_contents = {content for content, split in zip(contents, embedding_set.split, strict=True) if split == "train"}
    ids = {id_ for id_, content in zip(embedding_set.ids.tolist(), contents, strict=True) if content in train_contents}
    leaked = np.isin(leaderboard.ids, list(ids))
    return Leakage(tuple(leaderboard.ids[leaked].tolist()), len(leaked), identity, _scores_without(leaderboard, leaked))


def _contents(images: ComparedImages) -> tuple[list[bytes], str]:
    """Return a digest of each image's content, of its pixels if the file is available, otherwise of its bytes.

    The second value says which of the two was compared.
    """
    keys, measured = [key.tobytes() for key in images.sets[0].keys], images.measures
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
