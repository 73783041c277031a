"""What a worker does: prepare an extractor once in its process, and extract the images of one shard after another."""

import contextlib
import hashlib
import platform
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from distributed import get_worker

from hybrid._version import __version__
from hybrid.errors import InputError
from hybrid.extractors.images.decoding import BadImageError, bytes_digest, decode, read_bytes
from hybrid.extractors.images.depth import Reading
from hybrid.extractors.images.source import Extraction, Source
from hybrid.extractors.images.synthetic import synthetic_photographs
from hybrid.extractors.runtimes.base import Runtime
from hybrid.extractors.store.identity import Identity
from hybrid.files.object_store import open_objects

_PACKAGES = ("numpy", "pillow", "keras", "openvino", "distributed")
_REFERENCES = 3  # synthetic pictures whose embeddings must be the same on all workers


def versions() -> dict[str, str]:
    """Return the versions of hybrid, Python and the packages that can change an embedding."""
    return {"hybrid": __version__, "python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


class DividedExtractor(Protocol):
    """What is used of an `Extractor`, which this folder cannot import because extractors import this folder."""

    backbone: Any
    weights: Any
    cache: Any

    @property
    def cache_folder(self) -> Path:
        """Folder of the store."""

    def but(self, **changed: Any) -> "DividedExtractor":
        """Return an extractor with the same parameters, except those given."""

    def each_layer(self) -> list[Any]:
        """Return one extractor for each layer."""

    def resolve(self) -> Identity:
        """Return the identity."""

    def load_runtime(self, parts: Sequence[Any], identities: Sequence[Identity], numbers: Sequence[int]) -> Runtime:
        """Return the runtime for some of the parts."""

    def extract_here(
        self, source: Source, identities: Sequence[Identity], runtime: Callable[[list[int]], Runtime], on_bad: str
    ) -> list[Extraction]:
        """Extract images by this process."""


@dataclass(frozen=True)
class Job:
    """An extraction, as workers receive it.

    Attributes
    ----------
    name : str
        A name that no other extraction has.
    extractor : DividedExtractor
        The extractor. Its paths are absolute.
    each_layer : bool
        Whether each layer has a store of its own.
    fingerprints : tuple of str
        Fingerprints of the extractors, one for each store.
    mark : str
        A file in the cache, with the name of the extraction as its content. A worker that does not see it has another
        disk. Empty if the cache is at an address.
    sample : tuple of (str, bytes)
        Some of the image files, with their digests.
    versions : dict of str to str
        Versions of hybrid, Python and the packages that can change an embedding.
    """

    name: str
    extractor: "DividedExtractor"
    each_layer: bool
    fingerprints: tuple[str, ...]
    mark: str
    sample: tuple[tuple[str, bytes], ...] = ()
    versions: dict[str, str] = field(default_factory=versions)


@dataclass(frozen=True, eq=False)
class Report:
    """What a worker found when it prepared an extraction.

    Attributes
    ----------
    host, processor : str
        Names of its machine and of the processor.
    runtime : str
        Name of the runtime that runs the network.
    embeddings : ndarray of float32, (n, width)
        Embeddings of synthetic pictures and of some images.
    """

    host: str
    processor: str
    runtime: str
    embeddings: np.ndarray

    @property
    def digest(self) -> bytes:
        """SHA-256 of the embeddings. Tasks carry it, so that the rows themselves are sent only once."""
        return hashlib.sha256(self.embeddings.tobytes()).digest()

    def difference(self, other: "Report") -> str:
        """Return how a worker differs from the others, so that it cannot take part; empty if it does not differ."""
        if self.embeddings.tobytes() == other.embeddings.tobytes():
            return ""
        scale = float(np.abs(other.embeddings).max()) or 1.0
        largest = float(np.abs(self.embeddings - other.embeddings).max()) / scale
        return (
            f"computes other embeddings of the same pictures: they differ by up to {largest:.0e} of their scale "
            f"({self.runtime} on {self.processor}; the others: {other.runtime} on {other.processor})"
        )


class _Prepared:
    """An extractor in a worker's process, with its network."""

    def __init__(self, job: Job):
        _check_versions(job)
        _check_disk(job)
        extractor = job.extractor
        self.parts = extractor.each_layer() if job.each_layer else [extractor]
        with warnings.catch_warnings():  # the process that started the extraction has shown them
            warnings.simplefilter("ignore")
            self.identities = [part.resolve() for part in self.parts]
        if tuple(identity.fingerprint for identity in self.identities) != job.fingerprints:
            raise InputError("it builds another network from the same parameters: a file or a version differs")
        self.job, self.extractor = job, extractor
        self.lock = threading.Lock()  # one shard at a time, whose decoding and network use all threads
        self._runtimes: dict[tuple[int, ...], Runtime] = {}
        self.report = self._report()

    def extract(self, source: Source, on_bad: str) -> list[Extraction]:
        with self.lock:
            return self.extractor.extract_here(source, self.identities, self._runtime, on_bad)

    def _runtime(self, numbers: list[int]) -> Runtime:
        """Return the runtime for some of the layers. It is kept, so that the network is loaded once in a process."""
        key = tuple(numbers)
        if key not in self._runtimes:
            self._runtimes[key] = self.extractor.load_runtime(self.parts, self.identities, numbers)
        return self._runtimes[key]

    def _report(self) -> Report:
        """Return the report, for which a few pictures are decoded and go through the network."""
        runtime = self._runtime(list(range(len(self.parts))))
        rows = np.concatenate([*runtime.stream(pixels[None] for pixels in self._pictures())])
        return Report(platform.node(), _processor(), runtime.name, rows.reshape(len(rows), -1))

    def _pictures(self) -> Iterator[np.ndarray]:
        fields = self.identities[0].fields
        size, channels = self.identities[0].size, fields["channels"]
        yield from synthetic_photographs(_REFERENCES, size, channels)
        for path, _ in self.job.sample:
            with contextlib.suppress(BadImageError):
                yield decode(
                    read_bytes(path), size, channels, fields["interpolation"], path, Reading.from_fields(fields)
                )


_prepared: dict[str, _Prepared] = {}
_preparing = threading.Lock()


def prepare(job: Job) -> Report | InputError:
    """Load the network of an extraction, unless this process has done so, and check that this worker can take part.

    Returns
    -------
    Report or InputError
        What was found, or why the worker cannot take part.
    """
    try:
        return _state(job).report
    except InputError as error:
        return error


def extract_shard(job: Job, expected: bytes, source: Source) -> list[Extraction]:
    """Extract the embeddings of some images into the store and return the counts, one for each store.

    Images that cannot be decoded are skipped. The process that started the extraction decides what they mean.

    Parameters
    ----------
    job : Job
    expected : bytes
        Digest of the report of the workers that were there at the start. A worker that joined later and differs is
        refused before it writes anything.
    source : Source
        The images.

    Raises
    ------
    InputError
        If this worker cannot take part, or cannot read or write the store, with the worker's address.
    """
    worker = f"{get_worker().address} on {platform.node()}"
    try:
        state = _state(job)
        if state.report.digest != expected:
            raise InputError(
                "it computes other embeddings of the same pictures than the workers that were there at the start "
                f"({state.report.runtime} on {state.report.processor})"
            )
    except (InputError, OSError) as error:
        raise InputError(f"The worker {worker} cannot take part: {str(error).rstrip('.')}.") from error
    try:
        return state.extract(source, "skip")
    except (InputError, OSError) as error:
        raise InputError(f"{str(error).rstrip('.')}. (This is from the worker {worker}.)") from error


def _state(job: Job) -> _Prepared:
    with _preparing:
        if job.name not in _prepared:
            _prepared.clear()  # a process holds the network of one extraction
            _prepared[job.name] = _Prepared(job)
        return _prepared[job.name]


def _check_versions(job: Job) -> None:
    for name, installed in versions().items():
        if installed != job.versions[name]:
            raise InputError(
                f"it has {name} {installed}, but the process that started the extraction has {job.versions[name]}"
            )


def _check_disk(job: Job) -> None:
    """Raise `InputError` if this worker sees other files than the process that started the extraction."""
    mark = Path(job.mark)
    if not job.mark:
        for fingerprint in job.fingerprints:
            open_objects(str(job.extractor.cache)).get(f"embeddings/{fingerprint}/identity.json")
    elif not mark.is_file() or mark.read_text() != job.name:
        raise InputError(f"it does not see the cache {str(job.extractor.cache)!r}, or another folder of this name")
    for path, digest in job.sample:
        if bytes_digest(read_bytes(path)) != digest:
            raise InputError(f"it sees another file {path!r}")


def _processor() -> str:
    """Return the name of the processor, as Linux gives it; elsewhere the kind of machine."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
