"""One prediction for each group of images."""

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.evaluation import evaluate, per_group

GROUPS = ["p", "p", "p", "q", "q", "r", "r", "r"]
ILL = np.array([0.9, 0.2, 0.3, 0.6, 0.7, 0.1, 0.45, 0.2])
Y = np.array(["well"] * 3 + ["ill"] * 2 + ["well"] * 3)


@pytest.mark.parametrize(
    ("how", "ill", "predicted"),
    [
        ("mean", [1.4 / 3, 0.65, 0.25], ["well", "ill", "well"]),
        ("max", [0.9, 0.7, 0.45], ["ill", "ill", "well"]),
        ("vote", [1 / 3, 1, 0], ["well", "ill", "well"]),
    ],
)
def test_two_classes(how, ill, predicted):
    proba = np.column_stack([ILL, 1 - ILL])
    cases = per_group(Y, proba, ["ill", "well"], groups=GROUPS, how=how, pos_label="ill")
    assert cases.groups.tolist() == ["p", "q", "r"]
    assert cases.y_true.tolist() == ["well", "ill", "well"]
    np.testing.assert_allclose(cases.proba, np.column_stack([ill, 1 - np.array(ill)]))
    assert cases.y_pred.tolist() == predicted
    result = evaluate(cases.y_true, cases.proba, ["ill", "well"], y_pred=cases.y_pred, pos_label="ill", n_boot=0)
    assert (result.n, result.metrics["sensitivity"].value) == (3, 1.0)


@pytest.mark.parametrize(("threshold", "predicted"), [(0.4, ["ill", "ill", "well"]), (0.66, ["well", "well", "well"])])
def test_the_threshold_of_the_model_holds_for_the_mean(threshold, predicted):
    proba = np.column_stack([ILL, 1 - ILL])
    cases = per_group(Y, proba, ["ill", "well"], groups=GROUPS, pos_label="ill", threshold=threshold)
    assert cases.y_pred.tolist() == predicted


def test_a_tied_vote_is_decided_by_the_mean_probability():
    proba = [0.95, 0.4, 0.55, 0.1]
    cases = per_group([1, 1, 0, 0], proba, [0, 1], groups=[1, 1, 2, 2], how="vote")
    assert cases.proba[:, 1].tolist() == [0.5, 0.5]
    assert cases.y_pred.tolist() == [1, 0]


def test_more_classes():
    proba = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]])
    groups, y = ["p", "p", "p", "q"], ["b", "b", "b", "c"]
    mean, highest, vote = (per_group(y, proba, list("abc"), groups=groups, how=how) for how in ("mean", "max", "vote"))
    np.testing.assert_allclose(mean.proba[0], proba[:3].mean(axis=0))
    np.testing.assert_allclose(highest.proba[0], np.array([0.5, 0.8, 0.2]) / 1.5)
    np.testing.assert_allclose(vote.proba[0], [2 / 3, 1 / 3, 0])
    assert [cases.y_pred.tolist() for cases in (mean, highest, vote)] == [["b", "c"], ["b", "c"], ["a", "c"]]


def test_several_labels():
    proba = np.array([[0.9, 0.2], [0.2, 0.3], [0.4, 0.8]])
    y = [[1, 0], [1, 0], [0, 1]]
    mean, highest, vote = (
        per_group(y, proba, list("ab"), groups=[7, 7, 8], how=how) for how in ("mean", "max", "vote")
    )
    assert [cases.y_pred.tolist() for cases in (mean, highest)] == [[[1, 0], [0, 1]]] * 2
    assert vote.proba.tolist() == [[0.5, 0], [0, 1]]
    assert mean.y_true.tolist() == [[1, 0], [0, 1]]
    assert highest.proba[0].tolist() == [0.9, 0.3]
    strict = per_group(y, proba, list("ab"), groups=[7, 7, 8], threshold=[0.6, 0.9])
    assert strict.y_pred.tolist() == [[0, 0], [0, 0]]


def test_groups_of_several_labels_are_left_out_and_named():
    cases = per_group([0, 1, 1], [0.1, 0.9, 0.8], [0, 1], groups=["p", "p", "q"])
    assert (cases.groups.tolist(), cases.left_out) == (["q"], ("p",))
    with pytest.raises(InputError, match="No group has one label: the images of all 1 groups"):
        per_group([0, 1], [0.1, 0.9], [0, 1], groups=["p", "p"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"how": "median"}, "Unknown way to combine the images of a group 'median'"),
        ({"groups": None}, "need groups"),
        ({"proba": None, "y_pred": [0, 1]}, "Probabilities are needed"),
    ],
)
def test_invalid_input_is_rejected(change, sentence):
    given = {"y_true": [0, 1], "proba": [0.1, 0.9], "classes": [0, 1], "groups": ["a", "b"]} | change
    with pytest.raises(InputError, match=sentence):
        per_group(**given)
