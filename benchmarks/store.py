"""Times of the embedding store and of `numpy.load` of one flat file: opening, looking up rows, and reading all rows.

    python benchmarks/store.py [ROWS …] [--folder FOLDER]

By default there are 100,000 and 5,000,000 synthetic rows of width 512. The latter need 11 GB of memory and 22 GB in
FOLDER, which are removed at the end. Times are medians of five, except for operations that can be measured only once,
such as the first look-up, which also verifies the checksums of the shards that it reads.
"""

import argparse
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import save, seconds

from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.shards import forget_verified
from hybrid.extractors.store.store import EmbeddingStore

WIDTH = 512
SHARD = 1024
IDENTITY = Identity({"made": "rows of a benchmark"}, (WIDTH,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[100_000, 5_000_000])
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    for rows in given.rows:
        folder = Path(tempfile.mkdtemp(dir=given.folder))
        try:
            results[f"{rows}"] = measure(rows, folder)
        finally:
            shutil.rmtree(folder)
        for name, value in results[f"{rows}"].items():
            print(f"{rows:>9,} × {WIDTH}  {name:45s} {value:10.4f} s", flush=True)
    save("store", {"width": WIDTH, "seconds": results})


def measure(rows: int, folder: Path) -> dict[str, float]:
    keys = make_files(rows, folder)
    rng = np.random.default_rng(1)
    picks = [rng.choice(rows, 1000, replace=False) for _ in range(6)]
    times: dict[str, float] = {}
    times["store: first opening, which writes the index"] = seconds(lambda: opened(folder))
    times["store: opening"] = median(lambda: opened(folder))
    forget_verified()
    store = opened(folder)
    times["store: 1,000 rows, first in a process"] = seconds(lambda: store.gather(keys[picks[0]]))
    times["store: the same 1,000 rows, warm"] = median(lambda: store.gather(keys[picks[0]]))
    times["store: all checksums"] = seconds(lambda: store.contains(keys))
    times["store: other 1,000 rows, checksums known"] = statistics.median(
        seconds(lambda pick=pick: store.gather(keys[pick])) for pick in picks[1:]
    )
    times["store: all rows"] = median(lambda: store.gather(keys), 5 if rows < 10**6 else 1)
    assert np.array_equal(store.gather(keys[:2000]), np.load(folder / "flat.npy", mmap_mode="r")[:2000])
    shutil.rmtree(folder / "embeddings")
    flat = folder / "flat.npy"
    times["numpy.load, mapped: 1,000 rows"] = median(lambda: np.load(flat, mmap_mode="r")[picks[0]])
    times["numpy.load: all rows"] = median(lambda: np.load(flat), 5 if rows < 10**6 else 1)
    return times


def make_files(rows: int, folder: Path) -> np.ndarray:
    """Write the same rows to a store and to one flat file. Return the keys as an array of shape (rows, 32)."""
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 2**64, (rows, 4), np.uint64).view(np.uint8)
    flat = np.lib.format.open_memmap(folder / "flat.npy", mode="w+", dtype=np.float32, shape=(rows, WIDTH))
    store, sync = EmbeddingStore(folder, IDENTITY), os.fsync
    os.fsync = lambda handle: None  # the data need not survive a crash
    try:
        for start in range(0, rows, SHARD):
            part = rng.random((min(SHARD, rows - start), WIDTH), np.float32)
            store.append(keys[start : start + SHARD], part)
            flat[start : start + SHARD] = part
    finally:
        os.fsync = sync
    return keys


def opened(folder: Path) -> EmbeddingStore:
    store = EmbeddingStore(folder, IDENTITY)
    store.contains(np.empty((0, 32), np.uint8))
    return store


def median(run: Callable[[], Any], repeats: int = 5) -> float:
    return statistics.median(seconds(run) for _ in range(repeats))


if __name__ == "__main__":
    main()
