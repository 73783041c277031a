"""Coverage of the intervals of decision curves and of predictive values at a named prevalence.

    python benchmarks/decision_curves.py [--sets 2000] [--jobs 1]

Scores are normally distributed within each class, and the probabilities are calibrated, so that the net benefit of the
population is known at each threshold probability. A 95% interval should contain it in 95 of 100 simulated sets.
"""

import argparse
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from inference import simulate
from scipy.special import expit, logit, ndtr, ndtri

from hybrid.evaluation import decision_curve, predictive_values

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5)
PREVALENCE = 0.05


@dataclass(frozen=True)
class Case:
    """A population of images, independent or of patients.

    Attributes
    ----------
    n : int
        Number of images in a set.
    share : float
        Share of positive images.
    separation : float
        Distance between the mean scores of the classes, in standard deviations.
    classes : {"fixed", "varying", "named"}
        Whether the number of positive images is the same in every set, varies, or does not matter, because the
        prevalence is named.
    patients : {"none", "pure", "mixed"}
        Whether images come five of a patient, of one class or of both. Half of the variance within a class is between
        patients.
    """

    n: int
    share: float
    separation: float
    classes: str
    patients: str = "none"

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return labels, probabilities and groups of a simulated set."""
        size = 1 if self.patients == "none" else 5
        groups = np.repeat(np.arange(self.n // size), size)
        if self.classes == "varying":
            of_patient, of_image = rng.normal(size=self.n // size), rng.normal(size=self.n)
            liability = (of_patient[groups] + of_image) / 2**0.5 if self.patients == "mixed" else of_patient[groups]
            y = liability > ndtri(1 - self.share)
        else:
            y = np.arange(self.n) < round(self.n * self.share)
        own = rng.normal(size=self.n)
        noise = own if size == 1 else (rng.normal(size=self.n // size)[groups] + own) / 2**0.5
        z = self.separation * (y - 0.5) + noise
        return y, expit(self.separation * z + logit(self.share)), None if size == 1 else groups

    def rates(self, threshold: float, share: float) -> tuple[float, float]:
        """Return the true and false positive rate at a threshold of the probabilities for this share of positives."""
        edge = (logit(threshold) - logit(share)) / self.separation
        return float(ndtr(self.separation / 2 - edge)), float(ndtr(-self.separation / 2 - edge))

    def truth(self) -> dict[str, list[float]]:
        """Return the net benefit and its advantage over treating all at each threshold, and the predictive values."""
        share = PREVALENCE if self.classes == "named" else self.share
        odds = np.array(THRESHOLDS) / (1 - np.array(THRESHOLDS))
        hits, alarms = np.array([self.rates(threshold, share) for threshold in THRESHOLDS]).T
        net = share * hits - (1 - share) * odds * alarms
        recall, fall_out = self.rates(self.share, self.share)
        ppv = PREVALENCE * recall / (PREVALENCE * recall + (1 - PREVALENCE) * fall_out)
        missed, spared = PREVALENCE * (1 - recall), (1 - PREVALENCE) * (1 - fall_out)
        gain = net - (share - (1 - share) * odds)
        return {"net": net.tolist(), "gain": gain.tolist(), "values": [ppv, spared / (missed + spared)]}


CASES = [
    *(Case(n, share, 1.8, classes) for n in (200, 600) for share in (0.1, 0.3) for classes in ("fixed", "varying")),
    *(Case(n, 0.3, 1.8, "named") for n in (200, 600)),
    *(Case(300, share, 1.8, "varying", patients) for share in (0.1, 0.3) for patients in ("pure", "mixed")),
    *(Case(300, 0.3, 1.8, classes, "pure") for classes in ("fixed", "named")),
]


def covered(case: Case, sets: int, seed: int = 0, jobs: int = 1) -> dict[str, list[float]]:
    """Return the share of simulated sets whose interval contains the true value, at each threshold."""
    truth = case.truth()
    rows = simulate(partial(_covered, case, truth), sets, seed, jobs).mean(axis=0).tolist()
    m = len(THRESHOLDS)
    return {"net": rows[:m], "gain": rows[m : 2 * m], "ppv": rows[2 * m], "npv": rows[2 * m + 1]}


def _covered(case: Case, truth: dict[str, list[float]], rng: np.random.Generator) -> list[bool]:
    y, p, groups = case.draw(rng)
    while len(np.unique(y if groups is None else groups[y])) < 2 or (groups is not None and len(set(groups[~y])) < 2):
        y, p, groups = case.draw(rng)
    named = {"prevalence": PREVALENCE, "proba_prevalence": case.share} if case.classes == "named" else {}
    curve = decision_curve(
        y, p, [False, True], groups=groups, thresholds=THRESHOLDS, fixed_classes=case.classes == "fixed", **named
    )
    values = predictive_values(y, p >= case.share, [False, True], prevalence=PREVALENCE, groups=groups)
    bounds = [*zip(curve.low, curve.high, strict=True), *zip(curve.gain_low, curve.gain_high, strict=True)]
    bounds += [(one.low, one.high) for one in (values.ppv, values.npv)]
    true = [*truth["net"], *truth["gain"], *truth["values"]]
    return [low is not None and low <= value <= high for (low, high), value in zip(bounds, true, strict=True)]


def main() -> None:
    from machine import save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    rows = []
    for case in CASES:
        rows.append(asdict(case) | covered(case, given.sets, jobs=given.jobs))
        print(rows[-1], flush=True)
    save("decision_curves", {"sets": given.sets, "thresholds": THRESHOLDS, "cases": rows})


if __name__ == "__main__":
    main()
