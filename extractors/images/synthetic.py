"""Synthetic pictures that resemble photographs: random surfaces with structure at every scale, and a little noise."""

import numpy as np
from PIL import Image

_OCTAVES = (2, 4, 8, 16, 32)  # cells on a side; finer octaves are weaker
_NOISE = 6.0  # standard deviation of the grain, in grey levels


def synthetic_photographs(count: int, size: tuple[int, int], channels: int, seed: int = 0) -> np.ndarray:
    """Return random pictures whose contrast decreases with spatial frequency, as in photographs.

    Pure noise would not be suitable: a network averages it out, so that all pictures get the same embedding.

    Parameters
    ----------
    count : int
        Number of pictures. A larger number only adds pictures at the end.
    size : (int, int)
        Height and width, in pixels.
    channels : {1, 3}
        1 for grey, 3 for RGB.
    seed : int, default=0
        Seed of the random numbers.

    Returns
    -------
    ndarray of uint8, (count, height, width, channels)

    Examples
    --------
    >>> synthetic_photographs(2, (24, 32), 3).shape
    (2, 24, 32, 3)
    """
    pictures = np.empty((count, *size, channels), np.uint8)
    for number in range(count):
        pictures[number] = _picture(np.random.default_rng([seed, number]), size, channels)
    return pictures


def _picture(rng: np.random.Generator, size: tuple[int, int], channels: int) -> np.ndarray:
    light, colour = _surface(rng, size), 128 + 40 * rng.normal(size=channels)
    tints = np.stack([light + 0.3 * _surface(rng, size) for _ in range(channels)], axis=-1) if channels > 1 else light
    picture = colour + 45 * tints.reshape(*size, channels)
    picture += _NOISE * rng.standard_normal((*size, 1), dtype=np.float32)
    return picture.clip(0, 255).astype(np.uint8)


def _surface(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return a smooth random surface (height, width) around 0: a sum of octaves, each half as strong as the last."""
    total = np.zeros(size, np.float32)
    for octave, cells in enumerate(_OCTAVES):
        grid = rng.standard_normal((cells, cells), dtype=np.float32)
        smooth = Image.fromarray(grid).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        total += np.asarray(smooth) * 0.5**octave
    return total
