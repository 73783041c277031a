"""Look at a saved model, a folder or one .zip of it: its manifest, and whether its files are as they were saved.

Nothing of the model is loaded, parsed or unpacked but the manifest; the other files are only hashed.
"""

import contextlib
import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hybrid.errors import InputError, reason_of
from hybrid.pipelines.saved.contents import MANIFEST, is_left_by_system, is_plain_name, list_files
from hybrid.pipelines.saved.manifest import MOST_BYTES, Manifest, SavedFile, parse_manifest, read_manifest

_FREE, _MOST_EXPANSION = 2**26, 50  # what a model's files, numbers for the most part, never reach
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Inspection:
    """The manifest of a saved model, and what is wrong with its files.

    Attributes
    ----------
    model : str
        Name of its folder or archive.
    manifest : Manifest
    faults : dict of str to str
        What is wrong, by the names of the files; empty if every file is as it was saved and there are no others.
    """

    model: str
    manifest: Manifest
    faults: dict[str, str]

    def check(self) -> None:
        """Raise `InputError` with the first fault, if there is any."""
        for name, fault in self.faults.items():
            more = f", and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
            raise InputError(
                f"Model {self.model!r} is not as it was saved: {name} ({fault}){more}. Copy the whole model again."
            )


def inspect_model(path: str | Path) -> Inspection:
    """Read the manifest of a saved model and hash its files, without loading any of them.

    Parameters
    ----------
    path : str or Path
        The model's folder, or a .zip of it.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        If there is no model, its manifest was changed, or it is of another version.
    """
    path = Path(path).expanduser().absolute()
    if not path.is_file():
        return _inspected(read_manifest(path), _Folder(path))
    with open_archive(path) as contents:
        return contents.inspect()


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator["ModelArchive"]:
    """Open a .zip of a saved model.

    Raises
    ------
    InputError
        If the file is not a .zip of a saved model, or cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield ModelArchive(archive, path)
    except InputError:
        raise
    except _FAULTS as error:
        raise InputError(
            f"{str(path)!r} is no .zip of a saved model, or a damaged one ({reason_of(error)}): copy it again."
        ) from error


class _Folder:
    """The files of a model's folder."""

    def __init__(self, path: Path):
        self.model, self._path = path.name, path

    def names(self) -> list[str]:
        return list_files(self._path)

    def fault(self, name: str) -> str:
        """Return why a file is not opened; "" if it may be."""
        path = self._path / name
        inside = path.resolve() == self._path.resolve() / name
        return "" if inside and path.is_file() else "it is no plain file"

    def size(self, name: str) -> int:
        return (self._path / name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")


class ModelArchive:
    """The files of a .zip in which a model's folder, or what is in it, was packed."""

    def __init__(self, archive: zipfile.ZipFile, path: Path):
        self.model, self._archive, self._path = path.stem, archive, path
        members = [info for info in archive.infolist() if not info.is_dir()]
        places = [i.filename for i in members if i.filename.split("/")[-1] == MANIFEST and i.filename.count("/") < 2]
        if len(places) != 1:
            raise InputError(
                f"{str(path)!r} is no .zip of a saved model: expected one {MANIFEST}, found {len(places)}."
            )
        prefix = places[0].removesuffix(MANIFEST)
        self._twice = len({info.filename for info in members}) < len(members)
        self._members = {self._name(info.filename, prefix): info for info in members}

    @staticmethod
    def _name(name: str, prefix: str) -> str:
        return name.removeprefix(prefix) if name.startswith(prefix) else f"../{name}"

    def inspect(self) -> Inspection:
        """Read the manifest and hash the files, as :func:`inspect_model` does."""
        return _inspected(parse_manifest(self._manifest(), self.model, f"{self._path}/{MANIFEST}"), self)

    def _manifest(self) -> bytes:
        fault = self.fault(MANIFEST) or (self.size(MANIFEST) > MOST_BYTES and f"it has {self.size(MANIFEST):,} bytes")
        if fault:
            raise InputError(f"Model {self.model!r} has no {MANIFEST} that can be read: {fault}.")
        return self._archive.read(self._members[MANIFEST])

    def names(self) -> list[str]:
        """Return the names of the model's files but the manifest's."""
        return [name for name in self._members if name != MANIFEST]

    def fault(self, name: str) -> str:
        """Return why a file is not opened; "" if it may be."""
        info = self._members[name]
        if self._twice:
            return "the archive has two files of one name"
        if info.flag_bits & 1:
            return "it is encrypted"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return "it is packed in a way that is not read here"
        if info.file_size > max(_FREE, _MOST_EXPANSION * info.compress_size):
            return f"its {info.compress_size:,} bytes would be unpacked to {info.file_size:,}"
        kind = stat.S_IFMT(info.external_attr >> 16)
        return "" if kind in (0, stat.S_IFREG) else "it is no plain file"

    def size(self, name: str) -> int:
        """Return a file's bytes when unpacked, as the archive states them."""
        return self._members[name].file_size

    def open(self, name: str) -> IO[bytes]:
        """Return a file, unpacked as it is read."""
        return self._archive.open(self._members[name])


def _inspected(manifest: Manifest, contents: _Folder | ModelArchive) -> Inspection:
    return Inspection(contents.model, manifest, dict(_faults(manifest.files, contents)))


def _faults(files: dict[str, SavedFile], contents: _Folder | ModelArchive) -> Iterator[tuple[str, str]]:
    found = contents.names()
    for name, record in files.items():
        if fault := _fault(name, record, found, contents):
            yield name, fault
    for name in found:
        if name not in files and not is_left_by_system(name):
            yield name, "the manifest does not list it"


def _fault(name: str, record: SavedFile, found: list[str], contents: _Folder | ModelArchive) -> str:
    if not is_plain_name(name):
        return "it is no plain name inside the model"
    if name not in found:
        return "it is missing"
    if fault := contents.fault(name):
        return fault
    if contents.size(name) != record.size:
        return f"it has {contents.size(name)} bytes, expected {record.size}"
    try:
        with contextlib.closing(contents.open(name)) as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == record.sha256  # type: ignore[arg-type]
    except _FAULTS as error:
        return f"it cannot be read: {reason_of(error)}"
    return "" if same else "it does not match its checksum"
