"""Measure images: size, brightness, digest of the pixels, perceptual hash. Each image is decoded once, in threads."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from hybrid.datasets.quality.records import RECORD, SIDE, MeasurementMemory
from hybrid.extractors.images.decoding import BadImageError, bytes_digest, decode_whole, pixels_digest, read_bytes
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.store.store import default_cache
from hybrid.progress import Progress

_PART = 64  # pixels; side of the parts in which the finest structures are measured
_FINE = 0.25  # cycles per pixel
_FLAT = 2.0  # grey levels; a part with a lower standard deviation is of nearly one colour
_CHUNK = 16  # images that a thread takes at a time
_CHANGED = "The image changed while it was measured."


@dataclass(frozen=True, eq=False)
class Measures:
    """Measurements of images.

    Attributes
    ----------
    rows : ndarray of RECORD, shape (n,)
        The measurements of each image. Zeros if it cannot be decoded.
    keys : ndarray of uint8, shape (n, 32)
        Digest of each file, or of the pixels if the images are in an array.
    bad : dict of int to str
        Reasons why images cannot be decoded, by the index of the image.
    """

    rows: np.ndarray
    keys: np.ndarray
    bad: dict[int, str]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def readable(self) -> np.ndarray:
        """Mask, of shape (n,), of the images that can be decoded."""
        return ~np.isin(np.arange(len(self)), list(self.bad))


def measure(
    X: np.ndarray, progress: Progress | None = None, cache: Path | None = None, reading: Reading = AS_STATED
) -> Measures:
    """Measure images. An image that was measured before, in any folder, is not decoded again.

    Parameters
    ----------
    X : ndarray of shape (n,), (n, h, w) or (n, h, w, 3)
        Paths, or pixels of type uint8.
    progress : callable, optional
        Called with the number of measured images and of all images to measure.
    cache : Path, optional
        The cache folder. By default, the cache folder of the user.
    reading : Reading, default=AS_STATED
        How pixels with more than 8 bits are read.

    Returns
    -------
    Measures
    """
    return _completed(_remembered(X, cache or default_cache(), reading), progress)


def measure_within(
    X: np.ndarray,
    most_bytes: int,
    progress: Progress | None = None,
    cache: Path | None = None,
    reading: Reading = AS_STATED,
) -> Measures | None:
    """Measure images as :func:`measure` does, unless more than `most_bytes` bytes would have to be read for it.

    Parameters
    ----------
    X : ndarray of shape (n,), (n, h, w) or (n, h, w, 3)
        Paths, or pixels of type uint8.
    most_bytes : int
        Limit of the total size of the images, as files or arrays, that were not measured before.
    progress, cache, reading
        As for :func:`measure`.

    Returns
    -------
    Measures or None
        None if the images are larger than the limit.
    """
    known = _remembered(X, cache or default_cache(), reading)
    unknown = [row for row, digest in enumerate(known.digests) if digest not in known.records and row not in known.bad]
    size = X[:1].nbytes
    if sum(Path(X[row]).stat().st_size if X.dtype.kind == "U" else size for row in unknown) > most_bytes:
        return None
    return _completed(known, progress)


def remembered_measures(keys: np.ndarray, reading: Reading = AS_STATED, cache: Path | None = None) -> Measures | None:
    """Return the measurements of images by their digests, if all of them were measured before.

    Parameters
    ----------
    keys : ndarray of uint8, shape (n, 32)
    reading : Reading, default=AS_STATED
        How pixels with more than 8 bits were read.
    cache : Path, optional
        The cache folder. By default, the cache folder of the user.

    Returns
    -------
    Measures or None
        None if an image was not measured before.
    """
    digests = np.ascontiguousarray(keys).view("V32").ravel().tolist()
    records = MeasurementMemory(cache or default_cache(), reading).find(digests)
    if not all(digest in records for digest in digests):
        return None
    return Measures(np.array([records[digest] for digest in digests], RECORD), keys, {})


@dataclass(frozen=True, eq=False)
class _Remembered:
    """What is known about images before they are decoded: their digests, and earlier measurements by digest."""

    X: np.ndarray
    keys: np.ndarray
    bad: dict[int, str]
    digests: list[bytes]
    memory: MeasurementMemory
    records: dict[bytes, np.void]
    reading: Reading


def _remembered(X: np.ndarray, cache: Path, reading: Reading) -> _Remembered:
    keys, bad = ImageSource(X).digests(FileDigests())
    digests, memory = keys.view("V32").ravel().tolist(), MeasurementMemory(cache, reading)
    return _Remembered(X, keys, bad, digests, memory, memory.find(digests), reading)


def _completed(known: _Remembered, progress: Progress | None) -> Measures:
    """Measure the images that were not measured before, and store their measurements."""
    X, keys, digests, bad, records = known.X, known.keys, known.digests, dict(known.bad), dict(known.records)
    first = {digests[row]: row for row in reversed(range(len(keys))) if row not in bad}
    unknown = sorted(row for digest, row in first.items() if digest not in records)
    reasons: dict[bytes, str] = {}
    new: list[np.void] = []
    for done, (row, result) in enumerate(_in_threads(X, unknown, known.reading), start=1):
        if isinstance(result, str):
            reasons[digests[row]] = result
        else:
            new.append(result)
        if progress:
            progress(done, len(unknown))
    if new:
        known.memory.add(np.array(new, RECORD))
    records |= {record["key"].tobytes(): record for record in new}
    rows = np.zeros(len(keys), RECORD)
    for row, digest in enumerate(digests):
        if digest in records:
            rows[row] = records[digest]
        elif row not in bad:
            bad[row] = reasons.get(digest, _CHANGED)
    return Measures(rows, keys, bad)


def _in_threads(X: np.ndarray, rows: Sequence[int], reading: Reading) -> Iterator[tuple[int, np.void | str]]:
    """Yield the row of each image with its record, or with the reason why it cannot be decoded."""

    def measure_chunk(chunk: Sequence[int]) -> list[tuple[int, np.void | str]]:
        return [(row, _record_or_reason(X[row], reading)) for row in chunk]

    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="measure") as pool:
        for results in pool.map(measure_chunk, [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]):
            yield from results


def _record_or_reason(image_or_path: np.ndarray | str, reading: Reading) -> np.void | str:
    try:
        path = str(image_or_path) if isinstance(image_or_path, str) else ""
        data = read_bytes(path) if isinstance(image_or_path, str) else image_or_path
        whole = decode_whole(data, path, reading)
    except BadImageError as error:
        return str(error)
    image, pixels = _without_colour(whole.image)
    grey = image.convert("L")
    counts = np.array(grey.histogram(), np.float64)
    mean = counts @ np.arange(256) / counts.sum()
    spread = np.sqrt(counts @ (np.arange(256) - mean) ** 2 / counts.sum())
    small = grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=4)
    record = np.zeros((), RECORD)
    record["key"] = bytes_digest(data) if isinstance(data, bytes) else pixels_digest(data)
    record["pixels"] = pixels_digest(pixels)
    record["height"], record["width"], record["mode"] = image.height, image.width, whole.mode.encode()
    record["mean"], record["spread"], record["hash"] = mean, spread, _perceptual_hash(small)
    record["thumbnail"] = np.asarray(small)
    record["peak"], record["detail"] = whole.peak, _detail(np.asarray(grey))
    return record.reshape(1)[0]


def _without_colour(image: Image.Image) -> tuple[Image.Image, np.ndarray]:
    """Return an image and its pixels, converted to grey if the three channels are equal."""
    pixels = np.asarray(image)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
        return Image.fromarray(pixels), pixels
    return image, pixels


def _detail(grey: np.ndarray) -> float:
    """Return how fine the structures of the sharpest part of an image are, as a decimal logarithm.

    It is the share of spatial frequencies above a quarter of a cycle per pixel in the energy of all frequencies. An
    image that was enlarged to twice its size has next to nothing there. Parts of nearly one colour do not count.
    """
    shares = [0.0]
    for top, left in _parts(*grey.shape):
        part = grey[top : top + _PART, left : left + _PART].astype(np.float32)
        part -= part.mean()
        if part.std() < _FLAT:
            continue
        window, is_fine = _spectrum_of(part.shape)
        spectrum = np.fft.rfft2(part * window)
        energy = spectrum.real**2 + spectrum.imag**2
        shares.append(float((energy * is_fine).sum() / max(energy.sum(), 1e-9)))
    return float(np.log10(max(*shares, 1e-9))) if len(shares) > 1 else 0.0


@lru_cache(maxsize=64)
def _spectrum_of(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the window of a part of an image, and a mask of the high frequencies of its spectrum."""
    across, along = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])
    window = np.outer(np.hanning(shape[0]), np.hanning(shape[1])).astype(np.float32)
    return window, (across**2 + along**2 > _FINE**2).astype(np.float32)


def _parts(height: int, width: int) -> list[tuple[int, int]]:
    """Return the top left corners of a few parts of an image, evenly spread."""
    tops, lefts = (
        {(side - _PART) * place // 4 for place in (1, 3)} if side > _PART else {0} for side in (height, width)
    )
    return [(top, left) for top in sorted(tops) for left in sorted(lefts)]


def _perceptual_hash(small: Image.Image) -> int:
    """Return imagehash's phash as a 64-bit integer: whether each of the lowest frequencies is above their median."""
    import imagehash

    bits = imagehash.phash(small).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
