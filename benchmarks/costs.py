"""Measure what `hybrid extract` reports as cost: twice, beside other work, and for cuts of one network in one pass."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pictures import files, make_small

from hybrid import FeatureExtractor
from hybrid.extractors.images.source import Extraction

BUSY = "while True: pass"
SHALLOW, DEEP = "block_3_expand_relu", "out_relu"


def main() -> None:
    """Print a table with the time of each run, and the cost that it reports by the wall clock and in processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--busy", type=int, default=4, help="number of other processes that compute all the time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = files(make_small(Path(folder) / "images", options.images, 300, ".jpg"))
        print("| | run s | cost s | processor s |\n|---|---|---|---|")
        for cut in (DEEP, SHALLOW):
            _row(f"{cut}, alone", _extractor(folder, "alone", cut).extract(paths))
        _row(f"{DEEP}, again, from the cache", _extractor(folder, "alone", DEEP).extract(paths))
        with _busy(options.busy):
            _row(f"{DEEP}, beside {options.busy} busy processes", _extractor(folder, "busy", DEEP).extract(paths))
        both = _extractor(folder, "both", [DEEP, SHALLOW]).extract_each(paths)
        for cut, done in zip((DEEP, SHALLOW), both, strict=True):
            _row(f"{cut}, both in one pass", done)


def _extractor(folder: str, cache: str, layers: str | list[str]) -> FeatureExtractor:
    return FeatureExtractor("mobilenet_v2", layers, weights="random", cache=Path(folder) / cache)


def _row(name: str, done: Extraction) -> None:
    print(f"| {name} | {done.seconds:.1f} | {done.cost:.1f} | {done.processor:.1f} |", flush=True)


@contextmanager
def _busy(number: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()


if __name__ == "__main__":
    main()
