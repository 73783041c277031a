"""Embedding sets whose embeddings no network made, and their records."""

from dataclasses import dataclass

import numpy as np

from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.extractors.store.identity import Identity
from hybrid.workspace.set_record import DatasetRecord, ExtractorRecord, SetRecord


def made_set_record(task="binary", *, backbone="resnet50", extractor="made", dataset="f", width=6, **fields):
    """Return a record of a set; `extractor` and `dataset` are the fingerprints of those."""
    params = {"backbone": str(backbone), "layers": ["penultimate"], "pooling": "avg", "size": None, "cache": None}
    identity = Identity({"layers": ["penultimate"], "pooling": "avg"}, (width,), 1000)
    return SetRecord(
        dataset=DatasetRecord(name="made", task=task, fingerprint=dataset),
        extractor=ExtractorRecord(params, extractor, identity),
        width=width,
        images=0,
        **fields,
    )


@dataclass(frozen=True, eq=False)
class MadeSet(EmbeddingSet):
    """An embedding set that holds its embeddings itself."""

    X: np.ndarray | None = None

    def embeddings(self, cache=None):
        return self.X
