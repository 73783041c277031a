"""Pictures that perceptual hashes can tell apart, as those of random pixels cannot be after a change."""

import numpy as np
from PIL import Image


def picture(seed, size=96):
    """A picture of soft shapes, other ones for each seed."""
    shapes = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    return Image.fromarray(shapes).resize((size, size), Image.Resampling.BICUBIC)


def write_dots(folder):
    """Write dots.npz, split: two classes of noise at 16×16, one of them brighter."""
    rng, arrays = np.random.default_rng(0), {}
    for split, n in (("train", 40), ("val", 20), ("test", 20)):
        labels = np.arange(n) % 2
        images = rng.integers(0, 120, (n, 16, 16, 3)) + 40 * labels[:, None, None, None]
        arrays |= {f"{split}_images": images.astype(np.uint8), f"{split}_labels": labels}
    np.savez(folder / "dots.npz", **arrays)


def write_colours(folder, colours, counts):
    """Write noisy pictures, each class in its own colour, into folders of splits and classes."""
    rng = np.random.default_rng(5)
    for split, count in counts.items():
        for name, colour in colours.items():
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = 0.5 * rng.integers(0, 256, (20, 24, 3)) + 0.5 * np.array(colour)
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")
    return folder
