"""The solver of the linear SVM, compared with liblinear."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from hybrid.classifiers import LinearSVM
from hybrid.classifiers.squared_hinge import squared_hinge

X, Y = make_classification(300, 40, n_informative=10, n_classes=3, class_sep=0.7, flip_y=0.1, random_state=0)


@pytest.mark.parametrize("C", [0.001, 0.1, 1.0])
@pytest.mark.parametrize("classes", [2, 3])
def test_machines_trained_on_all_rows_equal_those_of_liblinear(C, classes):
    rows, y = X[classes > Y], Y[classes > Y]
    weights = np.where(y == 0, 2.0, 1.0)
    machine = (
        LinearSVM(C, class_weight={code: 2.0 if code == 0 else 1.0 for code in range(classes)})
        .fit(rows, y)
        .models_[0]
        .calibrated_classifiers_[0]
    )
    expected = LinearSVC(C=C, dual=False, tol=1e-9).fit(rows, y, sample_weight=weights)
    scale = np.abs(expected.coef_).max()
    np.testing.assert_allclose(machine.estimator.coef_, expected.coef_, atol=1e-4 * scale)
    np.testing.assert_allclose(machine.estimator.intercept_, expected.intercept_, atol=1e-4 * scale)


def test_a_row_with_a_cost_of_0_does_not_influence_its_machine():
    signs = np.where(Y == 0, 1.0, -1.0)[:, None]
    costs = np.full((300, 2), 0.01)
    costs[:100, 1] = 0
    _, decisions, _ = squared_hinge(X, np.repeat(signs, 2, axis=1), costs, tol=1e-7)
    for column, training in enumerate([slice(None), slice(100, None)]):
        machine = LinearSVC(C=0.01, dual=False, tol=1e-9).fit(X[training], signs[training, 0])
        np.testing.assert_allclose(decisions[:, column], machine.decision_function(X), atol=1e-4)


def test_few_rows_of_many_features():
    rng = np.random.default_rng(0)
    wide, signs = rng.normal(size=(30, 500)), np.repeat([[1.0], [-1.0]], 15, axis=0)
    w, _, _ = squared_hinge(wide, signs, np.full((30, 1), 1.0), tol=1e-6)
    expected = LinearSVC(C=1.0, dual=False, tol=1e-9).fit(wide, signs[:, 0])
    np.testing.assert_allclose(w[:-1, 0], expected.coef_[0], atol=1e-4)


def test_too_few_steps_give_a_warning():
    with pytest.warns(ConvergenceWarning, match="not converge in 1 steps"):
        LinearSVM(C=1, max_iter=1).fit(X, Y)
