"""Inspect a saved model, a folder or a .zip file of it: read its manifest and verify the checksums of its files.

Only the manifest is read; the other files are hashed, but not loaded, parsed or unpacked.
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
from hybrid.files import expanded
from hybrid.pipelines.saved.contents import MANIFEST, is_plain_name, is_system_file, list_files
from hybrid.pipelines.saved.manifest import (
    MOST_BYTES,
    Manifest,
    SavedFile,
    check_number_of_files,
    parse_manifest,
    read_manifest,
)

_MOST_BYTES, _MOST_EXPANSION = 2**26, 50  # never both exceeded by the files of a model, which are mostly numbers
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Inspection:
    """The manifest of a saved model, and the faults of its files.

    Attributes
    ----------
    model : str
        Name of the model's folder or archive.
    manifest : Manifest
        The manifest.
    faults : dict of str to str
        The fault of each damaged, missing or unlisted file, by its name. Empty if every file is as it was saved and
        there are no others.
    """

    model: str
    manifest: Manifest
    faults: dict[str, str]

    def check(self) -> None:
        """Raise `InputError` with the first fault, if there is one."""
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
        The model's folder, or a .zip file of it.

    Returns
    -------
    Inspection
        The manifest and the faults that were found.

    Raises
    ------
    InputError
        If there is no saved model, its manifest was changed, or this version of hybrid cannot read it.
    """
    path = expanded(path).absolute()
    if not path.is_file():
        return _inspect(read_manifest(path), _Folder(path))
    with open_archive(path) as contents:
        return contents.inspect()


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator["ModelArchive"]:
    """Open the .zip file of a saved model.

    Raises
    ------
    InputError
        If the file is not the .zip file of a saved model, or cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield ModelArchive(archive, path)
    except InputError:
        raise
    except _FAULTS as error:
        raise InputError(
            f"{str(path)!r} is not the .zip file of a saved model, or is damaged ({reason_of(error)}): copy it again."
        ) from error


class _Folder:
    """The files of a model's folder."""

    def __init__(self, path: Path):
        self.model, self._path = path.name, path

    def names(self) -> list[str]:
        return list_files(self._path)

    def fault(self, name: str) -> str:
        """Return why a file must not be opened; "" if it may be opened."""
        path = self._path / name
        inside = path.resolve() == self._path.resolve() / name
        return "" if inside and path.is_file() else "it is not a regular file"

    def size(self, name: str) -> int:
        return (self._path / name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")


class ModelArchive:
    """The files of a .zip file of a model, packed with or without the model's folder."""

    def __init__(self, archive: zipfile.ZipFile, path: Path):
        self.model, self._archive, self._path = path.stem, archive, path
        members = [info for info in archive.infolist() if not info.is_dir()]
        check_number_of_files(self.model, len(members))
        names = [info.filename for info in members]
        manifests = [name for name in names if name.split("/")[-1] == MANIFEST and name.count("/") < 2]
        if len(manifests) != 1:
            raise InputError(
                f"{str(path)!r} is not the .zip file of a saved model: expected one {MANIFEST}, found {len(manifests)}."
            )
        prefix = manifests[0].removesuffix(MANIFEST)
        self._has_duplicates = len(set(names)) < len(names)
        self._members = {self._relative_name(info.filename, prefix): info for info in members}

    @staticmethod
    def _relative_name(name: str, prefix: str) -> str:
        return name.removeprefix(prefix) if name.startswith(prefix) else f"../{name}"

    def inspect(self) -> Inspection:
        """Read the manifest and hash the files, as :func:`inspect_model` does."""
        return _inspect(parse_manifest(self._manifest(), self.model, f"{self._path}/{MANIFEST}"), self)

    def _manifest(self) -> bytes:
        fault = self.fault(MANIFEST) or (self.size(MANIFEST) > MOST_BYTES and f"it has {self.size(MANIFEST):,} bytes")
        if fault:
            raise InputError(f"The {MANIFEST} of model {self.model!r} cannot be read: {fault}.")
        return self._archive.read(self._members[MANIFEST])

    def names(self) -> list[str]:
        """Return the names of the model's files except the manifest."""
        return [name for name in self._members if name != MANIFEST]

    def fault(self, name: str) -> str:
        """Return why a file must not be opened; "" if it may be opened."""
        info = self._members[name]
        if self._has_duplicates:
            return "the archive has two files with the same name"
        if info.flag_bits & 1:
            return "it is encrypted"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return "its compression method is not supported"
        if info.file_size > max(_MOST_BYTES, _MOST_EXPANSION * info.compress_size):
            return f"its {info.compress_size:,} bytes would be unpacked to {info.file_size:,}"
        kind = stat.S_IFMT(info.external_attr >> 16)
        return "" if kind in (0, stat.S_IFREG) else "it is not a regular file"

    def size(self, name: str) -> int:
        """Return the unpacked size of a file in bytes, as the archive states it."""
        return self._members[name].file_size

    def open(self, name: str) -> IO[bytes]:
        """Open a file; it is unpacked while it is read."""
        return self._archive.open(self._members[name])


def _inspect(manifest: Manifest, contents: _Folder | ModelArchive) -> Inspection:
    check_number_of_files(contents.model, len(contents.names()))
    if manifest.extractors:
        from hybrid.pipelines.saved.extractor import check_extractor  # imports Pillow

        for record in manifest.extractors:
            check_extractor(record, contents.model, manifest.files)
    return Inspection(contents.model, manifest, dict(_faults(manifest.files, contents)))


def _faults(files: dict[str, SavedFile], contents: _Folder | ModelArchive) -> Iterator[tuple[str, str]]:
    present = set(contents.names())
    for name, record in files.items():
        if fault := _fault(name, record, present, contents):
            yield name, fault
    for name in sorted(present):
        if name not in files and not is_system_file(name):
            yield name, "the manifest does not list it"


def _fault(name: str, record: SavedFile, present: set[str], contents: _Folder | ModelArchive) -> str:
    if not is_plain_name(name):
        return "it is not a plain path inside the model"
    if name not in present:
        return "it is missing"
    if fault := contents.fault(name):
        return fault
    if contents.size(name) != record.size:
        return f"it has {contents.size(name)} bytes, expected {record.size}"
    try:
        with contextlib.closing(contents.open(name)) as file:
            unchanged = hashlib.file_digest(file, "sha256").hexdigest() == record.sha256  # type: ignore[arg-type]
    except _FAULTS as error:
        return f"it cannot be read: {reason_of(error)}"
    return "" if unchanged else "it does not match its checksum"
