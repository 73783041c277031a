"""Heads on embeddings that are large: the solver goes over blocks of rows, and others say what memory they need."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

from hybrid.classifiers import KNN, LinearSVM, RandomForest, Softmax
from hybrid.errors import InputError

X, Y = make_classification(900, 30, n_informative=10, n_classes=3, class_sep=0.7, flip_y=0.1, random_state=0)
X = X.astype(np.float32)
LABELS = np.column_stack([Y == 0, Y > 1]).astype(int)


@pytest.fixture
def in_blocks(monkeypatch):
    """A function that makes embeddings of any size large, and blocks of 100 rows."""

    def start():
        monkeypatch.setattr("hybrid.classifiers.squared_hinge._LARGE", 0)
        monkeypatch.setattr("hybrid.classifiers.squared_hinge._BLOCK", 3_100)

    return start


@pytest.mark.parametrize("y", [Y == 1, Y, LABELS], ids=["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("C", [0.001, 1.0])
def test_the_svm_in_blocks_reaches_the_solution_in_memory(in_blocks, y, C):
    usual = LinearSVM(C).fit(X, y)
    in_blocks()
    streamed = LinearSVM(C).fit(X, y)
    for one, other in zip(streamed.models_, usual.models_, strict=True):
        machine, expected = (model.calibrated_classifiers_[0].estimator for model in (one, other))
        scale = np.linalg.norm(expected.coef_)
        np.testing.assert_allclose(machine.coef_, expected.coef_, atol=1e-4 * scale)
        np.testing.assert_allclose(machine.intercept_, expected.intercept_, atol=1e-4 * scale)
    np.testing.assert_allclose(streamed.predict_proba(X), usual.predict_proba(X), atol=1e-3)


def test_features_of_very_different_scales_in_blocks(in_blocks):
    """Conjugate gradients need too many steps there, so that Newton steps come from Cholesky decompositions."""
    rows = (X * np.logspace(-3, 4, X.shape[1])).astype(np.float32)
    usual = LinearSVM(0.01).fit(rows, Y == 1).predict_proba(rows)
    in_blocks()
    np.testing.assert_allclose(LinearSVM(0.01).fit(rows, Y == 1).predict_proba(rows), usual, atol=1e-3)


@pytest.mark.parametrize(
    ("head", "advice"),
    [(RandomForest(), "fewer trees (n_estimators)"), (KNN(), "fewer images")],
    ids=["forest", "knn"],
)
def test_a_head_that_needs_too_much_memory_says_so_before_it_starts(monkeypatch, head, advice):
    monkeypatch.setenv("HYBRID_MEMORY", "0.1MB")
    monkeypatch.setattr("hybrid.classifiers.base._SMALL", 0)
    with pytest.raises(
        InputError, match=r"needs up to [\d.e-]+ GB of memory for 900 embeddings of 30 columns"
    ) as error:
        head.fit(X, Y)
    assert "0.0001 GB may be used: fit svm, softmax or xgboost" in str(error.value)
    assert advice in str(error.value)
    Softmax().fit(X, Y)


def test_a_forest_needs_less_memory_with_shallow_trees():
    deep, shallow = (RandomForest(max_depth=depth).memory_needed(10**6, 512, 2) for depth in (None, 5))
    assert shallow < 4 * 10**6 * 512 + 10**7 < deep


def test_nan_in_a_later_block_is_found(monkeypatch):
    monkeypatch.setattr("hybrid.files.large_arrays._BLOCK_VALUES", 300)
    rows = X.copy()
    rows[777, 3] = np.nan
    with pytest.raises(InputError, match="NaN in 1 of 900 rows, first in row 777"):
        Softmax().fit(rows, Y)
