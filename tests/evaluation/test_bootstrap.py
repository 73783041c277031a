"""Bootstrap draws and intervals, compared with direct computations and known statistics."""

from statistics import NormalDist

import numpy as np
import pytest
import sklearn.metrics as sk

from hybrid.errors import InputError
from hybrid.evaluation import bootstrap, evaluate, evaluate_models
from hybrid.evaluation.bootstrap import JackknifeBlocks, draw_weights
from hybrid.evaluation.independent import share_interval
from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.intervals import bca, calibration_error, percentile, perfect_auc, wilson
from hybrid.evaluation.weighted_scores import WeightedScores


def noisy(rng, n, k):
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    z = rng.normal(size=(n, k)) + np.eye(k)[y]
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    proba[:, 1:] = np.floor(proba[:, 1:] * 10) / 10
    proba[:, 0] = 1 - proba[:, 1:].sum(axis=1)
    return y, proba


def test_each_draw_equals_sklearn_on_the_resampled_rows():
    y, proba = noisy(np.random.default_rng(3), 80, 3)
    weights = np.vstack(list(draw_weights(y, 8, seed=1)))
    overall, per_class = WeightedScores(check_problem(y, proba, range(3)))(weights)
    for i, weight in enumerate(weights.astype(int)):
        rows = np.repeat(np.arange(80), weight)
        truth, score, said = y[rows], proba[rows], proba[rows].argmax(axis=1)
        close = {"rel": 0, "abs": 1e-12}
        assert overall["accuracy"][i] == pytest.approx(sk.accuracy_score(truth, said), **close)
        assert overall["f1_weighted"][i] == pytest.approx(sk.f1_score(truth, said, average="weighted"), **close)
        assert overall["mcc"][i] == pytest.approx(sk.matthews_corrcoef(truth, said), **close)
        assert overall["log_loss"][i] == pytest.approx(sk.log_loss(truth, score), **close)
        for k in range(3):
            auc = sk.roc_auc_score(truth == k, score[:, k])
            assert per_class["roc_auc"][i, k] == pytest.approx(auc, **close)
            precision = sk.average_precision_score(truth == k, score[:, k])
            assert per_class["average_precision"][i, k] == pytest.approx(precision, **close)


def test_each_multilabel_draw_equals_sklearn_on_the_resampled_rows():
    rng = np.random.default_rng(5)
    truth = (rng.random((60, 3)) < 0.4).astype(int)
    proba = np.round(0.3 * truth + 0.7 * rng.random((60, 3)), 1)
    weights = np.vstack(list(draw_weights(np.zeros(60), 5, seed=2)))
    overall, _ = WeightedScores(check_problem(truth, proba, list("abc")))(weights)
    for i, weight in enumerate(weights.astype(int)):
        rows = np.repeat(np.arange(60), weight)
        for average in ("macro", "micro"):
            auc = sk.roc_auc_score(truth[rows], proba[rows], average=average)
            assert overall[f"roc_auc_{average}"][i] == pytest.approx(auc, rel=0, abs=1e-12)
        assert overall["hamming_loss"][i] == pytest.approx(sk.hamming_loss(truth[rows], proba[rows] >= 0.5))


def test_draws_keep_the_number_of_each_class_and_do_not_depend_on_the_chunks(monkeypatch):
    y = np.array(["b", "a", "b", "c", "b", "a"])
    whole = np.vstack(list(draw_weights(y, 40, seed=7)))
    for label, count in (("a", 2), ("b", 3), ("c", 1)):
        assert (whole[:, y == label].sum(axis=1) == count).all()
    assert len(np.unique(whole, axis=0)) > 5
    monkeypatch.setattr(bootstrap, "CHUNK_ELEMENTS", 13)
    parts = list(draw_weights(y, 40, seed=7))
    assert len(parts) == 20
    np.testing.assert_array_equal(np.vstack(parts), whole)


def test_every_row_is_drawn_equally_often():
    weights = np.vstack(list(draw_weights(np.repeat([0, 1], [5, 15]), 4000, seed=0)))
    # The mean count of a row over 4000 draws is 1 with a standard error below 0.016.
    assert np.abs(weights.mean(axis=0) - 1).max() < 5 * 0.016


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    y, proba = noisy(np.random.default_rng(0), 60, 2)
    first = evaluate(y, proba, [0, 1], n_boot=100).to_dict()
    assert first == evaluate(y, proba, [0, 1], n_boot=100).to_dict()
    other = evaluate(y, proba, [0, 1], n_boot=100, random_state=1).to_dict()
    assert first["metrics"]["log_loss"]["low"] != other["metrics"]["log_loss"]["low"]
    assert first["metrics"]["log_loss"]["value"] == other["metrics"]["log_loss"]["value"]


