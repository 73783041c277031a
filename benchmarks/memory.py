"""Peak resident memory of `hybrid extract` for growing numbers of images.

    python benchmarks/memory.py [IMAGES …] [--backbone NAME] [--side N] [--suffix .png|.jpg]

By default there are 1,000, 10,000 and 60,000 synthetic images of 28×28 for resnet_small. The project's own target is
for mobilenet_v2 at 224: --backbone mobilenet_v2 --side 224 --suffix .jpg. A first run on ten images exports the
network, so the measured runs do not import Keras, which alone needs more memory than everything else.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from machine import run_hybrid, save
from pictures import files, make_small

ORIGINALS = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="*", type=int, default=[1_000, 10_000, 60_000])
    parser.add_argument("--backbone", default="resnet_small")
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--suffix", default=".png")
    given = parser.parse_args()
    counts = sorted(given.images)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        pictures = make_many(scratch / "all", counts[-1], given)
        extract(scratch, part(scratch / "few", pictures, 10), given)
        records = {str(count): extract(scratch, part(scratch / f"{count}", pictures, count), given) for count in counts}
    first = records[str(counts[0])]["peak_mb"]
    for count, record in records.items():
        ratio = record["peak_mb"] / first
        print(f"{int(count):>7,} images  {record['peak_mb']:8.1f} MB  {ratio:5.3f}  {record['seconds']:8.1f} s")
    name = f"memory-{given.backbone}-{given.side}"
    save(name, {"backbone": given.backbone, "side": given.side, "images": records})


def make_many(folder: Path, count: int, given: argparse.Namespace) -> list[str]:
    """Write different images and copies of them.

    A number is appended to each copy after the end of the image, so the store treats it as a different file.
    """
    originals = files(make_small(folder, min(count, ORIGINALS), given.side, given.suffix))
    for number in range(len(originals), count):
        original = Path(originals[number % len(originals)])
        copy = original.with_name(f"{number:05d}{given.suffix}")
        copy.write_bytes(original.read_bytes() + number.to_bytes(4, "big"))
    return files(folder)


def part(folder: Path, pictures: list[str], count: int) -> Path:
    """Return a folder with some of the images of both classes."""
    for path in map(Path, pictures[: count // 2] + pictures[-(count - count // 2) :]):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / path.name).hardlink_to(path)
    return folder


def extract(scratch: Path, pictures: Path, given: argparse.Namespace) -> dict[str, float]:
    """Run `hybrid extract` with an empty store. Return its peak memory and its time."""
    shutil.rmtree(scratch / "cache" / "embeddings", ignore_errors=True)
    options = ["--weights", "random", "--backbone", given.backbone, "--size", str(given.side)]
    seconds, usage = run_hybrid(scratch, "extract", str(pictures), *options)
    return {"peak_mb": usage.ru_maxrss / 1024, "seconds": seconds}


if __name__ == "__main__":
    main()
