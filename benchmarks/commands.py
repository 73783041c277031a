"""Times of whole commands on the chest X-rays.

    HYBRID_TEST_DATA=… python benchmarks/commands.py
    HYBRID_TEST_DATA=… python benchmarks/commands.py --against OTHER/.venv/bin/hybrid

Every run is a new process. Times are medians of five runs, or of three for `data` and `extract` with an empty cache.
With ``--against``, the command of another version runs alternately with this one, with its own workspace and cache, so
that other load on the machine slows both in the same way. The limits are the project's own targets for two cores.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from machine import median_seconds, save

LIMITS = {
    "hybrid --help": 0.3,
    "hybrid data (5216 images, empty cache)": 30.0,
    "hybrid fit svm": 5.0,
    "extract + four heads": 180.0,
}
HEADS = ("svm", "forest", "xgboost", "softmax")


@dataclass
class Version:
    """An installed version: its command, its working folder and the times measured so far."""

    command: str
    folder: Path
    times: dict[str, list[float]] = field(default_factory=dict)

    def run(self, name: str, arguments: list[str], empty_cache: bool = False) -> None:
        """Run a command once and record its time."""
        cache = self.folder / "cache"
        if empty_cache:
            shutil.rmtree(cache, ignore_errors=True)
        environment = os.environ | {"HYBRID_CACHE": str(cache)}
        taken = median_seconds([self.command, *arguments], 1, cwd=self.folder, env=environment)
        self.times.setdefault(name, []).append(taken)

    def medians(self) -> dict[str, float]:
        """Return the median time of each command, and the sum for extracting and fitting every head."""
        medians = {name: statistics.median(times) for name, times in self.times.items()}
        parts = ["hybrid extract (5216 images, empty cache)", *(f"hybrid fit {head}" for head in HEADS)]
        return medians | {"extract + four heads": sum(medians[name] for name in parts)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", metavar="HYBRID", help="The hybrid command of another version.")
    given = parser.parse_args()
    data = Path(os.environ["HYBRID_TEST_DATA"]).resolve()
    pictures, weights = str(data / "chest_xray"), str(data / "weights" / "mobilenet_2_5_224_tf_no_top.h5")
    extract = ["extract", pictures, "--backbone", "mobilenet:alpha=0.25", "--weights", weights]
    with tempfile.TemporaryDirectory() as folder:
        commands = [str(Path(sys.executable).with_name("hybrid"))] + ([given.against] if given.against else [])
        versions = [Version(command, Path(folder) / str(number)) for number, command in enumerate(commands)]
        for version in versions:
            version.folder.mkdir()

        def measure(name: str, arguments: list[str], repeats: int = 5, empty_cache: bool = False) -> None:
            for repeat in range(repeats):
                for version in versions if repeat % 2 == 0 else reversed(versions):
                    version.run(name, arguments, empty_cache)

        measure("hybrid --help", ["--help"])
        measure("hybrid data (5216 images, empty cache)", ["data", pictures], 3, empty_cache=True)
        measure("hybrid data (again)", ["data", pictures])
        measure("hybrid extract (5216 images, empty cache)", extract, 3, empty_cache=True)
        measure("hybrid extract (again)", extract)
        for head in HEADS:
            measure(f"hybrid fit {head}", ["fit", head])
        measure("hybrid compare", ["compare"])
        times, *others = [version.medians() for version in versions]
    for name, value in times.items():
        limit = f"limit {LIMITS[name]:g} s" if name in LIMITS else ""
        other = f"other {others[0][name]:7.2f} s, ratio {value / others[0][name]:.2f}  " if others else ""
        print(f"{name:45s} {value:7.2f} s  {other}{limit}")
    result = {"seconds": times, "limits": LIMITS}
    if others:
        result["other_seconds"] = others[0]
    save("commands-against" if others else "commands", result)


if __name__ == "__main__":
    main()
