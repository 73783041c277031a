"""The embedding set of compared images, and the measurements of its images as far as their files still exist."""

from contextlib import suppress
from dataclasses import dataclass

from hybrid.comparison.leaderboard import Leaderboard
from hybrid.datasets import reopen
from hybrid.datasets.quality.measure import Measures, measure_within
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.errors import InputError
from hybrid.progress import Progress
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import Workspace

MAX_DECODED_BYTES = 2**30  # of files that are decoded to compare pixels; `hybrid data` has no such limit


@dataclass(frozen=True, eq=False)
class ComparedImages:
    """The images of the dataset of a leaderboard.

    Attributes
    ----------
    sets : tuple of EmbeddingSet
        Embedding sets of these images: those of the chosen model, as far as they exist, or of another model.
    measures : Measures or None
        Measurements of the images. None if the files no longer exist, or too many bytes would have to be decoded.
    """

    sets: tuple[EmbeddingSet, ...]
    measures: Measures | None


def compared_images(leaderboard: Leaderboard, progress: Progress | None = None) -> ComparedImages | None:
    """Return the images of a leaderboard; None if no embedding set of them exists any more.

    Parameters
    ----------
    leaderboard : Leaderboard
    progress : callable, optional
        Called with the number of decoded images and the total number of images. Measurements are cached, so that a
        dataset is decoded only once.
    """
    chosen = leaderboard.chosen_number or 0
    for model in (leaderboard.models[chosen], *leaderboard.models):
        if sets := _sets(leaderboard, model):
            return ComparedImages(tuple(sets), _measures(sets[0], progress))
    return None


def set_of(leaderboard: Leaderboard) -> EmbeddingSet | None:
    """Return an embedding set of the compared images, or None if none exists any more."""
    return next((one for model in leaderboard.models for one in _sets(leaderboard, model)), None)


def _sets(leaderboard: Leaderboard, model: ModelRecord) -> list[EmbeddingSet]:
    """Return the embedding sets of a model that still hold the compared images."""
    sets = []
    for name in model.sets:
        with suppress(InputError):
            embedding_set = load_set(Workspace(model.folder.parents[1]), name)
            if embedding_set.record.dataset.fingerprint == leaderboard.fingerprint:
                sets.append(embedding_set)
    return sets


def _measures(embedding_set: EmbeddingSet, progress: Progress | None) -> Measures | None:
    try:
        dataset = reopen(embedding_set.record.dataset.arguments or {})
    except InputError:
        return None
    if not dataset.of_files:
        return None
    return measure_within(dataset.X, MAX_DECODED_BYTES, progress, reading=dataset.reading)
