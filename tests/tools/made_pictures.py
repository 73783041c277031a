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
