"""Calibration slope and intercept, checked against statsmodels and by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import t

from hybrid.evaluation import calibration_line


def drawn(n=400, slope=1.0, shift=0.0, seed=0):
    """Return outcomes, and probabilities whose log-odds have to be multiplied by `slope` and moved by `shift`."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.5, n)
    y = (rng.random(n) < expit(slope * x + shift)).astype(int)
    return y, np.column_stack([1 - expit(x), expit(x)])


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (0.6, 0), (1, 0.7)])
def test_slope_and_intercept_are_those_of_statsmodels(slope, shift):
    y, proba = drawn(slope=slope, shift=shift)
    x, groups = logit(proba[:, 1]), np.repeat(np.arange(100), 4)
    line = calibration_line(y, proba, [0, 1], groups=groups)
    robust = {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": False}}
    binomial = sm.families.Binomial()
    for name, model in (
        ("slope", sm.GLM(y, sm.add_constant(x, prepend=False), family=binomial)),
        ("intercept", sm.GLM(y, np.ones((len(y), 1)), offset=x, family=binomial)),
    ):
        theirs = model.fit(**robust)
        value, low, high = (getattr(line, part) for part in (name, f"{name}_low", f"{name}_high"))
        assert value == pytest.approx(theirs.params[0], abs=1e-6)
        width = 2 * t.ppf(0.975, 99) * theirs.bse[0] * (100 / 99) ** 0.5
        assert high - low == pytest.approx(width, rel=1e-5)


def test_the_intervals_hold_for_calibrated_probabilities():
    lines = [calibration_line(*drawn(n=200, seed=seed), [0, 1]) for seed in range(400)]
    for name, right in (("slope", 1), ("intercept", 0)):
        inside = [getattr(one, f"{name}_low") <= right <= getattr(one, f"{name}_high") for one in lines]
        assert 0.92 < np.mean(inside) < 0.98


def test_an_overconfident_model_has_a_slope_below_one():
    y, proba = drawn(n=3000, slope=0.7)
    line = calibration_line(y, proba, [0, 1])
    assert line.slope_low < 0.7 < line.slope_high < 1


@pytest.mark.parametrize("several", [False, True])
def test_all_classes_or_labels_are_taken_together(several):
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 1500)
    if several:
        y = (rng.random(p.shape) < p).astype(int)
    else:
        y = (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)
    line = calibration_line(y, p, [0, 1, 2])
    assert line.slope_low < 1 < line.slope_high
    # The probabilities of classes sum to 1, so that their outcomes are as frequent as predicted, taken together.
    assert abs(line.intercept) < 1e-9 if not several else line.intercept_low < 0 < line.intercept_high


def test_it_is_not_defined_where_the_classes_are_separated_or_one_is_missing():
    y = np.tile([0, 1], 20)
    p = np.where(y == 1, 0.9, 0.1) + np.linspace(0, 0.05, 40)
    assert calibration_line(y, np.column_stack([1 - p, p]), [0, 1]).slope is None
    alone = calibration_line(np.zeros(40, int), np.column_stack([1 - p, p]), [0, 1])
    assert (alone.slope, alone.intercept) == (None, None)
