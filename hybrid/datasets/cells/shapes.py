"""Draw red cells, parasites, platelets and white cells on a canvas."""

import numpy as np

from hybrid.datasets.cells.canvas import BLUE, ORANGE, PINK, PURPLE, Canvas, Patch

WHITE_CELLS = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")

Point = tuple[float, float]


def draw_red_cell(canvas: Canvas, rng: np.random.Generator, at: Point, radius: float, pallor: float) -> None:
    """Draw a red blood cell: a disc, not quite round, that is paler in the middle and has no nucleus."""
    patch = canvas.patch(*at, 1.4 * radius + 3)
    rho = _outline(patch, rng, radius, 0.045)
    thickness = 1 - pallor * rng.uniform(0.7, 1.2) * np.exp(-(((rho / rng.uniform(0.42, 0.56)) ** 2) ** 1.2))
    rim = 0.16 * np.exp(-(((rho - 0.9) / 0.09) ** 2))
    fringe = 0.16 * np.exp(-(((rho - 1.12) / 0.07) ** 2))  # light that the edge of the cell bends outwards
    patch.stain[PINK] += rng.normal(1, 0.07) * _inside(rho, radius) * (thickness + rim) - fringe


def draw_sickle_cell(canvas: Canvas, rng: np.random.Generator, at: Point, radius: float) -> None:
    """Draw a red blood cell in the shape of a sickle: long, thin, bent and with pointed ends."""
    patch = canvas.patch(*at, 1.9 * radius + 3)
    turn, half = rng.uniform(0, 2 * np.pi), radius * rng.uniform(1.25, 1.65)
    along = (patch.dx * np.cos(turn) + patch.dy * np.sin(turn)) / half
    bend = rng.uniform(0.15, 0.5) * half
    across = patch.dy * np.cos(turn) - patch.dx * np.sin(turn) + bend * (along**2 - 0.4)
    width = radius * rng.uniform(0.32, 0.5) * np.sqrt(np.clip(1 - along**2, 0, 1))
    inside = _step(width - np.abs(across), 0.6) * _step((1 - np.abs(along)) * half, 0.6)
    patch.stain[PINK] += rng.normal(1.05, 0.07) * inside


def draw_parasite(canvas: Canvas, rng: np.random.Generator, at: Point, radius: float) -> None:
    """Draw a parasite in a red cell: a blue ring with one or two purple dots, or, in one of four, a filled blob."""
    patch = canvas.patch(*at, radius + 6)
    strength = rng.uniform(0.4, 0.95)
    rho = _outline(patch, rng, radius, 0.10)
    turn = rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.25:
        patch.stain[BLUE] += strength * 0.9 * _inside(rho, radius) * (1 + 0.25 * patch.texture(rng, 2))
    else:
        angle = np.arctan2(patch.dy, patch.dx)
        width = 0.9 + 0.5 * np.cos(angle - turn)  # the ring is thicker on the side of its dot
        ring = strength * np.exp(-(((rho - 0.8) * radius / (0.55 + 0.4 * width)) ** 2))
        patch.stain[BLUE] += 0.9 * ring
        patch.stain[PURPLE] += 0.22 * ring
        patch.stain[PINK] -= 0.12 * _inside(rho * 1.5, radius)
    for k in range(1 + int(rng.random() < 0.3)):
        towards = turn + k * rng.uniform(0.5, 1.1)
        dot = patch.distance(0.85 * radius * np.sin(towards), 0.85 * radius * np.cos(towards))
        patch.stain[PURPLE] += strength * 1.15 * np.exp(-((dot / rng.uniform(1.2, 1.7)) ** 2))


def draw_bubble(canvas: Canvas, rng: np.random.Generator, at: Point, radius: float) -> None:
    """Draw an artefact that looks like a ring but is none: a bright bubble with a dark edge and without stain."""
    patch = canvas.patch(*at, radius + 5)
    rho = _outline(patch, rng, radius, 0.08)
    strength = rng.uniform(0.5, 1.0)
    patch.stain[PINK] += strength * (0.75 * np.exp(-(((rho - 1) / 0.22) ** 2)) - 0.7 * _inside(rho * 1.2, radius))


