"""Merge the small shards of a store, and leave out rows that are there twice, while others read and write it.

Merged rows are committed before the old shards are removed, so every row exists at any moment. A reader that still
refers to a removed shard looks again (`hybrid.extractors.store.store`). Two concurrent merges make duplicates and lose
nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid.extractors.store.index import Index, commit_records, read_shards
from hybrid.extractors.store.shards import Shard, full_shard, remove_shard, write_shard


@dataclass(frozen=True)
class Compaction:
    """What can be merged.

    Attributes
    ----------
    shards : list of Shard
        Small ones, and such as hold rows that others hold.
    keys : list of ndarray of uint8, (n, 32)
        The keys of each that no other shard holds.
    rows : list of ndarray, (n,)
        Their rows.
    repeated : int
        Rows that go.
    """

    shards: list[Shard]
    keys: list[np.ndarray]
    rows: list[np.ndarray]
    repeated: int


def plan_compaction(folder: Path, width: int) -> Compaction | None:
    """Return what can be merged in the folder of an extractor, None if nothing is gained.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    records = [folder / f"{name}.json" for name in sorted(commit_records(folder))]
    shards, keys = read_shards(records, width, lambda record, error: None)
    ends = np.cumsum([shard.rows for shard in shards])
    order = sorted(range(len(shards)), key=lambda number: -shards[number].rows)  # the large ones keep their rows
    parts = [keys[ends[number] - shards[number].rows : ends[number]] for number in order]
    shards = [shards[number] for number in order]
    if not shards:
        return None
    new = np.ones(len(keys), bool)
    new[Index.of(shards, np.concatenate(parts)).repeated()] = False
    masks = np.split(new, np.cumsum([shard.rows for shard in shards])[:-1])
    full = full_shard(width)
    chosen = [
        (shard, part, mask)
        for shard, part, mask in zip(shards, parts, masks, strict=True)
        if 2 * shard.rows < full or not mask.all()
    ]
    repeated = sum(int((~mask).sum()) for _, _, mask in chosen)
    kept = sum(shard.rows for shard, _, _ in chosen) - repeated
    if not repeated and len(chosen) <= -(-kept // full):
        return None
    return Compaction(
        [shard for shard, _, _ in chosen],
        [part[mask] for _, part, mask in chosen],
        [np.flatnonzero(mask) for _, _, mask in chosen],
        repeated,
    )


def compact(folder: Path, width: int, plan: Compaction) -> None:
    """Do what was planned.

    Raises
    ------
    InputError
        If the folder cannot be written; all rows are still there then.
    DamagedShardError
        If a shard is damaged; all other rows are still there then.
    """
    full = full_shard(width)
    keys, rows = np.empty((0, 32), np.uint8), np.empty((0, width), np.float32)
    for shard, shard_keys, numbers in zip(plan.shards, plan.keys, plan.rows, strict=True):
        more = np.empty((len(numbers), width), np.float32)
        shard.read(numbers, more, np.arange(len(numbers)))
        keys, rows = np.concatenate([keys, shard_keys]), np.concatenate([rows, more])
        while len(keys) >= full:
            write_shard(folder, keys[:full], rows[:full])
            keys, rows = keys[full:], rows[full:]
    if len(keys):
        write_shard(folder, keys, rows)
    for shard in plan.shards:
        remove_shard(shard.stem)
