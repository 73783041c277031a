"""Datasets at an address such as ``s3://bucket/pictures``: their files are copied to this machine, and read there.

The copies are in a folder for each address. A copy counts if its size and its time are as they were when it was made,
and its object has the same stamp (its version, or its ETag) in the listing; otherwise the object is fetched again. What
an image is called decides nothing: its embedding belongs to the digest of its content.
"""

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import wraps
from pathlib import PurePosixPath
from typing import Any, ParamSpec

from hybrid.datasets.dataset import Dataset
from hybrid.datasets.readers.table import is_csv, is_parquet, read_csv, read_parquet
from hybrid.errors import InputError
from hybrid.extractors.store.remote import mirror_folder
from hybrid.files import cannot_write, read_json, write_json
from hybrid.files.object_store import ObjectEntry, checked_address, is_address, open_objects
from hybrid.files.temporary import temporary_file
from hybrid.progress import Progress

P = ParamSpec("P")

_PATHS = ("data", "image_root", "table")  # parameters of `load_dataset` that take addresses
_FILES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".npz")  # an address that ends so is that of one file
_THREADS = 16
_RECORD = "copies.json"


def reading_copies(load: Callable[P, Dataset]) -> Callable[P, Dataset]:
    """Decorate `load_dataset` so that it accepts addresses in place of paths.

    What is at the addresses `data`, `image_root` and `table` is copied to this machine, as far as it is not here. Of a
    manifest, only those files are copied that it names. Messages and the arguments of the dataset name the addresses.
    """

    @wraps(load)
    def loading(*args: P.args, **options: P.kwargs) -> Dataset:
        given: dict[str, Any] = ({"data": args[0]} if args else {}) | options
        addresses = {name: checked_address(given[name]) for name in _PATHS if is_address(given.get(name, ""))}
        if not addresses:
            return load(*args, **options)
        local = _local_paths(given, addresses)
        changed: Any = given | local
        try:
            dataset = load(changed.pop("data"), **changed)
        except InputError as error:
            if type(error) is not InputError:
                raise
            raise InputError(_named(str(error), local, addresses)) from error
        notes = tuple(_named(note, local, addresses) for note in dataset.notes)
        arguments = (dataset.arguments or {}) | addresses
        return replace(dataset, source=addresses.get("data", dataset.source), notes=notes, arguments=arguments)

    return loading


def _local_paths(given: dict[str, Any], addresses: dict[str, str]) -> dict[str, str]:
    """Copy what is at some addresses to this machine, and return the paths of the copies."""
    progress, root = given.get("progress"), given.get("image_root")
    local = {}
    for name in addresses.keys() & {"data", "table"}:
        address = addresses[name]
        if PurePosixPath(address).suffix.lower() in _FILES:
            folder, _, file = address.rpartition("/")
            copies = _Copies(folder)
            local[name] = f"{copies.fetch([file])}/{file}"
            if name == "data" and root is None and _is_table(local[name]):
                copies.fetch(copies.named_by(_names(local[name])), progress)
        else:
            copies = _Copies(address)
            local[name] = copies.fetch(list(copies.listing), progress)
    if "image_root" in addresses:
        copies, table = _Copies(addresses["image_root"]), str(local.get("data", given["data"]))
        local["image_root"] = copies.fetch(copies.named_by(_names(table)) if _is_table(table) else [], progress)
    return local


def _named(text: str, local: dict[str, str], addresses: dict[str, str]) -> str:
    """Return a text with addresses in place of the paths of copies."""
    for name, path in local.items():
        text = text.replace(path, addresses[name]).replace(
            path.rpartition("/")[0], addresses[name].rpartition("/")[0].rstrip("/")
        )
    return text


class _Copies:
    """The copies of the objects below an address."""

    def __init__(self, address: str):
        self.address, self.objects = address, open_objects(address)
        self.mirror = mirror_folder(address)
        self.folder = self.mirror.joinpath("files", *address.partition("://")[2].split("/"))
        self.listing = _files(self.objects.list(), address)
        if not self.listing:
            raise InputError(f"There is nothing at {address!r}: check the address.")
        self.record: dict[str, list[Any]] = {}
        if (self.mirror / _RECORD).exists():
            self.record = read_json(self.mirror / _RECORD)
        for name in self.record.keys() - self.listing.keys():  # removed at the address
            (self.folder / name).unlink(missing_ok=True)
            del self.record[name]

    def named_by(self, names: Collection[str]) -> list[str]:
        """Return the objects whose file name, with or without its suffix, is one of some names."""
        return [one for one in self.listing if {_folded(_base(one)), _folded(PurePosixPath(one).stem)} & set(names)]

    def fetch(self, names: Collection[str], progress: Progress | None = None) -> str:
        """Copy the objects with these names, unless they are here unchanged, and return the folder of the copies."""
        for name in names:
            if name not in self.listing:
                raise InputError(f"There is no object {f'{self.address}/{name}'!r}: check the address.")
        waiting = [name for name in names if self._copied(name) != self.record.get(name, [])]
        try:
            with ThreadPoolExecutor(_THREADS) as pool:
                try:
                    for done, (name, _) in enumerate(zip(waiting, pool.map(self._fetch, waiting), strict=True), 1):
                        self.record[name] = self._copied(name) or []
                        if progress:
                            progress(done, len(waiting))
                finally:
                    pool.shutdown(cancel_futures=True)
        finally:  # what was copied need not be copied again
            write_json(self.mirror / _RECORD, self.record)
        return str(self.folder)

    def _copied(self, name: str) -> list[Any] | None:
        """Return what identifies an object and its copy; None if there is no copy of its size."""
        entry: ObjectEntry = self.listing[name]
        try:
            found = os.stat(self.folder / name)  # noqa: PTH116 - called in a loop
        except OSError:
            return None
        return [entry.stamp, found.st_size, found.st_mtime_ns] if found.st_size == entry.size else None

    def _fetch(self, name: str) -> None:
        data, path = self.objects.get(name), self.folder / name
        if len(data) != self.listing[name].size:
            raise InputError(f"{f'{self.address}/{name}'!r} changed while it was copied: run the same command again.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary_file(path.parent) as (temporary, file):
                file.write(data)
                file.close()
                temporary.replace(path)
        except OSError as error:
            raise cannot_write(path, error) from error


def _is_table(path: str) -> bool:
    return is_parquet(path) or is_csv(path)


def _names(path: str) -> set[str]:
    """Return the file names of all texts in a table, and these without their suffixes."""
    columns = (read_parquet if is_parquet(path) else read_csv)(path)
    return {name for cells in columns.values() for cell in cells if cell is not None for name in _forms(str(cell))}


def _forms(text: str) -> Iterator[str]:
    name = _base(text.replace("\\", "/"))
    yield _folded(name)
    yield _folded(PurePosixPath(name).stem)


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _folded(name: str) -> str:
    return name.casefold()


def _files(listing: dict[str, ObjectEntry], address: str) -> dict[str, ObjectEntry]:
    """Return the objects that are files, and not the marks of folders; refuse names that lead out of the folder."""
    for name in listing:
        if ".." in name.split("/") or "\\" in name or "\0" in name:
            raise InputError(f"The object {name!r} at {address!r} has a name that no file may have: rename it.")
    folders = {str(parent) for name in listing for parent in PurePosixPath(name).parents}
    return {
        name: entry
        for name, entry in listing.items()
        if name not in folders and (entry.size or PurePosixPath(name).suffix)
    }
