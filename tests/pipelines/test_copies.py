"""Copies of an image are never divided by a fold, in searches, calibrations, thresholds and weights of ensembles."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold

from hybrid.classifiers import KNN
from hybrid.classifiers.calibration import calibration_folds
from hybrid.classifiers.fold_groups import fold_groups
from hybrid.errors import InputError
from hybrid.pipelines import Ensemble, adjust, choose_weights, make_head_pipeline, tune
from hybrid.pipelines.folds import kept_together


def noise(n=60, copies=3, labels=1):
    """Return rows of noise, each several times, in random order, with labels that are noise, too."""
    rng = np.random.default_rng(1)
    order = rng.permutation(np.repeat(np.arange(n), copies))
    truth = rng.permutation(np.arange(n) % 2) if labels == 1 else rng.integers(0, 2, (n, labels))
    return rng.normal(size=(n, 12))[order], truth[order]


class Watcher(ClassifierMixin, BaseEstimator):
    """A classifier that fails if it predicts a row that it was trained on, while `watching`."""

    watching = True

    @classmethod
    def search_space(cls):
        return {"level": [0.1, 0.2]}

    def __init__(self, level=0.1):
        self.level = level

    def fit(self, X, y):
        self.classes_, self.seen_ = np.unique(y), {row.tobytes() for row in X}
        self.means_ = [X[y == label].mean(axis=0) for label in self.classes_]
        return self

    def predict_proba(self, X):
        assert not any(row.tobytes() in self.seen_ for row in X)
        return softmax(np.column_stack([X @ mean for mean in self.means_]), axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_noise_with_copies_is_not_predicted():
    X, y = noise()
    search = tune(make_head_pipeline("knn", scale=False), X, y, metric="roc_auc")
    assert search.best_score_ < 0.65  # with copies on both sides it is 1


@pytest.mark.slow
@pytest.mark.parametrize("head", ["svm", "forest", "softmax"])
def test_noise_with_copies_is_not_predicted_by_any_head(head):
    X, y = noise(120)
    scores = [tune(make_head_pipeline(head), X, y, random_state=seed).best_score_ for seed in range(2)]
    assert np.mean(scores) < 0.68


def test_no_copy_of_a_row_is_in_training_wherever_folds_are_drawn():
    X, y = noise()
    pipeline = make_head_pipeline(Watcher(), scale=False)
    tune(pipeline, X, y, metric="log_loss")
    adjust(pipeline, X, y, calibration="sigmoid", aim="accuracy")
    choose_weights(Ensemble([("one", Watcher(), None), ("two", Watcher(), [(0, 5)])]), X, y)


def test_the_calibration_of_the_svm_keeps_copies_together_without_groups():
    X, y = noise()
    for train, test in calibration_folds(X, y, None, cv=5, seed=0):
        assert not {row.tobytes() for row in X[train]} & {row.tobytes() for row in X[test]}


def test_groups_and_copies_are_joined():
    X = np.array([[0.0, 1], [2, 3], [0, 1], [4, 5], [6, 7]])
    together = fold_groups(["p", "q", "r", "q", "s"], X)
    assert together[0] == together[2] != together[1] == together[3]
    assert len(np.unique(together)) == 3
    assert fold_groups(None, X[1:]) is None


def test_rows_that_agree_only_at_their_start_are_no_copies():
    X = np.zeros((4, 20))
    X[:, -1] = [1, 2, 1, 3]
    assert np.bincount(fold_groups(None, X)).tolist() == [2, 1, 1]


@pytest.mark.parametrize("labels", [1, 3])
def test_copies_are_found_by_the_bytes_of_files(tmp_path, labels):
    for name, content in {"a": b"1", "b": b"2", "c": b"1"}.items():
        (tmp_path / name).write_bytes(content)
    assert kept_together([str(tmp_path / name) for name in "abc"]).tolist() == [0, 1, 0]


def test_a_splitter_that_divides_copies_is_refused():
    X, y = noise()
    with pytest.raises(InputError, match="copies of one image, in both of its parts"):
        tune(make_head_pipeline(KNN(), scale=False), X, y, cv=StratifiedKFold(3))
