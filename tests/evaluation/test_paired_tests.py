"""Tests of differences, compared with SciPy, direct computations and general properties."""

import numpy as np
import pytest
import sklearn.metrics as sk

from hybrid.errors import InputError
from hybrid.evaluation import PairedEvaluation, PairedTest, compare_models
from hybrid.evaluation.delong import delong
from hybrid.evaluation.paired_test import holm

# Albumin, total protein, K-G score and outcome of 43 patients: the data of DeLong, DeLong and Clarke-Pearson (1988).
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def two_models(n=200, k=2, seed=0, lift=(1.5, 0.5)):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    proba = {}
    for name, signal in zip("ab", lift, strict=True):
        z = np.exp(rng.normal(size=(n, k)) + signal * np.eye(k)[y])
        proba[name] = z / z.sum(axis=1, keepdims=True)
    return y, proba


def delong_by_pairs(truth, scores):
    """Return the structural components by comparing every positive with every negative image."""
    components = []
    for score in scores:
        positive, negative = score[truth][:, None], score[~truth][None]
        wins = (positive > negative) + 0.5 * (positive == negative)
        components.append((wins.mean(axis=1), wins.mean(axis=0)))
    above, below = (np.array(part) for part in zip(*components, strict=True))
    return above.mean(axis=1), np.cov(above) / above.shape[1] + np.cov(below) / below.shape[1]


@pytest.mark.parametrize("decimals", [1, 8])
def test_delong_equals_the_comparison_of_all_pairs(decimals):
    rng = np.random.default_rng(0)
    truth = rng.random(150) < 0.3
    scores = np.round(rng.random((3, 150)) + 0.4 * truth, decimals)
    for found, expected in zip(delong(truth, scores), delong_by_pairs(truth, scores), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_delong_on_the_data_of_its_paper():
    data = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4)
    truth, scores = data[:, 3] == 0, np.array([-data[:, 0], -data[:, 1], data[:, 2]])
    area, covariance = delong(truth, scores)
    np.testing.assert_allclose(area, [sk.roc_auc_score(truth, score) for score in scores])
    np.testing.assert_allclose(covariance, delong_by_pairs(truth, scores)[1])


def test_delongs_test_is_a_normal_test_with_its_covariance():
    from scipy.stats import norm

    y, proba = two_models()
    (test,) = compare_models(y, proba, [0, 1], metrics=["roc_auc"])
    area, covariance = delong_by_pairs(y == 1, np.array([p[:, 1] for p in proba.values()]))
    spread = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert test.test == "DeLong"
    assert test.difference == pytest.approx(area[0] - area[1])
    assert test.p_value == pytest.approx(2 * norm.sf(abs(test.difference) / spread))
    assert (test.low, test.high) == pytest.approx(norm.interval(0.95, test.difference, spread))


def test_mcnemar_counts_the_images_that_only_one_model_predicts_correctly():
    from scipy.stats import binomtest

    y = np.zeros(20, int)
    first, second = np.zeros(20, int), np.zeros(20, int)
    first[:2], second[2:11] = 1, 1  # two that only the second gets right, nine that only the first does
    proba = {"a": np.eye(2)[first], "b": np.eye(2)[second]}
    (test,) = compare_models(y, proba, [0, 1], metrics=["accuracy"])
    assert test.test == "McNemar, exact"
    assert test.difference == pytest.approx(7 / 20)
    assert test.p_value == pytest.approx(binomtest(2, 11).pvalue)


@pytest.mark.parametrize(
    ("task", "names"),
    [("multiclass", ["accuracy", "roc_auc_macro"]), ("multilabel", ["average_precision_macro", "roc_auc_macro"])],
)
def test_other_tasks_have_main_metrics_too(task, names):
    y, proba = two_models(k=3)
    truth = y if task == "multiclass" else np.column_stack([y == 0, y > 0, y == 2]).astype(int)
    tests = compare_models(truth, proba, range(3), n_boot=200)
    assert [test.metric for test in tests] == names
    assert all(test.low < test.difference < test.high for test in tests)
    assert tests[-1].test == "paired bootstrap"


def test_the_bootstrap_rejects_exactly_if_its_interval_excludes_zero():
    for seed in range(12):
        y, proba = two_models(80, seed=seed, lift=(1.2, 0.8))
        for test in compare_models(y, proba, [0, 1], metrics=["f1", "brier"], n_boot=400):
            assert (not test.low <= 0 <= test.high) == (test.p_value < 0.05) == test.distinguishable


