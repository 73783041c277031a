"""A store of tiny embeddings, computed by a stand-in for a network."""

import numpy as np

from hybrid.extractors.extraction import extract
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore

IDENTITY = Identity({"size": [4, 4], "channels": 3, "interpolation": "bilinear"}, (2,))


class Means:
    """Stands in for a network: mean and maximum of an image. Counts the images."""

    name = "means"

    def __init__(self, batch_size=4):
        self.images = 0
        self.batch_size = batch_size

    def stream(self, batches):
        for pixels in batches:
            yield self(pixels)

    def __call__(self, pixels):
        self.images += len(pixels)
        flat = pixels.reshape(len(pixels), -1)
        return np.stack([flat.mean(axis=1), flat.max(axis=1)], axis=1).astype(np.float32)


def expected(images):
    return Means()(np.asarray(images))


def images_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), np.uint8)


def run(images, cache, runtime=None, **options):
    runtime = runtime or Means()
    source, store = ImageSource(images), EmbeddingStore(cache, IDENTITY)
    [done] = extract(source, [store], FileDigests(), lambda wanted: runtime, **options)
    return done, store


def keys_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 32), np.uint8)
