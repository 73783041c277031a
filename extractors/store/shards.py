"""One shard of the store on disk: its rows, their keys, and the commit record without which they do not count.

    <id>.npy       float32 (rows, width), immutable
    <id>.keys      32 bytes a row: SHA-256 of the image
    <id>.json      commit record: rows, width, the SHA-256 of the two files, and what the rows cost; written last

Rows are read with `read`, never through a memory map. If another process truncates a mapped file, the next access kills
this process with a signal (SIGBUS); a `read` only returns fewer bytes, which can be handled.
"""

import contextlib
import errno
import hashlib
import io
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.extractors.store.cost import Span
from hybrid.files import read_json, write_atomic, write_json

KEY_BYTES = 32
RECORD_NAME = re.compile(r"[0-9a-f]{32}\.json")

_verified: dict[str, tuple[int, ...]] = {}  # path to stamp of each file whose checksum this process has verified


class DamagedShardError(Exception):
    """A shard's files are missing or differ from its commit record."""


@dataclass(frozen=True)
class Shard:
    """A committed shard.

    Attributes
    ----------
    stem : Path
        Path of its files, without a suffix.
    rows, width : int
        Shape of its array.
    sha256 : str
        SHA-256 of its ``.npy`` file.
    """

    stem: Path
    rows: int
    width: int
    sha256: str

    @property
    def name(self) -> str:
        """The name of its files, without a suffix."""
        return self.stem.name

    @property
    def is_verified(self) -> bool:
        """Whether this process has verified the checksum of the rows, and the file has not changed since."""
        path = f"{self.stem}.npy"
        try:
            return path in _verified and _verified[path] == _stamp(os.stat(path))  # noqa: PTH116 - called in a loop
        except OSError:
            return False

    def spans(self) -> list[Span]:
        """Return the passes that computed the rows, in order. Empty if none are recorded, or the shard is gone."""
        try:
            return [Span.from_dict(value) for value in read_json(Path(f"{self.stem}.json"))["passes"]]
        except (ValueError, KeyError, TypeError):
            return []

    def check(self) -> None:
        """Compare the rows with their checksum, unless :attr:`is_verified`.

        Raises
        ------
        DamagedShardError
            If they differ, or the file is missing.
        InputError
            If the file cannot be read for another reason, such as missing permissions.
        """
        with self._open():
            pass

    def read(self, numbers: np.ndarray, out: np.ndarray, positions: np.ndarray) -> None:
        """Read rows into ``out[positions]``.

        Parameters
        ----------
        numbers : ndarray of int, (n,)
            Numbers of the rows.
        out : ndarray of float32, (m, width)
            Array to read into.
        positions : ndarray of int, (n,)
            For each row, its index in `out`.

        Raises
        ------
        DamagedShardError, InputError
            As :meth:`check` does.
        """
        row_bytes = 4 * self.width
        with self._open() as file:
            start = _verified[str(file.name)][0] - self.rows * row_bytes
            if 4 * len(numbers) < self.rows:
                for number, position in zip(numbers.tolist(), positions.tolist(), strict=True):
                    file.seek(start + number * row_bytes)
                    _fill(file, out[position])
                return
            all_rows = np.empty((self.rows, self.width), np.float32)
            file.seek(start)
            _fill(file, all_rows)
            out[positions] = all_rows[numbers]

    @contextlib.contextmanager
    def _open(self) -> Iterator[io.FileIO]:
        path = f"{self.stem}.npy"
        with _damage_or_input_error(path), io.FileIO(path) as file:
            stamp = _stamp(os.fstat(file.fileno()))
            if _verified.get(path) != stamp:
                _check_digest(file, self.sha256)
                _check_size(file, self.rows, self.width)
                _verified[path] = stamp
            yield file