def draw_platelet(canvas: Canvas, rng: np.random.Generator, at: Point, radius: float) -> None:
    """Draw a platelet: a small, granular purple disc without a nucleus, with a pale edge."""
    patch = canvas.patch(*at, 1.5 * radius + 3)
    rho = _outline(patch, rng, radius, 0.12)
    grains = np.clip(1 + 0.45 * patch.texture(rng, 1.6), 0, None)
    inside = _inside(rho, radius)
    strength = rng.uniform(0.6, 1.0)
    patch.stain[PURPLE] += strength * 0.42 * grains * _inside(rho * 1.3, radius)
    patch.stain[PINK] += strength * 0.25 * inside
    patch.stain[BLUE] += strength * 0.45 * inside
    patch.stain[PINK] -= 0.12 * np.exp(-(((rho - 1.2) / 0.15) ** 2))


def draw_dirt(canvas: Canvas, rng: np.random.Generator, at: Point, radius: float) -> None:
    """Draw a speck of dried stain: small, dark, purple, and without structure."""
    patch = canvas.patch(*at, 2 * radius + 3)
    speck = _inside(_outline(patch, rng, radius, 0.15), radius)
    patch.stain[PURPLE] += rng.uniform(0.5, 1.3) * speck
    patch.stain[BLUE] += rng.uniform(0.0, 0.8) * speck


def draw_white_cell(canvas: Canvas, rng: np.random.Generator, at: Point, kind: str, red_radius: float) -> None:
    """Draw a white blood cell. Its kind decides its size, the lobes of its nucleus, and its granules.

    Parameters
    ----------
    canvas : Canvas
        The canvas to draw on.
    rng : numpy.random.Generator
        Draws what differs between cells of one kind.
    at : (float, float)
        Row and column of the middle of the cell.
    kind : str
        One of `WHITE_CELLS`. A neutrophil has three to five small lobes and fine, pale granules; an eosinophil two
        lobes and coarse orange granules; a basophil dark blue granules that cover its two lobes; a lymphocyte is small,
        with a round nucleus that nearly fills it; a monocyte is large, with a nucleus like a kidney.
    red_radius : float
        Radius of the red cells around it, in pixels.
    """
    low, high = {"lymphocyte": (1.15, 1.6), "monocyte": (1.5, 1.9)}.get(kind, (1.4, 1.75))
    radius = red_radius * rng.uniform(low, high)
    patch = canvas.patch(*at, 1.3 * radius + 4)
    rho = _outline(patch, rng, radius, 0.05 if kind != "monocyte" else 0.08)
    cell = _inside(rho, radius)
    patch.stain[:] *= 1 - 0.9 * cell  # a white cell pushes red cells away
    nucleus = _nucleus(patch, rng, kind, radius) * _inside(rho * 1.06, radius)
    chromatin = np.clip(1 + 0.20 * patch.texture(rng, 3.2) + 0.08 * patch.texture(rng, 1.5), 0.4, None)
    strength = {"basophil": 0.85, "monocyte": 0.78}.get(kind, 1.05) * rng.normal(1, 0.08)
    patch.stain[PURPLE] += strength * nucleus * chromatin
    _draw_cytoplasm(patch, rng, kind, cell, nucleus)


def _draw_cytoplasm(patch: Patch, rng: np.random.Generator, kind: str, cell: np.ndarray, nucleus: np.ndarray) -> None:
    around = cell * (1 - nucleus)
    fine, coarse = patch.texture(rng, 1.7), patch.texture(rng, 2.6)
    granules = _step(coarse - 0.15, 0.35)
    blue, pink, purple, orange = {
        "lymphocyte": (0.75, 0.0, 0.06, 0.0),
        "monocyte": (0.48, 0.12, 0.10, 0.0),
        "neutrophil": (0.10, 0.38, rng.uniform(0.06, 0.26), 0.0),
        "eosinophil": (0.12, 0.26, 0.06, rng.uniform(0.35, 0.85)),
        "basophil": (0.25, 0.20, rng.uniform(0.4, 0.9), 0.0),
    }[kind]
    patch.stain[BLUE] += blue * around * (1 + 0.10 * coarse)
    patch.stain[PINK] += pink * around * (1 + 0.10 * fine)
    patch.stain[ORANGE] += orange * granules * around
    if kind == "basophil":  # its granules lie on the nucleus, too
        patch.stain[PURPLE] += purple * granules * cell * (1 - 0.6 * nucleus)
        patch.stain[BLUE] += 0.5 * purple * granules * cell
    else:
        patch.stain[PURPLE] += purple * around * np.clip(1 + 0.9 * fine, 0, None)
    if kind == "monocyte":  # vacuoles
        patch.stain[BLUE] *= 1 - 0.7 * around * _step(patch.texture(rng, 3.5) - 1.7, 0.2)


