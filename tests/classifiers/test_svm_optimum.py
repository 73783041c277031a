"""The linear SVM reaches the optimum of LinearSVC for features of any scale, or says that it did not."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from hybrid.classifiers import LinearSVM
from hybrid.classifiers.squared_hinge import squared_hinge

KINDS = {
    "few rows": lambda X: X[:25],
    "collinear": lambda X: np.hstack([X, X[:, :5] + X[:, 5:10], X[:, :3]]),
    "scale 1e-3": lambda X: X * 1e-3,
    "scale 1e4": lambda X: X * 1e4,
    "mixed scales": lambda X: X * np.logspace(-3, 4, X.shape[1]),
    "offset": lambda X: X + 100,
    "far apart": lambda X: X,
}


def rows_of(kind):
    X, y = make_classification(150, 20, n_informative=8, flip_y=0.1, class_sep=0.6, random_state=3)
    X = KINDS[kind](X)
    y = 2.0 * y[: len(X)] - 1
    return (X + 3 * y[:, None] if kind == "far apart" else X), y


def objective(w, b, X, y, costs):
    return (w @ w + b * b) / 2 + (costs * np.maximum(0, 1 - y * (X @ w + b)) ** 2).sum()


def liblinear(X, y, C, sample_weight=None):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        machine = LinearSVC(C=C, dual=False, tol=1e-10, max_iter=5000).fit(X, y, sample_weight)
    return machine, not said


def check_optimum(kind, dtype, C):
    X, y = rows_of(kind)
    X = X.astype(dtype)
    weights = np.random.default_rng(0).integers(1, 4, len(y)) * np.where(y > 0, 2.0, 1.0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        w, _, _ = squared_hinge(X, y[:, None], (C * weights)[:, None])
    exact = X.astype(np.float64)
    expected, certain = liblinear(exact, y, C, weights)
    values = [
        objective(*machine, exact, y, C * weights)
        for machine in [(w[:-1, 0], w[-1, 0]), (expected.coef_[0], expected.intercept_[0])]
    ]
    if said:
        assert [warning.category for warning in said] == [ConvergenceWarning]
        return
    assert values[0] <= values[1] * (1 + 1e-8)
    losing = y * (exact @ w[:-1, 0] + w[-1, 0]) < 1
    design = np.column_stack([exact, np.ones(len(y))])[losing] * np.sqrt(2 * C * weights[losing])[:, None]
    if certain and 1 + np.linalg.norm(design, 2) ** 2 < 1e6:
        difference = np.linalg.norm(w[:-1, 0] - expected.coef_[0])
        assert difference <= 1e-4 * np.linalg.norm(expected.coef_[0])


@pytest.mark.parametrize("C", [1e-3, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_features_of_any_scale_reach_the_optimum(kind, C):
    check_optimum(kind, np.float64, C)


@pytest.mark.slow
@pytest.mark.parametrize("C", [1e-4, 1e-2, 1e2, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_features_of_any_scale_reach_the_optimum_in_more_cases(kind, dtype, C):
    check_optimum(kind, dtype, C)


def test_unscaled_digits_reach_the_optimum_for_all_classes():
    X, y = load_digits(return_X_y=True)
    X, y = X[y < 3][:200], y[y < 3][:200]
    fitted = LinearSVM(C=1, class_weight=None).fit(X, y).models_[0].calibrated_classifiers_[0].estimator
    expected, _ = liblinear(X, y, 1.0)
    difference = np.linalg.norm(fitted.coef_ - expected.coef_)
    assert difference <= 1e-4 * np.linalg.norm(expected.coef_)


def test_a_solution_that_is_not_exact_gives_a_warning_that_says_what_to_do():
    X, y = rows_of("scale 1e4")
    with pytest.warns(ConvergenceWarning, match="Standardise the features, decrease C, or increase max_iter"):
        w, _, _ = squared_hinge(X, y[:, None], np.full((len(y), 1), 1e4))
    assert np.isfinite(w).all()
