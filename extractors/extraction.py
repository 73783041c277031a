"""Run images through an extractor into the store: decode in threads, network in turn, shard by shard."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.digests import FileDigests, digest_keys
from hybrid.extractors.identity import Identity
from hybrid.extractors.images import BadImageError
from hybrid.extractors.source import ImageSource
from hybrid.extractors.store import EmbeddingStore


class Runtime(Protocol):
    """What turns uint8 pixels (n, height, width, channels) into float32 embeddings (n, …)."""

    name: str

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the embeddings of a batch."""
        ...


Progress = Callable[[int, int], None]

_SHARD_ROWS = 1024
_SHARD_VALUES = 2**24  # 64 MiB: rows may be wide
_BATCH_PIXELS = 32 * 224 * 224


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


def choose_batch_size(size: tuple[int, int]) -> int:
    """Return a batch size for images of that height and width: 32 at 224×224, more if smaller."""
    return int(np.clip(_BATCH_PIXELS // (size[0] * size[1]), 8, 256))


def extract(
    source: ImageSource,
    store: EmbeddingStore,
    memory: FileDigests,
    runtime: Callable[[], Runtime],
    *,
    batch_size: int,
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
    batch_size : int
        Images a batch.
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
    _compute(source, store, todo, runtime, batch_size, on_bad, progress, result)
    _settle(store, result, readable, missing)
    result.seconds = time.perf_counter() - started
    return result


def _compute(
    source: ImageSource,
    store: EmbeddingStore,
    todo: np.ndarray,
    runtime: Callable[[], Runtime],
    batch_size: int,
    on_bad: str,
    progress: Progress | None,
    result: Extraction,
) -> None:
    identity, run = store.identity, None
    full = min(_SHARD_ROWS, _SHARD_VALUES // identity.width)
    shard_keys: list[np.ndarray] = []
    shard_rows: list[np.ndarray] = []
    done = 0
    try:
        for numbers, digests, pixels, failed in _batches(source, todo, identity, batch_size):
            result.skipped.update(failed)
            _refuse(failed, on_bad)
            if len(numbers):
                run = run or runtime()
                result.runtime = run.name
                rows = run(pixels).reshape(len(pixels), -1)
                _check_finite(rows, [source.name(number) for number in numbers])
                keys = digest_keys(digests)
                result.keys[numbers] = keys
                shard_keys.append(keys)
                shard_rows.append(rows)
                result.new += len(numbers)
            done += len(numbers) + len(failed)
            if progress:
                progress(done, len(todo))
            if sum(map(len, shard_rows)) >= full:
                _flush(store, shard_keys, shard_rows)
    finally:  # what was computed is kept, whatever happens next
        _flush(store, shard_keys, shard_rows)


def _flush(store: EmbeddingStore, keys: list[np.ndarray], rows: list[np.ndarray]) -> None:
    if rows:
        store.append(np.concatenate(keys), np.concatenate(rows))
        keys.clear()
        rows.clear()


def _batches(
    source: ImageSource, todo: np.ndarray, identity: Identity, batch_size: int
) -> Iterator[tuple[np.ndarray, list[bytes], np.ndarray, dict[int, str]]]:
    """Yield decoded batches in order; a few are decoded ahead while the network runs."""
    size, channels, interpolation = (
        identity.size,
        identity.fields["channels"],
        identity.fields["interpolation"],
    )

    def load(number: int) -> tuple[bytes, np.ndarray] | str:
        try:
            return source.decode(number, size, channels, interpolation)
        except BadImageError as error:
            return str(error)

    chunks = deque(np.array_split(todo, range(batch_size, len(todo), batch_size)) if len(todo) else [])
    pending: deque[tuple[np.ndarray, list[Future]]] = deque()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="decode") as pool:
        try:
            while chunks or pending:
                while chunks and len(pending) < 3:
                    chunk = chunks.popleft()
                    pending.append((chunk, [pool.submit(load, int(number)) for number in chunk]))
                chunk, futures = pending.popleft()
                loaded = [future.result() for future in futures]
                good = [item for item in loaded if not isinstance(item, str)]
                failed = {int(n): item for n, item in zip(chunk, loaded, strict=True) if isinstance(item, str)}
                numbers = np.array([number for number in chunk if int(number) not in failed], int)
                pixels = np.stack([item[1] for item in good]) if good else np.empty((0, *size, channels), np.uint8)
                yield numbers, [item[0] for item in good], pixels, failed
        finally:
            pool.shutdown(cancel_futures=True)


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
