"""Folders of synthetic images for the benchmarks."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from hybrid.extractors.images.synthetic import synthetic_photographs

CLASSES = ("a", "b")
# Large images are cut out of a few synthetic ones. Synthesizing each one would take longer than extracting its
# features.
_BASES = 48


def make_small(folder: Path, count: int, side: int, suffix: str) -> Path:
    """Write `count` different square RGB images to two class folders."""
    return _write(folder, count, suffix, lambda number: synthetic_photographs(1, (side, side), 3, seed=number)[0])


def make_large(folder: Path, count: int, quality: int = 75) -> Path:
    """Write `count` different JPEGs of 1300×1000 to 1700×1400, half of them greyscale."""
    bases = synthetic_photographs(_BASES, (1500, 1800), 3)

    def picture(number: int) -> np.ndarray:
        rng = np.random.default_rng(number)
        height, width = rng.integers(1000, 1401), rng.integers(1300, 1701)
        top, left = rng.integers(1500 - height + 1), rng.integers(1800 - width + 1)
        part = bases[number % _BASES, top : top + height, left : left + width]
        return part[..., 1] if number % 2 else part

    return _write(folder, count, ".jpg", picture, quality)


def _write(folder: Path, count: int, suffix: str, picture: Callable[[int], np.ndarray], quality: int = 90) -> Path:
    for name in CLASSES:
        (folder / name).mkdir(parents=True)

    def write(number: int) -> None:
        path = folder / CLASSES[number % len(CLASSES)] / f"{number:05d}{suffix}"
        Image.fromarray(picture(number)).save(path, quality=quality)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write, range(count)))
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*/*"))