def full_shard(width: int) -> int:
    """Return the number of rows of a full shard: 1024, or fewer if they would exceed 64 MiB."""
    return max(1, min(1024, 2**24 // width))


def forget_verified() -> None:
    """Forget which shards were verified, so that each is compared with its checksum again."""
    _verified.clear()


def remove_shard(stem: Path) -> None:
    """Remove a shard's files, the commit record first, so that files left over by a crash do not count."""
    for suffix in (".json", ".damaged", ".keys", ".npy"):
        stem.with_suffix(suffix).unlink(missing_ok=True)


@dataclass(frozen=True)
class WrittenShard:
    """A shard whose rows and keys are written. It does not count before :meth:`commit`."""

    stem: Path
    rows: int
    width: int
    sha256: dict[str, str]

    def commit(self, spans: Sequence[Span] = ()) -> None:
        """Write the commit record, with the passes that computed the rows; on an error, remove the shard."""
        record = self.stem.with_suffix(".json")
        try:
            write_json(record, self.record(spans))
        except BaseException:
            if not record.exists():  # if it exists, the shard is committed, and only the sync of its folder failed
                self.discard()
            raise

    def record(self, spans: Sequence[Span] = ()) -> dict[str, Any]:
        """Return the content of the commit record."""
        passes = [span.to_dict() for span in spans]
        return {"rows": self.rows, "width": self.width, "sha256": self.sha256, "passes": passes}

    def discard(self) -> None:
        """Remove the files of a shard that is not committed."""
        _remove_files(self.stem)


def write_rows(folder: Path, keys: np.ndarray, rows: np.ndarray) -> WrittenShard:
    """Write the rows and keys of a shard, which is not yet committed.

    Parameters
    ----------
    folder : Path
        The extractor's folder in the store.
    keys : ndarray of uint8, (n, 32)
        Keys of the rows.
    rows : ndarray of float32, (n, width)
        The embeddings.

    Raises
    ------
    InputError
        If the folder cannot be written or the disk is full. Nothing is left behind then.
    """
    stem = folder / uuid.uuid4().hex
    header = io.BytesIO()
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(rows))
    parts: dict[str, list[bytes | memoryview]] = {
        ".npy": [header.getvalue(), _bytes(rows)],
        ".keys": [_bytes(np.ascontiguousarray(keys, dtype=np.uint8))],
    }
    try:
        digests = {suffix: _write(stem.with_suffix(suffix), chunks) for suffix, chunks in parts.items()}
    except BaseException:
        _remove_files(stem)
        raise
    return WrittenShard(stem, len(rows), rows.shape[1], digests)


def _remove_files(stem: Path) -> None:
    for suffix in (".npy", ".keys"):
        with contextlib.suppress(OSError):
            stem.with_suffix(suffix).unlink(missing_ok=True)


def read_shard(record: Path) -> tuple[Shard, np.ndarray]:
    """Return a shard and its keys (n, 32). The checksum of the keys is verified here, that of the rows is not.

    Parameters
    ----------
    record : Path
        The shard's commit record.

    Raises
    ------
    DamagedShardError, InputError
        As :meth:`Shard.check` does.
    """
    path = record.with_suffix(".keys")
    with _damage_or_input_error(str(path)):
        shard, keys_digest = _parse(record)
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != keys_digest:
        raise DamagedShardError(f"{path.name} does not match its checksum")
    if len(data) != shard.rows * KEY_BYTES:
        raise DamagedShardError(f"{path.name} holds {len(data) // KEY_BYTES} keys, but its record says {shard.rows}")
    return shard, np.frombuffer(data, np.uint8).reshape(-1, KEY_BYTES)


def _parse(record: Path) -> tuple[Shard, str]:
    try:
        value: dict[str, Any] = read_json(record)
        rows, width, digests = int(value["rows"]), int(value["width"]), value["sha256"]
        return Shard(record.with_suffix(""), rows, width, str(digests[".npy"])), str(digests[".keys"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise DamagedShardError(f"{record.name} is not a commit record") from error


def _check_digest(file: io.FileIO, expected: str) -> None:
    if hashlib.file_digest(file, "sha256").hexdigest() != expected:
        raise DamagedShardError(f"{Path(str(file.name)).name} does not match its checksum")


def _check_size(file: io.FileIO, rows: int, width: int) -> None:
    """Check that a file consists of its header and of as many rows as its record says.

    NumPy's format 1.0 stores the length of the header at byte 8. The header is not parsed, because NumPy uses `ast` for
    that, which occasionally fails in threads in Python 3.11.
    """
    file.seek(8)
    header = 10 + int.from_bytes(file.read(2), "little")
    if os.fstat(file.fileno()).st_size != header + 4 * rows * width:
        raise DamagedShardError(f"{Path(str(file.name)).name} does not hold the {rows}×{width} values of its record")


def _fill(file: io.FileIO, array: np.ndarray) -> None:
    view = _bytes(array)
    while len(view):
        count = file.readinto(view)
        if not count:
            raise DamagedShardError(f"{Path(str(file.name)).name} was truncated")
        view = view[count:]


def _write(path: Path, chunks: list[bytes | memoryview]) -> str:
    """Write a file and return the SHA-256 of the given chunks, without reading the file back."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    write_atomic(path, lambda file: file.writelines(chunks))
    return digest.hexdigest()


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data  # no copy, since the array is contiguous


def _stamp(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev


@contextlib.contextmanager
def _damage_or_input_error(path: str) -> Iterator[None]:
    """Raise `DamagedShardError` for a missing file or bad sector, `InputError` for others, such as no permission."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EIO):
            raise DamagedShardError(f"{Path(path).name}: {error.strerror}") from error
        raise InputError(
            f"{path!r} in the embedding store cannot be read ({error.strerror or error}). Check its permissions and "
            "its disk, or give another folder with --cache (cache=FOLDER)."
        ) from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise DamagedShardError(f"{Path(path).name}: {error}") from error
