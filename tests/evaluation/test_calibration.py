"""Calibration error and reliability curve, compared with scikit-learn, definitions and known populations."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from hybrid.errors import InputError
from hybrid.evaluation import evaluate, reliability_curve
from hybrid.evaluation.calibration import calibrated_error, calibration_gaps
from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.intervals import wilson


def binary(n, seed=0, overconfidence=1.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(scale=2, size=n)
    p = 1 / (1 + np.exp(-z))
    y = (rng.random(n) < 1 / (1 + np.exp(-z / overconfidence))).astype(int)
    return y, np.column_stack([1 - p, p])


def plain_ece(outcome, score):
    """Return the error by its definition, for scores that all differ and fill 15 equal bins."""
    parts = np.array_split(np.argsort(score), 15)
    return sum(len(part) / len(score) * abs(score[part].mean() - outcome[part].mean()) for part in parts)


def test_curve_equals_sklearn():
    y, proba = binary(400)
    curve = reliability_curve(y, proba, [0, 1], bins=8)
    observed, predicted = calibration_curve(y, proba[:, 1], n_bins=8, strategy="quantile")
    np.testing.assert_allclose(curve.observed, observed)
    np.testing.assert_allclose(curve.predicted, predicted)
    assert curve.count.tolist() == [50] * 8
    ends = [wilson(share, 50, 0.95) for share in observed]
    np.testing.assert_allclose(np.column_stack([curve.low, curve.high]), ends)


def test_curve_uses_the_most_probable_class_or_all_labels():
    rng = np.random.default_rng(0)
    proba, y = rng.dirichlet(np.ones(3), 90), rng.integers(0, 3, 90)
    curve = reliability_curve(y, proba, range(3), bins=1)
    assert curve.predicted[0] == pytest.approx(proba.max(axis=1).mean())
    assert curve.observed[0] == pytest.approx((proba.argmax(axis=1) == y).mean())
    truth, labels = rng.integers(0, 2, (90, 4)), rng.random((90, 4))
    curve = reliability_curve(truth, labels, list("abcd"), bins=5)
    assert curve.count.sum() == 360
    assert (curve.count * curve.observed).sum() == pytest.approx(truth.sum())


def test_equal_probabilities_share_a_bin_whatever_the_order():
    y, proba = binary(300)
    proba = np.round(proba, 1)
    order = np.random.default_rng(1).permutation(300)
    one, other = reliability_curve(y, proba, [0, 1]), reliability_curve(y[order], proba[order], [0, 1])
    np.testing.assert_allclose(one.observed, other.observed)
    assert len(one.count) <= 10
    values = [evaluate(y[rows], proba[rows], [0, 1], n_boot=0).metrics["ece"].value for rows in (order, slice(None))]
    assert values[0] == pytest.approx(values[1])


def test_error_equals_its_definition():
    y, proba = binary(300)
    assert evaluate(y, proba, [0, 1], n_boot=0).metrics["ece"].value == pytest.approx(plain_ece(y, proba[:, 1]))
    rng = np.random.default_rng(0)
    proba, y = rng.dirichlet(np.ones(3), 300), rng.integers(0, 3, 300)
    expected = plain_ece(proba.argmax(axis=1) == y, proba.max(axis=1))
    assert evaluate(y, proba, range(3), n_boot=0).metrics["ece"].value == pytest.approx(expected)
    truth, proba = rng.integers(0, 2, (300, 3)), rng.random((300, 3))
    result = evaluate(truth, proba, list("abc"), n_boot=0)
    for k, label in enumerate("abc"):
        assert result.per_class[label]["ece"].value == pytest.approx(plain_ece(truth[:, k], proba[:, k]))


def test_the_error_of_a_calibrated_model_has_only_an_upper_bound():
    for seed in range(5):
        y, proba = binary(600, seed)
        metric = evaluate(y, proba, [0, 1], n_boot=200).metrics["ece"]
        assert metric.low is None
        assert metric.high >= metric.value
        assert "upper bound" in metric.note
        assert str(metric).startswith(f"{metric.value:.3f} (at most {metric.high:.3f}: upper bound only")
        y, proba = binary(600, seed, overconfidence=4)
        metric = evaluate(y, proba, [0, 1], n_boot=200).metrics["ece"]
        assert 0.05 < metric.low < metric.value < metric.high


def test_the_mean_error_of_many_labels_never_ends_an_interval_at_itself():
    # The bias of a mean over many labels exceeds the spread of its draws.
    for overconfidence in (1, 1.2, 1.5):
        z = np.random.default_rng(0).normal(scale=2, size=(60, 30))
        p = 1 / (1 + np.exp(-z))
        truth = (np.random.default_rng(1).random(z.shape) < 1 / (1 + np.exp(-z / overconfidence))).astype(int)
        metric = evaluate(truth, p, range(30), n_boot=200).metrics["ece_macro"]
        assert metric.low is None or metric.low < metric.value < metric.high


@pytest.mark.parametrize("change", [{"bins": 0}, {"level": 95}])
def test_invalid_input_is_rejected(change):
    with pytest.raises(InputError, match="bins must be"):
        reliability_curve([0, 1], np.eye(2), [0, 1], **change)


def calibrated_patients(seed, n_patients=60, size=5, correlation=0.5):
    """Return labels, calibrated probabilities, and patients whose images have one label and similar scores."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), size)
    y = (rng.random(n_patients) < 0.5)[patient].astype(int)
    noise = correlation**0.5 * rng.normal(size=n_patients)[patient]
    noise = noise + (1 - correlation) ** 0.5 * rng.normal(size=len(patient))
    p = 1 / (1 + np.exp(-1.5 * (noise + 1.5 * (y - 0.5))))
    return y, np.column_stack([1 - p, p]), patient


