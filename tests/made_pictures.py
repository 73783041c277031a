"""Pictures that perceptual hashes can tell apart, as those of random pixels cannot be after a change."""

import numpy as np
from PIL import Image


def picture(seed, size=96):
    """A picture of soft shapes, other ones for each seed."""
    shapes = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    return Image.fromarray(shapes).resize((size, size), Image.Resampling.BICUBIC)