def _nucleus(patch: Patch, rng: np.random.Generator, kind: str, radius: float) -> np.ndarray:
    """Return where the nucleus of a white cell is, from 0 to 1: lobes that flow into each other."""
    if kind == "lymphocyte":
        shift = rng.normal(0, 0.06 * radius, 2)
        inner = radius * rng.uniform(0.74, 0.88)
        angle = np.arctan2(patch.dy - shift[0], patch.dx - shift[1])
        dent = 1 - rng.uniform(0, 0.18) * np.exp(-((np.angle(np.exp(1j * (angle - rng.uniform(-3, 3)))) / 0.5) ** 2))
        return _inside(patch.distance(*shift) / (inner * dent.astype(np.float32)), inner)
    lobes, size, away, span = {
        "neutrophil": (int(rng.integers(3, 6)), 0.25, 0.46, rng.uniform(3.0, 4.6)),
        "eosinophil": (2, 0.34, 0.42, rng.uniform(1.9, 2.7)),
        "basophil": (2, 0.36, 0.34, rng.uniform(1.8, 2.6)),
        "monocyte": (6, 0.33, 0.36, rng.uniform(2.3, 3.4)),
    }[kind]
    turn = rng.uniform(0, 2 * np.pi)
    jitter = 0.12 if kind != "monocyte" else 0.05
    field = np.zeros(np.broadcast_shapes(patch.dy.shape, patch.dx.shape), np.float32)
    for k in range(lobes):
        angle = turn + span * (k / (lobes - 1) - 0.5) + rng.normal(0, jitter)
        r = radius * away * rng.normal(1, jitter)
        width = radius * size * rng.normal(1, jitter)
        stretch = rng.uniform(0.85, 1.2)
        dy, dx = patch.dy - r * np.sin(angle), patch.dx - r * np.cos(angle)
        u, v = dy * np.sin(angle) + dx * np.cos(angle), dx * np.sin(angle) - dy * np.cos(angle)
        field += np.exp(-((u / (width * stretch)) ** 2 + (v * stretch / width) ** 2)).astype(np.float32)
    if kind == "neutrophil":  # thin threads between its lobes
        angle = np.abs(np.angle(np.exp(1j * (np.arctan2(patch.dy, patch.dx) - turn))))
        thread = np.exp(-(((patch.distance() - radius * away) / (0.09 * radius)) ** 2))
        field += (0.5 * thread * _step(span / 2 - angle, 0.1)).astype(np.float32)
    return _step(field - 0.42, 0.07)


def _outline(patch: Patch, rng: np.random.Generator, radius: float, waves: float) -> np.ndarray:
    """Return the distance from the middle of an irregular disc, as a share of the distance of its edge there."""
    angle = np.arctan2(patch.dy, patch.dx)
    edge = np.ones_like(angle)
    for k in (2, 3, 4, 5):
        edge += np.float32(rng.normal(0, waves * 1.6 / k)) * np.cos(k * angle + np.float32(rng.uniform(0, 2 * np.pi)))
    return patch.distance() / (np.float32(radius) * edge)


def _inside(rho: np.ndarray, radius: float) -> np.ndarray:
    """Return 1 inside a disc and 0 outside, with an edge that is about a pixel wide."""
    return _step(1 - rho, 0.55 / radius)


def _step(value: np.ndarray, width: float) -> np.ndarray:
    return 0.5 * (1 + np.tanh(value / (2 * width)))
