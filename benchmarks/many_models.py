"""Familywise errors and power of the comparison of many models, and the time that it takes.

    python benchmarks/many_models.py [errors|power|seconds …] [--sets 2000] [--jobs 2]

Test sets of 19 models are simulated. If all models are equally good in the population, Holm's correction at the 5%
level should find a difference between any two of them in at most 5 of 100 sets, whether each model is compared with a
reference or with every other one. The first 2 and 5 models are families of their own. The power is the share of sets in
which one better model is told apart from a reference, and from each of the others.
"""

import argparse
import json
import time
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from inference import PHI, Population, simulate

from hybrid.evaluation import PairedEvaluation, PairedTest
from hybrid.evaluation.paired_test import holm

TESTED = ("accuracy", "roc_auc", "balanced_accuracy", "f1", "mcc", "average_precision", "brier")
MODELS = (2, 5, 19)
ALIKE = [Population(n, share, 1.5) for n in (100, 600) for share in (0.1, 0.5)]


def familywise(population: Population, sets: int, seed: int = 0, jobs: int = 1) -> dict[str, dict[str, float]]:
    """Return the share of simulated sets in which any two equal models are told apart, by family and metric."""
    shares = simulate(partial(_told_apart, population), sets, seed, jobs).mean(axis=0).reshape(len(TESTED), -1)
    families = [f"{models} models, {pairs}" for models in MODELS for pairs in ("reference", "all pairs")]
    return {
        family: dict(zip(TESTED, column.tolist(), strict=True))
        for family, column in zip(families, shares.T, strict=True)
    }


def _told_apart(population: Population, rng: np.random.Generator) -> list[bool]:
    y, proba = population.draw(rng, max(MODELS))
    tests = _tests(y, proba, TESTED, rng)
    names = list(proba)
    found = []
    for metric in TESTED:
        of_metric = [test for test in tests if test.metric == metric]
        for models in MODELS:
            among = [test for test in of_metric if {test.first, test.second} <= set(names[:models])]
            for family in ([test for test in among if names[0] in (test.first, test.second)], among):
                found.append(any(test.distinguishable for test in holm(family)))
    return found


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


def _tests(y: np.ndarray, proba: dict[str, Any], metrics: Any, rng: np.random.Generator) -> list[PairedTest]:
    return PairedEvaluation(y, proba, random_state=int(rng.integers(1 << 31))).tests(metrics)


def timed(models: int = 19, n: int = 10_000, classes: int = 2) -> dict[str, Any]:
    """Return the seconds that evaluating and comparing many models takes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, n)
    proba = {}
    for model in range(models):
        z = np.exp(rng.normal(size=(n, classes)) + 2 * np.eye(classes)[y])
        proba[f"model {model}"] = z / z.sum(axis=1, keepdims=True)
    started, used = time.perf_counter(), time.process_time()
    trial = PairedEvaluation(y, proba, range(classes))
    results = trial.evaluations()
    tests = trial.tests(list(next(iter(results.values())).metrics))
    seconds = {"seconds": time.perf_counter() - started, "processor_s": time.process_time() - used}
    return {"models": models, "images": n, "classes": classes, "draws": 2000, "tests": len(tests)} | seconds


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=("errors", "power", "seconds"), help="By default all.")
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    parts = given.parts or ["errors", "power", "seconds"]
    path = RESULTS / "many_models.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    result.pop("machine", None)
    if "errors" in parts:
        result["errors"] = []
        for population in ALIKE:
            shares = familywise(population, given.sets, jobs=given.jobs)
            print(population, shares, flush=True)
            result["errors"].append(asdict(population) | {"sets": given.sets, "shares": shares})
    if "power" in parts:
        found = power(400, 3, 0.1, given.sets, jobs=given.jobs)
        result["power"] = {"images": 400, "classes": 3, "gain": 0.1, "sets": given.sets, "shares": found}
        print(result["power"])
    if "seconds" in parts:
        result["seconds"] = [timed(), timed(10), timed(10, classes=10)]
        print(result["seconds"])
    save("many_models", result)


if __name__ == "__main__":
    main()
