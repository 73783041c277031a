"""A probability of exactly 0.5 predicts the second of two classes, and a label, wherever labels follow from it."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from hybrid.classifiers import NetworkOutput
from hybrid.classifiers.base import Head
from hybrid.evaluation import evaluate
from hybrid.pipelines.adjusted import AdjustedHead
from hybrid.pipelines.ensemble import Ensemble
from hybrid.pipelines.views import predict_mean
from hybrid.report.elements.explorer import explorer_counts
from hybrid.report.parts.models import threshold

P = np.array([0.2, 0.5, 0.5, 0.9])
TASKS = {
    "binary": (np.array([0, 1, 0, 1]), np.column_stack([1 - P, P]), np.array([0, 1, 1, 1])),
    "multilabel": (np.array([[0, 1]] * 2 + [[1, 0]] * 2), np.column_stack([P, P]), np.array([[0, 0]] + [[1, 1]] * 3)),
}


class Given(Head):
    """Predict the rows as probabilities."""

    search_space = _fit_target = None

    def fit(self, X, y):
        self.multilabel_ = y.ndim == 2
        self.classes_ = np.arange(2)
        return self

    def weighted_proba(self, X):
        return np.asarray(X)


@pytest.mark.parametrize("task", TASKS)
def test_ties_are_treated_alike(task):
    y, proba, expected = TASKS[task]
    head = Given().fit(proba, y)
    np.testing.assert_array_equal(head.predict(proba), expected)
    np.testing.assert_array_equal(predict_mean(make_pipeline(head), [proba, proba])[1], expected)
    adjusted = AdjustedHead(Given(), aim="balanced").adopt(head, proba, y)
    adjusted.thresholds_ = None  # as with a calibration only
    np.testing.assert_array_equal(adjusted.predict(proba), expected)
    adjusted.thresholds_ = np.full(1 if task == "binary" else 2, 0.5)  # as if it had been chosen
    np.testing.assert_array_equal(adjusted.predict(proba), expected)
    ensemble = Ensemble([("a", FrozenEstimator(head), None), ("b", FrozenEstimator(head), None)]).fit(proba, y)
    np.testing.assert_array_equal(ensemble.predict(proba), expected)
    outputs = proba[:, 1:] if task == "binary" else proba
    np.testing.assert_array_equal(NetworkOutput().fit(outputs, y).predict(outputs), expected)

    confusion = evaluate(y, proba, n_boot=0).confusion
    np.testing.assert_array_equal(confusion, evaluate(y, proba, y_pred=expected, n_boot=0).confusion)
    truth, score = (y[:, None] == 1, proba[:, 1:]) if task == "binary" else (y == 1, proba)
    for k, label in enumerate(
        explorer_counts(truth, score, ["a", "b"][: truth.shape[1]], [0.5] * truth.shape[1])["labels"]
    ):
        own, said = label["own"], expected.reshape(4, -1)[:, k] == 1
        assert (label["tp"][own], label["fp"][own]) == ((said & truth[:, k]).sum(), (said & ~truth[:, k]).sum())


@pytest.mark.parametrize("positive", ["cat", "dog"])
def test_the_explorer_begins_at_the_predictions_of_a_model_with_ties(positive):
    classes, y = np.array(["cat", "dog"]), np.array(["cat", "dog", "cat", "dog"])
    proba, expected = TASKS["binary"][1:]
    result = evaluate(y, proba, classes, pos_label=positive, n_boot=0)
    leaderboard = SimpleNamespace(
        evaluations=[result],
        models=[SimpleNamespace(task="binary", threshold=None, default_threshold=None, aim=None, adjustment=None)],
        predictions=[SimpleNamespace(y=y, proba=proba, predicted=classes[expected])],
        names=["model"],
        aims=(),
        split="test",
    )
    shown = threshold(leaderboard, 0)
    assert not any("differs from this rule" in sentence for sentence in shown.lead)
    counts = [[shown.content["start"][key] for key in row] for row in (("tn", "fp"), ("fn", "tp"))]
    np.testing.assert_array_equal(counts, result.confusion if positive == "dog" else result.confusion[::-1, ::-1])
