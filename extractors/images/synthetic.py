"""Pictures made from a seed that resemble photographs: smooth at every scale, with a little noise."""

import numpy as np
from PIL import Image

_OCTAVES = (2, 4, 8, 16, 32)  # cells a side; the finer, the fainter
_NOISE = 6.0  # standard deviation of the grain, in grey levels


def made_photographs(count: int, size: tuple[int, int], channels: int, seed: int = 0) -> np.ndarray:
    """Return pictures whose contrast falls with spatial frequency, as that of photographs does.

    Pure noise would not do: a network averages it away, and every picture gets the same embedding.

    Parameters
    ----------
    count : int
        Number of pictures; the first ones of a seed do not depend on it.
    size : (int, int)
        Height and width, in pixels.
    channels : {1, 3}
        1 for grey, 3 for RGB.
    seed : int, default=0
        Of everything drawn.

    Returns
    -------
    ndarray of uint8, (count, height, width, channels)

    Examples
    --------
    >>> made_photographs(2, (24, 32), 3).shape
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
    """Return a smooth random surface (height, width) of mean about 0: octaves of cells, each half as strong."""
    total = np.zeros(size, np.float32)
    for octave, cells in enumerate(_OCTAVES):
        grid = rng.standard_normal((cells, cells), dtype=np.float32)
        smooth = Image.fromarray(grid).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        total += np.asarray(smooth) * 0.5**octave
    return total
