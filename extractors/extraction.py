"""Extract embeddings of images into stores: decode in threads, run the network batch by batch, write shards."""

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.images.batches import Batch, decoded_batches
from hybrid.extractors.images.decoding import refuse_bad
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import Extraction, Source
from hybrid.extractors.runtimes.base import Runtime
from hybrid.extractors.store.cost import Span, shares
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.progress import Progress, Stopwatch

_SHARD_ROWS = 1024
_SHARD_VALUES = 2**24  # 64 MiB, the limit for wide rows
_SHARD_SECONDS = 20  # largest amount of work that is lost if the process is killed


def extract(
    source: Source,
    stores: Sequence[EmbeddingStore],
    files: FileDigests,
    runtime: Callable[[list[int]], Runtime],
    *,
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> list[Extraction]:
    """Compute the embeddings that the stores lack. Each image goes through the network at most once.

    The time of each pass of the network is recorded beside the rows that it computed: that for reading and decoding
    images, for the network and for writing rows, but not that for digests of files and for preparing the network. If a
    pass computes rows for several stores, each gets the time up to its layer (`hybrid.extractors.store.cost.shares`).

    Parameters
    ----------
    source : Source
        The images.
    stores : sequence of EmbeddingStore
        The stores of extractors with the same input pixels.
    files : FileDigests
        Computes the digests of files.
    runtime : callable
        Takes the sorted indices of some of the stores and returns the runtime that computes their embeddings, side by
        side. It is called only if there is something to compute.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be read or decoded.
    progress : callable, optional
        Called with (number of images done, number of images in total). By default progress is not reported.

    Returns
    -------
    list of Extraction
        The results, one for each store.

    Raises
    ------
    BadImageError
        If an image cannot be read or decoded and `on_bad` is ``"raise"``. The message names the image.
    InputError
        If an embedding contains NaN or infinity, or a store cannot be read or written.
    """
    if on_bad not in ("raise", "skip"):
        raise InputError(f"on_bad={on_bad!r} was given; expected 'raise' or 'skip'.")
    whole = Stopwatch()
    keys, bad = source.digests(files)
    refuse_bad(bad, on_bad)
    readable = np.array([number not in bad for number in range(len(source))], bool)
    missing = np.zeros((len(source), len(stores)), bool)
    missing[readable] = np.column_stack([~store.contains(keys[readable]) for store in stores])
    todo = _first_of_each(keys, np.flatnonzero(missing.any(axis=1)))
    job = _Job(source, keys, dict(bad), on_bad, progress, len(todo))
    results = [Extraction(keys, animated=files.animated) for _ in stores]
    for store_numbers, numbers in _passes(missing, todo):
        run = runtime(store_numbers)
        new = job.compute([stores[number] for number in store_numbers], numbers, run)
        for number in store_numbers:
            results[number].new += new
            results[number].runtime = run.name
    job.skip_missing(stores, np.flatnonzero(missing.any(axis=1)))
    for store, result in zip(stores, results, strict=True):
        result.keys, result.skipped = job.keys.copy(), dict(job.skipped)
        result.cached = len(source) - result.new - len(job.skipped)
        kept = np.array([number not in job.skipped for number in range(len(source))], bool)
        result.passes = store.passes(result.keys[kept])
    seconds = whole.lap().wall
    for result in results:
        result.seconds = seconds
    return results


def _passes(missing: np.ndarray, todo: np.ndarray) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield groups of images that are missing in the same stores.

    Parameters
    ----------
    missing : ndarray of bool, (n, n_stores)
        Whether each store lacks each image.
    todo : ndarray of int, (m,)
        Numbers of the images to compute.

    Yields
    ------
    list of int, ndarray of int
        Numbers of the stores, and numbers of the images that exactly these stores lack.
    """
    patterns, which = np.unique(missing[todo], axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        yield np.flatnonzero(pattern).tolist(), todo[which.ravel() == number]


@dataclass
class _Job:
    """The state of an extraction: keys and skipped images, and the progress towards `total` images."""

    source: Source
    keys: np.ndarray
    skipped: dict[int, str]
    on_bad: str
    progress: Progress | None
    total: int
    done: int = 0
    decoding: float = 0.0  # processor seconds since the last shard

    def compute(self, stores: list[EmbeddingStore], todo: np.ndarray, run: Runtime) -> int:
        """Compute the embeddings of images, write each shard when it is full, and return the number of images."""
        full = min(_SHARD_ROWS, _SHARD_VALUES // sum(store.identity.width for store in stores))
        in_network: deque[Batch] = deque()
        shard: list[tuple[np.ndarray, np.ndarray]] = []
        new, flushed = 0, time.monotonic()
        this, watch = uuid.uuid4().hex, Stopwatch()
        self.decoding = 0.0
        try:
            for output in run.stream(self._pixels(stores[0], todo, run.batch_size, in_network)):
                batch, rows = in_network.popleft(), output.reshape(len(output), -1)
                _check_finite(rows, [self.source.name(number) for number in batch.numbers])
                self.keys[batch.numbers] = batch.keys
                shard.append((batch.keys, rows))
                new += len(rows)
                self._report(len(rows))
                if sum(len(keys) for keys, _ in shard) >= full or time.monotonic() - flushed > _SHARD_SECONDS:
                    self._flush(stores, shard, this, watch)
                    flushed = time.monotonic()
        finally:  # computed embeddings are kept even after an error
            self._flush(stores, shard, this, watch)
        return new

    def skip_missing(self, stores: Sequence[EmbeddingStore], numbers: np.ndarray) -> None:
        """Mark images as skipped if a store lacks them: changed images, and copies of images that were not decoded."""
        is_stored = np.logical_and.reduce([store.contains(self.keys[numbers]) for store in stores])
        reasons = {self.keys[number].tobytes(): reason for number, reason in self.skipped.items()}
        for number in numbers[~is_stored].tolist():
            reason = reasons.get(self.keys[number].tobytes(), "The image changed during the extraction.")
            self.skipped.setdefault(number, reason)
        self.keys[list(self.skipped)] = 0

    def _pixels(
        self, store: EmbeddingStore, todo: np.ndarray, batch_size: int, in_network: deque[Batch]
    ) -> Iterator[np.ndarray]:
        """Yield the pixels of decoded batches, and append the batches to `in_network`."""
        for batch in decoded_batches(self.source, todo, store.identity, batch_size):
            self.skipped.update(batch.failed)
            refuse_bad(batch.failed, self.on_bad)
            self.done += len(batch.failed)
            self.decoding += batch.processor
            if len(batch.numbers):
                in_network.append(batch)
                yield batch.pixels

    def _flush(
        self, stores: list[EmbeddingStore], shard: list[tuple[np.ndarray, np.ndarray]], this: str, watch: Stopwatch
    ) -> None:
        """Write the computed rows as a shard of each store, which gets its own columns, and empty the list.

        The shards are committed with the time that the pass `this` has taken since the last ones.
        """
        if not shard:
            return
        keys, rows = (np.concatenate(parts) for parts in zip(*shard, strict=True))
        edges = np.cumsum([store.identity.width for store in stores])[:-1]
        written = []
        try:
            for store, columns in zip(stores, np.split(rows, edges, axis=1), strict=True):
                written.append(store.write(keys, columns))
        finally:  # what was written is kept even after an error
            spent = watch.lap()
            processor = spent.processor or 0.0
            decoding = min(1.0, self.decoding / processor) if processor else 1.0
            self.decoding, each = 0.0, shares([store.identity.multiply_adds for store in stores], decoding)
            for store, part, share in zip(stores, written, each, strict=False):
                each_row = share / len(keys)
                span = Span(len(keys), this, each_row * spent.wall, each_row * processor, len(stores))
                store.commit(part, [span])
        shard.clear()

    def _report(self, computed: int) -> None:
        self.done += computed
        if self.progress:
            self.progress(self.done, self.total)


def _first_of_each(keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the number of the first image with each key, so that identical images are computed once."""
    if not len(numbers):
        return numbers
    packed = np.ascontiguousarray(keys[numbers]).view(f"V{keys.shape[1]}")[:, 0]
    first: dict[bytes, int] = {}
    for number, key in zip(numbers, packed.tolist(), strict=True):
        first.setdefault(key, int(number))
    return np.array(sorted(first.values()), int)


def _check_finite(rows: np.ndarray, names: list[str]) -> None:
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if wrong.size:
        raise InputError(
            f"The embedding of image {names[wrong[0]]!r} contains NaN or infinity "
            f"({wrong.size} of {len(rows)} in its batch). Check the network's weights and its preprocessing."
        )
