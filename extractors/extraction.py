"""Run images through an extractor into the store: decode in threads, network in turn, shard by shard."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.images.batches import Batch, decoded_batches
from hybrid.extractors.images.decode import BadImageError
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import Extraction, Source
from hybrid.extractors.runtimes.base import Runtime
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.progress import Progress

_SHARD_ROWS = 1024
_SHARD_VALUES = 2**24  # 64 MiB: rows may be wide
_SHARD_SECONDS = 20  # the most work that a kill can cost


def extract(
    source: Source,
    stores: Sequence[EmbeddingStore],
    memory: FileDigests,
    runtime: Callable[[list[int]], Runtime],
    *,
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> list[Extraction]:
    """Put the embeddings of every image into each of the stores; each image goes through the network at most once.

    Parameters
    ----------
    source : Source
        The images.
    stores : sequence of EmbeddingStore
        The stores of extractors that take the same pixels.
    memory : FileDigests
        The file digests that the cache remembers.
    runtime : callable
        Takes the sorted indices of some of the stores and returns the runtime that computes their embeddings, side by
        side. It is called only if there is something to compute.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be read or decoded.
    progress : callable, optional
        Called with (images done, images to do).

    Returns
    -------
    list of Extraction
        One for each store.

    Raises
    ------
    BadImageError
        Naming the image, if `on_bad` is ``"raise"``.
    """
    if on_bad not in ("raise", "skip"):
        raise InputError(f"on_bad={on_bad!r} was given; expected 'raise' or 'skip'.")
    started = time.perf_counter()
    keys, bad = source.digests(memory)
    _refuse(bad, on_bad)
    readable = np.array([number not in bad for number in range(len(source))], bool)
    missing = np.zeros((len(source), len(stores)), bool)
    missing[readable] = np.column_stack([~store.contains(keys[readable]) for store in stores])
    todo = _first_of_each(keys, np.flatnonzero(missing.any(axis=1)))
    job = _Job(source, keys, dict(bad), on_bad, progress, len(todo))
    results = [Extraction(keys, animated=memory.animated) for _ in stores]
    for wanted, numbers in _passes(missing, todo):
        run = runtime(wanted)
        new = job.compute([stores[number] for number in wanted], numbers, run)
        for number in wanted:
            results[number].new += new
            results[number].runtime = run.name
    job.settle(stores, np.flatnonzero(missing.any(axis=1)))
    for store, result in zip(stores, results, strict=True):
        result.keys, result.skipped = job.keys.copy(), dict(job.skipped)
        result.cached = len(source) - result.new - len(job.skipped)
        result.seconds = time.perf_counter() - started
        if result.new:
            store.add_cost(result.new, result.seconds)
        each = store.seconds_per_row
        result.cost = None if each is None else each * (result.new + result.cached)
    return results


def _passes(missing: np.ndarray, todo: np.ndarray) -> Iterator[tuple[list[int], np.ndarray]]:
    """Yield which stores lack the same images, and those images: missing is (n, stores), todo is of its rows."""
    patterns, which = np.unique(missing[todo], axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        yield np.flatnonzero(pattern).tolist(), todo[which.ravel() == number]


@dataclass
class _Job:
    """Images on their way through a network, of which `total` are to do, and what has become of them."""

    source: Source
    keys: np.ndarray
    skipped: dict[int, str]
    on_bad: str
    progress: Progress | None
    total: int
    done: int = 0

    def compute(self, stores: list[EmbeddingStore], todo: np.ndarray, run: Runtime) -> int:
        """Send images through the network, write shards whenever they are full, and return how many went through."""
        full = min(_SHARD_ROWS, _SHARD_VALUES // sum(store.identity.width for store in stores))
        in_network: deque[Batch] = deque()
        shard: list[tuple[np.ndarray, np.ndarray]] = []
        new, flushed = 0, time.monotonic()
        try:
            for output in run.stream(self._pixels(stores[0], todo, run.batch_size, in_network)):
                batch, rows = in_network.popleft(), output.reshape(len(output), -1)
                _check_finite(rows, [self.source.name(number) for number in batch.numbers])
                self.keys[batch.numbers] = batch.keys
                shard.append((batch.keys, rows))
                new += len(rows)
                self._report(len(rows))
                if sum(len(keys) for keys, _ in shard) >= full or time.monotonic() - flushed > _SHARD_SECONDS:
                    _flush(stores, shard)
                    flushed = time.monotonic()
        finally:  # what was computed is kept, whatever happens next
            _flush(stores, shard)
        return new

    def settle(self, stores: Sequence[EmbeddingStore], numbers: np.ndarray) -> None:
        """Skip those of the images that are in the stores no more, and the copies of one that could not be decoded."""
        here = np.logical_and.reduce([store.contains(self.keys[numbers]) for store in stores])
        reasons = {self.keys[number].tobytes(): reason for number, reason in self.skipped.items()}
        for number in numbers[~here].tolist():
            reason = reasons.get(self.keys[number].tobytes(), "The image changed during the extraction.")
            self.skipped.setdefault(number, reason)
        self.keys[list(self.skipped)] = 0

    def _pixels(
        self, store: EmbeddingStore, todo: np.ndarray, batch_size: int, in_network: deque[Batch]
    ) -> Iterator[np.ndarray]:
        """Yield decoded batches, and leave in `in_network` what they are of."""
        for batch in decoded_batches(self.source, todo, store.identity, batch_size):
            self.skipped.update(batch.failed)
            _refuse(batch.failed, self.on_bad)
            self.done += len(batch.failed)
            if len(batch.numbers):
                in_network.append(batch)
                yield batch.pixels

    def _report(self, computed: int) -> None:
        self.done += computed
        if self.progress:
            self.progress(self.done, self.total)


def _flush(stores: list[EmbeddingStore], shard: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Write what was computed: of each row, every store gets its own columns."""
    if shard:
        keys, rows = (np.concatenate(parts) for parts in zip(*shard, strict=True))
        edges = np.cumsum([store.identity.width for store in stores])[:-1]
        for store, columns in zip(stores, np.split(rows, edges, axis=1), strict=True):
            store.append(keys, columns)
        shard.clear()


def _first_of_each(keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the numbers of the first image of each key: identical images are computed once."""
    if not len(numbers):
        return numbers
    packed = np.ascontiguousarray(keys[numbers]).view(f"V{keys.shape[1]}")[:, 0]
    first: dict[bytes, int] = {}
    for number, key in zip(numbers, packed.tolist(), strict=True):
        first.setdefault(key, int(number))
    return np.array(sorted(first.values()), int)


def _refuse(bad: dict[int, str], on_bad: str) -> None:
    if bad and on_bad == "raise":
        first = next(iter(bad.values()))
        number = len(set(bad.values()))  # views fail with their image
        more = f" ({number} such images so far.)" if number > 1 else ""
        raise BadImageError(f"{first}{more} Mend or remove it, or skip such images with --on-bad skip (on_bad='skip').")


def _check_finite(rows: np.ndarray, names: list[str]) -> None:
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if wrong.size:
        raise InputError(
            f"The embedding of image {names[wrong[0]]!r} holds NaN or infinity "
            f"({wrong.size} of {len(rows)} in its batch): check the network's weights and its preprocessing."
        )
