"""The same as extract.py for MobileNetV2 at 224×224 on large greyscale and RGB JPEGs, from 1300×1000 pixels.

Usage: python benchmarks/extract_large.py [--repeats 5] [--images 1500] [--quality 75]
"""

import argparse
import tempfile
from pathlib import Path

from machine import save
from methods import Job, measure, print_record
from pictures import make_large


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--images", type=int, default=1500)
    parser.add_argument("--quality", type=int, default=75, help="Quality of the JPEGs. 75 is libjpeg's default.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = make_large(Path(folder) / "pictures", given.images, given.quality)
        size = sum(path.stat().st_size for path in pictures.glob("*/*")) / given.images
        record = measure(Job("mobilenet_v2", 224, pictures, Path(folder)), given.repeats)
    print_record("mobilenet_v2, 224×224, large JPEGs", record)
    print(f"quality {given.quality}, {size / 1000:.0f} kB per image")
    save(
        f"extract_large-{given.quality}",
        {"repeats": given.repeats, "quality": given.quality, "bytes": size, "mobilenet_v2": record},
    )


if __name__ == "__main__":
    main()
