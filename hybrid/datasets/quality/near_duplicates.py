"""Find near-duplicates: versions of the same image, for example saved again, resized, or made a little brighter."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hybrid.datasets.quality.duplicates import duplicate_clusters, is_first
from hybrid.datasets.quality.embeddings import confirm
from hybrid.datasets.quality.finding import Cluster, ExaminedDataset
from hybrid.datasets.quality.measure import Measures
from hybrid.datasets.quality.outliers import BLANK
from hybrid.datasets.quality.records import SIDE

BITS = 10  # the perceptual hashes of near-duplicates may differ in up to 10 of 64 bits
# The least correlation of the details of two thumbnails. Of 5,190 chest X-rays, no two different ones reach 0.80.
# After an image is saved as a poor JPEG, halved in size, brightened or made noisy, the correlation is 0.98 or more.
CORRELATION = 0.85
SMALLEST = 24  # pixels; different images below this size can have the same thumbnail
_HASH_PAIRS = 2**24  # pairs of hashes compared at a time
_THUMBNAIL_PAIRS = 2**14  # pairs of thumbnails compared at a time


@dataclass(frozen=True, eq=False)
class NearDuplicates:
    """Pairs of images that are nearly the same.

    Attributes
    ----------
    pairs : ndarray of int, shape (m, 2)
        Indices of the images. Of identical images, only the first one is in pairs.
    correlation : ndarray of shape (m,)
        Correlation of the details of their thumbnails.
    """

    pairs: np.ndarray
    correlation: np.ndarray


def near_duplicates(examined: ExaminedDataset) -> list[Cluster]:
    """Return clusters of images that are nearly the same, with all identical copies of each."""
    measures = examined.measures
    nearly_same = near_duplicate_pairs(measures)
    if not len(nearly_same.pairs):
        return []
    first = np.flatnonzero(measures.readable & is_first(measures))
    confirmation = confirm(measures.keys[first], np.searchsorted(first, nearly_same.pairs))
    cluster_of = duplicate_clusters(measures, nearly_same.pairs)
    cluster_of_pair = cluster_of[nearly_same.pairs[:, 0]]
    clusters = []
    for cluster in np.unique(cluster_of_pair).tolist():
        in_cluster = cluster_of_pair == cluster
        reason = f"correlation {nearly_same.correlation[in_cluster].min():.3f}"
        if confirmation:
            usual = "" if confirmation.confirmed[in_cluster].all() else ", not more similar than usual neighbours"
            reason += f", cosine {confirmation.cosines[in_cluster].min():.3f} in {confirmation.backbone}{usual}"
        clusters.append(examined.cluster(np.flatnonzero(cluster_of == cluster), reason))
    return clusters


def near_duplicate_pairs(measures: Measures) -> NearDuplicates:
    """Return the pairs of images whose perceptual hashes and details are nearly the same.

    Blank images and images below 24 pixels are not compared, because their thumbnails are all alike.
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
    """Yield each pair of hashes that differ in at most `bits` bits once.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,)
        Perceptual hashes.
    bits : int, default=10
        Largest number of bits in which two hashes may differ.

    Yields
    ------
    ndarray of int, shape (m, 2)
        Indices of some of the pairs.
    """
    step = max(1, _HASH_PAIRS // max(len(hashes), 1))
    for start in range(0, len(hashes), step):
        distances = np.bitwise_count(hashes[start : start + step, None] ^ hashes[None, start:])
        first, second = np.nonzero(distances <= bits)
        pairs = np.column_stack([first, second])[second > first] + start
        for row in range(0, len(pairs), _THUMBNAIL_PAIRS):
            yield pairs[row : row + _THUMBNAIL_PAIRS]


def _details(thumbnails: np.ndarray) -> np.ndarray:
    """Return thumbnails without their coarse shapes, as vectors of length 1, of shape (n, pixels).

    The coarse shapes are the same in all images of some datasets, such as X-rays.
    """
    from scipy.ndimage import gaussian_filter

    details = np.empty((len(thumbnails), SIDE**2), np.float32)
    for row, thumbnail in enumerate(thumbnails):
        coarse = gaussian_filter(thumbnail.astype(np.float32), 1)
        details[row] = (thumbnail - coarse).ravel()
    details -= details.mean(axis=1, keepdims=True)
    return details / np.maximum(np.linalg.norm(details, axis=1, keepdims=True), 1e-6)
