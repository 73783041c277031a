"""A store at an address such as ``s3://bucket/prefix``, and the folder on this machine that mirrors it.

The objects have the names that the files of a store have, so a store that is copied into a folder is a store as well.
Objects are immutable: each is written once, by a conditional write, and nothing is ever replaced or removed. As on a
disk, the commit record of a shard is written last. The mirror is an ordinary cache folder, which gets

- the commit record and the keys of each shard in a listing, from which the index of the store is made;
- the rows of a shard when they are first read, after they were compared with their checksum;
- every shard that this machine writes, after it was committed at the address.

A listing that is out of date only lacks rows, which are then computed again, or names objects that are gone.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import platformdirs

from hybrid.errors import InputError
from hybrid.extractors.store.cost import Span
from hybrid.extractors.store.shards import RECORD_NAME, DamagedShardError, Shard, WrittenShard, read_shard
from hybrid.files import expanded, json_bytes, parse_json, read_json, write_atomic, write_json
from hybrid.files.object_store import MissingObjectError, ObjectEntry, checked_address, open_objects

A = TypeVar("A")
B = TypeVar("B")

_ADDRESS_FILE = "address.json"
_THREADS = 16  # requests at a time
_ENDPOINTS = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_ENDPOINT_URL_S3", "GOOGLE_BASE_URL", "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT", "AZURE_STORAGE_ACCOUNT_NAME",
)  # fmt: skip


def mirror_folder(address: str) -> Path:
    """Return the folder that mirrors what is at an address; it is made, with a file that names the address.

    It is in ``HYBRID_MIRROR``, or in the user's own cache folder. The same address at another endpoint has another
    folder.

    Raises
    ------
    InputError
        If the address is not valid, or the folder cannot be written.
    """
    address = checked_address(address)
    above = os.environ.get("HYBRID_MIRROR") or Path(platformdirs.user_cache_dir("hybrid")) / "mirrors"
    endpoint = [os.environ.get(name, "") for name in _ENDPOINTS]
    digest = hashlib.sha256("\n".join([address, *endpoint]).encode()).hexdigest()
    folder = expanded(above) / f"{re.sub('[^A-Za-z0-9]+', '-', address)[:60]}-{digest[:12]}"
    if not (folder / _ADDRESS_FILE).exists():
        write_json(folder / _ADDRESS_FILE, {"address": address})
    return folder


def remote_of(cache: Path) -> "Remote | None":
    """Return the remote store that a cache folder mirrors; None if it is a folder of its own."""
    path = cache / _ADDRESS_FILE
    return Remote(cache, str(read_json(path)["address"])) if path.exists() else None


class Remote:
    """A store at an address, and its mirror.

    Parameters
    ----------
    mirror : Path
        The folder that mirrors it.
    address : str
    """

    def __init__(self, mirror: Path, address: str):
        self.mirror, self.address = mirror, address

    def pull(self, path: Path) -> None:
        """Fetch a file of the mirror if it exists at the address and not yet here."""
        if not path.exists():
            try:
                data = open_objects(self.address).get(self._name(path))
            except MissingObjectError:
                return
            write_atomic(path, lambda file: file.write(data))

    def push(self, path: Path) -> None:
        """Write a file of the mirror to the address unless there is one."""
        open_objects(self.address).put_new(self._name(path), path.read_bytes())

    def fold(self, folder: Path, report: Callable[[Path, Exception], object]) -> None:
        """List the shards of an extractor and fetch the commit records and the keys of those that are new here.

        Parameters
        ----------
        folder : Path
            The extractor's folder in the mirror.
        report : callable
            Called with the commit record of a shard whose rows were not written completely, and the error.
        """
        self._fold(folder, open_objects(self.address).list(self._name(folder)), report)

    def fold_all(self) -> dict[str, int]:
        """Do the same for all extractors, and return the bytes that each has at the address by its fingerprint."""
        by_folder: dict[str, dict[str, ObjectEntry]] = {}
        for name, entry in open_objects(self.address).list("embeddings").items():
            fingerprint, _, file = name.partition("/")
            if re.fullmatch(r"[0-9a-f]{64}", fingerprint):
                by_folder.setdefault(fingerprint, {})[file] = entry
        for fingerprint, listing in by_folder.items():
            self._fold(self.mirror / "embeddings" / fingerprint, listing, lambda record, error: None)
        for name in open_objects(self.address).list("extractors"):
            if re.fullmatch(r"[0-9a-f]{64}\.json", name):
                self.pull(self.mirror / "extractors" / name)
        return {name: sum(entry.size for entry in listing.values()) for name, listing in by_folder.items()}

    def _fold(self, folder: Path, listing: dict[str, ObjectEntry], report: Callable[[Path, Exception], object]) -> None:
        here = set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 - there may be many
        stems = [name[:-5] for name in listing if RECORD_NAME.fullmatch(name)]
        new = [stem for stem in stems if not {f"{stem}.json", f"{stem}.damaged"} & here]
        if "identity.json" in listing:
            self.pull(folder / "identity.json")
        for record, error in _in_threads(lambda stem: self._fetch_record(folder / stem, listing), new):
            if error:
                report(record, error)

    def _fetch_record(self, stem: Path, listing: dict[str, ObjectEntry]) -> tuple[Path, Exception | None]:
        """Fetch the keys and the commit record of a shard; return why its rows cannot be complete, if they are not."""
        record = stem.with_suffix(".json")
        try:
            self.pull(stem.with_suffix(".keys"))
            self.pull(record)
            if not record.exists():  # removed since the listing
                return record, None
            shard, _ = read_shard(record)
        except DamagedShardError as error:
            return record, error
        rows = listing.get(f"{stem.name}.npy")
        if rows is not None and rows.size <= 4 * shard.rows * shard.width:
            return record, DamagedShardError(f"{stem.name}.npy holds {rows.size} bytes, which is too few")
        return record, None

    def check(self, shards: Sequence[Shard], to_read: bool) -> list[tuple[Shard, DamagedShardError]]:
        """Compare the rows of shards with their checksums, and return those that are damaged.

        A damaged copy on this machine is removed and fetched again.

        Parameters
        ----------
        shards : sequence of Shard
        to_read : bool
            Whether rows that are not here are fetched. Otherwise they count as undamaged.
        """
        waiting = [shard for shard in shards if not shard.is_verified]
        return [found for found in _in_threads(lambda shard: self._check(shard, to_read), waiting) if found]

    def _check(self, shard: Shard, to_read: bool) -> tuple[Shard, DamagedShardError] | None:
        path = Path(f"{shard.stem}.npy")
        if path.exists():
            try:
                shard.check()
                return None
            except DamagedShardError:
                path.unlink(missing_ok=True)
        try:
            if to_read:
                self._fetch_rows(shard, path)
        except DamagedShardError as error:
            return shard, error
        return None

    def _fetch_rows(self, shard: Shard, path: Path) -> None:
        try:
            data = open_objects(self.address).get(self._name(path))
        except MissingObjectError:
            raise DamagedShardError(f"{path.name} is missing") from None
        if hashlib.sha256(data).hexdigest() != shard.sha256:
            raise DamagedShardError(f"{path.name} does not match its checksum")
        write_atomic(path, lambda file: file.write(data))

    def commit(self, written: WrittenShard, spans: Sequence[Span]) -> None:
        """Write a shard to the address, the commit record last.

        Raises
        ------
        InputError
            If it cannot be written. The shard does not count then, neither there nor here.
        """
        for suffix in (".npy", ".keys"):
            path = written.stem.with_suffix(suffix)
            self._put(self._name(path), path.read_bytes())
        self._put(self._name(written.stem.with_suffix(".json")), json_bytes(written.record(spans)))

    def _put(self, name: str, data: bytes) -> None:
        """Write an object of a shard. If there is one already, it must be what an earlier attempt wrote."""
        objects = open_objects(self.address)
        if not objects.put_new(name, data) and objects.get(name) != data:
            raise InputError(f"'{self.address}/{name}' exists with other content; run the same command again.")

    def damage(self) -> Iterator[tuple[Path, str]]:
        """Read every shard at the address, and yield the paths of damaged ones in the mirror, with the reasons."""
        names = [name for name in open_objects(self.address).list("embeddings") if RECORD_NAME.fullmatch(_last(name))]
        for path, reason in _in_threads(lambda name: self._damage(self.mirror / "embeddings" / name), names):
            if reason:
                yield path, reason

    def _damage(self, record: Path) -> tuple[Path, str]:
        """Return the path of a damaged object of a shard, and what is wrong with it; no reason if all are intact."""
        objects = open_objects(self.address)
        try:
            text = objects.get(self._name(record))
            try:
                digests = {suffix: str(parse_json(text)["sha256"][suffix]) for suffix in (".npy", ".keys")}
            except (ValueError, KeyError, TypeError):
                return record, "is not a commit record"
            for suffix, digest in digests.items():
                if hashlib.sha256(objects.get(self._name(record.with_suffix(suffix)))).hexdigest() != digest:
                    return record.with_suffix(suffix), "does not match its checksum"
        except MissingObjectError:
            return record, "has no rows or no keys"
        return record, ""

    def _name(self, path: Path) -> str:
        return path.relative_to(self.mirror).as_posix()


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _in_threads(work: Callable[[A], B], items: Sequence[A]) -> list[B]:
    if not items:
        return []
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            return list(pool.map(work, items))
        finally:
            pool.shutdown(cancel_futures=True)
