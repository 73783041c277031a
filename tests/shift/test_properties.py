"""Simple properties, class proportions, estimated proportions and changes of scores, against independent checks."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, mannwhitneyu
from sklearn.metrics import accuracy_score

from hybrid.errors import InputError
from hybrid.evaluation import evaluate
from hybrid.shift import estimate_class_shares
from hybrid.shift.class_shares import compare_class_shares
from hybrid.shift.farthest import farthest
from hybrid.shift.properties import border_share, compare_properties
from hybrid.shift.result import compare_samples
from hybrid.shift.score_changes import score_changes
from hybrid.workspace.predictions import Predictions


def test_effect_and_p_value_of_a_property_are_those_of_the_mann_whitney_test():
    rng = np.random.default_rng(0)
    is_new = np.arange(120) >= 80
    brightness = rng.integers(80, 160, 120) - 9.0 * is_new
    [one] = compare_properties({"brightness": brightness}, is_new)
    expected = mannwhitneyu(brightness[is_new], brightness[~is_new])
    assert one.auc == pytest.approx(expected.statistic / (40 * 80))
    assert one.p_value == pytest.approx(expected.pvalue, abs=0.02)
    assert one.interval[0] < one.auc < one.interval[1]
    assert (one.reference, one.new) == (np.median(brightness[:80]), np.median(brightness[80:]))


def test_a_darker_class_that_is_more_frequent_is_no_darker_image():
    rng = np.random.default_rng(1)
    y, is_new = (rng.random(600) < np.repeat([0.2, 0.8], 300)).astype(int), np.repeat([False, True], 300)
    brightness = rng.normal(120, 10, 600) - 30 * y
    assert compare_properties({"brightness": brightness}, is_new)[0].found
    [one] = compare_properties({"brightness": brightness}, is_new, y)
    assert not one.found
    assert one.auc == pytest.approx(0.5, abs=0.06)


def test_properties_are_corrected_for_their_number_and_named_in_words():
    rng = np.random.default_rng(2)
    is_new = np.arange(200) >= 150
    values = {
        "brightness": rng.normal(121, 5, 200) - 29 * is_new,
        "contrast": rng.normal(50, 5, 200),
        "width": np.ones(200),
    }
    first, second = compare_properties(values, is_new)
    assert (first.name, second.name) == ("brightness", "contrast")  # the width is the same everywhere
    assert first.p_adjusted == pytest.approx(2 * first.p_value)
    assert first.sentence().startswith("Test images are darker: median ")
    assert "against 12" in first.sentence()
    assert not second.found


def test_borders_of_any_side_are_counted():
    picture = np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8)
    framed = picture.copy()
    framed[:4], framed[:, :8] = 0, 0
    shares = border_share(np.array([picture, framed, np.full((32, 32), 7, np.uint8)]))
    np.testing.assert_allclose(shares, [0, 1 - 28 * 24 / 32**2, 1])


def test_class_proportions_agree_with_pearsons_test():
    rng = np.random.default_rng(3)
    y, is_new = rng.choice(3, 400, p=[0.5, 0.3, 0.2]), np.arange(400) % 4 == 0
    y[is_new & (rng.random(400) < 0.25)] = 2
    counts = [[np.sum(y[side] == k) for k in range(3)] for side in (is_new, ~is_new)]
    shares = compare_class_shares(y, np.arange(3), is_new)
    assert shares.p_value == pytest.approx(chi2_contingency(counts).pvalue, abs=0.02)
    np.testing.assert_allclose(shares.new, np.array(counts[0]) / sum(counts[0]))


def test_whole_patients_make_proportions_less_certain():
    rng = np.random.default_rng(4)
    patient = np.repeat(np.arange(30), 10)
    y, is_new = rng.integers(0, 2, 30)[patient], (np.arange(30) % 3 == 0)[patient]
    y[is_new & (patient % 2 == 0)] = 1
    with_groups = compare_class_shares(y, np.arange(2), is_new, patient).p_value
    assert with_groups > compare_class_shares(y, np.arange(2), is_new).p_value


def test_labels_of_a_multi_label_task_are_tested_together():
    rng = np.random.default_rng(5)
    y, is_new = (rng.random((300, 3)) < 0.3).astype(np.uint8), np.arange(300) < 100
    assert not compare_class_shares(y, np.array(["a", "b", "c"]), is_new).found
    y[:60, 1] = 1
    shares = compare_class_shares(y, np.array(["a", "b", "c"]), is_new)
    assert shares.found
    assert "b " in shares.sentence()


def calibrated(rng, n, share):
    y = rng.random(n) < share
    x = rng.normal(2.0 * y)
    odds = 0.5 / 0.5 * np.exp(2 * x - 2)
    return y, np.column_stack([1 / (1 + odds), odds / (1 + odds)])


@pytest.mark.parametrize("method", ["em", "bbse"])
def test_estimated_proportions_hold_the_true_ones(method):
    inside = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y, proba = calibrated(rng, 400, 0.5)
        new_y, new_proba = calibrated(rng, 400, 0.2)
        shares = estimate_class_shares(y, proba, new_proba, method=method)
        assert sum(shares.shares) == pytest.approx(1)
        inside += not shares.excludes([1 - new_y.mean(), new_y.mean()])
        assert shares.shares[1] == pytest.approx(0.2, abs=0.1)
    assert inside >= 10


def test_em_has_the_largest_likelihood_of_all_shares():
    rng = np.random.default_rng(0)
    y, proba = calibrated(rng, 300, 0.5)
    _, new = calibrated(rng, 300, 0.3)
    grid, prior = np.linspace(0.001, 0.999, 999), y.mean()
    likelihood = [np.log(new[:, 1] / prior * s + new[:, 0] / (1 - prior) * (1 - s)).sum() for s in grid]
    assert estimate_class_shares(y, proba, new).shares[1] == pytest.approx(grid[np.argmax(likelihood)], abs=0.002)


def test_several_labels_are_estimated_one_by_one():
    with pytest.raises(InputError, match="estimate the share of each label"):
        estimate_class_shares([[0, 1]], [[0.5, 0.5]], [[0.5, 0.5]])
    with pytest.raises(InputError, match="No labelled image is of class c"):
        estimate_class_shares(["a", "b"], np.full((2, 3), 1 / 3), np.full((2, 3), 1 / 3), ["a", "b", "c"])


def scored(y, predicted, seed=0):
    proba = np.column_stack([1 - predicted, predicted]) * 0.8 + 0.1
    ids = np.arange(len(y)).astype(str)
    part = Predictions(ids, np.full(len(y), "val"), y, predicted, proba, np.arange(2))
    return part, evaluate(y, proba, [0, 1], y_pred=predicted, n_boot=200)


def predictions_with(y, sensitivity, specificity):
    """Return predicted labels with these shares of right ones in each class."""
    rank = np.empty(len(y))
    for label in (0, 1):
        rank[y == label] = np.arange(np.sum(y == label)) / np.sum(y == label)
    return np.where(rank < np.where(y == 1, sensitivity, specificity), y, 1 - y)


def test_other_proportions_can_explain_a_change_of_accuracy_and_other_images_cannot():
    y_val, y_test = np.arange(600) % 2, (np.arange(600) % 10 == 0).astype(int)
    validation, val = scored(y_val, predictions_with(y_val, 0.95, 0.6))
    _, test = scored(y_test, predictions_with(y_test, 0.95, 0.6))
    [change] = score_changes(test, val, validation, y_test, ["accuracy"], {"accuracy": ("the threshold",)})
    assert change.test.distinguishable
    weight = np.where(y_val == 1, 0.1 / 0.5, 0.9 / 0.5)
    assert change.expected == pytest.approx(accuracy_score(y_val, validation.predicted, sample_weight=weight))
    assert change.explained is True
    assert "other proportions alone could explain it" in change.sentence
    assert "The validation images also chose the threshold" in change.sentence
    _, other = scored(y_test, predictions_with(y_test, 0.8, 0.4))
    [change] = score_changes(other, val, validation, y_test, ["accuracy"], {})
    assert change.explained is False
    assert "worse by more than chance" in change.sentence


def test_a_score_that_is_not_defined_has_no_change():
    y = np.arange(200) % 2
    validation, val = scored(y, predictions_with(y, 0.9, 0.8))
    _, test = scored(np.zeros(200, int), np.zeros(200, int))
    changes = score_changes(test, val, validation, np.zeros(200, int), ["roc_auc", "accuracy"], {})
    assert [one.test.metric for one in changes] == ["accuracy"]


def test_the_farthest_images_are_found_and_their_own_patient_is_no_neighbour():
    rng = np.random.default_rng(0)
    centres = np.eye(6)[rng.integers(0, 4, 90)]
    X = centres + rng.normal(scale=0.1, size=(90, 6))
    X[85:] = np.eye(6)[5] + rng.normal(scale=0.05, size=(5, 6))
    is_new, ids = np.arange(90) >= 70, np.arange(90).astype(str)
    found = farthest(X, is_new, ids, most=5)
    assert sorted(one.id for one in found) == ["85", "86", "87", "88", "89"]
    assert all(one.farther_than > 0.95 for one in found)


@pytest.mark.parametrize("several", [False, True])
def test_the_result_says_in_words_what_was_found_and_what_could_have_been_missed(several):
    rng = np.random.default_rng(0)
    X, is_new = rng.normal(size=(200, 8)), np.arange(200) >= 150
    y = rng.integers(0, 2, (200, 2) if several else 200)
    given = {"y": y, "classes": np.arange(2)}
    equal = compare_samples(X, is_new, np.arange(200).astype(str), **given)
    assert "A classifier cannot tell test images" in equal.sentence
    assert "nothing about images from another hospital" in equal.sentence
    assert any("could have been missed" in text for text in equal.sentences)
    other = compare_samples(X + 0.8 * is_new[:, None], is_new, np.arange(200).astype(str), **given)
    assert other.sentence.endswith("Do not expect validation scores on new images.")
    assert other.to_dict()["images"]["found"] is True
