"""16-bit images whose values use fewer bits, so that they are read too dark unless a bit depth is given."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from hybrid.extractors.images.decoding import BadImageError, decode_whole, read_bytes
from hybrid.extractors.images.depth import AS_STATED
from hybrid.wording import number

if TYPE_CHECKING:
    from hybrid.datasets import Dataset

_SAMPLE = 200  # files that are looked at if the images were not measured
_USUAL = (8, 10, 12, 14)
_PNG, _TIFF, _PPM = b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), (b"P2", b"P3", b"P5", b"P6")


def unused_bits_note(dataset: "Dataset", peaks: np.ndarray | None = None) -> list[str]:
    """Return a sentence if all 16-bit images of a dataset stay below a lower depth, or an empty list.

    Parameters
    ----------
    dataset : Dataset
    peaks : ndarray of int, shape (n,), optional
        Largest value of each 16-bit image whose header does not state the depth; 0 for other images. By default, up to
        200 of such images are decoded to find it.

    Returns
    -------
    list of str
        One sentence or none.
    """
    if not dataset.of_files or dataset.reading.bit_depth is not None:
        return []
    peaks = _sampled_peaks(dataset.X) if peaks is None else peaks
    peaks = peaks[peaks > 0]
    used = int(peaks.max(initial=0)).bit_length()
    if not len(peaks) or used > 15:
        return []
    depth = next((bits for bits in _USUAL if bits >= used), used)
    images = number(len(peaks), "image with 16 bits", "images with 16 bits")
    return [
        f"All values of {images} stay below {2**depth:,} (largest {peaks.max():,}): if they have {depth} bits, "
        f"they are read too dark; give --bit-depth {depth}."
    ]


def _sampled_peaks(paths: np.ndarray) -> np.ndarray:
    """Return the peaks of a sample of the files, or zeros as soon as one uses all 16 bits."""
    chosen = paths[np.unique(np.linspace(0, len(paths) - 1, min(len(paths), _SAMPLE)).astype(int))].tolist()
    candidates = [path for path in chosen if _may_have_16_bits(path)]
    peaks = np.zeros(len(candidates), int)
    with ThreadPoolExecutor() as pool:
        for place in range(0, len(candidates), 8):
            found = list(pool.map(_peak, candidates[place : place + 8]))
            if max(found) > 2**15:
                return np.zeros(0, int)
            peaks[place : place + 8] = found
    return peaks


def _may_have_16_bits(path: str) -> bool:
    from hybrid.datasets.readers.scan import read_head

    head = read_head(path)
    return (head.startswith(_PNG) and head[24:25] == b"\x10") or head.startswith((*_TIFF, *_PPM))


def _peak(path: str) -> int:
    try:
        return decode_whole(read_bytes(path), path, AS_STATED).peak
    except BadImageError:
        return 0
