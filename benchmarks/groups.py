"""Coverage of intervals and false positives of tests for images in groups, and the time that they take.

    python benchmarks/groups.py [coverage|errors|seconds …] [--sets 2000] [--draws 500] [--jobs 2] [--only 0 5 …]

Each simulated set has five images of each of 60 patients. Scores are normally distributed within each class, with an
effect of the patient that all of its images share; the intraclass correlation is its share of the variance. Either each
patient has images of one class only, and the number of patients of each class is fixed, or each image is of either
class. A 95% interval should contain the true value in 95 of 100 sets. For two models that are equal in the population,
a test at the 5% level should find a difference in at most 5 of 100 pairs. "ignored" is the same without groups. The
time is that of ten models on 10,000 images of 2,000 patients with 2,000 draws, for all scores with intervals and tests
of all pairs.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from inference import PHI, simulate, timed
from scipy.stats import norm

from hybrid.evaluation import PairedEvaluation, compare_models, independent
from hybrid.evaluation.clustered import area_interval, score_interval, share_interval
from hybrid.evaluation.independent import SHARES
from hybrid.evaluation.metrics import METRICS

PATIENTS, IMAGES = 60, 5  # images of each patient
LEVEL = 0.95
SEPARATION = 1.5  # distance of the mean scores of the classes, in standard deviations
SCORES = ("roc_auc", "accuracy", "sensitivity", "specificity", "f1", "average_precision")


@dataclass(frozen=True)
class Patients:
    """The population from which test sets are simulated.

    Attributes
    ----------
    share : float
        Share of positive images.
    correlation : float
        Intraclass correlation of the scores of a patient's images.
    mixed : bool
        Whether a patient has images of both classes, each image by chance.
    """

    share: float
    correlation: float
    mixed: bool = False

    @property
    def truth(self) -> dict[str, float]:
        """The true scores of the population."""
        rate, share = PHI(SEPARATION / 2), self.share
        threshold = np.linspace(-9, 9, 20_001)
        found, false = norm.sf(threshold - SEPARATION / 2), norm.sf(threshold + SEPARATION / 2)
        precision = share * found / np.maximum(share * found + (1 - share) * false, 1e-300)
        return {
            "roc_auc": PHI(SEPARATION / 2**0.5),
            "accuracy": rate,
            "sensitivity": rate,
            "specificity": rate,
            "f1": 2 * share * rate / (share * rate + (1 - share) * (1 - rate) + share),
            "average_precision": float(-np.trapezoid(precision, found)),
        }

    def draw(self, rng: np.random.Generator, models: int) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
        """Return the labels of a simulated set, the probabilities of each model, and the patient of each image."""
        patient = np.repeat(np.arange(PATIENTS), IMAGES)
        y = rng.random(len(patient)) < self.share if self.mixed else patient < round(self.share * PATIENTS)
        proba = {}
        for model in range(models):
            of_patient, of_image = rng.normal(size=PATIENTS), rng.normal(size=len(patient))
            noise = self.correlation**0.5 * of_patient[patient] + (1 - self.correlation) ** 0.5 * of_image
            p = 1 / (1 + np.exp(-SEPARATION * (noise + SEPARATION * (y - 0.5))))
            proba[f"model {model}"] = np.column_stack([1 - p, p])
        return y.astype(int), proba, patient


POPULATIONS = [
    Patients(share, correlation, mixed)
    for mixed in (False, True)
    for share in (0.5, 0.1)
    for correlation in (0.0, 0.3, 0.5, 0.8)
]


def covered(population: Patients, sets: int, draws: int, jobs: int = 1) -> dict[str, float]:
    """Return the share of simulated sets whose interval contains the true value, by metric."""
    rows = simulate(partial(_covered, population, draws), sets, 0, jobs)
    return dict(zip([*SCORES, "roc_auc, ignored"], rows.mean(axis=0).tolist(), strict=True))


def rejected(population: Patients, sets: int, draws: int, jobs: int = 1) -> dict[str, float]:
    """Return the share of simulated sets in which a test finds a difference between two equal models, by metric."""
    rows = simulate(partial(_rejected, population, draws), sets, 0, jobs)
    return dict(zip([*SCORES, "roc_auc, ignored"], rows.mean(axis=0).tolist(), strict=True))


def _covered(population: Patients, draws: int, rng: np.random.Generator) -> list[bool]:
    y, proba, patient = population.draw(rng, 1)
    found = intervals_of(y, proba["model 0"], patient, draws, int(rng.integers(1 << 31)))
    truth = population.truth | {"roc_auc, ignored": population.truth["roc_auc"]}
    return [bounds is not None and bounds[0] <= truth[name] <= bounds[1] for name, bounds in found.items()]


def intervals_of(
    y: np.ndarray, proba: np.ndarray, patient: np.ndarray, draws: int, seed: int
) -> dict[str, tuple[float, float] | None]:
    """Return intervals that `evaluate` gives by default, without the time that all other scores take."""
    trial = PairedEvaluation(y, {"": proba}, [0, 1], groups=patient, n_boot=draws, random_state=seed)
    problem, scores = trial.problems[""], trial.resample(["f1", "average_precision"])[""]
    true, score, predicted = y == 1, proba[:, 1], problem.predicted[:, 1]
    found: dict[str, tuple[float, float] | None] = {"roc_auc": area_interval(true, score, patient, LEVEL)}
    for name in ("accuracy", "sensitivity", "specificity"):
        counted, right = (chosen(true, predicted) for chosen in SHARES[str(METRICS[name].share_of)])
        found[name] = share_interval(right[counted], patient[counted], problem.drawn_strata, LEVEL)
    for name in ("f1", "average_precision"):
        parts = scores.overall[name][0], scores.drawn_overall[name], scores.without_overall[name]
        found[name] = score_interval(*parts, trial.blocks, LEVEL)
    return found | {"roc_auc, ignored": independent.area_interval(true, score, LEVEL)}


def _rejected(population: Patients, draws: int, rng: np.random.Generator) -> list[bool]:
    y, proba, patient = population.draw(rng, 2)
    settings: dict[str, Any] = {"n_boot": draws, "random_state": int(rng.integers(1 << 31))}
    tests = compare_models(y, proba, [0, 1], metrics=SCORES, groups=patient, **settings)
    tests += compare_models(y, proba, [0, 1], metrics=["roc_auc"], **settings)
    return [test.distinguishable for test in tests]


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=("coverage", "errors", "seconds"), help="By default all.")
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="*", default=range(len(POPULATIONS)), help="Numbers of populations.")
    given = parser.parse_args()
    path = RESULTS / "groups.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    result.pop("machine", None)
    for part, run in (("coverage", covered), ("errors", rejected)):
        for number in given.only if part in (given.parts or [part]) else ():
            shares = run(POPULATIONS[number], given.sets, given.draws, given.jobs)
            print(part, POPULATIONS[number], shares, flush=True)
            record = asdict(POPULATIONS[number]) | {"sets": given.sets, "draws": given.draws, "shares": shares}
            result.setdefault(part, {})[str(number)] = record
            save("groups", result)
    if "seconds" in (given.parts or ["seconds"]):
        result["seconds"] = [timed(2, patients=2000), timed(10, patients=2000)]
        print(result["seconds"])
        save("groups", result)


if __name__ == "__main__":
    main()
