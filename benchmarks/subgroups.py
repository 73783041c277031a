"""False positives and power of the tests of gaps between subgroups, and coverage of the intervals of these gaps.

    python benchmarks/subgroups.py [--sets 2000] [--only 0 5 …] [--check]

Sets of images are simulated whose scores are normally distributed within each class, and divided into 2, 4 or 8
subgroups of equal size. Where the subgroups are alike, at most 5 of 100 sets should have a subgroup that differs from
the others after Holm's correction. `alone` has independent images; in `patients`, five images of each patient are in
one subgroup, as with hospitals; in `crossing`, the images of a patient are spread over the subgroups, as with views.
`worse` has one subgroup in which the model is worse, whose gap the interval should contain.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from hybrid.evaluation import METRICS as METRICS_OF
from hybrid.evaluation import Metric, by_subgroup, clustered, independent, unpaired
from hybrid.evaluation.delong import components
from hybrid.evaluation.holm import holm_steps
from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.intervals import perfect_auc
from hybrid.evaluation.subgroups.shared_groups import correlations
from hybrid.evaluation.unpaired import _compare, _scale_of

METRICS = ("roc_auc", "sensitivity")
IMAGES_OF_A_PATIENT, CORRELATION, LEVEL = 5, 0.5, 0.95
unpaired._STEPS = 40  # of the bisection: enough for 6 digits of a p-value, and faster
RESULTS = Path(__file__).parent / "results" / "subgroups.json"


@dataclass(frozen=True)
class Case:
    """A population and its division into subgroups."""

    kind: str
    subgroups: int
    images: int
    separation: float
    share: float
    worse: float = 0.0  # by how much less the classes are separated in the first subgroup

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """Return labels, probabilities, subgroups and patients of a simulated set."""
        each = 1 if self.kind == "alone" else IMAGES_OF_A_PATIENT
        patient = np.repeat(np.arange(self.images // each), each)
        n = len(patient)
        subgroup = patient % self.subgroups
        if self.kind == "crossing":
            subgroup = rng.permutation(np.arange(n) % self.subgroups)
        y = (np.arange(patient.max() + 1) // self.subgroups % 20 < round(20 * self.share))[patient]
        noise = rng.normal(size=n)
        if each > 1:
            noise = CORRELATION**0.5 * rng.normal(size=patient.max() + 1)[patient] + (1 - CORRELATION) ** 0.5 * noise
        separation = self.separation - self.worse * (subgroup == 0)
        z = separation * (y - 0.5) + noise
        return y.astype(int), expit(2 * z), subgroup, None if each == 1 else patient

    def gap(self, metric: str) -> float:
        """Return the true gap of the first subgroup.

        The score of a positive image exceeds the threshold by half the separation of the classes, with a standard
        deviation of 1, and that of a negative one by the whole separation, with a standard deviation of the root of 2:
        the images of such a pair are of different patients, since a patient has one class.
        """
        distance = {"sensitivity": 1 / 2, "roc_auc": 2**-0.5}[metric]
        own, others = (norm.cdf(distance * (self.separation - self.worse * first)) for first in (1, 0))
        return float(own - others)


CASES = [
    Case(kind, number, (100 if kind == "alone" else 200) * number, 2.4, 0.5)
    for kind in ("alone", "patients", "crossing")
    for number in (2, 4, 8)
] + [Case("alone", 4, 800, 2.4, 0.5, 0.9), Case("patients", 4, 2000, 2.4, 0.5, 0.9)]


@dataclass(frozen=True)
class Sample:
    """The labels, probabilities and patients of some images, as the intervals of `evaluate` use them."""

    y: np.ndarray
    p: np.ndarray
    patient: np.ndarray | None

    def score(self, metric: str) -> tuple[Metric, float]:
        """Return a score with its interval, and the degrees of freedom of its smaller side."""
        true, predicted = self.y == 1, self.p >= 0.5
        unit = np.arange(len(true)) if self.patient is None else self.patient
        sides = [len(np.unique(unit[side])) for side in (true, ~true)]
        if metric == "roc_auc":
            above, _ = components(true, self.p[None])
            value = float(above.mean())
            found = (
                independent.area_interval(true, self.p, LEVEL)
                if self.patient is None
                else clustered.area_interval(true, self.p, self.patient, LEVEL)
            )
            return Metric(value, *(found or perfect_auc(sides[0], sides[1], LEVEL))), min(sides) - 1.0
        share_of = METRICS_OF[metric].share_of
        counted, right = (chosen(true, predicted) for chosen in independent.SHARES[share_of])
        if self.patient is None:
            found = independent.share_interval(share_of, true, predicted, self.y, LEVEL)
        else:
            _, first, group = np.unique(self.patient, return_index=True, return_inverse=True)
            found = clustered.share_interval(right[counted], group[counted], self.y[first], LEVEL)
        side = {"images": len(np.unique(unit)), "positives": sides[0], "negatives": sides[1]}[share_of]
        return Metric(float(right[counted].mean()), *(found or (None, None))), side - 1.0


def tested(case: Case, rng: np.random.Generator) -> dict[str, tuple[bool, bool, bool | None]]:
    """Return for each metric whether any gap differs, whether the first does, and whether its interval holds.

    The tests are those of `by_subgroup`, without the draws for other metrics; `--check` compares them.
    """
    y, p, subgroup, patient = case.draw(rng)
    samples = {
        (k, side): Sample(y[rows], p[rows], None if patient is None else patient[rows])
        for k in range(case.subgroups) for side in (True, False) for rows in [(subgroup == k) == side]
    }  # fmt: skip
    number = 1 if case.subgroups == 2 else case.subgroups
    shared: list[dict[str, float]] = [{}] * number
    if case.kind == "crossing":
        problem = check_problem(y, np.column_stack([1 - p, p]), [0, 1], (p >= 0.5).astype(int), 1, patient)
        shared = [correlations(problem, subgroup == k, METRICS) for k in range(number)]
    found = {}
    for metric in METRICS:
        tests = []
        for k in range(number):
            (own, n), (others, m) = samples[k, True].score(metric), samples[k, False].score(metric)
            rho = shared[k].get(metric, 0.0)
            tests.append(_compare(metric, None, own, others, _scale_of(metric), LEVEL, min(n, m), rho))
        steps = holm_steps([test.p_value for test in tests], 1 - LEVEL)
        rejected = [step is not None and step[0] < 1 - LEVEL for step in steps]
        gap, first = case.gap(metric), tests[0]
        inside = None if first.low is None else bool(first.low <= gap <= first.high)
        found[metric] = any(rejected), rejected[0], inside
    return found


def simulated(case: Case, sets: int) -> dict[str, dict[str, float | None]]:
    """Return the share of sets with a gap in any and in the first subgroup, and the coverage, for each metric."""
    rng = np.random.default_rng(1)
    rows = [tested(case, rng) for _ in range(sets)]
    result: dict[str, dict[str, float | None]] = {}
    for metric in METRICS:
        anything, first, inside = zip(*(row[metric] for row in rows), strict=True)
        known = [one for one in inside if one is not None]
        result[metric] = {
            "any": float(np.mean(anything)),
            "first": float(np.mean(first)),
            "coverage": float(np.mean(known)) if known else None,
        }
    return result


def check(case: Case) -> None:
    """Raise `AssertionError` unless the tests of one set are those of `by_subgroup`."""
    y, p, subgroup, patient = case.draw(np.random.default_rng(1))
    scores = by_subgroup(
        y, p, [0, 1], columns={"subgroup": subgroup}, y_pred=(p >= 0.5).astype(int), groups=patient, metrics=METRICS,
        n_boot=2,
    )  # fmt: skip
    found = tested(case, np.random.default_rng(1))
    for metric in METRICS:
        gaps = [one.gaps[metric].distinguishable for one in scores.subgroups]
        assert (any(gaps), gaps[0]) == found[metric][:2], (case, metric)


def main() -> None:
    """Simulate the cases and save the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--only", type=int, nargs="*")
    parser.add_argument("--check", action="store_true", help="compare one set of each case with by_subgroup")
    options = parser.parse_args()
    saved = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for number, case in enumerate(CASES):
        if options.only and number not in options.only:
            continue
        if options.check:
            check(case)
            continue
        result = simulated(case, options.sets)
        saved[str(number)] = {"case": asdict(case), "sets": options.sets, "metrics": result}
        RESULTS.write_text(json.dumps(saved, indent=1) + "\n")
        print(number, case, result, flush=True)


if __name__ == "__main__":
    main()
