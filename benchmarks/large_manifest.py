"""Processor seconds and peak memory of reading a Parquet table, and of loading a dataset whose files it lists.

    python benchmarks/large_manifest.py [--rows 10000000] [--files 500000]

The table to read has five columns: a path, one of three labels, a split, a patient with four images, and an age. The
table of the dataset has a path, a label and a split for each image, and every file exists.
"""

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from machine import peak_bytes, save

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
FOLDERS = 97
BATCH = 500_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--files", type=int, default=500_000)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(*given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder) / "table.parquet", given.rows, True)
        results = {"read": {"rows": given.rows} | in_new_process("read", Path(folder) / "table.parquet")}
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder) / "table.parquet", given.files, False)
        write_files(Path(folder), given.files)
        results["load"] = {"rows": given.files} | in_new_process("load", Path(folder) / "table.parquet")
    print(results)
    save("large_manifest", results)


def path_of(number: int) -> str:
    return f"site-{number % FOLDERS:02d}/image_{number:08d}.png"


def write_table(path: Path, rows: int, further: bool) -> None:
    rng, writer = np.random.default_rng(0), None
    for start in range(0, rows, BATCH):
        numbers = range(start, min(rows, start + BATCH))
        columns: dict[str, Any] = {
            "path": [path_of(number) for number in numbers],
            "label": np.array(["normal", "other", "pneumonia"])[rng.integers(0, 3, len(numbers))],
            "split": np.array(["train", "val", "test"])[rng.integers(0, 3, len(numbers))],
        }
        if further:
            columns |= {
                "patient": [f"p{number // 4:07d}" for number in numbers],
                "age": rng.integers(20, 90, len(numbers)),
            }
        table = pyarrow.table(columns)
        writer = writer or pyarrow.parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer
    writer.close()


def write_files(folder: Path, count: int) -> None:
    for number in range(FOLDERS):
        (folder / path_of(number)).parent.mkdir()
    for number in range(count):
        (folder / path_of(number)).write_bytes(PNG + number.to_bytes(4, "big"))


def in_new_process(what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", what, str(path)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measured(what: str, path: str) -> dict[str, float]:
    from hybrid import load_dataset
    from hybrid.datasets.readers.table import read_parquet

    before, started = peak_bytes(), time.process_time()
    rows = len(load_dataset(path)) if what == "load" else len(read_parquet(path)["path"])
    seconds, peak = time.process_time() - started, peak_bytes()
    return {
        "processor_s": round(seconds, 1),
        "peak_gb": round(peak / 1e9, 2),
        "bytes_a_row": round((peak - before) / rows),
    }


if __name__ == "__main__":
    main()
