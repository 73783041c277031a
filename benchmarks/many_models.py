"""Familywise errors and power of the comparison of many models, and the time that it takes.

    python benchmarks/many_models.py [errors|power|seconds …] [--sets 2000] [--draws 2000] [--only 0 5 …]

Test sets of 19 models are simulated. If all models are equally good in the population, Holm's correction at the 5%
level should find a difference between any two of them in at most 5 of 100 sets, whether each model is compared with a
reference or with every other one. Smaller families are parts of the 19 models. The power is the share of sets in
which one better model is told apart from a reference, and from each of the others.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from inference import PHI, Population, simulate

from hybrid.evaluation import PairedEvaluation, PairedTest
from hybrid.evaluation.paired_test import holm

TESTED = ("accuracy", "roc_auc", "balanced_accuracy", "f1", "mcc", "average_precision", "brier")
MODELS = (2, 5, 19)


@dataclass(frozen=True)
class Patients(Population):
    """A population of patients with five images each, whose scores resemble each other.

    Attributes
    ----------
    icc : float, default=0.5
        The intraclass correlation of the scores.
    """

    icc: float = 0.5

    @property
    def groups(self) -> np.ndarray:
        """The patient of each image."""
        return np.repeat(np.arange(self.n // 5), 5)

    def draw(self, rng: np.random.Generator, models: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the labels of a simulated set, equal for all images of a patient, and the probabilities."""
        patients = self.n // 5
        y = (np.arange(patients) < round(patients * self.share)).astype(int)[self.groups]
        noise = self._noise(rng, models + 1)
        z = self.separation * (y - 0.5) + self.shared**0.5 * noise[0] + (1 - self.shared) ** 0.5 * noise[1:]
        p = 1 / (1 + np.exp(-self.separation * z))
        return y, {f"model {number}": np.column_stack([1 - one, one]) for number, one in enumerate(p)}

    def _noise(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        of_patient = rng.normal(size=(rows, self.n // 5))[:, self.groups]
        return self.icc**0.5 * of_patient + (1 - self.icc) ** 0.5 * rng.normal(size=(rows, self.n))


ALIKE = [Population(n, share, 1.5) for n in (100, 600) for share in (0.1, 0.5)]
ALIKE += [Patients(300, share, 1.5, icc=icc) for share in (0.5, 0.1) for icc in (0.0, 0.3, 0.5, 0.8)]


def familywise(
    population: Population, sets: int, seed: int = 0, jobs: int = 1, draws: int = 2000
) -> dict[str, dict[str, float]]:
    """Return the share of families of equal models in which any are told apart, by family and metric.

    A set has 19 models, and so 171 families of two models, three of five, and one of 19, in each of which every model
    is the reference once. All of them count, which makes the share more precise.
    """
    shares = simulate(partial(_told_apart, population, draws), sets, seed, jobs).mean(axis=0).reshape(len(TESTED), -1)
    families = [f"{models} models, {pairs}" for models in MODELS for pairs in ("reference", "all pairs")]
    return {
        family: dict(zip(TESTED, column.tolist(), strict=True))
        for family, column in zip(families, shares.T, strict=True)
    }


def _told_apart(population: Population, draws: int, rng: np.random.Generator) -> list[float]:
    y, proba = population.draw(rng, max(MODELS))
    row = {name: number for number, name in enumerate(proba)}
    groups = population.groups if isinstance(population, Patients) else None
    tests = _tests(y, proba, TESTED, rng, groups=groups, n_boot=draws)
    found = []
    for metric in TESTED:
        p_values = np.ones((len(row), len(row)))
        for test in tests:
            if test.metric == metric and test.p_value is not None:
                i, j = row[test.first], row[test.second]
                p_values[i, j] = p_values[j, i] = test.p_value
        for models in MODELS:
            found += _shares(p_values, models)
    return found


def _shares(p_values: np.ndarray, models: int) -> list[float]:
    """Return the share of families in which Holm's correction finds a difference: with a reference, and of all pairs.

    It finds one exactly if the smallest p-value is below the level divided by the number of tests.
    """
    if models == 2:
        return [float((p_values[np.triu_indices(len(p_values), 1)] < 0.05).mean())] * 2
    blocks = [p_values[i : i + models, i : i + models] for i in range(0, len(p_values) - models + 1, models)]
    by_reference = [(block.min(axis=1) < 0.05 / (models - 1)).mean() for block in blocks]
    by_pairs = [block.min() < 0.05 / (models * (models - 1) / 2) for block in blocks]
    return [float(np.mean(by_reference)), float(np.mean(by_pairs))]


def power(n: int, classes: int, gain: float, sets: int, seed: int = 0, jobs: int = 1) -> dict[str, float]:
    """Return how often the best of 19 models is told apart from a reference, in macro ROC AUC.

    Parameters
    ----------
    n, classes : int
        Number of images and of classes.
    gain : float
        By how much the ROC AUC of each class of the best model is higher than the .8 of all others.
    """
    separations = [_separation(0.8)] * 18 + [_separation(0.8 + gain)]
    rows = simulate(partial(_found, n, classes, separations), sets, seed, jobs).mean(axis=0)
    names = ("from the reference", "from a model, among all pairs", "any wrong pair")
    return dict(zip(names, rows.tolist(), strict=True))


def _found(n: int, classes: int, separations: list[float], rng: np.random.Generator) -> list[float]:
    y = np.arange(n) % classes
    common = rng.normal(size=(n, classes))
    proba = {}
    for number, separation in enumerate(separations):
        z = separation * np.eye(classes)[y] + 0.5**0.5 * (common + rng.normal(size=(n, classes)))
        # Scores of a class that share no normalisation, so that the population's ROC AUC is known: several labels.
        proba[f"model {number}"] = 1 / (1 + np.exp(-z))
    tests = _tests(np.eye(classes, dtype=int)[y], proba, ["roc_auc_macro"], rng)
    best, reference = f"model {len(separations) - 1}", "model 0"
    against_reference = holm([test for test in tests if reference in (test.first, test.second)])
    everywhere = [test.distinguishable for test in holm(tests) if best in (test.first, test.second)]
    wrong = any(test.distinguishable for test in holm(tests) if best not in (test.first, test.second))
    return [
        any(test.distinguishable for test in against_reference if best in (test.first, test.second)),
        float(np.mean(everywhere)),
        float(wrong),
    ]


def _separation(area: float) -> float:
    """Return the distance between two normal distributions whose ROC curve has this area."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if PHI(middle / 2**0.5) < area else (low, middle)
    return low


def _tests(
    y: np.ndarray, proba: dict[str, Any], metrics: Any, rng: np.random.Generator, **options: Any
) -> list[PairedTest]:
    return PairedEvaluation(y, proba, random_state=int(rng.integers(1 << 31)), **options).tests(metrics)


def timed(models: int = 19, n: int = 10_000, classes: int = 2, images_of_group: int = 1) -> dict[str, Any]:
    """Return the seconds that evaluating and comparing many models takes, by all metrics."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(-(-n // images_of_group)), images_of_group)[:n]
    y = rng.integers(0, classes, groups[-1] + 1)[groups]
    proba = {}
    for model in range(models):
        z = np.exp(rng.normal(size=(n, classes)) + 2 * np.eye(classes)[y])
        proba[f"model {model}"] = z / z.sum(axis=1, keepdims=True)
    started, used = time.perf_counter(), time.process_time()
    trial = PairedEvaluation(y, proba, range(classes), groups=groups if images_of_group > 1 else None)
    results = trial.evaluations()
    metrics = list(next(iter(results.values())).metrics)
    by_reference = len(trial.tests(metrics, reference="model 0"))
    seconds = {"seconds": time.perf_counter() - started, "processor_s": time.process_time() - used}
    all_pairs = len(trial.tests(metrics))
    seconds |= {"with_all_pairs_s": time.perf_counter() - started}
    sizes = {"models": models, "images": n, "images_of_group": images_of_group, "classes": classes, "draws": 2000}
    return sizes | {"tests": by_reference, "tests_of_all_pairs": all_pairs} | seconds


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=("errors", "power", "seconds"), help="By default all.")
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=2000, help="Bootstrap draws of each set.")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="*", default=range(len(ALIKE)), help="Numbers of populations.")
    given = parser.parse_args()
    parts = given.parts or ["errors", "power", "seconds"]
    path = RESULTS / "many_models.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    result.pop("machine", None)
    for number in given.only if "errors" in parts else ():
        shares = familywise(ALIKE[number], given.sets, jobs=given.jobs, draws=given.draws)
        print(ALIKE[number], shares, flush=True)
        record = asdict(ALIKE[number]) | {"sets": given.sets, "draws": given.draws, "shares": shares}
        result.setdefault("errors", {})[str(number)] = record
        save("many_models", result)
    if "power" in parts:
        found = power(400, 3, 0.1, given.sets, jobs=given.jobs)
        result["power"] = {"images": 400, "classes": 3, "gain": 0.1, "sets": given.sets, "shares": found}
        print(result["power"])
    if "seconds" in parts:
        result["seconds"] = [timed(), timed(10), timed(10, images_of_group=5), timed(10, classes=10, images_of_group=5)]
        print(result["seconds"])
    save("many_models", result)


if __name__ == "__main__":
    main()
