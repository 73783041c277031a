"""Say whether an image's embedding is stored, and if not, why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.manage import list_extractors
from hybrid.extractors.store.store import EmbeddingStore


@dataclass(frozen=True)
class OtherExtractor:
    """Another extractor whose embedding of the image is stored.

    Attributes
    ----------
    fingerprint : str
    backbone : str
        What it was asked for as; empty if that is not known.
    differs : dict of str to (value here, value there)
        The fields of the identity that differ.
    """

    fingerprint: str
    backbone: str
    differs: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Explanation:
    """Whether an image's embedding is stored.

    Attributes
    ----------
    digest : str
        Of the image: SHA-256, 64 hexadecimal digits.
    fingerprint : str
        Of the extractor.
    stored : bool
        Whether its embedding of the image is there, and whole.
    rows : int
        How many embeddings of it there are.
    others : list of OtherExtractor
        Those that have the image, the one that differs least first.
    """

    digest: str
    fingerprint: str
    stored: bool
    rows: int
    others: list[OtherExtractor]


def explain(cache: Path, identity: Identity, digest: bytes) -> Explanation:
    """Return whether an extractor's embedding of an image is in the store, and what else there is of the image.

    Parameters
    ----------
    cache : Path
        The cache folder.
    identity : Identity
        Of the extractor.
    digest : bytes
        Of the image, 32 bytes.
    """
    key = np.frombuffer(digest, np.uint8).reshape(1, -1)
    others, rows = [], 0
    for found in list_extractors(cache):
        if found.fingerprint == identity.fingerprint:
            rows = found.rows
        elif found.identity is not None and EmbeddingStore(cache, found.identity).contains(key)[0]:
            differs = _differences(identity, found.identity)
            others.append(OtherExtractor(found.fingerprint, found.backbone, differs))
    others.sort(key=lambda other: len(other.differs))
    stored = bool(EmbeddingStore(cache, identity).contains(key)[0])
    return Explanation(digest.hex(), identity.fingerprint, stored, rows, others)


def _differences(here: Identity, there: Identity) -> dict[str, tuple[Any, Any]]:
    names = [*here.fields, *(name for name in there.fields if name not in here.fields)]
    pairs = {name: (here.fields.get(name), there.fields.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
