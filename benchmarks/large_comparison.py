"""Seconds, peak memory and size of the report of `hybrid compare` for two models and many test images.

    python benchmarks/large_comparison.py [IMAGES …]

By default, there are runs with 100,000 and 1,000,000 test images, each with 20,000 validation images. The probabilities
of two models of two classes are drawn at random; one model is a little better than the other. Scores on test are
computed by the command, as after a fit.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from machine import run_hybrid, save, seconds

VALIDATION = 20_000
SKILLS = {"svm-made": 2.0, "softmax-made": 2.02}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", type=int, default=[100_000, 1_000_000])
    given = parser.parse_args()
    results = {}
    for images in given.images:
        with tempfile.TemporaryDirectory() as folder:
            written = seconds(lambda folder=folder, images=images: write_models(Path(folder), images))
            results[str(images)] = {"write_s": round(written, 1)} | compare(Path(folder))
            print(images, results[str(images)], flush=True)
    save("large_comparison", {"validation": VALIDATION, "images": results})


def write_models(folder: Path, images: int) -> None:
    """Write the records and predictions of both models."""
    from hybrid.workspace.fitted_models import evaluate_split, save_record
    from hybrid.workspace.model_record import ModelRecord, Seconds
    from hybrid.workspace.predictions import Predictions

    rng = np.random.default_rng(0)
    split = np.repeat(["val", "test"], [VALIDATION, images])
    y = np.where(rng.random(len(split)) < 0.3, "sick", "well")
    ids = np.char.add("pictures/", np.arange(len(split)).astype(str))
    shared = rng.normal(size=len(split))
    for name, skill in SKILLS.items():
        margin = skill * ((y == "well") - 0.5) + 0.8 * shared + 0.6 * rng.normal(size=len(split))
        p = 1 / (1 + np.exp(-skill * margin))
        classes = np.array(["sick", "well"])
        predictions = Predictions(ids, split, y, classes[(p >= 0.5).astype(int)], np.column_stack([1 - p, p]), classes)
        record = ModelRecord(
            name=name,
            head=name.partition("-")[0],
            backbones=("made",),
            layers=("penultimate",),
            poolings=("avg",),
            sets=("made-set",),
            dataset="made",
            dataset_fingerprint="f" * 64,
            extractor_fingerprints=("e" * 64,),
            task="binary",
            classes=("sick", "well"),
            positive="well",
            width=128,
            created="2026-01-01T00:00:00+00:00",
            seconds=Seconds(extract=1.5, fit=0.1, predict=0.004, measure="wall"),
            splits={"val": evaluate_split(predictions, "val", "well")},
            sealed=("test",),
        )
        save_record(record, predictions, folder / "hybrid_runs" / "models" / name)


def compare(folder: Path) -> dict[str, Any]:
    """Run the command, and return what it took and the size of its report in MB."""
    taken, usage = run_hybrid(folder, "compare")
    [page] = (folder / "hybrid_runs").rglob("*.html")
    return {
        "seconds": round(taken, 1),
        "processor_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_gb": round(usage.ru_maxrss * 1024 / 1e9, 2),
        "page_mb": round(page.stat().st_size / 1e6, 2),
    }


if __name__ == "__main__":
    main()
