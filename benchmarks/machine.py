"""Helpers of all benchmarks: description of the machine, timing, medians and saving."""

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hybrid

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("keras", "tensorflow", "scikit-learn", "xgboost", "numpy", "pillow")


def machine() -> dict[str, Any]:
    cpu = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {"hybrid": hybrid.__version__} | {name: version(name) for name in PACKAGES},
    }


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def median_seconds(command: list[str], repeats: int = 5, **kwargs: Any) -> float:
    """Return the median seconds of a command that runs in a new process. It must succeed."""
    times = [
        seconds(lambda: subprocess.run(command, check=True, capture_output=True, **kwargs)) for _ in range(repeats)
    ]
    return statistics.median(times)


def save(name: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine()} | result, indent=2) + "\n")
    print(f"saved {path}")


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
