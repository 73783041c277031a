"""Decoded images in batches: threads decode a few batches ahead while the network runs."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hybrid.extractors.images.decode import BadImageError
from hybrid.extractors.images.digests import digest_keys
from hybrid.extractors.images.source import Source
from hybrid.extractors.store.identity import Identity

_Loaded = tuple[bytes, np.ndarray] | str  # digest and pixels, or why there are none
_Load = Callable[[np.ndarray], list[_Loaded]]


@dataclass(frozen=True)
class Batch:
    """Decoded images.

    Attributes
    ----------
    numbers : ndarray of int, (n,)
        In their source.
    keys : ndarray of uint8, (n, 32)
        Digests of what was decoded.
    pixels : ndarray of uint8, (n, height, width, channels)
    failed : dict of int to str
        Images since the batch before that could not be decoded, and why.
    """

    numbers: np.ndarray
    keys: np.ndarray
    pixels: np.ndarray
    failed: dict[int, str]


def decoded_batches(source: Source, todo: np.ndarray, identity: Identity, batch_size: int) -> Iterator[Batch]:
    """Yield images in the order given, in batches that are full but for the last.

    Parameters
    ----------
    source : Source
        The images.
    todo : ndarray of int, (n,)
        Which of them, sorted.
    identity : Identity
        Of an extractor: how they are decoded.
    batch_size : int
        Images a batch.
    """
    size, channels, interpolation = identity.size, identity.fields["channels"], identity.fields["interpolation"]

    def load(numbers: np.ndarray) -> list[_Loaded]:
        loaded: list[_Loaded] = []
        for number in numbers.tolist():
            try:
                loaded.append(source.decode(number, size, channels, interpolation))
            except BadImageError as error:
                loaded.append(str(error))
        return loaded

    workers = os.cpu_count() or 1
    tasks = _tasks(source, todo, max(1, batch_size // (2 * workers)))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as pool:
        try:
            yield from _packed(_in_order(pool, load, tasks, 2 * batch_size + 4 * workers), batch_size)
        finally:
            pool.shutdown(cancel_futures=True)


def _tasks(source: Source, todo: np.ndarray, least: int) -> Iterator[np.ndarray]:
    """Cut numbers into runs of so many or more: few enough to share out, many enough to be worth it.

    What comes of one image stays together.
    """
    start = 0
    for end in [*(np.flatnonzero(np.diff(source.image_of(todo))) + 1).tolist(), len(todo)]:
        if end - start >= least or end == len(todo):
            yield todo[start:end]
            start = end


def _in_order(
    pool: ThreadPoolExecutor, load: _Load, tasks: Iterator[np.ndarray], ahead: int
) -> Iterator[tuple[int, _Loaded]]:
    """Yield what each number was loaded as; so many images are loaded ahead."""
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
    for number, item in loaded:
        if isinstance(item, str):
            failed[number] = item
            continue
        numbers.append(number)
        images.append(item)
        if len(images) == batch_size:
            yield _batch(numbers, images, failed)
            numbers, images, failed = [], [], {}
    if images or failed:
        yield _batch(numbers, images, failed)


def _batch(numbers: list[int], images: list[tuple[bytes, np.ndarray]], failed: dict[int, str]) -> Batch:
    pixels = np.stack([image for _, image in images]) if images else np.empty(0, np.uint8)
    return Batch(np.array(numbers, int), digest_keys([digest for digest, _ in images]), pixels, failed)
