"""Run images through an extractor into the store: decode in threads, network in turn, shard by shard."""

import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.digests import FileDigests, digest_keys
from hybrid.extractors.identity import Identity
from hybrid.extractors.images import BadImageError
from hybrid.extractors.runtime import Runtime
from hybrid.extractors.source import ImageSource
from hybrid.extractors.store import EmbeddingStore

Progress = Callable[[int, int], None]

_SHARD_ROWS = 1024
_SHARD_VALUES = 2**24  # 64 MiB: rows may be wide
_SHARD_SECONDS = 20  # the most work that a kill can cost


@dataclass
class Extraction:
    """What an extraction did.

    Attributes
    ----------
    keys : ndarray of uint8, (n, 32)
        Digest of each image, zeros where it was skipped.
    new : int
        Images that went through the network.
    cached : int
        Images whose embedding was there, or is that of an identical image.
    skipped : dict of int to str
        Rows that could not be read or decoded, and why.
    seconds : float
        Of the whole extraction.
    runtime : str or None
        What ran the network; None if nothing was left to compute.
    """

    keys: np.ndarray
    new: int = 0
    cached: int = 0
    skipped: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    runtime: str | None = None


def extract(
    source: ImageSource,
    store: EmbeddingStore,
    memory: FileDigests,
    runtime: Callable[[], Runtime],
    *,
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> Extraction:
    """Put the embedding of every image into the store; compute only what is not there.

    Parameters
    ----------
    source : ImageSource
        The images.
    store : EmbeddingStore
        Of the extractor.
    memory : FileDigests
        Of the cache.
    runtime : callable
        Returns what turns pixels into embeddings; called only if there is something to compute.
    on_bad : {"raise", "skip"}, default="raise"
        What to do about an image that cannot be read or decoded.
    progress : callable, optional
        Called with (images done, images to do).

    Returns
    -------
    Extraction

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
    missing = readable.copy()
    missing[readable] = ~store.contains(keys[readable])
    todo = _first_of_each(keys, np.flatnonzero(missing))
    result = Extraction(keys, skipped=dict(bad))
    if len(todo):
        _compute(source, store, todo, runtime(), on_bad, progress, result)
    _settle(store, result, readable, missing)
    result.seconds = time.perf_counter() - started
    return result


@dataclass(frozen=True)
class _Batch:
    """Decoded images: their numbers, digests (n, 32) and pixels; and those that failed, with the reason."""

    numbers: np.ndarray
    keys: np.ndarray
    pixels: np.ndarray
    failed: dict[int, str]


def _compute(
    source: ImageSource,
    store: EmbeddingStore,
    todo: np.ndarray,
    run: Runtime,
    on_bad: str,
    progress: Progress | None,
    result: Extraction,
) -> None:
    """Send what is to do through the network, and write a shard whenever one is full."""
    result.runtime = run.name
    full = min(_SHARD_ROWS, _SHARD_VALUES // store.identity.width)
    in_network: deque[_Batch] = deque()
    shard: list[tuple[np.ndarray, np.ndarray]] = []

    def pixels() -> Iterator[np.ndarray]:
        for batch in _batches(source, todo, store.identity, run.batch_size):
            result.skipped.update(batch.failed)
            _refuse(batch.failed, on_bad)
            if len(batch.numbers):
                in_network.append(batch)
                yield batch.pixels

    bad_before, flushed = len(result.skipped), time.monotonic()
    try:
        for output in run.stream(pixels()):
            batch, rows = in_network.popleft(), output.reshape(len(output), -1)
            _check_finite(rows, [source.name(number) for number in batch.numbers])
            result.keys[batch.numbers] = batch.keys
            result.new += len(rows)
            shard.append((batch.keys, rows))
            if progress:
                progress(result.new + len(result.skipped) - bad_before, len(todo))
            if sum(len(keys) for keys, _ in shard) >= full or time.monotonic() - flushed > _SHARD_SECONDS:
                _flush(store, shard)
                flushed = time.monotonic()
    finally:  # what was computed is kept, whatever happens next
        _flush(store, shard)


def _flush(store: EmbeddingStore, shard: list[tuple[np.ndarray, np.ndarray]]) -> None:
    if shard:
        keys, rows = zip(*shard, strict=True)
        store.append(np.concatenate(keys), np.concatenate(rows))
        shard.clear()


def _batches(source: ImageSource, todo: np.ndarray, identity: Identity, batch_size: int) -> Iterator[_Batch]:
    """Yield decoded batches in order; threads decode a few of them ahead while the network runs."""
    size, channels = identity.size, identity.fields["channels"]
    interpolation = identity.fields["interpolation"]

    def load(numbers: np.ndarray) -> list[tuple[bytes, np.ndarray] | str]:
        loaded: list[tuple[bytes, np.ndarray] | str] = []
        for number in numbers.tolist():
            try:
                loaded.append(source.decode(number, size, channels, interpolation))
            except BadImageError as error:
                loaded.append(str(error))
        return loaded

    workers = os.cpu_count() or 1
    task = max(1, batch_size // (2 * workers))  # images a task: few enough to share out, many enough to be worth it
    ahead = 2 + -(-4 * workers // batch_size)  # batches
    starts = iter(range(0, len(todo), batch_size))
    pending: deque[tuple[np.ndarray, list[Future]]] = deque()
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as pool:
        try:
            while True:
                for start in itertools.islice(starts, ahead - len(pending)):
                    chunk = todo[start : start + batch_size]
                    tasks = [chunk[first : first + task] for first in range(0, len(chunk), task)]
                    pending.append((chunk, [pool.submit(load, numbers) for numbers in tasks]))
                if not pending:
                    return
                chunk, futures = pending.popleft()
                yield _batch(chunk, [item for future in futures for item in future.result()], (*size, channels))
        finally:
            pool.shutdown(cancel_futures=True)


def _batch(chunk: np.ndarray, loaded: list[tuple[bytes, np.ndarray] | str], shape: tuple[int, int, int]) -> _Batch:
    failed = {int(number): item for number, item in zip(chunk, loaded, strict=True) if isinstance(item, str)}
    numbers = np.array([number for number in chunk if int(number) not in failed], int)
    good = [item for item in loaded if not isinstance(item, str)]
    pixels = np.stack([image for _, image in good]) if good else np.empty((0, *shape), np.uint8)
    return _Batch(numbers, digest_keys([digest for digest, _ in good]), pixels, failed)


def _first_of_each(keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the numbers whose key no earlier one has: identical images are computed once."""
    if not len(numbers):
        return numbers
    packed = np.ascontiguousarray(keys[numbers]).view(f"V{keys.shape[1]}")[:, 0]
    seen: dict[bytes, int] = {}
    for number, key in zip(numbers, packed.tolist(), strict=True):
        seen.setdefault(key, int(number))
    return np.array(sorted(seen.values()), int)


def _settle(store: EmbeddingStore, result: Extraction, readable: np.ndarray, missing: np.ndarray) -> None:
    """Count, and skip the copies of an image that could not be decoded."""
    here = np.zeros(len(readable), bool)
    here[readable] = store.contains(result.keys[readable])
    reasons = {result.keys[number].tobytes(): reason for number, reason in result.skipped.items()}
    for number in np.flatnonzero(missing & ~here):
        reason = reasons.get(result.keys[number].tobytes(), "The image changed during the extraction.")
        result.skipped.setdefault(int(number), reason)
    result.keys[list(result.skipped)] = 0
    result.cached = len(readable) - result.new - len(result.skipped)


def _refuse(bad: dict[int, str], on_bad: str) -> None:
    if bad and on_bad == "raise":
        first = next(iter(bad.values()))
        more = f" ({len(bad)} such images so far.)" if len(bad) > 1 else ""
        raise BadImageError(f"{first}{more} Mend or remove it, or skip such images with --on-bad skip (on_bad='skip').")


def _check_finite(rows: np.ndarray, names: list[str]) -> None:
    wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if wrong.size:
        raise InputError(
            f"The embedding of image {names[wrong[0]]!r} holds NaN or infinity "
            f"({wrong.size} of {len(rows)} in its batch): check the network's weights and its preprocessing."
        )
