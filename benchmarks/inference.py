"""Type I errors of the tests, and the time that intervals and tests take.

    python benchmarks/inference.py [errors|seconds …] [--sets 2000] [--jobs 2]

Test sets of one or two models are simulated. Scores are normally distributed within each class, and the number of
images of each class is fixed, as the stratified bootstrap assumes. For two models that are equal in the population, a
test at the 5% level should find a difference in at most 5 of 100 pairs. The time is that of ten models on 10,000 images
with 2,000 resamples, for all scores with intervals and tests of all pairs.
"""

import argparse
import json
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from statistics import NormalDist
from typing import Any
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from hybrid.evaluation import PairedEvaluation, resampled_scores

PHI = NormalDist().cdf
BLOCK = 25  # simulated sets per task
TESTED = ("accuracy", "roc_auc", "balanced_accuracy", "f1", "mcc", "average_precision", "brier", "log_loss", "ece")


@dataclass(frozen=True)
class Population:
    """The population from which test sets are simulated.

    Attributes
    ----------
    n : int
        Number of images in a set.
    share : float
        Share of positive images.
    separation : float
        Distance between the mean scores of the classes, in standard deviations.
    shift : float, default=0.0
        Distance of the threshold from the middle of the two means, in standard deviations. If it is not 0, sensitivity
        and specificity differ.
    shared : float, default=0.5
        Share of the variance within a class that two models have in common.
    """

    n: int
    share: float
    separation: float
    shift: float = 0.0
    shared: float = 0.5

    def positives(self, rng: np.random.Generator) -> int:
        """Return the number of positive images of a simulated set."""
        return round(self.n * self.share)

    def draw(self, rng: np.random.Generator, models: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the labels of a simulated set and the probabilities of each model."""
        y = (np.arange(self.n) < self.positives(rng)).astype(int)
        common = rng.normal(size=self.n) * self.shared**0.5
        proba = {}
        for model in range(models):
            noise = common + rng.normal(size=self.n) * (1 - self.shared) ** 0.5
            z = self.separation * (y - 0.5) + noise - self.shift
            p = 1 / (1 + np.exp(-self.separation * z))
            proba[f"model {model}"] = np.column_stack([1 - p, p])
        return y, proba


ALIKE = [Population(n, share, separation) for n in (100, 600) for share, separation in [(0.5, 1.5), (0.3, 2.4)]]


def rejected(population: Population, sets: int, seed: int = 0, jobs: int = 1) -> dict[str, float]:
    """Return the share of simulated sets in which a test finds a difference between two equal models, by metric."""
    rejections = simulate(partial(_rejected, population), sets, seed, jobs)
    return dict(zip(TESTED, rejections.mean(axis=0).tolist(), strict=True))


def _rejected(population: Population, rng: np.random.Generator) -> list[bool]:
    y, proba = population.draw(rng, 2)
    trial = PairedEvaluation(y, proba, [0, 1], random_state=int(rng.integers(1 << 31)))
    return [test.distinguishable for test in trial.tests(TESTED)]


def simulate(simulate_set: Any, sets: int, seed: int, jobs: int) -> np.ndarray:
    """Return the results of `simulate_set`, one row per set. Each set has its own random generator."""
    seeds = np.random.SeedSequence(seed).spawn(sets)
    blocks = [seeds[first : first + BLOCK] for first in range(0, sets, BLOCK)]
    rows = Parallel(jobs)(delayed(_block)(simulate_set, block) for block in blocks)
    return np.array([row for block in rows for row in block])


def _block(simulate_set: Any, seeds: list[np.random.SeedSequence]) -> list[list[bool]]:
    # Looking up the BLAS libraries for each small set would take longer than its evaluation.
    with threadpool_limits(1), patch.object(resampled_scores, "threadpool_limits", lambda *_: nullcontext()):
        return [simulate_set(np.random.default_rng(seed)) for seed in seeds]


def timed(k: int, models: int = 10, n: int = 10_000, patients: int | None = None) -> dict[str, Any]:
    """Return the seconds that evaluating and comparing models with `k` classes takes, with or without patients."""
    rng = np.random.default_rng(0)
    y, groups = rng.integers(0, k, n), None if patients is None else rng.integers(0, patients, n)
    proba = {}
    for model in range(models):
        z = np.exp(rng.normal(size=(n, k)) + 2 * np.eye(k)[y])
        proba[f"model {model}"] = z / z.sum(axis=1, keepdims=True)
    started, used = time.perf_counter(), time.process_time()
    trial = PairedEvaluation(y, proba, range(k), groups=groups)
    results = trial.evaluations()
    evaluated = time.perf_counter() - started
    tests = trial.tests(list(next(iter(results.values())).metrics))
    return {
        "models": models,
        "images": n,
        **({} if patients is None else {"patients": patients}),
        "classes": k,
        "draws": trial.settings.n_boot,
        "evaluate_s": evaluated,
        "evaluate_and_test_s": time.perf_counter() - started,
        "processor_s": time.process_time() - used,
        "tests": len(tests),
    }


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=("errors", "seconds"), help="By default all.")
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    parts = given.parts or ["errors", "seconds"]
    path = RESULTS / "inference.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    result.pop("machine", None)
    if "errors" in parts:
        result["errors"] = []
        for population in ALIKE:
            shares = rejected(population, given.sets, jobs=given.jobs)
            print(population, shares, flush=True)
            result["errors"].append(asdict(population) | {"sets": given.sets, "shares": shares})
    if "seconds" in parts:
        result["seconds"] = [timed(2), timed(10)]
        print(result["seconds"])
    save("inference", result)


if __name__ == "__main__":
    main()
