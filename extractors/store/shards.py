"""One shard of the store on disk: rows, keys, and the commit record that makes them count.

    <id>.npy       float32 (rows, width), immutable
    <id>.keys      32 bytes a row: SHA-256 of the image
    <id>.json      commit record: rows, width and the SHA-256 of the two files; written last

Rows are read with `read`, never through a memory map: of a mapped file that another process cuts short, the next touch
is a signal (SIGBUS) that no program can answer; a short `read` is an answer.
"""

import contextlib
import errno
import hashlib
import io
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.errors import InputError
from hybrid.files import read_json, write_atomic, write_json

KEY_BYTES = 32
RECORD_NAME = re.compile(r"[0-9a-f]{32}\.json")

_verified: dict[str, tuple[int, ...]] = {}  # files whose checksum this process has seen to be right, as they were then


class DamagedShardError(Exception):
    """A shard's files are not what its commit record says."""


@dataclass(frozen=True)
class Shard:
    """A committed shard.

    Attributes
    ----------
    stem : Path
        Its files without their suffix.
    rows, width : int
        Shape of its array.
    sha256 : str
        Of its ``.npy`` file.
    """

    stem: Path
    rows: int
    width: int
    sha256: str

    @property
    def name(self) -> str:
        """The part of its file names that is its own."""
        return self.stem.name

    @property
    def is_verified(self) -> bool:
        """Whether this process has compared its rows with their checksum, and the file has not changed since."""
        path = f"{self.stem}.npy"
        try:
            return path in _verified and _verified[path] == _stamp(os.stat(path))  # noqa: PTH116 - called in a loop
        except OSError:
            return False

    def check(self) -> None:
        """Compare its rows with their checksum, unless :attr:`is_verified`.

        Raises
        ------
        DamagedShardError
            If they differ, or the file is lost.
        InputError
            If it cannot be read for a reason that says nothing about its content.
        """
        with self._open():
            pass

    def read(self, numbers: np.ndarray, out: np.ndarray, positions: np.ndarray) -> None:
        """Read rows `numbers` (n,) into ``out[positions]``; `out` is (…, width), float32.

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
            whole = np.empty((self.rows, self.width), np.float32)
            file.seek(start)
            _fill(file, whole)
            out[positions] = whole[numbers]

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
    """Return how many rows of that width a full shard holds: 1024, or 64 MiB if they are wide."""
    return max(1, min(1024, 2**24 // width))


def forget_verified() -> None:
    """Let every shard be compared with its checksum again."""
    _verified.clear()


def remove_shard(stem: Path) -> None:
    """Remove a shard's files, the commit record first: what is left by a crash does not count."""
    for suffix in (".json", ".damaged", ".keys", ".npy"):
        stem.with_suffix(suffix).unlink(missing_ok=True)


def write_shard(folder: Path, keys: np.ndarray, rows: np.ndarray) -> None:
    """Write keys (n, 32) of uint8 and rows (n, width) of float32 as a shard, all or nothing.

    Raises
    ------
    InputError
        If the folder cannot be written or the disk is full; nothing that counts is left behind then.
    """
    stem = folder / uuid.uuid4().hex
    header = io.BytesIO()
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(rows))
    parts: dict[str, list[bytes | memoryview]] = {
        ".npy": [header.getvalue(), _bytes(rows)],
        ".keys": [_bytes(np.ascontiguousarray(keys, dtype=np.uint8))],
    }
    record = stem.with_suffix(".json")
    try:
        digests = {suffix: _write(stem.with_suffix(suffix), chunks) for suffix, chunks in parts.items()}
        write_json(record, {"rows": len(rows), "width": rows.shape[1], "sha256": digests})
    except BaseException:
        if not record.exists():  # else it counts, and only the sync of its folder failed
            for suffix in parts:
                with contextlib.suppress(OSError):
                    stem.with_suffix(suffix).unlink(missing_ok=True)
        raise


def read_shard(record: Path) -> tuple[Shard, np.ndarray]:
    """Return a shard and its keys (n, 32), the keys checked, the rows not yet.

    Raises
    ------
    DamagedShardError, InputError
        As :meth:`Shard.check` does.
    """
    path = record.with_suffix(".keys")
    with _damage_or_input_error(str(path)):
        if not record.with_suffix(".npy").exists():
            raise DamagedShardError(f"{record.stem}.npy is lost")
        shard, keys_digest = _parse(record)
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != keys_digest:
        raise DamagedShardError(f"{path.name} does not match its checksum")
    if len(data) != shard.rows * KEY_BYTES:
        raise DamagedShardError(f"{path.name} holds {len(data) // KEY_BYTES} keys, its record says {shard.rows}")
    return shard, np.frombuffer(data, np.uint8).reshape(-1, KEY_BYTES)


def _parse(record: Path) -> tuple[Shard, str]:
    try:
        value: dict[str, Any] = read_json(record)
        rows, width, digests = int(value["rows"]), int(value["width"]), value["sha256"]
        return Shard(record.with_suffix(""), rows, width, str(digests[".npy"])), str(digests[".keys"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise DamagedShardError(f"{record.name} is no commit record") from error


def _check_digest(file: io.FileIO, expected: str) -> None:
    if hashlib.file_digest(file, "sha256").hexdigest() != expected:
        raise DamagedShardError(f"{Path(str(file.name)).name} does not match its checksum")


def _check_size(file: io.FileIO, rows: int, width: int) -> None:
    """Compare a file's size with its record: the header (NumPy's format 1.0: its length at byte 8), then the rows.

    The header itself is not parsed: in Python 3.11 `ast`, which NumPy uses for that, fails now and then in threads.
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
            raise DamagedShardError(f"{Path(str(file.name)).name} was cut short")
        view = view[count:]


def _write(path: Path, chunks: list[bytes | memoryview]) -> str:
    """Write a file and return the SHA-256 of what it should hold, not of what the disk made of it."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    write_atomic(path, lambda file: file.writelines(chunks))
    return digest.hexdigest()


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data  # of a contiguous one: no copy


def _stamp(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


@contextlib.contextmanager
def _damage_or_input_error(path: str) -> Iterator[None]:
    """Tell a lost file or sector, which is damage, from what says nothing about the content, such as a file's mode."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EIO):
            raise DamagedShardError(f"{Path(path).name}: {error.strerror}") from error
        raise InputError(
            f"{path!r} in the embedding store cannot be read ({error.strerror or error}): mend that, or give another "
            "folder with --cache."
        ) from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise DamagedShardError(f"{Path(path).name}: {error}") from error