def test_the_accuracy_interval_is_close_to_the_binomial_interval():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 500)
    said = np.where(rng.random(500) < 0.85, y, 1 - y)
    metric = evaluate(y, np.eye(2)[said], [0, 1]).metrics["accuracy"]
    half = 1.96 * np.sqrt(metric.value * (1 - metric.value) / 500)
    assert metric.low == pytest.approx(metric.value - half, abs=0.006)
    assert metric.high == pytest.approx(metric.value + half, abs=0.006)


def test_a_higher_level_gives_a_wider_interval():
    y, proba = noisy(np.random.default_rng(0), 100, 2)
    wide = evaluate(y, proba, [0, 1], level=0.99).metrics["accuracy"]
    narrow = evaluate(y, proba, [0, 1], level=0.8).metrics["accuracy"]
    assert wide.low < narrow.low < wide.value < narrow.high < wide.high


def test_draws_without_values_or_with_equal_values_give_no_interval():
    assert percentile(np.array([0.5] * 80 + [np.nan] * 20), 0.95) is None
    assert percentile(np.array([np.nan, np.nan]), 0.95) is None
    assert percentile(np.ones(100), 0.95) is None  # no width would look certain
    draws = np.random.default_rng(0).normal(size=101)
    assert percentile(draws, 0.9) == pytest.approx(tuple(np.quantile(draws, [0.05, 0.95], method="hazen")))
    assert bca(0.5, np.linspace(0.6, 0.9, 100), 0.95, 0.0) is None  # all draws on one side


def test_without_bias_and_skewness_bca_is_the_percentile_interval():
    draws = np.random.default_rng(0).normal(size=999)
    assert bca(float(np.median(draws)), draws, 0.95, 0.0) == pytest.approx(percentile(draws, 0.95))


def test_bca_equals_scipy():
    from scipy.stats import bootstrap as scipy_bootstrap

    rng = np.random.default_rng(4)
    sample = rng.exponential(size=60)
    expected = scipy_bootstrap((sample,), np.mean, n_resamples=4000, method="BCa", rng=rng)
    blocks = JackknifeBlocks.from_strata(np.zeros(60))
    without = np.vstack(list(blocks.weights())) @ sample / 59
    draws = expected.bootstrap_distribution
    found = bca(sample.mean(), draws, 0.95, blocks.acceleration(sample.mean(), without))
    assert found == pytest.approx(tuple(expected.confidence_interval), abs=0.003)


def test_influence_is_computed_within_strata():
    # The mean of two strata's means: each row's influence is its distance from its own mean, by the stratum's size.
    rng = np.random.default_rng(0)
    strata, x = np.repeat([0, 1], [12, 30]), rng.exponential(size=42)

    def score(weights):
        return np.mean(
            [weights[:, strata == s] @ x[strata == s] / weights[:, strata == s].sum(axis=1) for s in (0, 1)], 0
        )

    blocks = JackknifeBlocks.from_strata(strata)
    influence = blocks.influence(score(np.ones((1, 42)))[0], score(np.vstack(list(blocks.weights()))))
    means, sizes = np.array([x[strata == s].mean() for s in (0, 1)])[strata], np.bincount(strata)[strata]
    np.testing.assert_allclose(influence[blocks.block_of_row], (x - means) / sizes / 2, atol=1e-12)


def test_blocks_cover_all_rows_once_and_never_span_strata():
    strata = np.random.default_rng(0).integers(0, 3, 5000)
    strata[:7] = 9
    blocks = JackknifeBlocks.from_strata(strata)
    left_out = 1 - np.vstack(list(blocks.weights()))
    assert (left_out.sum(axis=0) == 1).all()
    assert len(blocks.size) < 600
    assert all(len(np.unique(strata[row > 0])) == 1 for row in left_out)
    assert (left_out[:, :7].sum(axis=1) <= 1).all()  # a small stratum goes row by row


def test_wilson_equals_scipy():
    from scipy.stats import binomtest

    for hits in (0, 3, 12):
        expected = binomtest(hits, 12).proportion_ci(0.9, method="wilson")
        assert wilson(hits / 12, 12, 0.9) == pytest.approx((expected.low, expected.high))


def test_the_interval_of_a_share_is_narrower_in_different_strata():
    # A quarter and three quarters of 200 each are right: the variance is that of the two, not of a half of 400.
    right, strata = np.tile(np.repeat([True, False], [50, 150]), 2), np.repeat([0, 1], 200)
    right[200:] = ~right[200:]
    low, high = share_interval("positives", np.ones(400, bool), right, strata, 0.95)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 * 0.75 / 400), rel=0.02)
    plain = share_interval("positives", np.ones(400, bool), right, np.zeros(400), 0.95)
    assert plain == pytest.approx(wilson(0.5, 400, 0.95))


