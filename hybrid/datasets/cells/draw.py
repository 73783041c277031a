"""Draw a dataset of blood smears: what is in each picture, and its labels."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from hybrid.datasets.cells.canvas import SIZE, Canvas, Look, photograph
from hybrid.datasets.cells.hospitals import COLUMNS, Hospital
from hybrid.datasets.cells.shapes import (
    WHITE_CELLS,
    Point,
    draw_bubble,
    draw_dirt,
    draw_parasite,
    draw_platelet,
    draw_red_cell,
    draw_sickle_cell,
    draw_white_cell,
)

KINDS = ("parasites", "types", "labels", "clumps")
LABELS = ("parasites", "platelet_clump", "sickle_cell", "white_cell")
PATIENTS, PICTURES = 80, 10


@dataclass(frozen=True)
class DrawnPictures:
    """Pictures with their labels.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, 96, 96, 3)
        The pictures.
    y : ndarray of str, shape (n,), or of uint8, shape (n, 4)
        The class of each picture, or 0 or 1 for each of `LABELS`.
    patients : ndarray of str, shape (n,)
        The patient of each picture, such as "patient07".
    ids : list of str
        A unique name of each picture: the path that it has when the dataset is written to a folder.
    label_names : tuple of str, or None
        `LABELS` if each picture has several labels.
    columns : dict of str to ndarray of str, shape (n,)
        Hospital, scanner, ward, sex and age of the patient of each picture, if a hospital was given.
    """

    images: np.ndarray
    y: np.ndarray
    patients: np.ndarray
    ids: list[str]
    label_names: tuple[str, ...] | None
    columns: dict[str, np.ndarray] = field(default_factory=dict)


def draw_pictures(
    kind: str,
    patients: int = PATIENTS,
    pictures: int = PICTURES,
    random_state: int = 0,
    *,
    hospital: Hospital | None = None,
) -> DrawnPictures:
    """Draw a dataset. The same arguments give the same pictures.

    Parameters
    ----------
    kind : {"parasites", "types", "labels", "clumps"}
        What the labels tell: "healthy" or "parasite"; which of five kinds the white cell is; 0 or 1 for each of
        `LABELS`; or whether the platelets are "apart" or "clumped".
    patients : int, default=80
        Number of patients.
    pictures : int, default=10
        Number of pictures of each patient.
    random_state : int, default=0
        Seed of everything that is drawn. The pictures of one patient do not depend on the number of patients.
    hospital : Hospital, optional
        The hospital whose stain, microscopes and patients the pictures show. By default, a slide of each patient is
        stained and lit in its own way.

    Returns
    -------
    DrawnPictures
    """
    images, labels, names, ids, rows = [], [], [], [], []
    first = hospital.first if hospital else 1
    for number in range(first, first + patients):
        rng = np.random.default_rng([random_state, KINDS.index(kind), number])
        name = f"patient{number:02d}"
        patient = draw_patient(rng, kind, hospital.rate) if hospital else draw_patient(rng, kind)
        if hospital:
            scanner, row = hospital.about(number, patient.chances[LABELS.index("platelet_clump")], random_state)
            patient = replace(patient, look=hospital.look(patient.look, scanner))
            rows += [row] * pictures
        for picture in range(1, pictures + 1):
            scene = plan_scene(rng, patient)
            label = scene.label(kind)
            images.append(draw_scene(rng, scene, patient))
            labels.append(label)
            names.append(name)
            ids.append(f"{label if isinstance(label, str) else 'images'}/{name}_{picture:02d}.png")
    y = np.array(labels, np.uint8) if kind == "labels" else np.array(labels)
    columns = {column: np.array([row[column] for row in rows]) for column in COLUMNS} if hospital else {}
    return DrawnPictures(np.stack(images), y, np.array(names), ids, LABELS if kind == "labels" else None, columns)


@dataclass(frozen=True)
class Patient:
    """What the pictures of one patient have in common.

    Attributes
    ----------
    look : Look
        Stain, light and camera.
    radius, pallor : float
        Radius of the red cells in pixels, and how pale they are in the middle, from 0 to 1.
    crowded : float
        How much of the slide is covered by red cells, from 0 to 1.
    chances : ndarray of shape (4,)
        The probability that a picture shows each of `LABELS`.
    """

    look: Look
    radius: float
    pallor: float
    crowded: float
    chances: np.ndarray


@dataclass
class Scene:
    """What is in one picture. Points are the row and column of a middle, in pixels.

    Attributes
    ----------
    red_cells, blurred_cells : list of Point
        Red cells in the plane of focus, and out of it.
    sickle_cells : list of Point
        Red cells in the shape of a sickle.
    parasites : list of Point
        Parasites, each inside a red cell.
    bubbles, dirt, platelets : list of Point
        Artefacts that look like rings, specks of stain, and single platelets. They say nothing about the labels.
    clump : list of Point
        Platelets that stick together, at least six; or none.
    white_cell : str
        Kind of the white cell, or "" if there is none.
    white_at : Point
        Middle of the white cell.
    """

    red_cells: list[Point] = field(default_factory=list)
    blurred_cells: list[Point] = field(default_factory=list)
    sickle_cells: list[Point] = field(default_factory=list)
    parasites: list[Point] = field(default_factory=list)
    bubbles: list[Point] = field(default_factory=list)
    dirt: list[Point] = field(default_factory=list)
    platelets: list[Point] = field(default_factory=list)
    clump: list[Point] = field(default_factory=list)
    white_cell: str = ""
    white_at: Point = (0.0, 0.0)

    def label(self, kind: str) -> str | tuple[int, ...]:
        """Return the label of the picture in a dataset of this kind: a class, or 0 or 1 for each of `LABELS`."""
        if kind == "types":
            return self.white_cell
        if kind == "parasites":
            return "parasite" if self.parasites else "healthy"
        if kind == "clumps":
            return "clumped" if self.clump else "apart"
        return tuple(int(bool(thing)) for thing in (self.parasites, self.clump, self.sickle_cells, self.white_cell))


def draw_patient(rng: np.random.Generator, kind: str, rate: tuple[float, float] = (0.1, 0.8)) -> Patient:
    """Return a new patient. How often a picture shows a parasite, or another thing, differs between patients.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws what differs between patients.
    kind : str
        Kind of the dataset, as for `draw_pictures`.
    rate : (float, float), default=(0.1, 0.8)
        Smallest and largest probability of a clump of platelets, in a dataset of kind "clumps".
    """
    chances = {
        "parasites": (rng.uniform(0.0, 0.85), 0.06, 0.0, 0.06),
        "types": (0.0, 0.05, 0.0, 1.0),
        "labels": tuple(rng.uniform(0.05, 0.65, 4)),
        "clumps": (0.06, 0.0, 0.06, 0.06),
    }[kind]
    patient = Patient(
        look=Look.drawn(rng),
        radius=rng.uniform(13.5, 17.0),
        pallor=rng.uniform(0.3, 0.8),
        crowded=rng.uniform(0.45, 0.85),
        chances=np.array(chances),
    )
    if kind == "clumps":
        patient.chances[LABELS.index("platelet_clump")] = rng.uniform(*rate)
    return patient


def plan_scene(rng: np.random.Generator, patient: Patient) -> Scene:
    """Return what is in a picture of a patient."""
    has_parasites, has_clump, has_sickle, has_white = rng.random(4) < patient.chances
    scene = Scene(red_cells=_scattered(rng, patient.radius, patient.crowded))
    if has_white:
        scene.white_cell = str(rng.choice(WHITE_CELLS, p=_FREQUENCY))
        scene.white_at = _point(rng, 0.32)
        scene.red_cells = [at for at in scene.red_cells if _apart(at, scene.white_at) > 1.9 * patient.radius]
    if has_sickle:
        scene.sickle_cells = [_free_point(rng, scene, patient) for _ in range(rng.integers(1, 3))]
    visible = [at for at in scene.red_cells if _is_within(at, 0.45 * patient.radius)] or _add_red_cell(
        rng, scene, patient
    )
    hosts = [visible[i] for i in rng.permutation(len(visible))]
    if has_parasites:
        many = 1 + rng.binomial(2, 0.4)
        scene.parasites = [_near(rng, at, 0.38 * patient.radius) for at in hosts[:many]]
        hosts = hosts[many:]
    if rng.random() < 0.35:
        scene.bubbles = [_near(rng, at, 0.4 * patient.radius) for at in hosts[: 1 + rng.binomial(2, 0.35)]]
    if has_clump:
        scene.clump = _clump(rng, int(rng.integers(6, 12)), 0.28 * patient.radius)
    elif rng.random() < patient.chances[1]:  # many platelets, but apart: their number alone does not tell a clump
        scene.platelets = [_point(rng, 0.05) for _ in range(rng.integers(3, 8))]
    scene.platelets += [_point(rng, 0.0) for _ in range(rng.poisson(rng.gamma(1.0, 2.2)))]
    scene.dirt = [_point(rng, 0.0) for _ in range(rng.poisson(rng.gamma(1.0, 1.2)))]
    scene.blurred_cells = [_point(rng, -0.1) for _ in range(rng.poisson(0.5))]
    return scene


def draw_scene(rng: np.random.Generator, scene: Scene, patient: Patient) -> np.ndarray:
    """Return the picture of a scene, of shape (96, 96, 3) and type uint8."""
    canvas, blurred = Canvas(), Canvas()
    radius = patient.radius
    for cells, target in ((scene.red_cells, canvas), (scene.blurred_cells, blurred)):
        for at in cells:
            draw_red_cell(target, rng, at, radius * rng.normal(1, 0.06), patient.pallor)
    for at in scene.sickle_cells:
        draw_sickle_cell(canvas, rng, at, radius * rng.normal(1, 0.06))
    if scene.white_cell:
        draw_white_cell(canvas, rng, scene.white_at, scene.white_cell, radius)
    for at in scene.bubbles:
        draw_bubble(canvas, rng, at, radius * rng.uniform(0.16, 0.30))
    for at in scene.parasites:
        draw_parasite(canvas, rng, at, radius * rng.uniform(0.22, 0.36))
    for at in scene.platelets + scene.clump:
        draw_platelet(canvas, rng, at, radius * rng.uniform(0.19, 0.34))
    for at in scene.dirt:
        draw_dirt(canvas, rng, at, rng.uniform(0.8, 2.0))
    return photograph(canvas, blurred, patient.look, rng)


_FREQUENCY = (0.12, 0.18, 0.25, 0.17, 0.28)  # of WHITE_CELLS; rare kinds are more frequent here than in blood


def _scattered(rng: np.random.Generator, radius: float, crowded: float) -> list[Point]:
    """Return random points, also just outside the picture, most of them at least two radii apart."""
    points: list[Point] = []
    for _ in range(int(75 * crowded)):
        at = _point(rng, -0.15)
        least = radius * (1.45 if rng.random() < 0.12 else 2.05)
        if all(_apart(at, other) > least for other in points):
            points.append(at)
    return points


def _add_red_cell(rng: np.random.Generator, scene: Scene, patient: Patient) -> list[Point]:
    """Add a red cell in a corner, far from a white cell, to a picture that shows none, and return it in a list."""
    corners = [(y, x) for y in (0.2 * SIZE, 0.8 * SIZE) for x in (0.2 * SIZE, 0.8 * SIZE)]
    scene.red_cells.append(max(corners, key=lambda at: _apart(at, scene.white_at) + rng.uniform(0, 1)))
    return scene.red_cells[-1:]


def _free_point(rng: np.random.Generator, scene: Scene, patient: Patient) -> Point:
    """Return a point of the picture that is not under a white cell, and remove the red cells that are too near."""
    candidates = [_point(rng, 0.14) for _ in range(8)]
    white = [at for at in candidates if not scene.white_cell or _apart(at, scene.white_at) > 2.4 * patient.radius]
    at = (white or [max(candidates, key=lambda point: _apart(point, scene.white_at))])[0]
    scene.red_cells = [other for other in scene.red_cells if _apart(at, other) > 1.5 * patient.radius]
    return at


def _clump(rng: np.random.Generator, many: int, apart: float) -> list[Point]:
    """Return points of which each is about `apart` from an earlier one, and not nearer to any."""
    points = [_point(rng, 0.14)]
    while len(points) < many:
        angle, beside = rng.uniform(0, 2 * np.pi), points[rng.integers(len(points))]
        at = (beside[0] + 1.2 * apart * math.sin(angle), beside[1] + 1.2 * apart * math.cos(angle))
        if all(_apart(at, other) > apart for other in points):
            points.append(at)
    return points


def _point(rng: np.random.Generator, margin: float) -> Point:
    y, x = rng.uniform(margin * SIZE, (1 - margin) * SIZE, 2)
    return float(y), float(x)


def _near(rng: np.random.Generator, at: Point, reach: float) -> Point:
    away, angle = reach * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
    return float(at[0] + away * np.sin(angle)), float(at[1] + away * np.cos(angle))


def _apart(a: Point, b: Point) -> float:
    return math.hypot(a[0] - b[0], a[1] - b[1])


def _is_within(at: Point, margin: float) -> bool:
    return all(margin < c < SIZE - margin for c in at)
