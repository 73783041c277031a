"""Time from a folder of images to embeddings on disk: two common ways in Keras, PyTorch, hybrid, and the limit.

    python benchmarks/extract.py [--repeats 5] [--scale 1.0] [--backbone NAME]

Images are synthetic and weights are random. methods.py explains what is timed. Results are medians of the repeats, in
each of which every method runs once.
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
    parser.add_argument("--scale", type=float, default=1.0, help="Share of the images, for a short run.")
    parser.add_argument("--backbone", choices=BACKBONES, action="append", help="Only this backbone (repeatable).")
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
