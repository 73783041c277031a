"""Records of embedding sets whose embeddings no network made."""

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
