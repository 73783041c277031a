"""Weights of images in the reliability curve and in calibration slope and intercept."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import t

from hybrid import InputError
from hybrid.evaluation import calibration_line, compare_models, evaluate, per_group, reliability_curve
from hybrid.evaluation.sample_weights import effective_number

CLASSES = [0, 1]


def drawn(n=300, seed=0):
    """Outcomes, probabilities of two classes, and whole numbers as weights."""
    rng = np.random.default_rng(seed)
    x = rng.normal(-0.5, 1.5, n)
    y = (rng.random(n) < expit(0.7 * x + 0.4)).astype(int)
    return y, np.column_stack([1 - expit(x), expit(x)]), rng.integers(0, 4, n)


def several_classes(n=300, seed=1):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([1, 1, 1], n)
    return (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1), p, rng.integers(0, 4, n)


def several_labels(n=300, seed=2):
    rng = np.random.default_rng(seed)
    p = rng.random((n, 3))
    return (rng.random((n, 3)) < p).astype(int), p, rng.integers(0, 4, n)


TASKS = pytest.mark.parametrize(
    ("data", "classes"), [(drawn, [0, 1]), (several_classes, [0, 1, 2]), (several_labels, [0, 1, 2])]
)


def halves(line, name):
    """The estimate, and half the width of its interval."""
    low, high = getattr(line, f"{name}_low"), getattr(line, f"{name}_high")
    return getattr(line, name), (high - low) / 2


@TASKS
@pytest.mark.parametrize("grouped", [False, True])
def test_a_line_with_whole_weights_is_that_of_repeated_rows(data, classes, grouped):
    y, p, w = data()
    group = np.arange(len(y)) // 3 if grouped else np.arange(len(y))
    line = calibration_line(y, p, classes, groups=group if grouped else None, sample_weight=w)
    again = np.repeat(np.arange(len(y)), w)  # the copies of an image are one group, as one image is
    repeated = calibration_line(y[again], p[again], classes, groups=group[again])
    size = effective_number(np.bincount(group, w))
    quantiles = t.ppf(0.975, size - 1), t.ppf(0.975, len(np.unique(group[again])) - 1)
    for name in ("slope", "intercept"):
        (value, half), (value_again, half_again) = halves(line, name), halves(repeated, name)
        assert value == pytest.approx(value_again, abs=1e-8)
        assert half / quantiles[0] == pytest.approx(half_again / quantiles[1], rel=1e-6, abs=1e-12)


@pytest.mark.filterwarnings("ignore:cov_type not fully supported")
def test_a_weighted_line_is_that_of_statsmodels():
    y, p, w = drawn()
    w = w + 0.25
    x, groups = logit(p[:, 1]), np.arange(len(y)) // 3
    line = calibration_line(y, p, CLASSES, groups=groups, sample_weight=w)
    binomial = sm.families.Binomial()
    robust = {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": False}}
    number = len(np.unique(groups))
    quantile = t.ppf(0.975, effective_number(np.bincount(groups, w)) - 1)
    for name, design, offset in (
        ("slope", sm.add_constant(x, prepend=False), None),
        ("intercept", np.ones((len(y), 1)), x),
    ):
        model = sm.GLM(y, design, family=binomial, offset=offset, freq_weights=w)
        theirs = sm.GLM(y, design, family=binomial, offset=offset, var_weights=w).fit(**robust)
        value, half = halves(line, name)
        assert value == pytest.approx(model.fit().params[0], abs=1e-6)
        assert half / quantile == pytest.approx(theirs.bse[0] * (number / (number - 1)) ** 0.5, rel=1e-5)


@TASKS
def test_a_curve_with_whole_weights_is_that_of_repeated_rows(data, classes):
    y, p, w = data()
    curve = reliability_curve(y, p, classes, sample_weight=w, bins=5)
    again = np.repeat(np.arange(len(y)), w)
    repeated = reliability_curve(y[again], p[again], classes, bins=5)
    np.testing.assert_allclose(curve.predicted, repeated.predicted, atol=1e-9)
    np.testing.assert_allclose(curve.observed, repeated.observed, atol=1e-9)
    assert curve.count.sum() == np.size(p[w > 0]) if data is several_labels else (w > 0).sum()
    # an image of weight 3 tells less than three images
    assert np.all(curve.high - curve.low > repeated.high - repeated.low)


@pytest.mark.parametrize("groups", [None, np.arange(300) // 3])
def test_equal_weights_change_nothing_and_images_of_weight_0_are_left_out(groups):
    y, p, w = drawn()
    left = w > 0
    for function in (reliability_curve, calibration_line):
        plain, equal = (function(y, p, CLASSES, groups=groups, sample_weight=each) for each in (None, np.full(300, 2)))
        without = function(y, p, CLASSES, groups=groups, sample_weight=left.astype(float))
        kept = function(y[left], p[left], CLASSES, groups=None if groups is None else groups[left])
        for one, other in ((plain, equal), (without, kept)):
            for name, value in vars(one).items():
                np.testing.assert_array_equal(value, vars(other)[name])


def test_the_calibration_error_is_that_of_the_weighted_curve():
    y, p, w = drawn()
    curve = reliability_curve(y, p, CLASSES, sample_weight=w, bins=15)
    kept = w > 0
    again = np.repeat(np.arange(len(y)), w)
    repeated = reliability_curve(y[again], p[again], CLASSES, bins=15)
    error = np.sum(repeated.count / w.sum() * np.abs(curve.predicted - curve.observed))
    assert evaluate(y[kept], p[kept], CLASSES, sample_weight=w[kept]).metrics["ece"].value == pytest.approx(error)


@pytest.mark.parametrize("seed", [0, 1])
def test_weighted_intervals_hold(seed):
    rng = np.random.default_rng(seed)
    inside = {"slope": 0, "intercept": 0}
    for _ in range(200):
        x, w = rng.normal(0, 1.5, 250), rng.exponential(size=250)
        y = (rng.random(250) < expit(x)).astype(int)
        line = calibration_line(y, np.column_stack([1 - expit(x), expit(x)]), CLASSES, sample_weight=w)
        for name, right in (("slope", 1), ("intercept", 0)):
            inside[name] += getattr(line, f"{name}_low") <= right <= getattr(line, f"{name}_high")
    assert all(0.90 < count / 200 < 0.99 for count in inside.values()), inside


def test_what_takes_no_weights_says_so():
    y, p, w = drawn()
    with pytest.raises(InputError, match="each group becomes one case"):
        per_group(y, p, CLASSES, groups=np.arange(300) // 3, sample_weight=w)
    with pytest.raises(InputError, match="tests of differences between models are those for images that count alike"):
        compare_models(y, {"a": p, "b": p[:, ::-1]}, CLASSES, sample_weight=w)
    for function in (reliability_curve, calibration_line):
        with pytest.raises(InputError, match="one weight for each of the 300 images"):
            function(y, p, CLASSES, sample_weight=w[:5])
