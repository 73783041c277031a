"""Helpers of all benchmarks: description of the machine, timing, medians, memory and saving."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
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


def run_hybrid(folder: Path, *arguments: str) -> tuple[float, resource.struct_rusage]:
    """Run `hybrid` in a folder, with a store in its "cache". Return the seconds and the resources used."""
    command = [str(Path(sys.executable).with_name("hybrid")), *arguments]
    started = time.perf_counter()
    environment = os.environ | {"HYBRID_CACHE": str(folder / "cache")}
    child = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - started, usage


def peak_bytes() -> int:
    """Return the peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def save(name: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine()} | result, indent=2) + "\n")
    print(f"saved {path}")


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
