"""A folder of images to embeddings on disk: Keras's two usual ways, PyTorch, hybrid, and the machine's limit.

    python benchmarks/extract.py [--repeats 5] [--scale 1.0] [--backbone NAME]

Made pictures, random weights; what is timed is said in methods.py. Medians of the repeats, which take turns.
"""

import argparse
import tempfile
from pathlib import Path

from machine import save
from methods import Job, measure, print_record
from pictures import make_small

BACKBONES = {"mobilenet_v2": (1000, 224, ".jpg"), "resnet50": (300, 224, ".jpg"), "resnet_small": (5000, 28, ".png")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the images, for a short run")
    parser.add_argument("--backbone", choices=BACKBONES, action="append", help="only these (repeatable)")
    given = parser.parse_args()
    records = {}
    for name in given.backbone or BACKBONES:
        count, side, suffix = BACKBONES[name]
        with tempfile.TemporaryDirectory() as folder:
            pictures = make_small(Path(folder) / "pictures", int(count * given.scale), side, suffix)
            records[name] = measure(Job(name, side, pictures, Path(folder)), given.repeats)
        print_record(f"{name}, {side}×{side}", records[name])
    save("extract", {"repeats": given.repeats, "backbones": records})


if __name__ == "__main__":
    main()
