"""Compared images that are in train, too: which they are, and every score without them."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets import reopen
from hybrid.embedding_set import EmbeddingSet, load_set
from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, evaluate_models
from hybrid.extractors.extraction import Progress
from hybrid.findings.measuring import measure_within
from hybrid.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.comparison.group import Group

BYTES, PIXELS = "byte for byte", "byte for byte or pixel for pixel"
MOST_BYTES = 2**30  # that are decoded to compare pixels; `hybrid data` measures more, once


@dataclass(frozen=True, eq=False)
class Copies:
    """Compared images whose content is in train, too.

    Attributes
    ----------
    ids : tuple of str
        Of the images.
    n : int
        Number of the compared images, these among them.
    identity : str
        How they are the same; pixels are compared only where the images are still at hand, and those that were not
        measured before are less than 1 GiB.
    without : dict of str to Evaluation
        Of each model on the other compared images; empty if there are none, or no copies.
    """

    ids: tuple[str, ...]
    n: int
    identity: str
    without: dict[str, Evaluation]

    def sentence(self, split: str) -> str:
        """Return what there is to know before relying on the figures; "" if there are no copies."""
        if not self.ids:
            return ""
        are, them = ("is", "it") if len(self.ids) == 1 else ("are", "them")
        without = f"figures without {them} stand beside those with {them}." if self.without else "no others are left."
        return f"{len(self.ids)} of the {self.n} {split} images {are} in train, too, {self.identity}: {without}"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "images": len(self.ids),
            "ids": list(self.ids),
            "identity": self.identity,
            "without": {model: result.to_dict() for model, result in self.without.items()},
        }


def find_copies(group: "Group", progress: Progress | None = None) -> Copies | None:
    """Return the compared images that are in train, too; None if the embedding set that names them is gone.

    Parameters
    ----------
    group : Group
    progress : callable, optional
        Called with (images measured, images to measure): once for a dataset, pixels are compared by what is
        remembered of them.
    """
    found = _set_of(group)
    if found is None or group.split == "train":
        return None
    contents, identity = _contents(found, progress)
    of_train = {content for content, split in zip(contents, found.split, strict=True) if split == "train"}
    ids = {id_ for id_, content in zip(found.ids.tolist(), contents, strict=True) if content in of_train}
    copied = np.isin(group.ids, list(ids))
    return Copies(tuple(group.ids[copied].tolist()), len(copied), identity, _without(group, copied))


def _set_of(group: "Group") -> EmbeddingSet | None:
    """Return an embedding set of the compared images that is still there."""
    for model in group.models:
        names = model.get("set") or []
        for name in [names] if isinstance(names, str) else names:
            with suppress(InputError, KeyError):
                found = load_set(Workspace(Path(model["folder"]).parents[1]), name)
                if found.info["dataset"]["fingerprint"] == group.fingerprint:
                    return found
    return None


def _contents(found: EmbeddingSet, progress: Progress | None) -> tuple[list[bytes], str]:
    """Return what identifies each image's content: its pixels where they are at hand, else its file's bytes."""
    keys = [key.tobytes() for key in found.keys]
    try:
        dataset = reopen(found.info["dataset"].get("arguments") or {})
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


def _without(group: "Group", copied: np.ndarray) -> dict[str, Evaluation]:
    if not copied.any() or copied.all():
        return {}
    parts = {name: part.take(~copied) for name, part in zip(group.names, group.predictions, strict=True)}
    first = group.evaluations[0]
    return evaluate_models(
        next(iter(parts.values())).y,
        {name: part.proba for name, part in parts.items()},
        first.classes,
        y_pred={name: part.predicted for name, part in parts.items()},
        positive=first.positive,
    )
