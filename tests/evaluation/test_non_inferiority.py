"""Non-inferiority with a margin, compared with SciPy, exact probabilities and general properties."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm, ttest_rel

from hybrid.errors import InputError
from hybrid.evaluation import compare_models
from hybrid.evaluation.non_inferiority import ShareDeficit, margin_sentence


def likeliest_score(b, c, n, margin):
    """Return Tango's score, with the share of images that only the reference predicts correctly found by SciPy."""

    def loss(share):
        with np.errstate(divide="ignore"):
            return -(b * np.log(share - margin) + c * np.log(share) + (n - b - c) * np.log(1 - 2 * share + margin))

    share = minimize_scalar(loss, bounds=(margin + 1e-12, (1 + margin) / 2 - 1e-12), method="bounded",
                            options={"xatol": 1e-13}).x  # fmt: skip
    return (b - c + n * margin) / np.sqrt(n * (2 * share - margin - margin**2))


@pytest.mark.parametrize(("b", "c", "n", "margin"), [(4, 6, 400, 0.02), (10, 3, 60, 0.1), (1, 9, 90, 0.1)])
def test_the_score_is_that_of_the_likeliest_shares(b, c, n, margin):
    deficit = ShareDeficit(b, c, n)
    assert deficit.p_value(margin) == pytest.approx(norm.sf(likeliest_score(b, c, n, margin)), rel=1e-6)
    bound = deficit.at_most(0.025)
    assert deficit.p_value(bound) == pytest.approx(0.025)  # the bound is the margin that is just rejected


def test_images_that_both_models_predict_alike_are_a_binomial_test():
    assert ShareDeficit(0, 0, 100).p_value(0.05) == pytest.approx(norm.sf(np.sqrt(100 * 0.05 / 0.95)))
    assert ShareDeficit(0, 0, 30).p_value(0.02) > 0.2  # 30 images cannot show a deficit of less than 2 points


def exact_size(n, margin, only_reference, alpha):
    """Return the probability that a model which is worse by just the margin is called not inferior."""
    differing = only_reference - margin + only_reference
    size = 0.0
    for images in range(n + 1):
        c = np.arange(images + 1)
        rejected = [ShareDeficit(images - k, k, n).p_value(margin) < alpha for k in c.tolist()]
        chances = binom.pmf(c, images, only_reference / differing)
        size += binom.pmf(images, n, differing) * chances[rejected].sum()
    return size


@pytest.mark.parametrize("only_reference", [0.1, 0.12, 0.2])
def test_a_model_that_is_worse_by_the_margin_is_seldom_called_not_inferior(only_reference):
    assert exact_size(50, 0.1, only_reference, 0.025) <= 0.03


def simulated(task, n=300, lift=(1.5, 1.5, 0.4), seed=0):
    k = 2 if task == "binary" else 3
    rng = np.random.default_rng(seed)
    y, proba = rng.integers(0, k, n), {}
    common = rng.normal(size=(n, k))
    for name, signal in zip(("model", "reference", "poor"), lift, strict=True):
        z = np.exp(common + 0.3 * rng.normal(size=(n, k)) + signal * np.eye(k)[y])
        proba[name] = z / z.sum(axis=1, keepdims=True)
    return (np.eye(k, dtype=int)[y] if task == "multilabel" else y), proba


@pytest.mark.parametrize(
    ("task", "metrics"),
    [("binary", ["accuracy", "roc_auc", "f1", "log_loss"]), ("multiclass", ["accuracy", "roc_auc_macro"]),
     ("multilabel", ["subset_accuracy", "average_precision_macro"])],
)  # fmt: skip
def test_a_model_as_good_as_the_reference_is_not_inferior_and_a_poor_one_is_not_called_so(task, metrics):
    y, proba = simulated(task)
    tests = compare_models(y, proba, metrics=metrics, reference="reference", margin=0.15, n_boot=200)
    assert {(test.first, test.not_inferior) for test in tests} == {("model", True), ("poor", False)}
    for test in tests:
        assert test.not_inferior == (test.at_worst < test.margin)
        assert test.corrected_for == 2
        assert margin_sentence(test).startswith(
            f"{test.first} is {'' if test.not_inferior else 'not shown to be '}not inferior to reference by a margin"
        )
        worse = test.difference if test.metric == "log_loss" else -test.difference
        assert worse < test.at_worst


def test_the_margin_of_a_loss_is_tested_in_its_direction_as_a_shifted_t_test():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    first = np.clip(0.7 + 0.1 * rng.normal(size=400), 0.01, 0.99)
    second = np.clip(first + 0.01 + 0.1 * rng.normal(size=400), 0.01, 0.99)
    proba = {
        name: np.where(y[:, None] == [0, 1], p[:, None], 1 - p[:, None]) for name, p in (("a", first), ("b", second))
    }
    (test,) = compare_models(y, proba, [0, 1], metrics=["log_loss"], reference="b", margin=0.04)
    expected = ttest_rel(-np.log(first), -np.log(second) + 0.04, alternative="less").pvalue
    assert np.log(test.p_margin) == pytest.approx(np.log(expected), rel=0.15)
    assert test.at_worst == pytest.approx(test.high)  # for a single test it is the bound of the 95% interval


def test_only_primary_metrics_have_a_margin_and_holm_counts_them_together():
    y, proba = simulated("binary")
    tests = compare_models(y, proba, metrics=["f1", "mcc"], primary=["accuracy", "roc_auc"], reference="reference",
                           margin=0.02, n_boot=50)  # fmt: skip
    assert {test.metric for test in tests if test.margin is not None} == {"accuracy", "roc_auc"}
    family = sorted((test for test in tests if test.margin is not None), key=lambda test: test.p_margin)
    running = np.maximum.accumulate([(4 - i) * test.p_margin for i, test in enumerate(family)])
    assert [test.p_margin_adjusted for test in family] == pytest.approx(np.minimum(running, 1))


def test_groups_widen_what_a_model_may_be_at_worst():
    y, proba = simulated("binary", n=60)
    y, proba = np.repeat(y, 5), {name: np.repeat(p, 5, axis=0) for name, p in proba.items()}
    arguments = {"metrics": ["accuracy"], "reference": "reference", "margin": 0.05, "n_boot": 200}
    (images, _), (patients, _) = (compare_models(y, proba, groups=groups, **arguments)
                                  for groups in (None, np.repeat(np.arange(60), 5)))  # fmt: skip
    assert patients.at_worst > images.at_worst
    assert "60" in margin_sentence(patients)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"margin": 0.0, "reference": "poor"}, "margin=0.0 was given; expected a number above 0"),
     ({"margin": float("nan"), "reference": "poor"}, "expected a number above 0"),
     ({"margin": 0.02}, "A margin was given without a reference"),
     ({"margin": 0.02, "reference": "poor", "pairs": "all"}, "Give the reference, and not all pairs"),
     ({"reference": "por"}, "Unknown model 'por'"),
     ({"pairs": "reference"}, "needs a reference"),
     ({"pairs": "some"}, "Unknown choice of pairs 'some'")],
)  # fmt: skip
def test_bad_input_is_named(given, words):
    y, proba = simulated("binary", n=30)
    with pytest.raises(InputError, match=words):
        compare_models(y, proba, n_boot=10, **given)