@pytest.mark.medium
def test_the_reliability_of_patients_is_that_of_patients():
    """Without groups, these intervals would hold in 83% of the bins, and the chance level be exceeded in 20%."""
    held, exceeded, sets = [], 0, 60
    for seed in range(sets):
        y, proba, patient = calibrated_patients(seed)
        curve = reliability_curve(y, proba, [0, 1], groups=patient, bins=5)
        held.append((curve.low <= curve.predicted) & (curve.predicted <= curve.high))
        problem = check_problem(y, proba, [0, 1], groups=patient)
        error = np.abs(calibration_gaps(problem).sum(axis=0)).sum() / len(y)
        exceeded += error > calibrated_error(problem, 0.95)[0]
    assert np.mean(held) > 0.92
    assert exceeded <= 6


def test_groups_of_one_image_change_no_bin():
    y, proba = binary(200)
    alone, grouped = (reliability_curve(y, proba, [0, 1], groups=groups) for groups in (None, np.arange(200)))
    assert alone.to_dict() == grouped.to_dict()


def test_labels_of_images_in_groups_have_their_own_chance_level():
    rng = np.random.default_rng(0)
    truth, proba = rng.integers(0, 2, (100, 3)), rng.random((100, 3))
    five = np.repeat(np.arange(100), 5)
    alone = calibrated_error(check_problem(truth, proba, range(3)), 0.95)
    copied = calibrated_error(check_problem(truth[five], proba[five], range(3), groups=five), 0.95)
    np.testing.assert_allclose(copied, alone, rtol=0.2)  # five copies of an image tell as much as one
    curve = reliability_curve(truth[five], proba[five], range(3), groups=five, bins=4)
    wide = reliability_curve(truth, proba, range(3), bins=4)
    assert (curve.high - curve.low > 0.8 * (wide.high - wide.low)).all()


def test_groups_whose_differences_cancel_count_as_independent_images():
    probability = np.full(4, 0.5)
    y, proba = [0, 1, 0, 1], np.column_stack([probability, 1 - probability])
    alone = calibrated_error(check_problem(y, proba, [0, 1]), 0.95)
    pairs = calibrated_error(check_problem(y, proba, [0, 1], groups=[0, 0, 1, 1]), 0.95)
    assert pairs[0] == alone[0] > 0
