"""Measured values kept in the cache folder by the digest of the image: immutable files named by their own content."""

import contextlib
import hashlib
import io
from pathlib import Path

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.images.decode import POLICY
from hybrid.files import write_atomic

SIDE = 32  # pixels of a thumbnail
FORMAT = 1

RECORD = np.dtype(
    [
        ("key", "V32"),  # SHA-256 of the file, or of an array's pixels
        ("pixels", "V32"),  # SHA-256 of the decoded pixels
        ("height", "<u4"),
        ("width", "<u4"),
        ("mode", "S8"),
        ("mean", "<f4"),
        ("spread", "<f4"),
        ("hash", "<u8"),
        ("thumbnail", "u1", (SIDE, SIDE)),
    ]
)


class MeasurementMemory:
    """A memory of what was measured; losing it costs time, never correctness.

    Parameters
    ----------
    cache : Path
        The cache folder.
    """

    def __init__(self, cache: Path):
        self._folder = cache / "measures" / f"{FORMAT}-{POLICY}"

    def find(self, keys: list[bytes]) -> dict[bytes, np.void]:
        """Return the records that there are of some images, by their digests."""
        wanted, found = set(keys), {}
        for path in sorted(self._folder.glob("[0-9a-f]*.npy")):
            rows = _read(path)
            for row, key in enumerate(rows["key"].tolist()):
                if key in wanted:
                    found[key] = rows[row]
        return found

    def add(self, rows: np.ndarray) -> None:
        """Keep records, (n,) of RECORD; a folder that cannot be written keeps none."""
        buffer = io.BytesIO()
        np.save(buffer, rows)
        data = buffer.getvalue()
        with contextlib.suppress(InputError):
            write_atomic(self._folder / f"{hashlib.sha256(data).hexdigest()}.npy", lambda file: file.write(data))


def _read(path: Path) -> np.ndarray:
    """Return the records of a file; none, and the file is gone, if it is not what its name says."""
    with contextlib.suppress(OSError):
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() == path.stem:
            return np.load(io.BytesIO(data), allow_pickle=False)
        path.unlink(missing_ok=True)
    return np.empty(0, RECORD)
