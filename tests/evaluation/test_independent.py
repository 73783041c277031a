"""Intervals of shares of images, ROC AUC and average precision, compared with other computations and with draws."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest, norm, t
from sklearn.metrics import average_precision_score, roc_auc_score

from hybrid.evaluation import Evaluation, evaluate
from hybrid.evaluation.delong import delong


def binary(positives, negatives, seed=0, distance=1.5):
    rng = np.random.default_rng(seed)
    y = np.repeat([1, 0], [positives, negatives])
    return y, expit(distance * (rng.normal(size=len(y)) + distance * (y - 0.5)))


def test_precision_and_f1_of_a_label_have_the_interval_of_a_proportion():
    rng = np.random.default_rng(0)
    truth = rng.random((80, 2)) < 0.4
    predicted = truth ^ (rng.random((80, 2)) < 0.2)
    scores = evaluate(truth.astype(int), predicted.astype(int), ["a", "b"], n_boot=20).per_class["a"]
    hits, said, either = (rows[:, 0].sum() for rows in (truth & predicted, predicted, truth | predicted))
    precision = binomtest(hits, said).proportion_ci(method="wilson")
    assert scores["precision"].interval == pytest.approx((precision.low, precision.high))
    npv = binomtest((~truth & ~predicted)[:, 0].sum(), 80 - said).proportion_ci(method="wilson")
    assert scores["npv"].interval == pytest.approx((npv.low, npv.high))
    share = binomtest(hits, either).proportion_ci(method="wilson")
    assert scores["f1"].interval == pytest.approx([2 * end / (1 + end) for end in (share.low, share.high)])


def test_with_fixed_classes_the_intervals_are_as_wide_as_the_scores_vary():
    rng = np.random.default_rng(1)
    y = np.repeat([1, 0], [100, 900])
    hits, alarms = rng.binomial(100, 0.7, 4000), rng.binomial(900, 0.05, 4000)
    drawn = {"precision": hits / (hits + alarms), "f1": 2 * hits / (hits + alarms + 100)}
    predicted = np.concatenate([np.arange(100) < 70, np.arange(900) < 45]).astype(int)
    metrics = evaluate(y, predicted, [0, 1], n_boot=20).metrics
    for name, values in drawn.items():
        assert metrics[name].high - metrics[name].low == pytest.approx(2 * 1.96 * values.std(), rel=0.05), name


def test_the_interval_of_a_roc_auc_is_delongs_on_the_scale_of_log_odds():
    y, proba = binary(300, 400)
    areas, covariance = delong(y == 1, proba[None])
    half = norm.ppf(0.975) * covariance[0, 0] ** 0.5 / (areas[0] * (1 - areas[0]))
    metric = evaluate(y, proba, [0, 1], n_boot=20).metrics["roc_auc"]
    assert metric.interval == pytest.approx((expit(logit(areas[0]) - half), expit(logit(areas[0]) + half)), rel=0.002)


def test_ten_positive_images_of_almost_equal_rank_do_not_make_a_roc_auc_certain():
    negatives = np.linspace(0.05, 0.5, 90)
    y, proba = np.repeat([1, 0], [10, 90]), np.concatenate([np.full(10, 0.478), negatives])
    area = roc_auc_score(y, proba)
    metric = evaluate(y, proba, [0, 1], n_boot=20).metrics["roc_auc"]
    # DeLong sees no variation among the positive images; two of them, of two normal classes, are assumed beside them.
    _, covariance = delong(y == 1, proba[None])
    half = t.ppf(0.975, 9) * covariance[0, 0] ** 0.5 / (area * (1 - area))
    assert metric.low < expit(logit(area) - half)
    assert metric.low < area < metric.high


@pytest.mark.medium
def test_the_interval_of_an_average_precision_is_as_wide_as_it_varies():
    sets = [binary(60, 240, seed) for seed in range(300)]
    spread = np.std([average_precision_score(y, proba) for y, proba in sets])
    found = [evaluate(y, proba, [0, 1], n_boot=2).metrics["average_precision"] for y, proba in sets[:12]]
    assert np.mean([metric.high - metric.low for metric in found]) == pytest.approx(2 * 1.97 * spread, rel=0.1)


def test_means_over_classes_have_the_interval_of_the_jackknife():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    z = np.exp(rng.normal(size=(300, 3)) + np.eye(3)[y])
    metric = evaluate(y, z / z.sum(axis=1, keepdims=True), range(3), n_boot=300)
    other = evaluate(y, z / z.sum(axis=1, keepdims=True), range(3), n_boot=300, method="percentile")
    for name in ("roc_auc_macro", "average_precision_macro"):
        assert metric.metrics[name].interval == pytest.approx(other.metrics[name].interval, abs=0.012)
        assert metric.metrics[name].interval != other.metrics[name].interval


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_a_single_positive_image_is_the_reason_for_a_missing_interval(task):
    y, proba = binary(1, 40)
    if task == "multilabel":
        y, proba = np.column_stack([y, np.arange(41) % 2]), np.column_stack([proba, proba])
    result = evaluate(y, proba, None if task == "binary" else ["a", "b"], n_boot=50)
    scores = result.metrics if task == "binary" else result.per_class["a"]
    for name in ("roc_auc", "average_precision"):
        assert scores[name].interval is None
        assert "single image" in scores[name].note


def test_intervals_hold_for_shares_of_the_classes_that_vary_if_asked():
    y, proba = binary(60, 540)
    fixed, varying = (evaluate(y, proba, [0, 1], n_boot=50, fixed_classes=value) for value in (True, False))
    said, hits = (proba >= 0.5).sum(), (proba[y == 1] >= 0.5).sum()
    precision = binomtest(hits, said).proportion_ci(method="wilson")
    assert varying.metrics["precision"].interval == pytest.approx((precision.low, precision.high))
    for name in ("precision", "f1", "average_precision"):
        width = [result.metrics[name].high - result.metrics[name].low for result in (fixed, varying)]
        assert width[0] < 0.99 * width[1], name
    for name in ("sensitivity", "roc_auc"):  # do not depend on the shares
        assert fixed.metrics[name] == varying.metrics[name]
    assert "with the same share of each class" in str(fixed)
    assert "the share of each class varies, too" in str(varying)
    assert Evaluation.from_dict(varying.to_dict()).population == varying.population


@pytest.mark.parametrize("k", [2, 3])
def test_constant_probabilities_have_their_reason_beside_the_loss(k):
    y = np.arange(300) ** 2 % k
    constant = np.tile(np.arange(1, k + 1) / sum(range(k + 1)), (300, 1))
    metrics = evaluate(y, constant, range(k), n_boot=50).metrics
    for name in ("log_loss", "brier"):
        assert metrics[name].interval is None, metrics[name]
        assert "same probabilities" in metrics[name].note
    varying = evaluate(y, constant, range(k), n_boot=50, fixed_classes=False).metrics["log_loss"]
    assert varying.low < varying.value < varying.high
    area = metrics["roc_auc" if k == 2 else "roc_auc_macro"]
    assert (area.value, area.interval) == (0.5, None)
    assert "no interval" in area.note


def test_populations_of_groups_and_labels():
    y, proba = binary(20, 20)
    groups = np.arange(40) // 2
    assert evaluate(y, proba, [0, 1], groups=groups, n_boot=20).fixed_classes
    assert not evaluate(y, proba, [0, 1], groups=np.arange(40) % 20, n_boot=20).fixed_classes
    assert "share of each label varies" in evaluate(y[:, None], proba[:, None], ["a"], n_boot=20).population


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_a_mean_over_classes_says_which_class_has_a_single_image(method):
    rng = np.random.default_rng(0)
    y = np.append(np.arange(60) % 3, 3)
    z = np.exp(rng.normal(size=(61, 4)) + np.eye(4)[y])
    proba = z / z.sum(axis=1, keepdims=True)
    result = evaluate(np.array(["a", "b", "c", "rare"])[y], proba, n_boot=100, method=method)
    for name in ("roc_auc_macro", "average_precision_macro", "recall_macro", "f1_macro", "balanced_accuracy"):
        metric = result.metrics[name]
        assert metric.low < metric.value < metric.high
        assert "a single image of rare" in metric.reason
        assert metric.reason in str(metric)
    assert not result.metrics["accuracy"].reason
    assert result.table().loc["f1_macro", "reason"] == result.metrics["f1_macro"].reason
    assert Evaluation.from_dict(result.to_dict()).metrics["f1_macro"] == result.metrics["f1_macro"]
    assert (
        not evaluate(y[:60], z[:60, :3] / z[:60, :3].sum(axis=1, keepdims=True), n_boot=100).metrics["f1_macro"].reason
    )


def test_a_mean_over_labels_or_groups_names_the_single_image_or_group():
    rng = np.random.default_rng(0)
    truth = np.column_stack([np.arange(40) % 2, np.arange(40) == 0]).astype(int)
    proba = np.clip(0.3 * truth + 0.7 * rng.random((40, 2)), 0, 1)
    labels = evaluate(truth, proba, ["often", "once"], n_boot=100).metrics["f1_macro"]
    assert "a single image with or without once" in labels.note
    groups = np.append(np.arange(36) // 3, [99] * 4)
    y = np.append(np.arange(36) // 3 % 2, [2] * 4)
    grouped = evaluate(y, rng.dirichlet(np.ones(3), 40), groups=groups, n_boot=100).metrics["recall_macro"]
    assert "a single group of 2" in grouped.note
