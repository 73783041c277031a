"""Explain whether an extractor's embedding of an image is stored and, if not, which similar extractors have one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.manage import list_extractors
from hybrid.extractors.store.remote import remote_of
from hybrid.extractors.store.store import EmbeddingStore


@dataclass(frozen=True)
class OtherExtractor:
    """Another extractor whose embedding of the image is stored.

    Attributes
    ----------
    fingerprint : str
        Fingerprint of the other extractor.
    backbone : str
        Name of its backbone as the user gave it; empty if unknown.
    differs : dict of str to (value, value)
        The fields of the identity that differ, with the values of this and of the other extractor.
    """

    fingerprint: str
    backbone: str
    differs: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Explanation:
    """Whether an extractor's embedding of an image is stored, and which other extractors have one.

    Attributes
    ----------
    digest : str
        SHA-256 of the image, 64 hexadecimal digits.
    fingerprint : str
        Fingerprint of the extractor.
    stored : bool
        Whether its embedding of the image is stored and undamaged.
    rows : int
        Number of embeddings of this extractor in the store.
    others : list of OtherExtractor
        Other extractors whose embedding of the image is stored; the one with the fewest differences comes first.
    """

    digest: str
    fingerprint: str
    stored: bool
    rows: int
    others: list[OtherExtractor]


def explain(cache: Path, identity: Identity, digest: bytes) -> Explanation:
    """Return whether an extractor's embedding of an image is stored, and which other extractors have one.

    Parameters
    ----------
    cache : Path
        The cache folder.
    identity : Identity
        Identity of the extractor.
    digest : bytes
        SHA-256 of the image, 32 bytes.

    Returns
    -------
    Explanation
    """
    if remote := remote_of(cache):
        remote.fold_all()
    key = np.frombuffer(digest, np.uint8).reshape(1, -1)
    others, rows = [], 0
    for extractor in list_extractors(cache):
        if extractor.fingerprint == identity.fingerprint:
            rows = extractor.rows
        elif extractor.identity is not None and EmbeddingStore(cache, extractor.identity).contains(key)[0]:
            differs = _differences(identity, extractor.identity)
            others.append(OtherExtractor(extractor.fingerprint, extractor.backbone, differs))
    others.sort(key=lambda other: len(other.differs))
    stored = bool(EmbeddingStore(cache, identity).contains(key)[0])
    return Explanation(digest.hex(), identity.fingerprint, stored, rows, others)


def _differences(identity: Identity, other: Identity) -> dict[str, tuple[Any, Any]]:
    names = [*identity.fields, *(name for name in other.fields if name not in identity.fields)]
    pairs = {name: (identity.fields.get(name), other.fields.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
