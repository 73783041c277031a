"""Decode images in batches. Threads decode a few batches ahead while the network runs."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hybrid import progress
from hybrid.extractors.images.decoding import BadImageError
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.images.digests import digest_keys
from hybrid.extractors.images.source import Source
from hybrid.extractors.store.identity import Identity

_Image = tuple[bytes, np.ndarray] | str  # digest and pixels, or the reason why the image cannot be decoded
_Loaded = tuple[_Image, float]  # and the processor seconds that this took
_Load = Callable[[np.ndarray], list[_Loaded]]


@dataclass(frozen=True)
class Batch:
    """A batch of decoded images.

    Attributes
    ----------
    numbers : ndarray of int, (n,)
        Numbers of the images in their source.
    keys : ndarray of uint8, (n, 32)
        Digests of the bytes or pixels that were decoded.
    pixels : ndarray of uint8, (n, height, width, channels)
        The decoded images.
    failed : dict of int to str
        Images that could not be decoded since the previous batch, with the reasons.
    processor : float
        Processor seconds for reading and decoding all of these images.
    """

    numbers: np.ndarray
    keys: np.ndarray
    pixels: np.ndarray
    failed: dict[int, str]
    processor: float


def decoded_batches(source: Source, todo: np.ndarray, identity: Identity, batch_size: int) -> Iterator[Batch]:
    """Yield decoded images in order, in batches of which only the last may be smaller.

    Parameters
    ----------
    source : Source
        The images.
    todo : ndarray of int, (n,)
        Sorted numbers of the images to decode.
    identity : Identity
        Identity of an extractor, which says how images are decoded.
    batch_size : int
        Number of images in a batch.

    Yields
    ------
    Batch
    """
    fields = identity.fields
    how = identity.size, fields["channels"], fields["interpolation"], Reading.from_fields(fields)

    def load(numbers: np.ndarray) -> list[_Loaded]:
        loaded: list[_Loaded] = []
        for number in numbers.tolist():
            started = progress.read_thread_clock()
            try:
                image: _Image = source.decode(number, *how)
            except BadImageError as error:
                image = str(error)
            loaded.append((image, progress.read_thread_clock() - started))
        return loaded

    workers = os.cpu_count() or 1
    tasks = _tasks(source, todo, max(1, batch_size // (2 * workers)))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as pool:
        try:
            yield from _packed(_in_order(pool, load, tasks, 2 * batch_size + 4 * workers), batch_size)
        finally:
            pool.shutdown(cancel_futures=True)


def _tasks(source: Source, todo: np.ndarray, min_size: int) -> Iterator[np.ndarray]:
    """Split numbers into tasks of `min_size` or slightly more, so that an image and its views stay in one task."""
    start = 0
    for end in [*(np.flatnonzero(np.diff(source.image_of(todo))) + 1).tolist(), len(todo)]:
        if end - start >= min_size or end == len(todo):
            yield todo[start:end]
            start = end


def _in_order(
    pool: ThreadPoolExecutor, load: _Load, tasks: Iterator[np.ndarray], ahead: int
) -> Iterator[tuple[int, _Loaded]]:
    """Yield the numbers of all tasks with their images, in order, while up to about `ahead` images are loaded ahead."""
    pending: deque[tuple[np.ndarray, Future[list[_Loaded]]]] = deque()
    waiting = 0
    while True:
        while waiting < ahead and (numbers := next(tasks, None)) is not None:
            pending.append((numbers, pool.submit(load, numbers)))
            waiting += len(numbers)
        if not pending:
            return
        numbers, future = pending.popleft()
        waiting -= len(numbers)
        yield from zip(numbers.tolist(), future.result(), strict=True)


def _packed(loaded: Iterable[tuple[int, _Loaded]], batch_size: int) -> Iterator[Batch]:
    numbers: list[int] = []
    images: list[tuple[bytes, np.ndarray]] = []
    failed: dict[int, str] = {}
    processor = 0.0
    for number, (image, seconds) in loaded:
        processor += seconds
        if isinstance(image, str):
            failed[number] = image
            continue
        numbers.append(number)
        images.append(image)
        if len(images) == batch_size:
            yield _batch(numbers, images, failed, processor)
            numbers, images, failed, processor = [], [], {}, 0.0
    if images or failed:
        yield _batch(numbers, images, failed, processor)


def _batch(
    numbers: list[int], images: list[tuple[bytes, np.ndarray]], failed: dict[int, str], processor: float
) -> Batch:
    pixels = np.stack([image for _, image in images]) if images else np.empty(0, np.uint8)
    return Batch(np.array(numbers, int), digest_keys([digest for digest, _ in images]), pixels, failed, processor)
