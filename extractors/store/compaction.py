"""Merge the small shards of a store and remove duplicate rows, while other processes read and write it.

The merged shards are committed before the old ones are removed, so every row exists at any moment. A reader that still
refers to a removed shard looks its rows up again (`hybrid.extractors.store.store`). Two concurrent merges create
duplicates but lose nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybrid.extractors.store.cost import SpansOfRows
from hybrid.extractors.store.index import Index, commit_records, read_shards
from hybrid.extractors.store.shards import Shard, full_shard, remove_shard, write_rows


@dataclass(frozen=True)
class Compaction:
    """A plan of the shards to merge.

    Attributes
    ----------
    shards : list of Shard
        The shards to replace: small ones, and those with duplicate rows.
    keys : list of ndarray of uint8, (n, 32)
        For each shard, the keys to keep.
    rows : list of ndarray of int, (n,)
        For each shard, the row numbers of these keys.
    repeated : int
        Number of duplicate rows, which are removed.
    """

    shards: list[Shard]
    keys: list[np.ndarray]
    rows: list[np.ndarray]
    repeated: int


def plan_compaction(folder: Path, width: int) -> Compaction | None:
    """Return the plan for merging the shards of an extractor, or None if merging would gain nothing.

    Parameters
    ----------
    folder : Path
        The extractor's folder in the store.
    width : int
        Number of values in a row.

    Returns
    -------
    Compaction or None

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    records = [folder / f"{name}.json" for name in sorted(commit_records(folder))]
    shards, keys = read_shards(records, width, lambda record, error: None)
    ends = np.cumsum([shard.rows for shard in shards])
    order = sorted(
        range(len(shards)), key=lambda number: -shards[number].rows
    )  # of duplicates, the largest shard's stays
    parts = [keys[ends[number] - shards[number].rows : ends[number]] for number in order]
    shards = [shards[number] for number in order]
    if not shards:
        return None
    is_first = np.ones(len(keys), bool)
    is_first[Index.of(shards, np.concatenate(parts)).repeated()] = False
    masks = np.split(is_first, np.cumsum([shard.rows for shard in shards])[:-1])
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
    """Merge shards as planned by :func:`plan_compaction`.

    Raises
    ------
    InputError
        If the folder cannot be written. No row is lost.
    DamagedShardError
        If a shard is damaged. No row of another shard is lost.
    """
    full, spans = full_shard(width), SpansOfRows()
    keys, rows = np.empty((0, 32), np.uint8), np.empty((0, width), np.float32)
    for shard, shard_keys, numbers in zip(plan.shards, plan.keys, plan.rows, strict=True):
        shard_rows = np.empty((len(numbers), width), np.float32)
        shard.read(numbers, shard_rows, np.arange(len(numbers)))
        keys, rows = np.concatenate([keys, shard_keys]), np.concatenate([rows, shard_rows])
        spans += SpansOfRows.of_shard(shard.spans(), shard.rows)[numbers]
        while len(keys) >= full:
            write_rows(folder, keys[:full], rows[:full]).commit(spans[:full].runs())
            keys, rows, spans = keys[full:], rows[full:], spans[full:]
    if len(keys):
        write_rows(folder, keys, rows).commit(spans.runs())
    for shard in plan.shards:
        remove_shard(shard.stem)
