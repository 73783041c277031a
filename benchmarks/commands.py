"""Times of whole commands on the chest X-rays: what a person waits for.

    HYBRID_TEST_DATA=… python benchmarks/commands.py

Each command is a new process; the median of five, but for the first look and the first extraction, which are run
three times on an empty cache. The limits are those the project has set itself for 2 cores.
"""

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from machine import median_seconds, save

LIMITS = {
    "hybrid --help": 0.3,
    "hybrid data (5216 images, empty cache)": 30.0,
    "hybrid fit svm": 5.0,
    "extract + four heads": 180.0,
}


def main() -> None:
    data = Path(os.environ["HYBRID_TEST_DATA"]).resolve()
    hybrid = str(Path(sys.executable).with_name("hybrid"))
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        kwargs = {"cwd": folder, "env": os.environ | {"HYBRID_CACHE": str(cache)}}
        weights = str(data / "weights" / "mobilenet_2_5_224_tf_no_top.h5")
        extract = ["extract", str(data / "chest_xray"), "--backbone", "mobilenet:alpha=0.25", "--weights", weights]
        times = {"hybrid --help": median_seconds([hybrid, "--help"], **kwargs)}
        looked = _with_empty_cache([hybrid, "data", str(data / "chest_xray")], cache, kwargs)
        times["hybrid data (5216 images, empty cache)"] = looked
        times["hybrid data (again)"] = median_seconds([hybrid, "data", str(data / "chest_xray")], **kwargs)
        cold = _with_empty_cache([hybrid, *extract], cache, kwargs)
        times["hybrid extract (5216 images, empty cache)"] = cold
        times["hybrid extract (again)"] = median_seconds([hybrid, *extract], **kwargs)
        heads = ("svm", "forest", "xgboost", "softmax")
        for head in heads:
            times[f"hybrid fit {head}"] = median_seconds([hybrid, "fit", head], **kwargs)
        times["hybrid compare"] = median_seconds([hybrid, "compare"], **kwargs)
    times["extract + four heads"] = cold + sum(times[f"hybrid fit {head}"] for head in heads)
    for name, value in times.items():
        limit = f"limit {LIMITS[name]:g} s" if name in LIMITS else ""
        print(f"{name:45s} {value:7.2f} s  {limit}")
    save("commands", {"seconds": times, "limits": LIMITS})


def _with_empty_cache(command: list[str], cache: Path, kwargs: dict) -> float:
    times = []
    for _ in range(3):
        shutil.rmtree(cache, ignore_errors=True)
        times.append(median_seconds(command, 1, **kwargs))
    return statistics.median(times)


if __name__ == "__main__":
    main()
