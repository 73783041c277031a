"""Coverage of intervals of differences between different images, and false positives of their tests.

    python benchmarks/unpaired.py [alone|groups|draws …] [--sets 2000] [--only 0 5 …]

Two sets of images are simulated, such as a hospital's own test set and that of another hospital, and their scores are
compared as `hybrid validate` does. Scores are normally distributed within each class. A 95% interval of the difference
should contain the true difference in 95 of 100 pairs of sets. If the two populations are the same, a test at the 5%
level should find a difference in at most 5 of 100. `alone` has independent images, `groups` several images of each
patient, whose scores have an intraclass correlation of .5, and `draws` the scores whose intervals need bootstrap draws.
"""

import argparse
import json
import warnings
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from inference import simulate
from interval_coverage import Known
from scipy.special import expit
from scipy.stats import rankdata

from hybrid.evaluation import Metric, PairedEvaluation, evaluate, independent
from hybrid.evaluation.clustered import area_interval, share_interval
from hybrid.evaluation.independent import SHARES
from hybrid.evaluation.intervals import bca, perfect_auc, wilson
from hybrid.evaluation.metrics import METRICS
from hybrid.evaluation.unpaired import _interval, mean_of_shares

SCORES = ("roc_auc", "accuracy", "sensitivity", "specificity", "precision", "npv", "f1", "balanced_accuracy")
IN_GROUPS = ("roc_auc", "accuracy", "sensitivity", "specificity")
DRAWN = ("mcc", "f1_macro", "log_loss", "brier")
CORRELATION, DRAWS = 0.5, 400


@dataclass(frozen=True)
class Pair:
    """Two populations: the images of the first set, and those of the second."""

    first: Known
    second: Known

    @property
    def alike(self) -> bool:
        """Whether the model is equally good on both."""
        return (self.first.separation, self.first.shift) == (self.second.separation, self.second.shift)


