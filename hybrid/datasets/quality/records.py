"""Store the measurements of images in the cache folder, in files that never change and are named by their digest."""

import contextlib
import hashlib
import io
from pathlib import Path

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.images.decoding import POLICY
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.extractors.store.identity import fingerprint
from hybrid.files import write_atomic

SIDE = 32  # height and width of a thumbnail, in pixels
FORMAT = 2

RECORD = np.dtype(
    [
        ("key", "V32"),  # SHA-256 of the file, or of the pixels of an image in an array
        ("pixels", "V32"),  # SHA-256 of the decoded pixels
        ("height", "<u4"),
        ("width", "<u4"),
        ("mode", "S8"),
        ("mean", "<f4"),
        ("spread", "<f4"),
        ("hash", "<u8"),
        ("peak", "<u4"),  # largest value of 16-bit pixels whose depth the header does not state, otherwise 0
        (
            "detail",
            "<f4",
        ),  # share of the finest structures in the contrast of the sharpest part, as a decimal logarithm
        ("thumbnail", "u1", (SIDE, SIDE)),
    ]
)


class MeasurementMemory:
    """Earlier measurements of images. If they are lost, the images are measured again.

    Parameters
    ----------
    cache : Path
        The cache folder.
    reading : Reading, default=AS_STATED
        How pixels with more than 8 bits are read.
    """

    def __init__(self, cache: Path, reading: Reading = AS_STATED):
        version = f"{FORMAT}-{POLICY}"
        if reading != AS_STATED:
            version += f"-{fingerprint(reading.fields())[:16]}"
        self._folder = cache / "measures" / version

    def find(self, keys: list[bytes]) -> dict[bytes, np.void]:
        """Return the stored records of images by their digests. Digests without a record are left out."""
        requested, records = set(keys), {}
        for path in sorted(self._folder.glob("[0-9a-f]*.npy")):
            rows = _read(path)
            for row, key in enumerate(rows["key"].tolist()):
                if key in requested:
                    records[key] = rows[row]
        return records

    def add(self, rows: np.ndarray) -> None:
        """Store records, an ndarray of RECORD of shape (n,). They are not stored if the folder is not writable."""
        buffer = io.BytesIO()
        np.save(buffer, rows)
        data = buffer.getvalue()
        with contextlib.suppress(InputError):
            write_atomic(self._folder / f"{hashlib.sha256(data).hexdigest()}.npy", lambda file: file.write(data))


def _read(path: Path) -> np.ndarray:
    """Return the records of a file. If its content does not match its name, delete it and return no records."""
    with contextlib.suppress(OSError):
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == path.stem:
            return np.load(io.BytesIO(data), allow_pickle=False)
        path.unlink(missing_ok=True)
    return np.empty(0, RECORD)
