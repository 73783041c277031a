"""A search optimises the value that `evaluate` returns, for every metric of every task."""

import numpy as np
import pytest

from hybrid.evaluation import evaluate
from hybrid.evaluation.metrics import METRICS, metrics_of, searchable
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.evaluation.scorer import Scorer
from hybrid.pipelines import make_head_pipeline, tune
from hybrid.pipelines.folds import make_folds

NAMES = np.array(["a", "b", "c"])
SEARCHED = [(task, name) for task in TASKS for name in metrics_of(task) if METRICS[name].tunable]


SIGN = {name: 1 if metric.higher_is_better else -1 for name, metric in METRICS.items()}


def made_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 6)).astype(np.float32)
    return X, X[:, 0] + rng.normal(scale=0.5, size=90)


def labels(task, X, noisy):
    return {
        "binary": np.where(noisy > 0, "sick", "healthy"),
        "multiclass": NAMES[np.digitize(noisy, [-0.4, 0.4])],
        "multilabel": (X[:, :3] + noisy[:, None] > 0).astype(int),
    }[task]


class FixedHead:
    """Predict the values that it was created with."""

    def __init__(self, classes, proba, predicted):
        self.classes_, self._proba, self._predicted = classes, proba, predicted

    def predict_proba(self, X):
        return self._proba[X]

    def predict(self, X):
        return self._predicted[X]


def reported(y, head, X, name, **options):
    classes = head.classes_ if y.ndim == 1 else range(y.shape[1])
    result = evaluate(y, head.predict_proba(X), classes, y_pred=head.predict(X), n_boot=0, **options)
    return result.metrics[name].value


@pytest.fixture(scope="module")
def heads():
    """Return a fitted head for each task, with rows and labels."""
    X = made_rows()
    y = {task: labels(task, *X) for task in TASKS}
    return {task: (make_head_pipeline("softmax").fit(X[0], y[task]), X[0], y[task]) for task in TASKS}


def without_a_class(task, X, y):
    """Return rows like those of a fold that lacks a class or a label."""
    if task == "multilabel":
        return X, y * [1, 0, 1]
    return X[y != "b"], y[y != "b"]


@pytest.mark.parametrize("kept", ["all classes", "a class less"])
@pytest.mark.parametrize(("task", "name"), SEARCHED)
def test_the_scorer_gives_the_reported_value(task, name, kept, heads):
    head, X, y = heads[task]
    if kept == "a class less":
        X, y = without_a_class(task, X, y)
    expected = SIGN[name] * reported(y, head, X, name)
    assert Scorer(searchable(name, task))(head, X, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [name for task, name in SEARCHED if task == "binary"])
def test_the_scorer_gives_the_value_of_another_positive_class(name, heads):
    head, X, y = heads["binary"]
    expected = SIGN[name] * reported(y, head, X, name, pos_label="healthy")
    assert Scorer(searchable(name, "binary"), "healthy")(head, X, y) == pytest.approx(expected, rel=1e-12)


@pytest.mark.medium
@pytest.mark.parametrize("task", TASKS)
def test_the_best_score_of_a_search_is_the_mean_of_the_reported_values(task, heads):
    _, X, y = heads[task]
    folds = make_folds(y, cv=2)
    fitted = [make_head_pipeline("softmax", C=0.1).fit(X[train], y[train]) for train, _ in folds]
    for name in (name for of, name in SEARCHED if of == task):
        pipeline = make_head_pipeline("softmax")
        pipeline[-1].search_space = lambda: {"C": [0.1]}
        search = tune(pipeline, X, y, metric=name, cv=2)
        values = [reported(y[test], head, X[test], name) for head, (_, test) in zip(fitted, folds, strict=True)]
        assert search.best_score_ == pytest.approx(SIGN[name] * np.mean(values), rel=1e-9)


@pytest.mark.parametrize("name", ["f1", "average_precision"])
def test_tune_takes_the_positive_class(name, heads):
    _, X, y = heads["binary"]
    scores = {}
    for label in ("sick", "healthy"):
        pipeline = make_head_pipeline("softmax")
        pipeline[-1].search_space = lambda: {"C": [1.0]}
        scores[label] = tune(pipeline, X, y, metric=name, pos_label=label, validation=(X[::2], y[::2])).best_score_
        head = make_head_pipeline("softmax", C=1.0).fit(X, y)
        assert scores[label] == pytest.approx(reported(y[::2], head, X[::2], name, pos_label=label))
    assert scores["sick"] != scores["healthy"]


def test_predicted_classes_are_those_of_the_head():
    y = np.array([0, 1, 1])
    head = FixedHead(np.array([0, 1]), np.array([[0.6, 0.4]] * 3), np.array([0, 1, 1]))
    assert Scorer(METRICS["accuracy"])(head, np.arange(3), y) == 1
    assert Scorer(METRICS["log_loss"])(head, np.arange(3), y) < -0.5


def test_a_search_computes_only_what_its_metric_needs(monkeypatch, heads):
    from hybrid.evaluation import weighted_scores

    def unwanted(*args):
        raise AssertionError("not needed")

    head, X, y = heads["multilabel"]
    monkeypatch.setattr(weighted_scores, "calibration_gaps", unwanted)
    Scorer(METRICS["roc_auc_macro"])(head, X, y)
    monkeypatch.setattr(weighted_scores, "Ranking", unwanted)
    Scorer(METRICS["log_loss_macro"])(head, X, y)
    Scorer(METRICS["f1_macro"])(head, X, y)