@dataclass(frozen=True)
class Patients(Known):
    """A population of patients, each with several images of one class."""

    images: int = 5

    def draw_patients(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return labels, probabilities and patients of a simulated set."""
        patients = self.n // self.images
        patient = np.repeat(np.arange(patients), self.images)
        y = patient < round(self.share * patients)
        noise = CORRELATION**0.5 * rng.normal(size=patients)[patient]
        noise += (1 - CORRELATION) ** 0.5 * rng.normal(size=self.n)
        z = self.separation * (y - 0.5) + noise - self.shift
        return y.astype(int), expit(self.separation * z), patient


EASY, HARD = (2.4, 0.5), (1.5, 0.0)  # separation of the classes and shift of the threshold
SIZES = ((100, 100), (600, 100), (600, 600))
KINDS = ((EASY, EASY), (HARD, HARD), (EASY, HARD))


def pairs(kind: type[Known] = Known, **of_size: Any) -> list[Pair]:
    """Return the pairs of populations of one kind."""
    return [
        Pair(kind(n1, share, *a, **more(n1, of_size)), kind(n2, share, *b, **more(n2, of_size)))
        for n1, n2 in SIZES
        for share in (0.1, 0.5)
        for a, b in KINDS
    ]


def more(n: int, of_size: dict[str, dict[int, int]]) -> dict[str, int]:
    """Return the fields that depend on the number of images."""
    return {name: values[n] for name, values in of_size.items()}


CASES = {"alone": pairs(), "groups": pairs(Patients, images={100: 2, 600: 5}), "draws": pairs()[:6]}


def area(y: np.ndarray, score: np.ndarray) -> float:
    """Return the ROC AUC of scores without ties."""
    ranks, positive = rankdata(score), y == 1
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(y) - n)))


def share(name: str, true: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return a share of images; None if there are no such images."""
    counted, right = (chosen(true, predicted) for chosen in SHARES[METRICS[name].share_of])
    if not counted.any():
        return None
    value = float(right.sum() / counted.sum())
    return 2 * value / (1 + value) if name == "f1" else value


def scores_alone(population: Known, rng: np.random.Generator) -> dict[str, Metric]:
    """Return the scores of a simulated set of independent images, as `evaluate` gives them."""
    y, proba = population.draw(rng, 1)
    true, score = y == 1, proba["model 0"][:, 1]
    predicted = score > 0.5
    counts = (int((true & predicted).sum()), int(true.sum()), int((~true & predicted).sum()), int((~true).sum()))
    found = {name: share_of_counts(name, *counts) for name in SCORES if METRICS[name].share_of}
    found["balanced_accuracy"] = mean_of_shares([found["sensitivity"], found["specificity"]]) or Metric(None)
    bounds = independent.area_interval(true, score, 0.95) or perfect_auc(counts[1], counts[3], 0.95)
    return found | {"roc_auc": Metric(area(y, score), *bounds)}


@cache
def share_of_counts(name: str, hits: int, positives: int, alarms: int, negatives: int) -> Metric:
    """Return a share of images with its interval, which depend on four counts only."""
    true = np.arange(positives + negatives) < positives
    place = np.r_[np.arange(positives), np.arange(negatives)]
    predicted = place < np.where(true, hits, alarms)
    bounds = independent.share_interval(METRICS[name].share_of, true, predicted, true.astype(int), 0.95)
    if name == "f1" and bounds:
        bounds = (2 * bounds[0] / (1 + bounds[0]), 2 * bounds[1] / (1 + bounds[1]))
    return Metric(share(name, true, predicted), *(bounds or (None, None)))


def scores_of_patients(population: Patients, rng: np.random.Generator) -> dict[str, Metric]:
    """Return the scores of a simulated set of patients, as `evaluate` gives them."""
    y, score, patient = population.draw_patients(rng)
    true, predicted = y == 1, score > 0.5
    sides = len(np.unique(patient[true])), len(np.unique(patient[~true]))
    bounds = area_interval(true, score, patient, 0.95) or perfect_auc(*sides, 0.95)
    found = {"roc_auc": Metric(area(y, score), *bounds)}
    strata = np.zeros(patient.max() + 1, dtype=int)
    strata[patient] = y
    for name in IN_GROUPS[1:]:
        counted, right = (chosen(true, predicted) for chosen in SHARES[METRICS[name].share_of])
        bounds = share_interval(right[counted], patient[counted], strata, 0.95) or wilson(1.0, sides[0], 0.95)
        found[name] = Metric(share(name, true, predicted), *bounds)
    return found


def scores_drawn(population: Known, rng: np.random.Generator) -> dict[str, Metric]:
    """Return the scores of a simulated set whose intervals need draws, as `evaluate` gives them."""
    y, proba = population.draw(rng, 1)
    trial = PairedEvaluation(y, {"": proba["model 0"]}, [0, 1], n_boot=DRAWS, random_state=int(rng.integers(1 << 31)))
    scores = trial.resample(DRAWN)[""]
    found = {}
    for name in DRAWN:
        value, without = float(scores.overall[name][0]), scores.without_overall[name]
        acceleration = trial.blocks.acceleration(value, without)
        found[name] = Metric(value, *(bca(value, scores.drawn_overall[name], 0.95, acceleration) or (None, None)))
    return found


MAKERS = {"alone": (scores_alone, SCORES), "groups": (scores_of_patients, IN_GROUPS), "draws": (scores_drawn, DRAWN)}


def true_scores(population: Known, names: tuple[str, ...], rng: np.random.Generator) -> dict[str, float]:
    """Return the scores of a population: exact ones, or those of a very large set."""
    known = population.truth
    known |= {"balanced_accuracy": (known["sensitivity"] + known["specificity"]) / 2}
    if all(name in known for name in names):
        return known
    big = Known(400_000, population.share, population.separation, population.shift)
    y, proba = big.draw(rng, 1)
    return {name: metric.value for name, metric in evaluate(y, proba["model 0"], [0, 1], n_boot=0).metrics.items()}


def _one(part: str, pair: Pair, true: dict[str, float], rng: np.random.Generator) -> list[float]:
    make, names = MAKERS[part]
    first, second = make(pair.first, rng), make(pair.second, rng)
    row: list[float] = []
    for name in names:
        one, other = first.get(name), second.get(name)
        if one is None or other is None or one.interval is None or other.interval is None:
            row += [np.nan, np.nan]
            continue
        low, high = _interval((one.value, *one.interval), (other.value, *other.interval))
        row += [low <= true[name] <= high, not low <= 0 <= high]  # the test rejects if the interval excludes 0
    return row


def simulated(part: str, pair: Pair, sets: int) -> dict[str, dict[str, float]]:
    """Return the coverage of the intervals and the share of tests that reject, by metric."""
    names = MAKERS[part][1]
    rng = np.random.default_rng(1)
    one, other = true_scores(pair.first, names, rng), true_scores(pair.second, names, rng)
    true = {name: 0.0 if pair.alike else one[name] - other[name] for name in names}
    rows = simulate(partial(_one, part, pair, true), sets, 0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scores that were left out
        shares = np.nanmean(np.array(rows, dtype=float), axis=0).reshape(len(names), 2)
    pairs_of = zip(names, shares.tolist(), strict=True)
    return {name: {"covered": row[0], "rejected": row[1]} for name, row in pairs_of if not np.isnan(row[0])}


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="alone, groups, draws; by default all.")
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--only", type=int, nargs="*", help="Numbers of the pairs; by default all.")
    given = parser.parse_args()
    path = RESULTS / "unpaired.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    for part in given.parts or CASES:
        for number, pair in enumerate(CASES[part]):
            if given.only is not None and number not in given.only:
                continue
            found = simulated(part, pair, given.sets)
            said = {
                name: (round(100 * one["covered"], 1), round(100 * one["rejected"], 1)) for name, one in found.items()
            }
            print(part, number, pair.first, pair.second, said, flush=True)
            result.setdefault(part, {})[str(number)] = {
                "first": asdict(pair.first), "second": asdict(pair.second), "sets": given.sets, "found": found
            }  # fmt: skip
            result.pop("machine", None)
            save("unpaired", result)


if __name__ == "__main__":
    main()
