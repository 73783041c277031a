"""Predictive values of a model on other data, at a prevalence that the user names."""

import numpy as np
import pytest

from hybrid import InputError
from hybrid.external.at_prevalence import values_at_prevalence
from hybrid.external.scores import side_scores
from hybrid.workspace.predictions import Predictions


def side_of(y, predicted, classes, positive=None):
    """Return the scores of predictions that are sure of the predicted classes or labels."""
    y, predicted, classes = np.array(y), np.array(predicted), np.array(classes)
    sure = predicted if predicted.ndim == 2 else predicted[:, np.newaxis] == classes
    proba = np.where(sure, 0.7, 0.3 / max(1, len(classes) - 1))
    ids = np.arange(len(y)).astype(str)
    return side_scores(Predictions(ids, np.full(len(y), "external"), y, predicted, proba, classes, None), positive)


def test_two_classes():
    y, predicted = ["s"] * 50 + ["h"] * 50, ["s"] * 40 + ["h"] * 10 + ["s"] * 5 + ["h"] * 45
    side = side_of(y, predicted, ["h", "s"], "s")
    (values,), notes = values_at_prevalence(side, "clinic", 0.02)
    # sensitivity 0.8 and specificity 0.9: of 1,000 images, 16 of 20 and 98 of 980 are called positive
    assert values.ppv.value == pytest.approx(16 / (16 + 98))
    assert values.npv.value == pytest.approx(882 / (882 + 4))
    assert notes == ()
    assert values_at_prevalence(side, "clinic", {"h": 0.98})[0][0].ppv.value == pytest.approx(16 / (16 + 98))


def test_a_class_of_several_is_taken_against_the_rest():
    side = side_of([*"aaaabbbbcccc"], [*"aaabbbbbccca"], ["a", "b", "c"])
    (values,), _ = values_at_prevalence(side, "clinic", {"a": 0.5})
    assert values.positive == "a"
    assert values.ppv.value == pytest.approx((3 / 4) / (3 / 4 + 1 / 8))
    with pytest.raises(InputError, match=r"clinic has 3 classes: name one, such as a=0\.1"):
        values_at_prevalence(side, "clinic", 0.1)


def test_labels_and_those_that_all_images_have():
    y = [[1, 1], [1, 1], [0, 1], [0, 1]]
    side = side_of(y, [[1, 1], [0, 1], [0, 1], [1, 1]], ["r", "g"])
    (values,), (note,) = values_at_prevalence(side, "clinic", {"r": 0.2, "g": 0.3})
    assert values.positive == "r"
    assert values.ppv.value == pytest.approx(0.2)  # half of both sides are called positive
    assert "no predictive values of “g”" in note
    with pytest.raises(InputError, match="Unknown class 'x'"):
        values_at_prevalence(side, "clinic", {"x": 0.2})
    assert values_at_prevalence(side, "clinic", None) == ((), ())
