"""Manage the cache folder: list the extractors in it, and remove extractors and garbage."""

import contextlib
import math
import re
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.extractors.store.check import Damage, find_damage, find_leftovers, store_folders
from hybrid.extractors.store.compaction import compact, plan_compaction
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.index import commit_records
from hybrid.extractors.store.remote import remote_of
from hybrid.extractors.store.shards import DamagedShardError
from hybrid.files import read_json, temporary_name

_DAY = 86400.0


@dataclass(frozen=True)
class StoredExtractor:
    """An extractor that has embeddings in the cache folder.

    Attributes
    ----------
    fingerprint : str
        The extractor's fingerprint.
    folder : Path
        The folder of its embeddings.
    identity : Identity or None
        Its identity; None if the record of it is damaged.
    backbone : str
        Name of its backbone as the user gave it; empty if unknown.
    shards, rows, bytes : int
        Numbers of committed shards and of their rows, and the size of all files in the folder.
    created, used : float
        Times of the first and the last use, in seconds since 1970.
    """

    fingerprint: str
    folder: Path
    identity: Identity | None
    backbone: str
    shards: int
    rows: int
    bytes: int
    created: float
    used: float

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as JSON values."""
        return {
            "fingerprint": self.fingerprint,
            "backbone": self.backbone,
            "identity": self.identity and dict(self.identity.fields),
            "width": self.identity and self.identity.width,
            "shards": self.shards,
            "rows": self.rows,
            "bytes": self.bytes,
            "created": self.created,
            "used": self.used,
        }


def list_extractors(cache: Path) -> list[StoredExtractor]:
    """Return the extractors that have embeddings in a cache folder, the most recently used first."""
    names = backbone_names(cache)
    return sorted((_describe(folder, names) for folder in store_folders(cache)), key=lambda extractor: -extractor.used)


def backbone_names(cache: Path) -> dict[str, str]:
    """Return the backbone of each extractor by its fingerprint: a name, or the first digits of a file's digest."""
    names: dict[str, str] = {}
    for path in sorted((cache / "extractors").glob("[0-9a-f]*.json")):
        with contextlib.suppress(InputError, KeyError, TypeError):
            record = read_json(path)
            names[Identity.from_dict(record["identity"]).fingerprint] = _backbone(record["request"])
    return names


def find_extractor(cache: Path, given: str) -> StoredExtractor:
    """Return the extractor whose fingerprint begins with the given digits.

    Raises
    ------
    InputError
        If no extractor, or more than one, has such a fingerprint.
    """
    known = list_extractors(cache)
    matches = [extractor for extractor in known if given and extractor.fingerprint.startswith(given.lower())]
    if len(matches) != 1:
        raise InputError(
            f"The fingerprint {given!r} was given; expected the first digits of one of "
            f"{', '.join(extractor.fingerprint[:12] for extractor in known) or 'none: the cache is empty'}."
        )
    return matches[0]


def remove_extractor(cache: Path, fingerprint: str) -> None:
    """Remove the embeddings, the exported graph and the records of an extractor.

    Raises
    ------
    InputError
        If a file cannot be removed.
    """
    for path in sorted((cache / "extractors").glob("[0-9a-f]*.json")):
        with contextlib.suppress(InputError, KeyError, TypeError):
            if Identity.from_dict(read_json(path)["identity"]).fingerprint == fingerprint:
                _remove(path)
    for folder in (cache / "embeddings" / fingerprint, cache / "graphs" / fingerprint):
        if folder.exists():
            _remove(folder)


@dataclass(frozen=True)
class Garbage:
    """Something that `hybrid cache gc` removes, or has removed.

    Attributes
    ----------
    what : str
        Path of the file or folder.
    reason : str
        Why it is removed.
    bytes : int
        Size on disk that is freed.
    """

    what: str
    reason: str
    bytes: int


