"""Time of `hybrid validate` on 600 images whose embeddings are in the store.

    python benchmarks/validating.py [--runs 5]

The drawn pictures of two hospitals are written as files: a softmax head is fitted to 800 pictures of the north and
measured on the 600 of the south, in 60 patients. The first run extracts and measures the pictures and is not counted.
Every run is a new process, which also draws the report. The limit is the project's own target for two cores.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import median_seconds, save

LIMIT = 5.0
PATIENTS = ("--group-column", "patient")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    command = str(Path(sys.executable).with_name("hybrid"))
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"HYBRID_CACHE": str(Path(folder) / "cache")}

        def run(*arguments: str) -> None:
            subprocess.run([command, *arguments], cwd=folder, env=environment, check=True, capture_output=True)

        for hospital in ("north", "south"):
            run("data", f"cells:{hospital}", "--write", hospital)
        run("extract", "north/labels.csv", "--backbone", "convnet_small", *PATIENTS)
        run("fit", "softmax", "--name", "head")
        validate = ["validate", "head", "south/labels.csv", *PATIENTS]
        run(*validate)
        rows = []
        for name, options in (("with the test for dataset shift", []), ("--no-shift", ["--no-shift"])):
            seconds = median_seconds([command, *validate, *options], given.runs, cwd=Path(folder), env=environment)
            rows.append({"command": f"hybrid validate, {name}", "seconds": seconds, "limit": LIMIT})
            print(rows[-1])
    save("validating", {"runs": given.runs, "rows": rows})


if __name__ == "__main__":
    main()
