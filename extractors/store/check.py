"""Find damaged files in the cache folder, and files that interrupted writers left behind."""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hybrid.errors import InputError
from hybrid.extractors.store.identity import Identity, fingerprint
from hybrid.extractors.store.index import INDEX_NAME, Index, commit_records
from hybrid.extractors.store.remote import remote_of
from hybrid.extractors.store.shards import DamagedShardError, forget_verified, read_shard
from hybrid.files import file_digest, is_abandoned, read_json

DEAD_AFTER = 3600.0  # seconds; a writer commits within minutes, so older uncommitted files have no living writer
_SHARD_FILE = re.compile(r"([0-9a-f]{32})\.(npy|keys|damaged)")


@dataclass(frozen=True)
class Damage:
    """A damaged or leftover file or folder in the cache folder.

    Attributes
    ----------
    path : Path
        The file or folder that messages name.
    reason : str
        What is wrong with it.
    remove : tuple of Path
        The files and folders to remove; empty if removing them would not help.
    """

    path: Path
    reason: str
    remove: tuple[Path, ...]


def find_damage(cache: Path) -> Iterator[Damage]:
    """Compare every file in a cache folder with its checksum, and yield the damage.

    All damage can be repaired: embeddings by extracting again, other files are created again automatically. In a folder
    that mirrors a remote store, rows may be missing, because they are fetched when they are read.
    """
    forget_verified()
    is_mirror = remote_of(cache) is not None
    for folder in store_folders(cache):
        for name in sorted(commit_records(folder)):
            if not is_mirror or (folder / f"{name}.npy").exists():
                yield from _check_shard(folder / name)
        yield from _check_identity(folder / "identity.json")
        yield from _check_index(folder / INDEX_NAME, folder / "identity.json")
        for record in sorted(folder.glob("*.damaged")):
            yield Damage(record.with_suffix(".npy"), "was found damaged earlier", _files(record.with_suffix("")))
    for record in sorted((cache / "extractors").glob("[0-9a-f]*.json")):
        yield from _check_extractor_record(record)
    for folder in sorted((cache / "graphs").glob("[0-9a-f]*")):
        yield from _check_graph(folder)


def find_leftovers(cache: Path) -> Iterator[Damage]:
    """Yield temporary files and shards without a commit record whose writers were interrupted, and a former file."""
    limit = time.time() - DEAD_AFTER
    digests = cache / "digests.sqlite"
    if os.path.lexists(digests):
        yield Damage(digests, "written by version 0.1.0, no longer used", (digests,))
    for pattern in ("embeddings/.tmp-*", "embeddings/*/.tmp-*", "extractors/.tmp-*", "graphs/.tmp-*"):
        for path in sorted(cache.glob(pattern)):
            if is_abandoned(path):
                yield Damage(path, "temporary file of an interrupted writer", (path,))
    for folder in store_folders(cache):
        names = {path.name for path in folder.iterdir()}
        stems = {match[1] for match in map(_SHARD_FILE.fullmatch, names) if match}
        for stem in sorted(stems):
            files = _files(folder / stem)
            if not {f"{stem}.json", f"{stem}.damaged"} & names and all(_modified_before(path, limit) for path in files):
                yield Damage(files[0], "no commit record, because its writer was interrupted", files)


def store_folders(cache: Path) -> list[Path]:
    """Return the folders of all extractors that have embeddings in a cache folder.

    Raises
    ------
    InputError
        If the cache folder cannot be read.
    """
    root = cache / "embeddings"
    try:
        return sorted(path for path in root.iterdir() if re.fullmatch(r"[0-9a-f]{64}", path.name) and path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(
            f"The cache folder {str(root)!r} cannot be read ({error.strerror}). Check its permissions and its disk."
        ) from error


def find_remote_damage(cache: Path) -> Iterator[Damage]:
    """Compare every shard of the store that a cache folder mirrors with its checksums, and yield the damage.

    Nothing can be removed, because what is at an address is never changed. Extracting again writes new shards.
    """
    remote = remote_of(cache)
    for path, reason in remote.damage() if remote else ():
        yield Damage(path, reason, ())


def _check_shard(stem: Path) -> Iterator[Damage]:
    try:
        read_shard(stem.with_suffix(".json"))[0].check()
    except DamagedShardError as error:
        yield Damage(stem.with_suffix(".npy"), str(error), _files(stem))
    except InputError as error:
        yield Damage(stem.with_suffix(".npy"), str(error), ())


def _check_identity(path: Path) -> Iterator[Damage]:
    try:
        identity = Identity.from_dict(read_json(path))
        if identity.fingerprint != path.parent.name:
            yield Damage(path, "does not match its folder's fingerprint", (path,))
    except (InputError, KeyError, TypeError) as error:
        if path.exists():
            yield Damage(path, str(error), (path,))


def _check_index(path: Path, identity: Path) -> Iterator[Damage]:
    with contextlib.suppress(InputError, KeyError, TypeError):
        if path.exists() and Index.load(path, Identity.from_dict(read_json(identity)).width) is None:
            yield Damage(path, "does not match its checksum (it is created again automatically)", (path,))


def _check_extractor_record(path: Path) -> Iterator[Damage]:
    try:
        record = read_json(path)
        Identity.from_dict(record["identity"])
        if fingerprint(record["request"]) != path.stem:
            yield Damage(path, "does not match its name (it is created again automatically)", (path,))
    except (InputError, KeyError, TypeError) as error:
        yield Damage(path, f"is not a record of an extractor ({error})", (path,))


def _check_graph(folder: Path) -> Iterator[Damage]:
    try:
        record = read_json(folder / "graph.json")
        wrong = [name for name, digest in record["sha256"].items() if file_digest(folder / Path(name).name) != digest]
        if wrong or record["fingerprint"] != folder.name:
            yield Damage(folder, f"{', '.join(wrong) or 'graph.json'} does not match its checksum", (folder,))
    except (InputError, OSError, KeyError, TypeError, AttributeError) as error:
        yield Damage(folder, f"is not an exported graph ({error})", (folder,))


def _files(stem: Path) -> tuple[Path, ...]:
    return tuple(
        path for suffix in (".json", ".damaged", ".keys", ".npy") if (path := stem.with_suffix(suffix)).exists()
    )


def _modified_before(path: Path, limit: float) -> bool:
    try:
        return path.stat().st_mtime < limit
    except OSError:
        return False