@pytest.mark.parametrize(("positives", "negatives"), [(10, 10), (12, 40), (200, 60)])
def test_a_perfect_auc_is_unlikely_at_the_lower_bound(positives, negatives):
    low, high = perfect_auc(positives, negatives, 0.95)
    assert high == 1
    rng = np.random.default_rng(0)
    lift = np.sqrt(2) * NormalDist().inv_cdf(low)  # two normal classes with this area
    worst = rng.normal(size=(4000, positives)).min(axis=1) + lift
    perfect = (worst > rng.normal(size=(4000, negatives)).max(axis=1)).mean()
    assert perfect < 0.025


def test_perfect_scores_have_wilsons_and_newcombes_intervals_and_a_note():
    y = np.repeat([0, 1], 12)
    p = np.where(y == 1, 0.9, 0.2) + np.linspace(0, 0.05, 24)
    metrics = evaluate(y, np.column_stack([1 - p, p]), [0, 1]).metrics
    for name, n in (("accuracy", 24), ("sensitivity", 12), ("specificity", 12), ("precision", 12), ("f1", 12)):
        low, high = wilson(1.0, n, 0.95)
        assert metrics[name].interval == pytest.approx((2 * low / (1 + low) if name == "f1" else low, high))
        assert "Wilson" in metrics[name].note
    assert metrics["roc_auc"].interval == perfect_auc(12, 12, 0.95)
    assert "Newcombe" in metrics["roc_auc"].note
    assert metrics["mcc"].interval is None
    assert "no interval" in metrics["mcc"].note


def test_no_draws_give_no_intervals():
    y, proba = noisy(np.random.default_rng(0), 40, 2)
    assert all(metric.interval is None for metric in evaluate(y, proba, [0, 1], n_boot=0).metrics.values())


def test_a_class_with_one_image_has_an_interval_only_for_proportions():
    y, proba = noisy(np.random.default_rng(0), 40, 2)
    y[y == 1] = 0
    y[0] = 1
    scores = evaluate(y, proba, [0, 1], n_boot=200).per_class[1]
    assert scores["recall"].interval == pytest.approx(wilson(scores["recall"].value, 1, 0.95))
    assert scores["roc_auc"].interval is None
    assert "single image" in scores["roc_auc"].note


def test_percentile_intervals():
    y, proba = noisy(np.random.default_rng(0), 100, 2)
    result = evaluate(y, proba, [0, 1], method="percentile")
    assert result.method == "percentile"
    assert result.metrics["roc_auc"].interval != evaluate(y, proba, [0, 1]).metrics["roc_auc"].interval
    with pytest.raises(InputError, match="interval method 'bootstrap-t'"):
        evaluate(y, proba, [0, 1], method="bootstrap-t")


def test_the_interval_of_a_calibration_error_mirrors_the_draws_or_has_only_an_upper_bound():
    draws = np.linspace(0.08, 0.12, 1001)
    low, high = percentile(draws, 0.95)
    assert calibration_error(0.09, draws, 0.95, 0.0) == pytest.approx((0.18 - high, 0.18 - low))
    assert calibration_error(0.09, draws, 0.95, 0.1) == (None, pytest.approx(0.18 - low))
    assert calibration_error(0.07, draws, 0.95, 0.0) == (None, 0.07)  # mirrored, the draws end below it


def test_evaluating_models_together_equals_evaluating_each_alone():
    rng = np.random.default_rng(0)
    y, one = noisy(rng, 90, 3)
    other = rng.dirichlet(np.ones(3), 90)
    together = evaluate_models(y, {"one": one, "other": other}, range(3), y_pred={"other": y}, n_boot=80)
    assert together["one"].to_dict() == evaluate(y, one, range(3), n_boot=80).to_dict()
    assert together["other"].to_dict() == evaluate(y, other, range(3), y_pred=y, n_boot=80).to_dict()


def test_no_model_and_an_unknown_model_are_rejected():
    with pytest.raises(InputError, match="no model"):
        evaluate_models([0, 1], {}, [0, 1])
    with pytest.raises(InputError, match="model in y_pred 'b'"):
        evaluate_models([0, 1], {"a": np.eye(2)}, [0, 1], y_pred={"b": [0, 1]})


def test_equal_scores_have_equal_intervals():
    metrics = evaluate(*noisy(np.random.default_rng(0), 90, 3), range(3), n_boot=50).metrics
    assert metrics["recall_weighted"].interval == metrics["accuracy"].interval
    assert metrics["recall_macro"].interval == metrics["balanced_accuracy"].interval
