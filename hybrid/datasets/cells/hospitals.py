"""Two hospitals whose pictures of blood cells differ in stain, microscopes and patients."""

from dataclasses import dataclass, replace

import numpy as np

from hybrid.datasets.cells.canvas import Look

COLUMNS = ("hospital", "scanner", "ward", "sex", "age")


@dataclass(frozen=True)
class Scanner:
    """A microscope with its camera.

    Attributes
    ----------
    name : str
        Its value in the column "scanner".
    brightness : float
        Factor of the light.
    contrast : float
        Factor of the distance of each colour from medium grey.
    blur : float
        How much less sharp its pictures are, in pixels.
    """

    name: str
    brightness: float
    contrast: float
    blur: float


@dataclass(frozen=True)
class Hospital:
    """What the pictures of one hospital have in common.

    Attributes
    ----------
    name : str
        Its value in the column "hospital".
    first : int
        Number of its first patient. No patient is in two hospitals.
    patients : int
        Number of its patients.
    stain : (float, float, float, float)
        Factors of the amount of each stain: pink, purple, blue and orange.
    rate : (float, float)
        Smallest and largest probability that a picture of a patient shows a clump of platelets.
    scanners : tuple of Scanner
        Each patient is photographed with one of them.
    """

    name: str
    first: int
    patients: int
    stain: tuple[float, float, float, float]
    rate: tuple[float, float]
    scanners: tuple[Scanner, Scanner]

    def look(self, look: Look, scanner: Scanner) -> Look:
        """Return the stain, light and camera of a patient of this hospital, from those of any patient."""
        return replace(
            look,
            absorbed=look.absorbed * np.array(self.stain, np.float32)[:, None],
            light=look.light * np.float32(scanner.brightness),
            blur=look.blur + scanner.blur,
            contrast=scanner.contrast,
        )

    def about(self, number: int, rate: float, random_state: int) -> tuple[Scanner, dict[str, str]]:
        """Return the scanner of a patient, and the values of `COLUMNS`.

        Patients with many clumps are mostly in the ward of haematology. Scanner, sex and age say nothing about clumps.

        Parameters
        ----------
        number : int
            Number of the patient.
        rate : float
            Probability that a picture of the patient shows a clump.
        random_state : int
            Seed of the dataset.
        """
        rng = np.random.default_rng([random_state, number, 5])
        scanner = self.scanners[rng.integers(2)]
        ward = "haematology" if rate + rng.normal(0, 0.08) > np.mean(self.rate) else "general"
        sex, age = ("female", "male")[rng.integers(2)], str(int(rng.integers(18, 91)))
        return scanner, dict(zip(COLUMNS, (self.name, scanner.name, ward, sex, age), strict=True))


NORTH = Hospital(
    "north", 1, 80, (1.0, 1.0, 1.0, 1.0), (0.1, 0.8),
    (Scanner("north-1", 1.0, 1.0, 0.0), Scanner("north-2", 0.97, 0.95, 0.15)),
)  # fmt: skip
SOUTH = Hospital(
    "south", 101, 60, (1.25, 0.7, 0.7, 1.0), (0.02, 0.4),
    (Scanner("south-1", 0.92, 0.9, 0.45), Scanner("south-2", 0.84, 0.8, 0.7)),
)  # fmt: skip
HOSPITALS = {hospital.name: hospital for hospital in (NORTH, SOUTH)}
