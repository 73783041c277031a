"""Seconds and peak memory to list a folder of many small files, hash them, and find their embeddings in the store.

    python benchmarks/many_files.py [FILES …] [--folder FOLDER]

By default, there are runs with 100,000 and 1,000,000 files of about 100 bytes. Each file is a PNG of 4×4 pixels, with
a number after its end. The files are in six folders, for two classes and three splits, inside FOLDER, and are removed
at the end: a million of them take 4 GB and a million inodes. Their embeddings, of width 16, are written into a store
first, so that no network runs.
"""

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from machine import peak_bytes, save, seconds
from PIL import Image

from hybrid.datasets import Dataset, load_dataset
from hybrid.extractors.extraction import extract
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import Extraction, ImageSource
from hybrid.extractors.runtimes.base import Runtime
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore

IDENTITY = Identity({"made": "rows of a benchmark", "size": [4, 4], "channels": 3, "interpolation": "bilinear"}, (16,))
FOLDERS = [f"{split}/{name}" for split in ("train", "val", "test") for name in ("benign", "malignant")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    results: dict[str, dict[str, float]] = {}
    for count in given.files:
        folder = Path(tempfile.mkdtemp(dir=given.folder))
        try:
            made = seconds(lambda folder=folder, count=count: make(folder, count))
            command = [sys.executable, __file__, "--measure", str(folder)]
            results[f"{count}"] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        finally:
            shutil.rmtree(folder)
        print(f"{count:,} files (made in {made:.0f} s): {results[f'{count}']}", flush=True)
    save("many_files", {"files": results})


def make(folder: Path, count: int) -> None:
    """Write the files, and their embeddings into a store."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    parts = [folder / "pictures" / one for one in FOLDERS]
    for part in parts:
        part.mkdir(parents=True)
    store, keys = EmbeddingStore(folder / "cache", IDENTITY), []
    for number in range(count):
        data = buffer.getvalue() + number.to_bytes(8, "little")
        (parts[number % len(parts)] / f"{number:08}.png").write_bytes(data)
        keys.append(hashlib.sha256(data).digest())
        if len(keys) == 1024 or number == count - 1:
            array = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32)
            store.append(array, np.zeros((len(keys), 16), np.float32))
            keys = []


def measure(folder: Path) -> dict[str, float]:
    """Return seconds and peak memory of this process."""
    found: dict[str, Any] = {}

    def listed() -> Dataset:
        return found.setdefault("dataset", load_dataset(folder / "pictures"))

    def extracted() -> Extraction:
        source, stores = ImageSource(listed().X), [EmbeddingStore(folder / "cache", IDENTITY)]
        return found.setdefault("done", extract(source, stores, FileDigests(), no_network)[0])

    results = {"before, MB": peak_bytes() / 1e6, "list, s": seconds(listed), "after the list, MB": peak_bytes() / 1e6}
    results |= {"hash and look up, s": seconds(extracted), "in the end, MB": peak_bytes() / 1e6}
    assert found["done"].cached == len(found["dataset"])
    return {name: round(value, 2) for name, value in results.items()}


def no_network(numbers: list[int]) -> Runtime:
    raise AssertionError("an embedding is not in the store")


if __name__ == "__main__":
    main()
