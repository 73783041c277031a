"""Near-duplicates: pictures of the same picture, such as one saved again, resized, or a little brighter."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hybrid.datasets.quality.duplicates import duplicate_groups, is_first
from hybrid.datasets.quality.embeddings import confirm
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset
from hybrid.datasets.quality.measure import Measures
from hybrid.datasets.quality.outliers import BLANK
from hybrid.datasets.quality.records import SIDE

BITS = 10  # of 64, in which the perceptual hashes of near-duplicates may differ
# What the correlation of their thumbnails' details must reach. Of 5,190 chest X-rays no two different ones come above
# 0.80; what was saved again as a poor JPEG, halved, brightened or made noisy keeps 0.98.
CORRELATION = 0.85
SMALLEST = 24  # pixels: below, different pictures have the same thumbnail
_BLOCK = 2**24  # pairs of hashes compared at a time
_PAIRS = 2**14  # pairs of thumbnails


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Pairs of images that are nearly the same.

    Attributes
    ----------
    pairs : ndarray of int, (m, 2)
        Of images whose pixels differ: of identical ones only the first is here.
    correlation : ndarray, (m,)
        Correlation of the details of their thumbnails.
    """

    pairs: np.ndarray
    correlation: np.ndarray


def near_duplicates(subject: ExaminedDataset) -> list[Cluster]:
    """Return images that are nearly the same, with all identical copies of each."""
    measures = subject.measures
    found = near_duplicate_pairs(measures)
    if not len(found.pairs):
        return []
    first = np.flatnonzero(measures.readable & is_first(measures))
    confirmation = confirm(measures.keys[first], np.searchsorted(first, found.pairs))
    group_of = duplicate_groups(measures, found.pairs)
    group_of_pair = group_of[found.pairs[:, 0]]
    clusters = []
    for group in np.unique(group_of_pair).tolist():
        here = group_of_pair == group
        reason = f"correlation {found.correlation[here].min():.3f}"
        if confirmation:
            usual = "" if confirmation.confirmed[here].all() else ", no nearer than neighbours usually are"
            reason += f", cosine {confirmation.cosines[here].min():.3f} in {confirmation.backbone}{usual}"
        clusters.append(subject.cluster(np.flatnonzero(group_of == group), reason))
    return clusters


def near_duplicate_pairs(measures: Measures) -> NearDuplicates:
    """Return the pairs of images whose perceptual hashes and whose details are nearly the same.

    Blank images and those below 24 pixels are not looked at: they are all alike.
    """
    rows = measures.rows
    comparable = (rows["spread"] >= BLANK) & (np.minimum(rows["height"], rows["width"]) >= SMALLEST)
    compared = np.flatnonzero(measures.readable & comparable & is_first(measures))
    details = _details(rows["thumbnail"][compared])
    pairs, correlations = [np.empty((0, 2), np.intp)], [np.empty(0, np.float32)]
    for close in close_hashes(rows["hash"][compared]):
        correlation = np.einsum("ij,ij->i", details[close[:, 0]], details[close[:, 1]])
        pairs.append(compared[close[correlation >= CORRELATION]])
        correlations.append(correlation[correlation >= CORRELATION])
    return NearDuplicates(np.concatenate(pairs), np.concatenate(correlations))


def close_hashes(hashes: np.ndarray, bits: int = BITS) -> Iterator[np.ndarray]:
    """Yield pairs (m, 2) of hashes, (n,) of uint64, that differ in no more than so many bits, each once."""
    step = max(1, _BLOCK // max(len(hashes), 1))
    for start in range(0, len(hashes), step):
        apart = np.bitwise_count(hashes[start : start + step, None] ^ hashes[None, start:])
        one, other = np.nonzero(apart <= bits)
        pairs = np.column_stack([one, other])[other > one] + start
        for row in range(0, len(pairs), _PAIRS):
            yield pairs[row : row + _PAIRS]


def _details(thumbnails: np.ndarray) -> np.ndarray:
    """Return what is left of thumbnails without their larger shapes, (n, pixels), of length 1.

    X-rays, say, all have the same larger shapes.
    """
    from scipy.ndimage import gaussian_filter

    details = np.empty((len(thumbnails), SIDE**2), np.float32)
    for row, thumbnail in enumerate(thumbnails):
        shapes = gaussian_filter(thumbnail.astype(np.float32), 1)
        details[row] = (thumbnail - shapes).ravel()
    details -= details.mean(axis=1, keepdims=True)
    return details / np.maximum(np.linalg.norm(details, axis=1, keepdims=True), 1e-6)
