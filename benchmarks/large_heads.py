"""Seconds and peak memory of fitting heads to an embedding set that is larger than the memory for it.

    python benchmarks/large_heads.py [--rows 2000000] [--width 512] [--memory 8GB] [--head svm …]

The embeddings are drawn from two normal distributions and written into a store, as by an extraction. The means differ
by two standard deviations in one direction, so that the best possible accuracy is .841 and the best ROC AUC is .921.
Each head is fitted in a new process, which reads the embeddings from the store, standardises them, fits the head, and
predicts them and the test images. Memory is measured every 0.1 s. Arrays that are mapped from files count as resident
memory, although the system can take it back at any time, so the memory without them is shown as well. The store and the
arrays on disk need about 4 times the size of the embeddings.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import save

HEADS = ("svm", "softmax", "xgboost", "forest", "knn")
TEST = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--head", dest="heads", action="append", choices=HEADS)
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fit:
        print(json.dumps(fit(Path(given.fit), given.heads[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder), given.rows, given.width)
        results = {head: measured(folder, head, given) for head in given.heads or HEADS}
    save(
        f"large_heads-{given.rows}",
        {"rows": given.rows, "width": given.width, "memory": given.memory, "heads": results},
    )


def write_set(folder: Path, rows: int, width: int) -> None:
    """Write the embeddings into a store, and their keys and labels beside it."""
    from hybrid.extractors.store.store import EmbeddingStore

    rng = np.random.default_rng(0)
    direction = rng.normal(size=width)
    direction *= 2 / np.linalg.norm(direction)
    scale, mean = rng.uniform(0.5, 2, width), rng.uniform(0, 2, width)
    keys = rng.integers(0, 256, (rows + TEST, 32), np.uint8)
    y = rng.integers(0, 2, rows + TEST)
    store = EmbeddingStore(folder, identity(width))
    for start in range(0, len(y), 1024):
        part = slice(start, start + 1024)
        noise = rng.standard_normal((len(y[part]), width), np.float32)
        store.append(keys[part], ((noise + y[part, None] * direction) * scale + mean).astype(np.float32))
    np.savez(folder / "rows.npz", keys=keys, y=y, split=np.repeat(["train", "test"], [rows, TEST]), width=width)


def identity(width: int) -> Any:
    from hybrid.extractors.store.identity import Identity

    return Identity({"layers": ["penultimate"], "pooling": "avg"}, (width,), 1000)


def measured(folder: str, head: str, given: argparse.Namespace) -> dict[str, Any]:
    """Fit a head in a new process, and return its result with the peak memory of the process."""
    command = [sys.executable, __file__, "--fit", folder, "--head", head]
    environment = os.environ | {"HYBRID_MEMORY": given.memory}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    peak, own = 0, 0
    while child.poll() is None:
        resident, of_files = memory_of(child.pid)
        peak, own = max(peak, resident), max(own, resident - of_files)
        time.sleep(0.1)
    assert child.stdout
    text = child.stdout.read()
    if child.returncode:
        return {"error": text}
    result = json.loads(text) | {"peak_gb": round(peak * 1024 / 1e9, 2), "without_files_gb": round(own * 1024 / 1e9, 2)}
    print(head, result, flush=True)
    return result


def memory_of(process: int) -> tuple[int, int]:
    """Return the resident memory of a process in kB, and the part of it that is mapped from files."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    fields = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "RssFile"))}
    return int(fields.get("VmRSS", 0)), int(fields.get("RssFile", 0))


def fit(folder: Path, head: str) -> dict[str, Any]:
    """Fit a head to the set, and return what it took and its scores on test."""
    from sklearn.metrics import roc_auc_score

    from hybrid.embeddings.embedding_set import EmbeddingSet
    from hybrid.embeddings.joined_set import join_sets
    from hybrid.errors import InputError
    from hybrid.pipelines import make_head_pipeline
    from hybrid.pipelines.fit import fit_pipeline
    from hybrid.workspace.set_record import DatasetRecord, ExtractorRecord, SetRecord

    os.environ["HYBRID_CACHE"] = str(folder)
    with np.load(folder / "rows.npz") as arrays:
        keys, y, split, of_store = arrays["keys"], arrays["y"], arrays["split"], identity(int(arrays["width"]))
    params = {"backbone": "resnet50", "layers": ["penultimate"], "pooling": "avg", "size": None, "cache": str(folder)}
    record = SetRecord(
        dataset=DatasetRecord(name="made", task="binary", fingerprint="made"),
        extractor=ExtractorRecord(params, of_store.fingerprint, of_store),
        width=of_store.width,
        images=len(y),
    )
    ids = np.arange(len(y)).astype(str)
    joined = join_sets(EmbeddingSet("made", keys, ids, y, np.array([0, 1]), split, None, record))
    started = time.perf_counter()
    X = joined.embeddings()
    train = joined.part(X, "train")
    read = time.perf_counter()
    try:
        pipeline = fit_pipeline(make_head_pipeline(head), train.X, train.y, train.groups)
    except InputError as error:
        return {"refused": str(error)}
    fitted = time.perf_counter()
    proba, predicted = joined.predict(pipeline, X)
    done, test = time.perf_counter(), split == "test"
    return {
        "on_disk": isinstance(X, np.memmap),
        "read_s": round(read - started, 1),
        "fit_s": round(fitted - read, 1),
        "predict_s": round(done - fitted, 1),
        "accuracy": round(float((predicted == y)[test].mean()), 4),
        "roc_auc": round(float(roc_auc_score(y[test], proba[test, 1])), 4),
    }


if __name__ == "__main__":
    main()
