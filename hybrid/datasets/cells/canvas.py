"""A microscope slide as layers of stain, and the picture that a camera takes of it.

Light that passes through a stained slide is absorbed: where two cells lie on top of each other, their stains add up and
the picture is darker there. So cells are drawn as amounts of stain, and colours are computed once, at the end.
"""

import io
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

SIZE = 96  # pixels, height and width of a picture

PINK, PURPLE, BLUE, ORANGE = range(4)  # red cells; nuclei; cytoplasm of white cells; granules of eosinophils
# How strongly one unit of each stain absorbs red, green and blue light.
_ABSORBED = np.array([[0.10, 0.36, 0.27], [0.78, 1.30, 0.42], [0.42, 0.36, 0.08], [0.05, 0.62, 0.75]], np.float32)


@dataclass(frozen=True)
class Look:
    """What is the same in all pictures of one patient: the stain of the slide, the light and the camera.

    Attributes
    ----------
    absorbed : ndarray of shape (4, 3)
        How strongly one unit of each stain absorbs red, green and blue light.
    light : ndarray of shape (3,)
        Colour of the empty background, from 0 to 1.
    blur : float
        How far the slide is out of focus, on average, in pixels.
    noise : float
        Standard deviation of the camera's noise, on the scale from 0 to 1.
    contrast : float, default=1.0
        Factor by which the camera multiplies the distance of each colour from medium grey.
    """

    absorbed: np.ndarray
    light: np.ndarray
    blur: float
    noise: float
    contrast: float = 1.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Look":
        """Return the stain, light and camera of a new patient."""
        strength = rng.uniform(0.75, 1.25) * rng.normal(1, 0.09, (4, 1))
        hue = rng.normal(1, 0.12, (4, 3))
        warmth = rng.normal(0, 0.03)
        light = rng.uniform(0.84, 0.96) + np.array([warmth, 0.2 * warmth - 0.01, -warmth])
        return cls(
            absorbed=(_ABSORBED * strength * hue).astype(np.float32),
            light=np.clip(light, 0.7, 1).astype(np.float32),
            blur=rng.uniform(0.35, 0.8),
            noise=rng.uniform(0.006, 0.018),
        )


class Canvas:
    """The amount of each stain at each pixel, to which cells are added one by one."""

    def __init__(self) -> None:
        self.stain = np.zeros((4, SIZE, SIZE), np.float32)

    def patch(self, y: float, x: float, reach: float) -> "Patch":
        """Return the part of the canvas around a point, up to `reach` pixels in each direction."""
        rows = slice(max(0, int(y - reach)), max(0, min(SIZE, int(y + reach) + 2)))
        columns = slice(max(0, int(x - reach)), max(0, min(SIZE, int(x + reach) + 2)))
        dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(y)
        dx = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - np.float32(x)
        return Patch(self.stain[:, rows, columns], dy, dx)


@dataclass(frozen=True)
class Patch:
    """A part of a canvas, with the vertical and horizontal distance of its pixels from a point."""

    stain: np.ndarray
    dy: np.ndarray
    dx: np.ndarray

    def distance(self, y: float = 0, x: float = 0) -> np.ndarray:
        """Return the distance of each pixel from a point near the middle of the patch."""
        return np.hypot(self.dy - np.float32(y), self.dx - np.float32(x))

    def texture(self, rng: np.random.Generator, grain: float) -> np.ndarray:
        """Return smooth noise with mean 0 and standard deviation 1, whose spots are about `grain` pixels wide."""
        shape = np.broadcast_shapes(self.dy.shape, self.dx.shape)
        noise = gaussian_filter(rng.standard_normal(shape, np.float32), grain / 2)
        return noise / (noise.std() + 1e-6)


def photograph(canvas: Canvas, blurred: Canvas, look: Look, rng: np.random.Generator) -> np.ndarray:
    """Return the picture of a slide, as a camera takes it and stores it as JPEG.

    Parameters
    ----------
    canvas : Canvas
        The cells in the plane of focus.
    blurred : Canvas
        The red cells above or below that plane.
    look : Look
        The stain, light and camera.
    rng : numpy.random.Generator
        Draws what differs between pictures: focus, uneven light and noise.

    Returns
    -------
    ndarray of uint8, shape (96, 96, 3)
    """
    depth = rng.uniform(1.6, 2.8)
    stain = canvas.stain.copy()
    stain[PINK] += gaussian_filter(blurred.stain[PINK], depth)
    stain[PINK] *= 1 + 0.05 * _clouds(rng)
    stain[PURPLE] += 0.012 * (1 + _clouds(rng))  # remains of stain on the background
    seen = look.light * np.exp(-np.tensordot(stain, look.absorbed, (0, 0))) * _unevenness(rng)[..., None]
    focus = look.blur + rng.gamma(2.0, 0.1)
    seen = np.stack([gaussian_filter(seen[..., c], focus * (1 + 0.12 * (c - 1))) for c in range(3)], axis=-1)
    if look.contrast != 1:
        seen = 0.5 + look.contrast * (seen - 0.5)
    shot = rng.standard_normal(seen.shape, np.float32) * np.sqrt(np.maximum(seen, 0.05))
    seen = seen + look.noise * gaussian_filter(shot, (0.5, 0.5, 0)) * 1.6
    return _as_jpeg(np.clip(seen * 255 + 0.5, 0, 255).astype(np.uint8), int(rng.integers(82, 96)))


_BUMPS = np.exp(-((np.arange(SIZE, dtype=np.float32) / SIZE * 5 - np.arange(6, dtype=np.float32)[:, None]) ** 2))


def _clouds(rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise over the whole picture, roughly between -1 and 1."""
    return _BUMPS.T @ rng.uniform(-1.6, 1.6, (6, 6)).astype(np.float32) @ _BUMPS


def _unevenness(rng: np.random.Generator) -> np.ndarray:
    """Return the light that falls on each pixel: a gradient in one direction, and darker corners."""
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype(np.float32)
    towards, strength, corners = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.07), rng.uniform(0, 0.05)
    return 1 + strength * (np.cos(towards) * x + np.sin(towards) * y) - corners * (x**2 + y**2)


def _as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    file.seek(0)
    return np.asarray(Image.open(file))
