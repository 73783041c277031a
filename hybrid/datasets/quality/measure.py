"""Every image decoded once, in threads: its size, its brightness, its pixels' digest, its perceptual hash."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hybrid.datasets.quality.records import RECORD, SIDE, MeasurementMemory
from hybrid.extractors.images.decode import BadImageError, bytes_digest, decode_whole, pixels_digest, read_bytes
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.store.store import default_cache
from hybrid.progress import Progress

_RUN = 16  # images that a thread takes at a time
_CHANGED = "The image changed while it was measured."


@dataclass(frozen=True, eq=False)
class Measures:
    """What was measured of each image.

    Attributes
    ----------
    rows : ndarray of RECORD, (n,)
        Zeros where an image cannot be decoded.
    keys : ndarray of uint8, (n, 32)
        Digests: of the files, or of the pixels where the images are an array.
    bad : dict of int to str
        Which images cannot be decoded, and why.
    """

    rows: np.ndarray
    keys: np.ndarray
    bad: dict[int, str]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def readable(self) -> np.ndarray:
        """Which images can be decoded, (n,) of bool."""
        return ~np.isin(np.arange(len(self)), list(self.bad))


def measure(X: np.ndarray, progress: Progress | None = None, cache: Path | None = None) -> Measures:
    """Measure images; one that was measured before, wherever it lay, is not decoded again.

    Parameters
    ----------
    X : ndarray
        Paths (n,), or uint8 pixels (n, h, w) or (n, h, w, 3).
    progress : callable, optional
        Called with (images done, images to do).
    cache : Path, optional
        The cache folder; by default the user's.
    """
    return _completed(_remembered(X, cache or default_cache()), progress)


def measure_within(
    X: np.ndarray, most_bytes: int, progress: Progress | None = None, cache: Path | None = None
) -> Measures | None:
    """Measure images in files, (n,) paths, as :func:`measure` does; None if more bytes would have to be decoded."""
    memory = _remembered(X, cache or default_cache())
    todo = [row for row, digest in enumerate(memory.digests) if digest not in memory.found and row not in memory.bad]
    if sum(Path(X[row]).stat().st_size for row in todo) > most_bytes:
        return None
    return _completed(memory, progress)


@dataclass(frozen=True, eq=False)
class _Memory:
    """What is known of images before any is decoded: their digests, and what was measured of them before."""

    X: np.ndarray
    keys: np.ndarray
    bad: dict[int, str]
    digests: list[bytes]
    records: MeasurementMemory
    found: dict[bytes, np.void]


def _remembered(X: np.ndarray, cache: Path) -> _Memory:
    keys, bad = ImageSource(X).digests(FileDigests(cache))
    digests, records = keys.view("V32").ravel().tolist(), MeasurementMemory(cache)
    return _Memory(X, keys, bad, digests, records, records.find(digests))


def _completed(memory: _Memory, progress: Progress | None) -> Measures:
    """Measure what was not measured before, and keep it."""
    X, keys, digests, bad, found = memory.X, memory.keys, memory.digests, dict(memory.bad), dict(memory.found)
    first = {digests[row]: row for row in reversed(range(len(keys))) if row not in bad}
    todo = sorted(row for digest, row in first.items() if digest not in found)
    reasons: dict[bytes, str] = {}
    new: list[np.void] = []
    for done, (row, result) in enumerate(_in_threads(X, todo), start=1):
        if isinstance(result, str):
            reasons[digests[row]] = result
        else:
            new.append(result)
        if progress:
            progress(done, len(todo))
    if new:
        memory.records.add(np.array(new, RECORD))
    found |= {record["key"].tobytes(): record for record in new}
    rows = np.zeros(len(keys), RECORD)
    for row, digest in enumerate(digests):
        if digest in found:
            rows[row] = found[digest]
        elif row not in bad:
            bad[row] = reasons.get(digest, _CHANGED)
    return Measures(rows, keys, bad)


def _in_threads(X: np.ndarray, todo: Sequence[int]) -> Iterator[tuple[int, np.void | str]]:
    """Yield what each image was measured as, or why it cannot be."""

    def several(rows: Sequence[int]) -> list[tuple[int, np.void | str]]:
        return [(row, _measured(X[row])) for row in rows]

    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="measure") as pool:
        for part in pool.map(several, [todo[start : start + _RUN] for start in range(0, len(todo), _RUN)]):
            yield from part


def _measured(given: np.ndarray | str) -> np.void | str:
    try:
        data = read_bytes(str(given)) if isinstance(given, str) else given
        image, mode = decode_whole(data, str(given) if isinstance(given, str) else "")
    except BadImageError as error:
        return str(error)
    image, pixels = _without_colour(image)
    grey = image.convert("L")
    counts = np.array(grey.histogram(), np.float64)
    mean = counts @ np.arange(256) / counts.sum()
    spread = np.sqrt(counts @ (np.arange(256) - mean) ** 2 / counts.sum())
    small = grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=4)
    record = np.zeros((), RECORD)
    record["key"] = bytes_digest(data) if isinstance(data, bytes) else pixels_digest(data)
    record["pixels"] = pixels_digest(pixels)
    record["height"], record["width"], record["mode"] = image.height, image.width, mode.encode()
    record["mean"], record["spread"], record["hash"] = mean, spread, _perceptual_hash(small)
    record["thumbnail"] = np.asarray(small)
    return record.reshape(1)[0]


def _without_colour(image: Image.Image) -> tuple[Image.Image, np.ndarray]:
    """Return an image and its pixels; grey if its three channels are alike."""
    pixels = np.asarray(image)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
        return Image.fromarray(pixels), pixels
    return image, pixels


def _perceptual_hash(small: Image.Image) -> int:
    """Return the 64 bits of imagehash's phash: signs of the lowest frequencies about their median."""
    import imagehash

    bits = imagehash.phash(small).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