def sixteen_models(k=3, n=300):
    """Return fifteen equally good models and one that guesses."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, k, n)
    proba = {}
    for name in [*(f"m{i}" for i in range(15)), "coin"]:
        z = np.exp(2 * (rng.normal(size=(n, k)) + (0 if name == "coin" else 1.5) * np.eye(k)[y]))
        proba[name] = z / z.sum(axis=1, keepdims=True)
    return y, proba


@pytest.mark.parametrize(("task", "metric"), [("multiclass", "roc_auc_macro"), ("multiclass", "mcc"),
                                              ("multilabel", "average_precision_macro"), ("binary", "f1")])  # fmt: skip
def test_a_guessing_model_is_told_apart_from_each_of_fifteen(task, metric):
    y, proba = sixteen_models(2 if task == "binary" else 3)
    truth = np.eye(3, dtype=int)[y] if task == "multilabel" else y
    tests = compare_models(truth, proba, metrics=[metric], n_boot=100)
    of_coin = [test for test in tests if "coin" in (test.first, test.second)]
    assert (len(tests), len(of_coin)) == (120, 15)
    assert all(test.distinguishable for test in of_coin)
    assert not all(test.distinguishable for test in tests)


def test_small_p_values_of_the_bootstrap_are_those_of_the_paired_t_test():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    for gain in (0.02, 0.03, 0.04):
        first = np.clip(0.7 + 0.1 * rng.normal(size=400), 0.01, 0.99)  # the probability of the true class
        second = np.clip(first + gain + 0.1 * rng.normal(size=400), 0.01, 0.99)
        proba = {name: np.where(y[:, None] == [0, 1], p[:, None], 1 - p[:, None])
                 for name, p in (("a", first), ("b", second))}  # fmt: skip
        (test,) = compare_models(y, proba, [0, 1], metrics=["log_loss"])
        expected = ttest_rel(-np.log(first), -np.log(second)).pvalue
        assert np.log(test.p_value) == pytest.approx(np.log(expected), rel=0.15)
    assert expected < 1e-4


def test_adjusted_intervals_exclude_zero_exactly_where_holm_tells_models_apart():
    y, proba = two_models(120, k=3, seed=2, lift=(1.0, 1.0))
    rng = np.random.default_rng(5)
    for name, signal in zip("cdef", (0.7, 0.45, 0.3, 0.0), strict=True):
        z = np.exp(rng.normal(size=(120, 3)) + signal * np.eye(3)[y])
        proba[name] = z / z.sum(axis=1, keepdims=True)
    tests = compare_models(y, proba, [0, 1, 2], metrics=["f1_macro", "roc_auc_macro"], n_boot=300)
    assert 3 < sum(test.distinguishable for test in tests) < len(tests) - 3
    assert any(test.p_value < 0.05 and not test.distinguishable for test in tests)
    for test in tests:
        assert (not test.low_adjusted <= 0 <= test.high_adjusted) == test.distinguishable
        assert test.low_adjusted <= test.low < test.high <= test.high_adjusted
        assert test.corrected_for == 15
        assert "adjusted for 15 tests" in test.sentence()


def test_a_decision_of_mcnemars_test_against_its_interval_is_explained():
    truth, first = np.zeros(40, int), np.zeros(40, int)
    second = np.where(np.arange(40) < 5, 1, 0)  # five images that only the first predicts correctly: p = 1/16
    (test,) = compare_models(truth, {"a": np.eye(2)[first], "b": np.eye(2)[second]}, [0, 1], metrics=["accuracy"])
    assert (test.p_value, test.distinguishable) == (0.0625, False)
    assert test.low > 0
    assert test.sentence().endswith("p = .062; the test decides: McNemar's is exact, the interval is an approximation)")
    assert not PairedTest("a", "b", "f1", 0.1, 0.05, 0.15, 0.01, 0.01, "paired bootstrap", 9).contradiction


def test_equal_models_do_not_differ():
    y, proba = two_models()
    metrics = ["accuracy", "roc_auc", "f1", "log_loss", "ece"]
    for test in compare_models(y, {"a": proba["a"], "b": proba["a"].copy()}, [0, 1], metrics=metrics, n_boot=100):
        assert test.difference == 0
        assert test.p_value == test.p_adjusted == 1
        assert not test.distinguishable
        assert "cannot be told apart" in test.sentence()


def test_the_order_of_the_models_changes_only_the_sign():
    y, proba = two_models()
    metrics = ["accuracy", "roc_auc", "f1"]
    there = compare_models(y, proba, [0, 1], metrics=metrics, n_boot=100)
    back = compare_models(y, dict(reversed(proba.items())), [0, 1], metrics=metrics, n_boot=100)
    for one, other in zip(there, back, strict=True):
        assert (one.first, one.second) == (other.second, other.first)
        assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
        assert one.p_value == pytest.approx(other.p_value)


def test_undefined_metrics_are_not_tested():
    y, proba = two_models()
    one_class = y == 1
    parts = {name: p[one_class] for name, p in proba.items()}
    area, accuracy = compare_models(y[one_class], parts, [0, 1], metrics=["roc_auc", "accuracy"], n_boot=50)
    assert area.difference is area.p_value is area.p_adjusted is None
    assert not area.distinguishable
    assert "not defined" in area.sentence()
    assert accuracy.difference is not None


def test_too_few_images_give_no_test():
    (test,) = compare_models(
        [0, 0, 1], {"a": [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]], "b": [[0.5, 0.5]] * 3}, [0, 1], metrics=["roc_auc"]
    )
    assert test.difference == 0.5
    assert test.p_value is None
    assert "too few" in test.sentence()


def test_holm_equals_its_definition_for_each_metric():
    rng = np.random.default_rng(0)
    y, proba = two_models(300)
    proba |= {"c": np.clip(proba["a"] + rng.normal(scale=0.01, size=(300, 1)) * [1, -1], 0, 1)}
    tests = compare_models(y, proba, [0, 1], n_boot=50)
    assert len(tests) == 6
    for metric in ("accuracy", "roc_auc"):
        family = sorted((test for test in tests if test.metric == metric), key=lambda test: test.p_value)
        running = np.maximum.accumulate([(3 - i) * test.p_value for i, test in enumerate(family)])
        assert [test.p_adjusted for test in family] == pytest.approx(np.minimum(running, 1))


def test_a_pair_without_a_p_value_does_not_count_in_holms_correction():
    def blank(p):
        return PairedTest("a", "b", "f1", 0.1, None, None, p, None, "paired bootstrap", 9)

    assert [test.p_adjusted for test in holm([blank(0.2), blank(None), blank(0.01)])] == [0.2, None, 0.02]


def test_sentences_name_the_better_model_first():
    better = PairedTest("a", "b", "log_loss", 0.2, 0.1, 0.3, 0.0001, 0.0004, "paired bootstrap", 99)
    said = "b is better than a on these 99 images (log_loss: −0.200, 95% interval −0.300 to −0.100, adjusted p < .001)"
    assert better.sentence() == said
    same = PairedTest("a", "b", "accuracy", 0.003, -0.011, 0.018, 0.62, 0.62, "McNemar, exact", 624)
    assert same.sentence() == (
        "a and b cannot be told apart on these 624 images (accuracy: +0.3 points, 95% interval −1.1 to 1.8, p = .62)"
    )


def test_to_dict_and_from_dict():
    y, proba = two_models(60)
    for test in compare_models(y, proba, [0, 1], n_boot=50):
        assert PairedTest.from_dict(test.to_dict()) == test


def test_a_paired_evaluation_equals_the_functions():
    y, proba = two_models(60)
    trial = PairedEvaluation(y, proba, [0, 1], n_boot=50)
    differences = {test.metric: test.difference for test in trial.tests(["accuracy", "f1", "roc_auc"])}
    a, b = trial.evaluations().values()
    assert differences == pytest.approx({name: a.metrics[name].value - b.metrics[name].value for name in differences})
    assert trial.tests(["f1"]) == compare_models(y, proba, [0, 1], metrics=["f1"], n_boot=50)


@pytest.mark.parametrize(
    ("change", "sentence"), [({"metrics": ["acuracy"]}, "Unknown metric 'acuracy'"), ({"n_boot": 0}, "need bootstrap")]
)
def test_invalid_input_is_rejected(change, sentence):
    y, proba = two_models(20)
    with pytest.raises(InputError, match=sentence):
        compare_models(y, proba, [0, 1], **change)


def test_a_single_model_has_no_pairs():
    y, proba = two_models(20)
    assert compare_models(y, {"a": proba["a"]}, [0, 1], n_boot=10) == []
