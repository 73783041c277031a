"""Pipelines fitted to embeddings on disk, compared with the same pipelines in memory."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.preprocessing import Normalizer

from hybrid.errors import InputError
from hybrid.files import array_on_disk
from hybrid.pipelines import make_head_pipeline
from hybrid.pipelines.fit import check_in_memory, fit_pipeline

X, Y = make_classification(700, 40, n_informative=10, n_classes=3, class_sep=0.7, flip_y=0.1, random_state=0)
X = (5 + X * np.linspace(0.5, 3, 40)).astype(np.float32)


@pytest.fixture
def on_disk(monkeypatch):
    """The embeddings on disk, which are read in blocks of 100 rows."""
    monkeypatch.setattr("hybrid.files.large_arrays._BLOCK_VALUES", 4_000)
    monkeypatch.setattr("hybrid.classifiers.squared_hinge._LARGE", 0)
    monkeypatch.setattr("hybrid.classifiers.squared_hinge._BLOCK", 4_100)
    found = array_on_disk(X.shape)
    found[:] = X
    return found


@pytest.mark.parametrize("pca", [None, 12, 0.9])
@pytest.mark.parametrize("head", ["svm", "softmax", "logistic"])
def test_a_linear_head_on_disk_reaches_the_solution_in_memory(on_disk, head, pca):
    usual = fit_pipeline(make_head_pipeline(head, pca=pca), X, Y)
    found = fit_pipeline(make_head_pipeline(head, pca=pca), on_disk, Y)
    tolerance = 1e-3 if head == "svm" else 1e-4
    np.testing.assert_allclose(found.predict_proba(X), usual.predict_proba(X), atol=tolerance)
    if head != "svm":
        coefficients, expected = (model[-1].models_[0].coef_ for model in (found, usual))
        np.testing.assert_allclose(coefficients, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("y", [Y, np.column_stack([Y == 0, Y > 1]).astype(int)], ids=["classes", "labels"])
def test_trees_on_disk_equal_those_in_memory(on_disk, y):
    usual, found = (fit_pipeline(make_head_pipeline("xgboost", n_estimators=20), rows, y) for rows in (X, on_disk))
    np.testing.assert_allclose(found.predict_proba(X), usual.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("pca", [12, 0.9])
def test_scaler_and_pca_on_disk_equal_those_in_memory(on_disk, pca):
    usual = fit_pipeline(make_head_pipeline("softmax", pca=pca), X, Y)
    found = fit_pipeline(make_head_pipeline("softmax", pca=pca), on_disk, Y)
    assert found["scaler"].n_samples_seen_ == 700
    assert found["pca"].n_components_ == usual["pca"].n_components_
    assert found["pca"].n_samples_ == 700
    for step, names in {"scaler": ("mean_", "scale_"), "pca": ("explained_variance_", "components_")}.items():
        for name in names:
            np.testing.assert_allclose(getattr(found[step], name), getattr(usual[step], name), atol=1e-4)
    np.testing.assert_allclose(found["pca"].noise_variance_, usual["pca"].noise_variance_, rtol=1e-3)
    rows = found[:-1].transform(X)
    assert rows.dtype == usual[:-1].transform(X).dtype
    np.testing.assert_allclose(rows, usual[:-1].transform(X), atol=1e-3)


def test_groups_reach_the_head_on_disk(on_disk):
    groups = np.repeat(np.arange(350), 2)
    usual = fit_pipeline(make_head_pipeline("svm"), X, Y, groups)
    found = fit_pipeline(make_head_pipeline("svm"), on_disk, Y, groups)
    np.testing.assert_allclose(found.predict_proba(X), usual.predict_proba(X), atol=1e-3)


def test_other_steps_and_searches_say_that_they_need_memory(on_disk, monkeypatch):
    with pytest.raises(InputError, match="The step 'normalizer' needs all embeddings in memory"):
        fit_pipeline(make_head_pipeline(Normalizer(), "softmax"), on_disk, Y)
    monkeypatch.setenv("HYBRID_MEMORY", "1MB")
    with pytest.raises(InputError, match=r"A search fits models to parts .+ and 0\.001 GB may be used"):
        check_in_memory(on_disk, "A search")
    check_in_memory(X, "A search")
