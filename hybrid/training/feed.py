"""Batches for a network, made ahead by threads, so that it does not wait for images."""

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from hybrid.extractors.images.augment import Augmentation
from hybrid.training.images import Images

_AHEAD = 4  # batches


class Feed:
    """Batches of images; which images, in which order and how they are changed depends on the seed and the epoch alone.

    Parameters
    ----------
    images : Images
    batch_size : int
        Every batch has as many images; less only if there are fewer in all.
    augmentation : Augmentation, optional
        What is done to each image of a shuffled epoch.
    seed : int, default=0

    Attributes
    ----------
    waited : float
        Seconds that the taker of batches waited for them, since `waited` was last set.
    """

    def __init__(self, images: Images, batch_size: int, augmentation: Augmentation | None = None, seed: int = 0):
        self.images = images
        self.batch_size = min(batch_size, len(images))
        self.steps = -(-len(images) // self.batch_size)
        self.waited = 0.0
        self._augmentation = augmentation
        self._seed = seed

    def shuffled(self, epoch: int, steps: int, augment: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield `steps` batches of pixels and their rows; the last one is filled up from the epoch's first images."""
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self.images))
        return self._batches(np.resize(order, steps * self.batch_size), epoch if augment else None)

    def in_order(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield all images as they are, batch by batch, the last one filled up from the first images."""
        return self._batches(np.resize(np.arange(len(self.images)), self.steps * self.batch_size), None)

    def _batches(self, rows: np.ndarray, epoch: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        todo = iter(np.split(rows, len(rows) // self.batch_size))
        pending: deque[tuple[np.ndarray, Future[np.ndarray]]] = deque()
        with ThreadPoolExecutor(min(_AHEAD, os.cpu_count() or 1), "feed") as pool:
            try:
                for batch in todo:
                    pending.append((batch, pool.submit(self._batch, batch, epoch)))
                    if len(pending) > _AHEAD:
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

    def _batch(self, rows: np.ndarray, epoch: int | None) -> np.ndarray:
        """Return pixels, augmented as in that epoch if there is one: no two images and epochs have the same seed."""
        pixels = np.empty((len(rows), *self.images.shape), np.uint8)
        for place, row in enumerate(rows.tolist()):
            pixels[place] = self.images[row]
            if self._augmentation is not None and epoch is not None:
                pixels[place] = self._augmentation(self.images[row], (self._seed << 64) | (epoch << 32) | row)
        return pixels
