"""Divide an extraction among the workers of a Dask cluster.

The unit of work is a shard of images. A worker receives their paths, reads and decodes the files, runs the network and
writes the rows to the store, which all processes share. Only paths, digests and counts pass through the scheduler.
"""

import asyncio
import contextlib
import os
import uuid
import warnings
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybrid.errors import InputError, reason_of
from hybrid.extractors.cluster.shard import DividedExtractor, Job, Report, extract_shard, prepare
from hybrid.extractors.images.decoding import BadImageError, bytes_digest, read_bytes, refuse_bad
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.images.source import DIGEST_BYTES, Extraction, Source
from hybrid.extractors.store.remote import remote_of
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.files.temporary import temporary_file
from hybrid.progress import Progress, Stopwatch

if TYPE_CHECKING:
    from distributed import Client, Future, as_completed

_MOST_ROWS, _LEAST_ROWS = 1024, 64  # of a shard
_SHARDS = 4  # of each thread of the cluster, at least, so that none is idle for long in the end
_AHEAD = 2  # shards that the scheduler holds for each thread
_SAMPLE = 3  # image files that every worker must see
_PATIENCE = 60  # seconds without a finished shard, after which it is checked whether there are workers at all
_MOST_LOSSES = 5  # how often a shard is given to the cluster again after it has lost several workers


def distribute(
    client: "Client",
    extractor: DividedExtractor,
    source: Source,
    stores: list[EmbeddingStore],
    on_bad: str,
    progress: Progress | None,
) -> list[Extraction]:
    """Extract embeddings on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected to the cluster.
    extractor : DividedExtractor
    source : Source
        The images, which must be files that all workers see.
    stores : list of EmbeddingStore
        The store of the extractor, or one for each of its layers, on a disk that all workers see.
    on_bad, progress
        As for `hybrid.extractors.extraction.extract`.

    Returns
    -------
    list of Extraction
        The results, one for each store.

    Raises
    ------
    InputError
        If a worker sees another disk, has other versions or computes other embeddings, if the same images end one
        worker after another, if the scheduler is lost, or as for `hybrid.extractors.extraction.extract`.
    """
    watch, done = Stopwatch(), 0
    results = [Extraction(np.zeros((len(source), DIGEST_BYTES), np.uint8)) for _ in stores]
    with _job(extractor, source, stores) as job, _connection_errors():
        expected = _prepared(client, job)
        for first, extracted in _extracted(client, job, expected, source):
            if job.mark:
                with contextlib.suppress(OSError):
                    os.utime(job.mark)  # other machines remove temporary files that are old
            _check_skipped(source, first, extracted[0].skipped, stores[0], on_bad)
            for result, part in zip(results, extracted, strict=True):
                _add(result, part, first)
            done += len(extracted[0].keys)
            if progress:
                progress(done, len(source))
    seconds = watch.lap().wall
    for store, result in zip(stores, results, strict=True):
        kept = np.array([number not in result.skipped for number in range(len(source))], bool)
        result.passes, result.seconds = store.passes(result.keys[kept]), seconds
    return results


@contextlib.contextmanager
def _job(extractor: DividedExtractor, source: Source, stores: list[EmbeddingStore]) -> Iterator[Job]:
    """Yield the description of the extraction. Until the end, a file in the cache lets workers recognise the disk.

    Where the cache is at an address such as ``s3://bucket/prefix``, the record of the identity does that.
    """
    assert source.paths is not None
    name, cache = uuid.uuid4().hex, extractor.cache_folder.resolve()
    chosen = np.unique(np.linspace(0, len(source.paths) - 1, _SAMPLE).astype(int))
    sample = []
    for path in [source.paths[number] for number in chosen.tolist()]:
        with contextlib.suppress(BadImageError):  # the extraction reports it
            sample.append((path, bytes_digest(read_bytes(path))))
    files = {name: path for name in ("backbone", "weights") if (path := Path(getattr(extractor, name))).is_file()}
    remote = remote_of(cache)
    address = remote.address if remote else str(cache)
    everywhere = extractor.but(cache=address, **{name: str(path.resolve()) for name, path in files.items()})
    fingerprints = tuple(store.identity.fingerprint for store in stores)
    if remote:
        for store in stores:
            store.write_identity()
        yield Job(name, everywhere, len(stores) > 1, fingerprints, "", tuple(sample))
        return
    with temporary_file(cache) as (mark, file_of_mark):
        file_of_mark.write(name.encode())
        file_of_mark.flush()
        os.fsync(file_of_mark.fileno())
        yield Job(name, everywhere, len(stores) > 1, fingerprints, str(mark), tuple(sample))


