"""Differences between scores on different images, against statsmodels and DeLong's test written out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

from hybrid.errors import InputError
from hybrid.evaluation import calibration_line, evaluate, unpaired_tests
from hybrid.evaluation.unpaired import line_tests

test_proportions_2indep.__test__ = False  # a function of statsmodels


def drawn(n, separation, seed, patients=None):
    """Labels, probabilities and groups of a simulated test set."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n) if patients is None else np.arange(n) % patients
    y = (groups % 2).astype(int)
    own = rng.normal(size=groups.max() + 1)[groups] if patients else rng.normal(size=n)
    p = 1 / (1 + np.exp(-(separation * (y - 0.5) + 0.7 * own + 0.7 * rng.normal(size=n))))
    return y, np.column_stack([1 - p, p]), groups


def evaluated(n, separation, seed, patients=None, **options):
    y, proba, groups = drawn(n, separation, seed, patients)
    return evaluate(y, proba, [0, 1], groups=groups if patients else None, n_boot=200, **options)


def one(first, second, metric):
    [test] = unpaired_tests(first, second, [metric])
    return test


@pytest.mark.parametrize(("right", "of"), [((30, 48), (50, 50)), ((9, 170), (12, 190)), ((40, 40), (40, 40))])
def test_intervals_of_shares_are_newcombes(right, of):
    results = []
    for hits, n in zip(right, of, strict=True):
        results.append(evaluate([0] * n + [1] * n, [0] * hits + [1] * (n - hits) + [1] * n, [0, 1], n_boot=2))
    test = one(*results, "specificity")
    low, high = confint_proportions_2indep(right[0], of[0], right[1], of[1], method="newcomb")
    assert (test.low, test.high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(("right", "of"), [((30, 48), (50, 50)), ((80, 92), (120, 110)), ((150, 160), (200, 190))])
def test_p_values_of_shares_are_near_those_of_the_score_test(right, of):
    results = []
    for hits, n in zip(right, of, strict=True):
        results.append(evaluate([0] * n + [1] * n, [0] * hits + [1] * (n - hits) + [1] * n, [0, 1], n_boot=2))
    expected = test_proportions_2indep(right[0], of[0], right[1], of[1], method="score").pvalue
    assert norm.isf(one(*results, "specificity").p_value / 2) == pytest.approx(norm.isf(expected / 2), rel=0.15)


def test_the_test_of_areas_is_delongs_for_different_images():
    sets = [drawn(600, 1.6, 0), drawn(500, 1.2, 1)]
    areas, variances = [], []
    for y, proba, _ in sets:
        above, below = proba[y == 1, 1], proba[y == 0, 1]
        wins = (above[:, None] > below[None, :]) + 0.5 * (above[:, None] == below[None, :])
        areas.append(wins.mean())
        variances.append(wins.mean(axis=1).var(ddof=1) / len(above) + wins.mean(axis=0).var(ddof=1) / len(below))
    test = one(*(evaluate(y, proba, [0, 1], n_boot=2) for y, proba, _ in sets), "roc_auc")
    error = sum(variances) ** 0.5
    assert test.difference == pytest.approx(areas[0] - areas[1])
    assert (test.high - test.low) / 2 == pytest.approx(1.96 * error, rel=0.05)
    assert norm.isf(test.p_value / 2) == pytest.approx(abs(areas[0] - areas[1]) / error, rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_the_test_agrees_with_the_interval(seed):
    first, second = evaluated(150, 1.6, 2 * seed), evaluated(120, 1.2 - 0.3 * seed, 2 * seed + 1)
    for test in unpaired_tests(first, second):
        if test.p_value is not None and test.difference:
            assert test.distinguishable == (not test.low <= 0 <= test.high), test


def test_a_difference_and_its_opposite():
    first, second = evaluated(150, 1.6, 3), evaluated(120, 0.9, 4)
    for test, other in zip(unpaired_tests(first, second), unpaired_tests(second, first), strict=True):
        if test.p_value is not None:
            assert other.difference == -test.difference
            assert (other.low, other.high) == pytest.approx((-test.high, -test.low))
            assert other.p_value == pytest.approx(test.p_value)


def test_patients_make_intervals_wider():
    alone, together = (
        one(*(evaluate(*drawn(300, 1.5, seed, 30)[:2], [0, 1], groups=groups, n_boot=2) for seed in (0, 1)), "roc_auc")
        for groups in (None, np.arange(300) % 30)
    )
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert together.p_value > alone.p_value


def test_equal_scores_cannot_be_told_apart():
    result = evaluated(100, 1.5, 0)
    for test in unpaired_tests(result, result):
        assert test.p_value in (None, 1.0)
        assert not test.distinguishable


def test_calibration_errors_are_not_compared():
    test = one(evaluated(100, 1.5, 0), evaluated(300, 1.5, 1), "ece")
    assert test.p_value is None
    assert "number of images" in test.note


def test_scores_of_each_class():
    rng = np.random.default_rng(0)
    y = np.arange(240) % 3
    results = []
    for noise in (0.5, 2.0):
        logits = (y[:, None] == np.arange(3)) * 2 + noise * rng.normal(size=(240, 3))
        proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        results.append(evaluate(y, proba, [0, 1, 2], n_boot=2))
    tests = unpaired_tests(results[1], results[0], ["recall"], per_class=True)
    assert [test.label for test in tests] == [0, 1, 2]
    assert all(test.verdict == "worse" for test in tests)


def test_calibration_lines_differ_as_independent_estimates_do():
    lines = [calibration_line(*drawn(n, 1.5, seed)[:2], [0, 1]) for n, seed in ((400, 0), (300, 1))]
    for test, name in zip(line_tests(*lines), ("slope", "intercept"), strict=True):
        errors = [(getattr(line, f"{name}_high") - getattr(line, name)) / 1.959964 for line in lines]
        z = test.difference / np.hypot(*errors)
        assert test.p_value == pytest.approx(2 * norm.sf(abs(z)), rel=1e-4)


@pytest.mark.parametrize("change", [{"level": 0.9}, {"n_boot": 0}, {"positive": 0}, {"classes": (0, 2)}])
def test_evaluations_that_do_not_fit_together_are_refused(change):
    result = evaluated(60, 1.5, 0)
    with pytest.raises(InputError):
        unpaired_tests(result, replace(result, **change))
