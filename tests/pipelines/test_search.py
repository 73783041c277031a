"""The search of a head's settings: search spaces, folds, groups and validation data."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedGroupKFold

from hybrid.classifiers import HEADS, make_head
from hybrid.errors import InputError
from hybrid.evaluation.labels import truth_matrix
from hybrid.evaluation.metrics import searchable
from hybrid.evaluation.scorer import Scorer
from hybrid.pipelines import make_head_pipeline, tune
from hybrid.pipelines.folds import make_folds

NAMES = np.array(["a", "b", "c"])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 6)).astype(np.float32)
    noisy = X[:, 0] + rng.normal(scale=0.5, size=90)
    return X, noisy


@pytest.fixture(params=["binary", "multiclass", "multilabel"])
def task(request, data):
    X, noisy = data
    y = {
        "binary": np.where(noisy > 0, "sick", "healthy"),
        "multiclass": NAMES[np.digitize(noisy, [-0.4, 0.4])],
        "multilabel": (X[:, :3] + noisy[:, None] > 0).astype(int),
    }[request.param]
    return X, y


def task_of(y):
    return "multilabel" if y.ndim == 2 else "binary" if len(np.unique(y)) == 2 else "multiclass"


@pytest.mark.medium
def test_the_best_settings_of_the_search_space_are_fitted(task):
    X, y = task
    search = tune(make_head_pipeline("softmax"), X, y)
    tried = search.cv_results_["param_head__C"].tolist()
    assert tried == make_head("softmax").search_space()["C"]
    assert search.best_params_["head__C"] == tried[int(np.argmax(search.cv_results_["mean_test_score"]))]
    again = clone(search.best_estimator_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize("name", HEADS)
def test_every_head_can_be_tuned(name, data):
    X, noisy = data
    small = {"forest": {"n_estimators": 5}, "xgboost": {"n_estimators": 5}}.get(name, {})
    pipeline = make_head_pipeline(name, **small)
    head = pipeline[-1]
    space = {key: values[:2] for key, values in head.search_space().items() if key != "n_estimators"}
    head.search_space = lambda: space
    search = tune(pipeline, X, np.where(noisy > 0, 2, 1), cv=2)
    assert set(search.best_params_) == {f"head__{key}" for key in space}


def test_validation_data_chooses_but_is_not_used_for_training(task):
    X, y = task
    train, rest = slice(0, 60), slice(60, 90)
    search = tune(make_head_pipeline("softmax"), X[train], y[train], validation=(X[rest], y[rest]))
    scorer = Scorer(searchable("average_precision" if y.ndim == 2 else "roc_auc", task_of(y)))
    by_hand = {
        C: scorer(make_head_pipeline("softmax", C=C).fit(X[train], y[train]), X[rest], y[rest])
        for C in make_head("softmax").search_space()["C"]
    }
    assert search.best_score_ == max(by_hand.values())
    chosen = make_head_pipeline("softmax", C=search.best_params_["head__C"]).fit(X[train], y[train])
    np.testing.assert_array_equal(search.predict_proba(X), chosen.predict_proba(X))


def test_groups_are_never_split_and_every_class_is_in_every_training_part(task):
    _, y = task
    groups = np.random.default_rng(1).integers(0, 20, len(y))
    folds = make_folds(y, groups)
    assert len(folds) == 5
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert truth_matrix(y, np.unique(y))[train].any(axis=0).all()
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(y)))


def test_tune_passes_the_groups_to_the_folds(data):
    X, noisy = data
    groups = np.repeat(np.arange(30), 3)
    seen = []

    class Watching(LogisticRegression):
        search_space = staticmethod(lambda: {"C": [1.0]})

        def fit(self, X, y):
            seen.append(set(X[:, 0].astype(int)))
            return super().fit(X, y)

    X = np.column_stack([groups, X])
    tune(make_head_pipeline(Watching(), scale=False), X, noisy > 0, groups=groups, cv=3)
    assert [len(rows) for rows in seen[:-1]] == [20, 20, 20]  # whole groups of three: none in part


@pytest.mark.parametrize("on_validation", [True, False])
def test_tune_passes_the_groups_of_the_training_rows_to_the_head(data, on_validation):
    X, noisy = data
    groups = np.repeat(np.arange(30), 3)

    class Watching(LogisticRegression):
        search_space = staticmethod(lambda: {"C": [1.0, 2.0]})

        def fit(self, X, y, groups):
            np.testing.assert_array_equal(X[:, 0], groups)
            return super().fit(X, y)

    X = np.column_stack([groups, X])
    validation = (X[:10], noisy[:10] > 0) if on_validation else None
    pipeline = make_head_pipeline(Watching(), scale=False)
    search = tune(pipeline, X, noisy > 0, groups=groups, validation=validation, cv=3)
    assert search.best_estimator_.predict(X).shape == (len(X),)


def test_folds_are_stratified_seeded_and_capped_by_the_smallest_class():
    y = np.array(["a"] * 30 + ["b"] * 3)
    folds = make_folds(y)
    assert [int((y[test] == "b").sum()) for _, test in folds] == [1, 1, 1]
    same, other = make_folds(y), make_folds(y, random_state=1)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(folds, same, strict=True))
    assert not all(np.array_equal(a[1], b[1]) for a, b in zip(folds, other, strict=True))


@pytest.mark.parametrize("grouped", [False, True])
def test_labels_are_distributed_evenly_over_the_folds(grouped):
    rng = np.random.default_rng(0)
    y = (rng.random((400, 3)) < [0.5, 0.1, 0.05]).astype(int)
    folds = make_folds(y, np.arange(400) // 2 if grouped else None)
    counts = np.array([y[test].sum(axis=0) for _, test in folds])
    assert (np.ptp(counts, axis=0) <= 2).all()
    assert np.ptp([len(test) for _, test in folds]) <= 4


def test_each_repeat_has_other_folds():
    y = np.array([0, 1] * 20)
    twice = make_folds(y, cv=4, repeats=2, random_state=3)
    for number, seed in enumerate((3, 4)):
        once = make_folds(y, cv=4, random_state=seed)
        again = twice[4 * number : 4 * number + 4]
        assert all(np.array_equal(a[1], b[1]) for a, b in zip(again, once, strict=True))
    with pytest.raises(InputError, match="repeats=0 was given"):
        make_folds(y, repeats=0)


def test_a_class_too_small_for_two_folds_is_named():
    with pytest.raises(InputError, match="Class 'b' is in 1 row of the training data"):
        make_folds(np.array(["a", "a", "a", "b"]))
    with pytest.raises(InputError, match="Class 2 is in 1 group of"):
        make_folds(np.array([1, 1, 2, 2]), np.array([0, 1, 2, 2]))
    with pytest.raises(InputError, match="The value 0 of label column 1 is in 1 row"):
        make_folds(np.array([[0, 1], [1, 1], [0, 1], [1, 0]]))


def test_unknown_metric_names_the_nearest(data):
    X, noisy = data
    with pytest.raises(InputError, match=r"Unknown metric 'roc_acu'\. Nearest: 'roc_auc'"):
        tune(make_head_pipeline("svm"), X, noisy > 0, metric="roc_acu")


def test_a_head_without_a_search_space_is_rejected(data):
    with pytest.raises(InputError, match="LogisticRegression has no search space"):
        tune(make_head_pipeline(LogisticRegression()), data[0], data[1] > 0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "d"], r"has the classes \['d'\]"),
        (["a", "a"], "only one class"),
        ([[0, 1], [1, 0]], "the same number of columns"),
    ],
)
def test_unsuitable_validation_data_is_rejected(data, labels, message):
    X, noisy = data
    with pytest.raises(InputError, match=message):
        tune(make_head_pipeline("svm"), X, NAMES[np.digitize(noisy, [0])], validation=(X[:2], labels))


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "balanced_accuracy", "f1", "log_loss"])
def test_metrics_equal_those_of_scikit_learn(metric, task):
    X, y = task
    pipeline = make_head_pipeline("softmax").fit(X, y)
    proba, predicted = pipeline.predict_proba(X), pipeline.predict(X)
    classes = np.unique(y)
    score = Scorer(searchable(metric, task_of(y)))(pipeline, X, y)
    if metric == "log_loss" and y.ndim == 2:
        expected = -np.mean([metrics.log_loss(y[:, k], proba[:, k]) for k in range(3)])
    elif metric == "log_loss":
        expected = -metrics.log_loss(y, proba)
    elif metric == "balanced_accuracy" and y.ndim == 2:
        expected = np.mean([metrics.balanced_accuracy_score(y[:, k], predicted[:, k]) for k in range(3)])
    elif metric == "balanced_accuracy":
        expected = metrics.balanced_accuracy_score(y, predicted)
    elif metric == "f1":
        binary = len(classes) == 2 and y.ndim == 1
        expected = metrics.f1_score(
            y, predicted, average="binary" if binary else "macro", pos_label=classes[-1] if binary else 1
        )
    else:
        function = {"roc_auc": metrics.roc_auc_score, "average_precision": metrics.average_precision_score}[metric]
        truth = y if y.ndim == 2 else (y[:, None] == classes).astype(int)
        binary = truth.shape[1] == 2
        expected = function(truth[:, 1], proba[:, 1]) if binary else function(truth, proba, average="macro")
    assert score == pytest.approx(expected, rel=1e-6)


@pytest.mark.medium
def test_cv_can_be_folds_and_repeats(data):
    X, noisy = data
    twice = tune(make_head_pipeline("softmax"), X, noisy > 0, cv="3x2")
    same = tune(make_head_pipeline("softmax"), X, noisy > 0, cv=3, repeats=2)
    assert twice.n_splits_ == 6
    np.testing.assert_array_equal(twice.cv_results_["mean_test_score"], same.cv_results_["mean_test_score"])


@pytest.mark.medium
@pytest.mark.parametrize("form", ["splitter", "splits"])
def test_cv_can_be_a_splitter(form, data):
    X, noisy = data
    y, groups = noisy > 0, np.arange(90) // 3
    splitter = StratifiedGroupKFold(4)
    cv = splitter if form == "splitter" else list(splitter.split(X, y, groups))
    search = tune(make_head_pipeline("softmax"), X, y, groups=groups, cv=cv)
    expected = GridSearchCV(
        make_head_pipeline("softmax"), {"head__C": make_head("softmax").search_space()["C"]}, scoring="roc_auc",
        cv=list(splitter.split(X, y, groups)),
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cv": "5x2", "repeats": 3}, "cv already has the number of repeats"),
        ({"cv": "many"}, "'many' was given; expected folds x repeats"),
        ({"cv": 0.5}, "cv=0.5 was given"),
        ({"cv": KFold(3)}, "Fold 0 of the given cv lacks a class"),
        ({"pos_label": "z"}, "Unknown positive class 'z'"),
        ({"metric": "ece"}, "cannot choose by ece"),
    ],
)
def test_invalid_arguments_of_a_search_are_rejected(given, message, data):
    y = np.repeat(["a", "b"], [60, 30])
    with pytest.raises(InputError, match=message):
        tune(make_head_pipeline("softmax"), data[0], y, **given)


@pytest.mark.medium
def test_the_former_name_of_the_seed_is_accepted(data):
    X, noisy = data
    with pytest.warns(FutureWarning, match="'seed' of tune"):
        former = tune(make_head_pipeline("softmax"), X, noisy > 0, seed=3)
    now = tune(make_head_pipeline("softmax"), X, noisy > 0, random_state=3)
    np.testing.assert_array_equal(former.cv_results_["mean_test_score"], now.cv_results_["mean_test_score"])
