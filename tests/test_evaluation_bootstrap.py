"""The intervals: the same draws done the slow way, and the statistics they should obey."""

import numpy as np
import pytest
import sklearn.metrics as sk

from hybrid.evaluation import bootstrap, evaluate
from hybrid.evaluation.bootstrap import draw_weights, interval
from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.scores import Scores


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
    overall, per_class = Scores(check_problem(y, proba, range(3)))(weights)
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
    overall, _ = Scores(check_problem(truth, proba, list("abc")))(weights)
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
    other = evaluate(y, proba, [0, 1], n_boot=100, seed=1).to_dict()
    assert first["metrics"]["log_loss"]["low"] != other["metrics"]["log_loss"]["low"]
    assert first["metrics"]["log_loss"]["value"] == other["metrics"]["log_loss"]["value"]


def test_the_accuracy_interval_is_close_to_the_binomial_one():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 500)
    said = np.where(rng.random(500) < 0.85, y, 1 - y)
    metric = evaluate(y, np.eye(2)[said], [0, 1]).metrics["accuracy"]
    half = 1.96 * np.sqrt(metric.value * (1 - metric.value) / 500)
    assert metric.low == pytest.approx(metric.value - half, abs=0.006)
    assert metric.high == pytest.approx(metric.value + half, abs=0.006)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    # Scores N(0,1) and N(1,1): the AUC is Phi(1/sqrt 2), the accuracy of the cut at one half Phi(1/2).
    true_auc, true_accuracy = 0.7602499, 0.6914625
    rng = np.random.default_rng(2)
    held = np.zeros(2)
    for _ in range(150):
        y = np.repeat([0, 1], 100)
        p = 1 / (1 + np.exp(-(rng.normal(size=200) + y - 0.5)))
        metrics = evaluate(y, np.column_stack([1 - p, p]), [0, 1], n_boot=300).metrics
        for i, (name, truth) in enumerate([("roc_auc", true_auc), ("accuracy", true_accuracy)]):
            held[i] += metrics[name].low <= truth <= metrics[name].high
    # With true coverage .95, fewer than 133 or more than 149 of 150 would be a 1-in-1000 event.
    assert ((held >= 133) & (held <= 149)).all(), held


def test_a_wider_level_gives_a_wider_interval():
    y, proba = noisy(np.random.default_rng(0), 100, 2)
    wide = evaluate(y, proba, [0, 1], level=0.99).metrics["accuracy"]
    narrow = evaluate(y, proba, [0, 1], level=0.8).metrics["accuracy"]
    assert wide.low < narrow.low < wide.value < narrow.high < wide.high


def test_no_interval_where_draws_have_no_value_or_all_the_same():
    assert interval(np.array([0.5] * 80 + [np.nan] * 20), 0.95) is None
    assert interval(np.array([np.nan, np.nan]), 0.95) is None
    assert interval(np.ones(100), 0.95) is None  # no width would look certain
    assert interval(np.linspace(0, 1, 101), 0.9) == pytest.approx((0.05, 0.95))


def test_a_class_with_one_image_gets_no_interval():
    y, proba = noisy(np.random.default_rng(0), 40, 2)
    y[y == 1] = 0
    y[0] = 1
    recall = evaluate(y, proba, [0, 1], n_boot=200).per_class[1]["recall"]
    assert recall.value in (0, 1)
    assert recall.low is recall.high is None
    assert "no interval" in recall.note
