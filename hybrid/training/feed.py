"""Batches of images, prepared in advance by threads so that the network does not wait for them."""

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from hybrid.extractors.images.augment import Augmentation
from hybrid.training.images import Images

_PREFETCH = 4  # batches prepared in advance


class Feed:
    """A source of batches of images.

    The order of the images and their augmentation depend only on the seed and the epoch, so an interrupted training can
    be resumed exactly.

    Parameters
    ----------
    images : Images
        Images of one split.
    batch_size : int
        Number of images in each batch. It is reduced to the number of images if there are fewer.
    augmentation : Augmentation, optional
        Applied to each image of a shuffled epoch. By default images are not augmented.
    seed : int, default=0
        Seed of the order and the augmentation.

    Attributes
    ----------
    steps : int
        Number of batches that hold all images.
    waited : float
        Seconds that the consumer has waited for batches. It can be reset to 0.
    """

    def __init__(self, images: Images, batch_size: int, augmentation: Augmentation | None = None, seed: int = 0):
        self.images = images
        self.batch_size = min(batch_size, len(images))
        self.steps = -(-len(images) // self.batch_size)
        self.waited = 0.0
        self._augmentation = augmentation
        self._seed = seed

    def shuffled(self, epoch: int, steps: int, augment: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield shuffled batches of one epoch.

        Parameters
        ----------
        epoch : int
            The epoch (0-based), which sets the order and the augmentation.
        steps : int
            Number of batches. If the images run out, the batches continue with the first images of the epoch.
        augment : bool, default=True
            Whether to augment the images.

        Yields
        ------
        pixels : ndarray of uint8 of shape (batch_size, height, width, channels)
        rows : ndarray of int of shape (batch_size,)
            Rows of the images in the split.
        """
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self.images))
        return self._batches(np.resize(order, steps * self.batch_size), epoch if augment else None)

    def in_order(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield all images in order, without augmentation.

        The last batch is filled up with the first images. Yields the same values as `shuffled`.
        """
        return self._batches(np.resize(np.arange(len(self.images)), self.steps * self.batch_size), None)

    def _batches(self, rows: np.ndarray, epoch: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        batches = np.split(rows, len(rows) // self.batch_size)
        pending: deque[tuple[np.ndarray, Future[np.ndarray]]] = deque()
        with ThreadPoolExecutor(min(_PREFETCH, os.cpu_count() or 1), "feed") as pool:
            try:
                for batch in batches:
                    pending.append((batch, pool.submit(self._load, batch, epoch)))
                    if len(pending) > _PREFETCH:
                        yield self._next(pending)
                while pending:
                    yield self._next(pending)
            finally:
                for _, future in pending:
                    future.cancel()

    def _next(self, pending: deque[tuple[np.ndarray, "Future[np.ndarray]"]]) -> tuple[np.ndarray, np.ndarray]:
        started = time.perf_counter()
        batch, future = pending.popleft()
        pixels = future.result()
        self.waited += time.perf_counter() - started
        return pixels, batch

    def _load(self, rows: np.ndarray, epoch: int | None) -> np.ndarray:
        """Return pixels, augmented if an epoch is given. Each combination of image and epoch has its own seed."""
        pixels = np.empty((len(rows), *self.images.shape), np.uint8)
        for position, row in enumerate(rows.tolist()):
            pixels[position] = self.images[row]
            if self._augmentation is not None and epoch is not None:
                pixels[position] = self._augmentation(self.images[row], (self._seed << 64) | (epoch << 32) | row)
        return pixels