def collect_garbage(
    cache: Path, *, older_than: float | None = None, keep: Collection[str] = (), dry_run: bool = False
) -> Iterator[Garbage]:
    """Remove useless files from the cache folder and yield what was removed.

    Damaged files, leftovers of interrupted writers and duplicate rows are removed, and small shards are merged. Other
    processes may read and write the cache at the same time. In a folder that mirrors a remote store, only these copies
    are removed, and no shards are merged.

    Parameters
    ----------
    cache : Path
        The cache folder.
    older_than : float, optional
        Also remove all embeddings of extractors that were not used for this many days. By default none are removed.
    keep : collection of str, default=()
        Fingerprints of extractors that `older_than` does not apply to.
    dry_run : bool, default=False
        Only yield what would be removed.

    Yields
    ------
    Garbage

    Raises
    ------
    InputError
        If a file cannot be removed or written. Everything not yielded before still exists then.
    """
    for finding in (*find_leftovers(cache), *find_damage(cache)):
        if finding.remove:
            yield _collect(finding, dry_run)
    is_mirror = remote_of(cache) is not None
    for extractor in list_extractors(cache):
        if _unused(extractor, older_than) and extractor.fingerprint not in keep:
            days = math.floor((time.time() - extractor.used) / _DAY)
            yield Garbage(str(extractor.folder), f"not used for {days} days", extractor.bytes)
            if not dry_run:
                remove_extractor(cache, extractor.fingerprint)
        elif extractor.identity is not None and not is_mirror:
            yield from _merge(extractor.folder, extractor.identity.width, dry_run)


def _unused(extractor: StoredExtractor, older_than: float | None) -> bool:
    return older_than is not None and time.time() - extractor.used > older_than * _DAY


def _merge(folder: Path, width: int, dry_run: bool) -> Iterator[Garbage]:
    plan = plan_compaction(folder, width)
    if plan is None:
        return
    if not dry_run:
        try:
            compact(folder, width, plan)
        except DamagedShardError:  # damaged since the check above; the next run removes the shard
            return
    reason = f"{len(plan.shards)} shards merged, {plan.repeated} duplicate rows removed"
    yield Garbage(str(folder), reason, plan.repeated * 4 * width)


def _collect(finding: Damage, dry_run: bool) -> Garbage:
    size = sum(_bytes(path) for path in finding.remove)
    if not dry_run:
        for path in finding.remove:
            _remove(path)
    return Garbage(str(finding.path), finding.reason, size)


def _remove(path: Path) -> None:
    """Remove a file or a folder. A folder is renamed first, so that other processes never see it half removed."""
    try:
        if path.is_dir():
            renamed = temporary_name(path.parent)
            path.rename(renamed)
            shutil.rmtree(renamed)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be removed ({error.strerror or error}). Check the permissions of its folder."
        ) from error


def _describe(folder: Path, names: dict[str, str]) -> StoredExtractor:
    identity = None
    with contextlib.suppress(InputError, KeyError, TypeError):
        identity = Identity.from_dict(read_json(folder / "identity.json"))
    rows, times = 0, []
    for name in commit_records(folder):
        record = folder / f"{name}.json"
        with contextlib.suppress(InputError, OSError, KeyError, TypeError, ValueError):
            rows += int(read_json(record)["rows"])
            times.append(record.stat().st_mtime)
    stamp = folder / "identity.json"
    used = (stamp if stamp.exists() else folder).stat().st_mtime
    return StoredExtractor(
        folder.name, folder, identity, names.get(folder.name, ""), len(times), rows, _bytes(folder),
        min(times, default=used), max([used, *times]),
    )  # fmt: skip


def _backbone(parameters: dict[str, Any]) -> str:
    name = str(parameters["backbone"])
    return f"file {name[:12]}" if re.fullmatch(r"[0-9a-f]{64}", name) else name


def _bytes(path: Path) -> int:
    """Return the size of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.lstat().st_size
    return total
