"""Whether other class proportions alone explain scores on other data: of classes and of each label."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_score

from hybrid.external.internal import InternalSide
from hybrid.external.proportions import explain_by_proportions
from hybrid.external.scores import class_differences, side_scores
from hybrid.workspace.predictions import Predictions

OWN = InternalSide("test")


def drawn_scores(y, distance, classes, seed, shift=0.0, prior=0.5):
    """Return the scores of predictions whose log-odds are right for images of classes that are this far apart."""
    rng = np.random.default_rng(seed)
    if y.ndim == 2:
        log_odds = distance * (rng.normal(distance * y) + shift - distance / 2) + np.log(prior / (1 - np.array(prior)))
        proba = 1 / (1 + np.exp(-log_odds))
        predicted = (proba > 0.5).astype(np.uint8)
    else:
        x = rng.normal(size=(len(y), len(classes))) + distance * (y[:, None] == np.arange(len(classes)))
        x[:, -1] += shift
        odds = np.exp(distance * x)
        proba = odds / odds.sum(axis=1, keepdims=True)
        predicted = np.array(classes)[proba.argmax(axis=1)]
    truth = y if y.ndim == 2 else np.array(classes)[y]
    part = Predictions(
        np.arange(len(y)).astype(str), np.full(len(y), "test"), truth, predicted, proba, np.array(classes)
    )
    return side_scores(part, classes[1] if len(classes) == 2 and y.ndim == 1 else None)


def explained(external, internal, metric="accuracy"):
    return explain_by_proportions(OWN, external, internal, metric, class_differences(external, internal))


def test_scores_follow_from_other_proportions_of_three_classes():
    classes = ["a", "b", "c"]
    own = drawn_scores(np.arange(600) % 3, 1.6, classes, 0)
    rare = np.repeat([0, 1, 2], [400, 100, 100])
    found = explained(drawn_scores(rare, 1.6, classes, 1), own)
    part = own.predictions
    weight = np.array([2.0, 0.5, 0.5])[np.searchsorted(classes, part.y)]
    accuracy = next(one for one in found.changes if one.test.metric == "accuracy")
    assert accuracy.expected == pytest.approx(accuracy_score(part.y, part.predicted, sample_weight=weight))
    assert found.sentences[0].startswith("“a” is 67% of these images and 33% of the model's own test images.")
    assert [one.method for one in found.estimates] == ["em", "bbse"]
    for one in found.estimates:
        assert one.shares == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=0.1)
    assert "Both agree with the true proportions" in found.sentences[1]


def test_equal_proportions_explain_no_change():
    classes, y = ["a", "b"], np.arange(600) % 2
    own = drawn_scores(y, 2.0, classes, 0)
    found = explained(drawn_scores(y, 2.0, classes, 1, shift=2.5), own)
    assert "so that other proportions do not explain the change in accuracy" in found.sentences[0]
    assert "Both are wrong, because the images of a class differ" in found.sentences[1]
    assert found.to_dict()["estimates"]["bbse"]["agrees"] is False
    unchanged = explained(drawn_scores(y, 2.0, classes, 2), own)
    assert unchanged.sentences[0].endswith("own test images, so that they change no score.")


def test_each_label_is_examined_for_itself():
    rng = np.random.default_rng(5)
    shares = np.array([0.5, 0.4, 0.3])
    own = drawn_scores((rng.random((500, 3)) < shares).astype(np.uint8), 2.0, ["r", "g", "b"], 0, prior=shares)
    y = (rng.random((500, 3)) < np.array([0.1, 0.4, 0.3])).astype(np.uint8)
    found = explained(drawn_scores(y, 2.0, ["r", "g", "b"], 1, prior=shares), own)
    precision = next(one for one in found.changes if (one.test.label, one.test.metric) == ("r", "precision"))
    truth, new = own.predictions.y[:, 0], y[:, 0].mean()
    weight = np.where(truth == 1, new / truth.mean(), (1 - new) / (1 - truth.mean()))
    expected = precision_score(truth, own.predictions.predicted[:, 0], sample_weight=weight)
    assert precision.expected == pytest.approx(expected)
    assert precision.explained
    assert "could explain that in the precision of “r”" in found.sentences[0]
    assert "The shares of all 3 labels that the model's predictions alone suggest" in found.sentences[1]
    assert found.new == pytest.approx(y.mean(axis=0))


def test_a_label_whose_images_differ_misleads_the_estimates():
    y = (np.random.default_rng(5).random((500, 3)) < 0.4).astype(np.uint8)
    own = drawn_scores(y, 2.0, ["r", "g", "b"], 0, prior=0.4)
    found = explained(drawn_scores(y, 2.0, ["r", "g", "b"], 1, shift=np.array([0, 2.0, 0]), prior=0.4), own)
    assert "does not explain the change in" in found.sentences[0]
    assert "are wrong for 1 of 3 labels: “g” would be estimated in" in found.sentences[1]


def test_a_class_that_one_side_lacks_and_a_model_without_own_images():
    own = drawn_scores(np.arange(60) % 3, 2.0, ["a", "b", "c"], 0)
    found = explained(drawn_scores(np.arange(60) % 2, 2.0, ["a", "b", "c"], 1), own)
    assert "because only one of the two has images of 'c'" in found.sentences[0]
    assert found.sentences[1].startswith(
        "The proportions were not estimated from predictions, which needs images of 'c'"
    )
    assert found.estimates == ()
    [sentence] = explain_by_proportions(InternalSide(), own, None, "accuracy", ()).sentences
    assert "is not known" in sentence
