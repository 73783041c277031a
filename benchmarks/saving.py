"""Times of writing and reading a forest: with its trees as arrays, as now, and with skops, as in version 0.1.0.

    python benchmarks/saving.py [--repeats 5]

The forest of 300 trees is fitted to 4500 synthetic embeddings of two overlapping classes. Both formats are timed
alternately and in memory. Results are the minimum of the repeats. The forest must predict the same after it is read.
"""

import argparse

import numpy as np
from machine import save, seconds
from sklearn.datasets import make_classification
from sklearn.pipeline import Pipeline

from hybrid.cli.output import print_table
from hybrid.pipelines import make_head_pipeline
from hybrid.pipelines.saved.forest import attach_trees, detach_trees
from hybrid.pipelines.saved.trusted import from_bytes, to_bytes


def write_arrays(pipeline: Pipeline) -> dict[str, bytes]:
    bare, trees = detach_trees(pipeline)
    return {"head.skops": to_bytes(bare), **trees}


def read_arrays(files: dict[str, bytes]) -> Pipeline:
    trees = {name: data for name, data in files.items() if name != "head.skops"}
    return attach_trees(from_bytes(files["head.skops"]), trees)


FORMATS = {
    "skops": (lambda pipeline: {"head.skops": to_bytes(pipeline)}, lambda files: from_bytes(files["head.skops"])),
    "arrays": (write_arrays, read_arrays),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    X, y = make_classification(4500, 256, n_informative=40, flip_y=0.05, random_state=0)
    X = X.astype(np.float32)
    pipeline = make_head_pipeline("forest").fit(X, y)
    result: dict[str, dict[str, float]] = {name: {"write": np.inf, "read": np.inf} for name in FORMATS}
    for _ in range(repeats):
        for name, (write, read) in FORMATS.items():
            files = write(pipeline)
            times = {"write": seconds(lambda w=write: w(pipeline)), "read": seconds(lambda r=read, f=files: r(f))}
            result[name] = {key: min(best, times.get(key, best)) for key, best in result[name].items()}
            result[name]["bytes"] = sum(map(len, files.values()))
            np.testing.assert_array_equal(read(files).predict_proba(X), pipeline.predict_proba(X))
    old, new = result["skops"], result["arrays"]
    print_table(
        "300 trees",
        ["", "skops", "arrays", "ratio"],
        [
            ("write (s)", f"{old['write']:.3f}", f"{new['write']:.3f}", f"{old['write'] / new['write']:.1f}"),
            ("read (s)", f"{old['read']:.3f}", f"{new['read']:.3f}", f"{old['read'] / new['read']:.1f}"),
            ("bytes", f"{old['bytes']:,}", f"{new['bytes']:,}", f"{old['bytes'] / new['bytes']:.1f}"),
        ],
    )
    save("saving", result)


if __name__ == "__main__":
    main()
