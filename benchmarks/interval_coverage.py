"""Coverage of the confidence intervals on simulated test sets of known populations.

    python benchmarks/interval_coverage.py [--varying-classes | --weighted] [--sets 2000] [--jobs 2] [--cases 0 1 …]

The scores of a model are normally distributed within each class. The number of images of each class is fixed, or random
with `--varying-classes`, as in a consecutive series of patients; the intervals are those for such sets. A 95% interval
should contain the value of the population in 95 of 100 sets. With ten positive images, a share of these takes eleven
values only, so its coverage cannot be near 95% for every population. With `--weighted`, images have random weights that
do not depend on their scores, and the intervals are those of `evaluate(sample_weight=…)`.
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from inference import PHI, Population, simulate
from scipy import special
from scipy.integrate import quad

from hybrid.evaluation import evaluate
from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.independent import area_interval, score_interval, share_interval
from hybrid.evaluation.intervals import Bounds, perfect_auc
from hybrid.evaluation.likelihood_ratios import ratio_interval
from hybrid.evaluation.metrics import METRICS
from hybrid.evaluation.ranking_metrics import Ranking

SHARED = ("accuracy", "sensitivity", "specificity", "precision", "npv", "f1")
DRAWS = 500  # bootstrap draws of each weighted set
RATIOS = ("lr_positive", "lr_negative")


@dataclass(frozen=True)
class Known(Population):
    """A population whose true scores are known.

    Attributes
    ----------
    fixed_classes : bool, default=True
        Whether the number of images of each class is the same in every set. Otherwise each image is positive with
        probability `share`; sets with fewer than two images of a class are drawn again.
    """

    fixed_classes: bool = True

    def positives(self, rng: np.random.Generator) -> int:
        """Return the number of positive images of a simulated set."""
        count = 0
        while not self.fixed_classes and not 2 <= count <= self.n - 2:
            count = int(rng.binomial(self.n, self.share))
        return count or super().positives(rng)

    @property
    def truth(self) -> dict[str, float]:
        """The true scores of the population."""
        sensitivity, specificity = PHI(self.separation / 2 - self.shift), PHI(self.separation / 2 + self.shift)
        share = round(self.n * self.share) / self.n
        hits, alarms = share * sensitivity, (1 - share) * (1 - specificity)

        def precision(recall: float) -> float:
            false_alarms = special.ndtr(-self.separation - special.ndtri(1 - recall))
            return share * recall / (share * recall + (1 - share) * false_alarms)

        return {
            "roc_auc": PHI(self.separation / 2**0.5),
            "accuracy": hits + (1 - share) * specificity,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "precision": hits / (hits + alarms),
            "npv": (1 - share) * specificity / (1 - hits - alarms),
            "lr_positive": sensitivity / (1 - specificity),
            "lr_negative": (1 - sensitivity) / specificity,
            "f1": 2 * hits / (hits + alarms + share),
            "average_precision": quad(precision, 0, 1, limit=200)[0],
        }


CASES = [
    Known(n, share, separation, shift)
    for n in (100, 600)
    for share in (0.1, 0.5)
    for separation, shift in [(1.0, 0.0), (1.5, 0.0), (2.0, 0.5), (2.4, 0.5)]
]


@dataclass(frozen=True)
class Weighted(Known):
    """A population whose images have lognormal weights.

    Attributes
    ----------
    spread : float, default=1.0
        Standard deviation of the logarithm of the weights. The effective number of images is about n exp(-spread²).
    """

    spread: float = 1.0

    def intervals_of(self, y: np.ndarray, proba: np.ndarray, rng: np.random.Generator) -> dict[str, Bounds | None]:
        """Return the intervals that `evaluate` gives for images with random weights."""
        weights, seed = rng.lognormal(sigma=self.spread, size=self.n), int(rng.integers(1 << 31))
        metrics = evaluate(y, proba, [0, 1], sample_weight=weights, n_boot=DRAWS, random_state=seed).metrics
        return {name: None if one.low is None else (one.low, one.high) for name, one in metrics.items()}


WEIGHTED = [Weighted(n, share, 1.5, spread=spread) for n in (200, 600) for share in (0.5, 0.2) for spread in (0.5, 1.0)]


def covered(case: Known, sets: int, seed: int = 0, jobs: int = 1) -> dict[str, float]:
    """Return the share of simulated sets whose interval contains the true value, by metric."""
    truth = case.truth
    shares = simulate(partial(_covered, case, truth), sets, seed, jobs).mean(axis=0)
    return dict(zip(truth, shares.tolist(), strict=True))


def _covered(case: Known, truth: dict[str, float], rng: np.random.Generator) -> list[bool]:
    y, proba = case.draw(rng, 1)
    if isinstance(case, Weighted):
        bounds = case.intervals_of(y, proba["model 0"], rng)
    else:
        bounds = intervals_of(y, proba["model 0"], y if case.fixed_classes else np.zeros_like(y))
    return [bounds[name] is not None and _contains(bounds[name], true) for name, true in truth.items()]


def _contains(bounds: Bounds, true: float) -> bool:
    """Return whether an interval contains a value; one without upper bound ends at infinity."""
    low, high = bounds
    return low <= true and (high is None or true <= high)


def intervals_of(y: np.ndarray, proba: np.ndarray, strata: np.ndarray) -> dict[str, Bounds | None]:
    """Return the intervals that `evaluate` gives, without the time that all other scores take."""
    level, true, score = 0.95, y == 1, proba[:, 1]
    predicted, blocks = score > 0.5, JackknifeBlocks.from_strata(strata)
    weights = np.vstack([np.ones(len(y)), *blocks.weights()]).astype(np.int32)
    precisions = Ranking(true, score)(weights.T)[1]
    shares = {name: share_interval(METRICS[name].share_of, true, predicted, strata, level) for name in SHARED}
    sizes = (true.sum(), (~true).sum())
    said = {name: predicted == (name == "lr_positive") for name in RATIOS}
    ratios = {
        name: ratio_interval((rows[true].mean(), rows[~true].mean()), sizes, level) for name, rows in said.items()
    }
    return (
        shares
        | ratios
        | {
            "f1": tuple(2 * end / (1 + end) for end in shares["f1"]),
            "roc_auc": area_interval(true, score, level) or perfect_auc(true.sum(), (~true).sum(), level),
            "average_precision": score_interval(
                precisions[0], np.zeros(1), precisions[1:], blocks, true.sum(keepdims=True), level
            ),
        }
    )


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cases", type=int, nargs="*", help="Numbers of populations; by default all.")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--varying-classes", action="store_true", help="Draw the number of images of each class.")
    chosen.add_argument("--weighted", action="store_true", help="Give the images random weights.")
    given = parser.parse_args()
    cases = WEIGHTED if given.weighted else [replace(c, fixed_classes=not given.varying_classes) for c in CASES]
    kind = "_weighted" if given.weighted else "_varying" if given.varying_classes else ""
    file = f"interval_coverage{kind}"
    path = RESULTS / f"{file}.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    for number in range(len(cases)) if given.cases is None else given.cases:
        case = cases[number]
        shares = covered(case, given.sets, jobs=given.jobs)
        print(case, {name: round(share, 3) for name, share in shares.items()}, flush=True)
        result[str(number)] = asdict(case) | {"truth": case.truth, "sets": given.sets, "shares": shares}
        result.pop("machine", None)
        save(file, result)


if __name__ == "__main__":
    main()