def _prepared(client: "Client", job: Job) -> Report:
    """Prepare all workers and return their common report.

    One worker is first, because it may have to export the network for all of them.
    """
    workers = list(client.scheduler_info(n_workers=-1)["workers"])
    if not workers:
        raise InputError("The cluster has no workers: start some, for example with `dask worker`.")
    reports = {**client.run(prepare, job, workers=workers[:1], on_error="return")}
    reports |= client.run(prepare, job, on_error="return")
    wrong = {address: found for address, found in reports.items() if isinstance(found, Exception)}
    if wrong:
        address, error = next(iter(wrong.items()))
        reason = (str(error) if isinstance(error, InputError) else reason_of(error)).rstrip(".")
        raise InputError(f"The worker {address} cannot take part: {reason}{_others(len(wrong) - 1)}.") from error
    usual, _ = Counter(found.embeddings.tobytes() for found in reports.values()).most_common(1)[0]
    expected = next(found for found in reports.values() if found.embeddings.tobytes() == usual)
    differences = {address: found.difference(expected) for address, found in reports.items()}
    different = [
        f"The worker {address} on {reports[address].host} {why}" for address, why in differences.items() if why
    ]
    if different:
        raise InputError(
            f"{different[0]}{_others(len(different) - 1)}. All workers must compute the same values: stop "
            "these workers, or let all use the same --runtime and processor."
        )
    return expected


def _others(count: int) -> str:
    return f" ({count} more workers)" if count > 1 else " (1 more worker)" if count else ""


def _extracted(client: "Client", job: Job, expected: Report, source: Source) -> Iterator[tuple[int, list[Extraction]]]:
    """Yield the first row of each shard with its results, as they are finished."""
    from distributed import KilledWorker, as_completed

    threads = max(1, sum(client.nthreads().values()))
    rows = int(np.clip(len(source) // (_SHARDS * threads), _LEAST_ROWS, _MOST_ROWS))
    waiting = deque(source.shards(rows))
    running: dict[Future, tuple[int, Source]] = {}
    losses: Counter[int] = Counter()
    completed = as_completed(loop=client.loop)

    def submit() -> None:
        while waiting and len(running) < _AHEAD * max(threads, sum(client.nthreads().values())):
            first, part = waiting.popleft()
            future = client.submit(extract_shard, job, expected.digest, part, pure=False)
            running[future] = (first, part)
            completed.add(future)

    try:
        submit()
        for future in _with_patience(client, completed):
            first, part = running.pop(future)
            try:
                extracted = future.result()
            except KilledWorker as error:
                losses[first] += 1
                if losses[first] > _MOST_LOSSES:
                    raise _killed(part, str(error.last_worker)) from error
                waiting.append((first, part))
            else:
                yield first, extracted
            submit()
    finally:  # after an error or Ctrl-C, shards that have not begun are given up; the store is valid at any moment
        with contextlib.suppress(Exception):
            client.cancel(list(running), force=True)


def _with_patience(client: "Client", completed: "as_completed") -> Iterator["Future"]:
    """Yield futures as they are finished, and warn once if that takes long because the cluster has no workers."""
    warned = False
    while not completed.is_empty():
        waited = 0.0
        while not completed.has_ready():
            with completed.thread_condition:
                completed.thread_condition.wait(0.1)
            waited += 0.1
            if waited > _PATIENCE and not warned and not client.nthreads():
                warned = True
                warnings.warn(
                    "The cluster has no workers left. The extraction continues when new ones join; Ctrl-C ends it, and "
                    "all embeddings that were written are kept.",
                    stacklevel=2,
                )
        yield next(completed)


def _check_skipped(source: Source, first: int, skipped: dict[int, str], store: EmbeddingStore, on_bad: str) -> None:
    """Raise an error for images that a worker skipped: as on one machine, or because only the worker cannot read them.

    Parameters
    ----------
    source : Source
        All images.
    first : int
        Number of the first row of the shard.
    skipped : dict of int to str
        Rows of the shard, with the reasons.
    store : EmbeddingStore
        Its identity tells how images are decoded.
    on_bad : {"raise", "skip"}

    Raises
    ------
    InputError
        If this process can decode an image that a worker skipped.
    BadImageError
        If `on_bad` is ``"raise"`` and an image cannot be decoded.
    """
    identity = store.identity
    fields = identity.fields
    for number, reason in skipped.items():
        try:
            source.decode(
                first + number, identity.size, fields["channels"], fields["interpolation"], Reading.from_fields(fields)
            )
        except BadImageError:
            continue
        raise InputError(
            f"A worker could not use the image {source.name(first + number)!r}, which this process can decode: "
            f"{reason.rstrip('.')}. All workers must see the same disk, and files must not change meanwhile."
        )
    refuse_bad(skipped, on_bad)


def _killed(part: Source, worker: str) -> InputError:
    return InputError(
        f"The images from {part.name(0)!r} to {part.name(len(part) - 1)!r} ended one worker after another, "
        f"the last one was {worker}: see the worker's log; it may need more memory, or a smaller --batch-size."
    )


@contextlib.contextmanager
def _connection_errors() -> Iterator[None]:
    """Turn the errors of a lost scheduler into one sentence."""
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError

    try:
        yield
    except (InputError, KeyboardInterrupt):
        raise
    except (FutureCancelledError, CommClosedError, asyncio.CancelledError, OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"The connection to the scheduler was lost ({reason}). All embeddings that were written are kept: run "
            "the same command again when the cluster is back."
        ) from error


def _add(result: Extraction, part: Extraction, first: int) -> None:
    """Add the result of a shard, whose first row is given."""
    result.keys[first : first + len(part.keys)] = part.keys
    result.new += part.new
    result.cached += part.cached
    result.animated += part.animated
    result.skipped |= {first + number: reason for number, reason in part.skipped.items()}
    result.runtime = part.runtime or result.runtime
