"""Coverage of the confidence intervals on simulated test sets of known populations.

    python benchmarks/interval_coverage.py [--sets 2000] [--jobs 2] [--cases 0 1 …]

The scores of a model are normally distributed within each class, and the number of images of each class is fixed, as
the intervals assume. A 95% interval should contain the value of the population in 95 of 100 sets. With ten positive
images, a share of these takes eleven values only, so its coverage cannot be near 95% for every population.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from functools import cached_property, partial

import numpy as np
from inference import PHI, Population, simulate
from scipy.integrate import quad
from scipy.special import ndtr, ndtri

from hybrid.evaluation.bootstrap import JackknifeBlocks
from hybrid.evaluation.independent import area_interval, score_interval, share_interval
from hybrid.evaluation.intervals import perfect_auc
from hybrid.evaluation.metrics import METRICS
from hybrid.evaluation.ranking_metrics import Ranking

SHARED = ("accuracy", "sensitivity", "specificity", "precision", "f1")


@dataclass(frozen=True)
class Known(Population):
    """A population whose true scores are known."""

    @cached_property
    def truth(self) -> dict[str, float]:
        """The true scores of the population."""
        sensitivity, specificity = PHI(self.separation / 2 - self.shift), PHI(self.separation / 2 + self.shift)
        share = round(self.n * self.share) / self.n
        hits, alarms = share * sensitivity, (1 - share) * (1 - specificity)

        def precision(recall: float) -> float:
            false_alarms = ndtr(-self.separation - ndtri(1 - recall))
            return share * recall / (share * recall + (1 - share) * false_alarms)

        return {
            "roc_auc": PHI(self.separation / 2**0.5),
            "accuracy": hits + (1 - share) * specificity,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "precision": hits / (hits + alarms),
            "f1": 2 * hits / (hits + alarms + share),
            "average_precision": quad(precision, 0, 1, limit=200)[0],
        }


CASES = [
    Known(n, share, separation, shift)
    for n in (100, 600)
    for share in (0.1, 0.5)
    for separation, shift in [(1.0, 0.0), (1.5, 0.0), (2.0, 0.5), (2.4, 0.5)]
]


def covered(case: Known, sets: int, seed: int = 0, jobs: int = 1) -> dict[str, float]:
    """Return the share of simulated sets whose interval contains the true value, by metric."""
    shares = simulate(partial(_covered, case), sets, seed, jobs).mean(axis=0)
    return dict(zip(case.truth, shares.tolist(), strict=True))


def _covered(case: Known, rng: np.random.Generator) -> list[bool]:
    y, proba = case.draw(rng, 1)
    bounds = intervals_of(y, proba["model 0"])
    return [
        bounds[name] is not None and bounds[name][0] <= true <= bounds[name][1] for name, true in case.truth.items()
    ]


def intervals_of(y: np.ndarray, proba: np.ndarray) -> dict[str, tuple[float, float] | None]:
    """Return intervals that `evaluate` gives by default, without the time that all other scores take."""
    level, true, score = 0.95, y == 1, proba[:, 1]
    predicted, blocks = score > 0.5, JackknifeBlocks.from_strata(y)
    weights = np.vstack([np.ones(len(y)), *blocks.weights()]).astype(np.int32)
    precisions = Ranking(true, score)(weights.T)[1]
    shares = {name: share_interval(METRICS[name].share_of, true, predicted, y, level) for name in SHARED}
    return shares | {
        "f1": tuple(2 * end / (1 + end) for end in shares["f1"]),
        "roc_auc": area_interval(true, score, level) or perfect_auc(true.sum(), (~true).sum(), level),
        "average_precision": score_interval(
            precisions[0], np.zeros(1), precisions[1:], blocks, true.sum(keepdims=True), level
        ),
    }


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cases", type=int, nargs="*", default=range(len(CASES)))
    given = parser.parse_args()
    path = RESULTS / "interval_coverage.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    for number in given.cases:
        case = CASES[number]
        shares = covered(case, given.sets, jobs=given.jobs)
        print(case, {name: round(share, 3) for name, share in shares.items()}, flush=True)
        result[str(number)] = asdict(case) | {"truth": case.truth, "sets": given.sets, "shares": shares}
        result.pop("machine", None)
        save("interval_coverage", result)


if __name__ == "__main__":
    main()
