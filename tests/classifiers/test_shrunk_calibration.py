"""Recalibration from few rows: the maximum of the likelihood with many rows, near no change with few."""

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.linear_model import LogisticRegression

from hybrid.classifiers.shrunk_calibration import ShrunkCalibration
from hybrid.evaluation import calibration_line


def binary(n, intercept, slope, seed=0):
    """Probabilities, and outcomes that follow from them by another intercept and slope."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, n)
    p = expit(odds)
    return np.column_stack([1 - p, p]), (rng.random(n) < expit(intercept + slope * odds)).astype(int)


def test_with_many_rows_it_is_a_logistic_regression_on_the_log_odds():
    proba, codes = binary(20_000, -1.5, 0.6)
    ours = ShrunkCalibration().fit(proba, codes)
    theirs = LogisticRegression(C=np.inf, tol=1e-8).fit(logit(proba[:, 1:]), codes)
    assert ours.slopes_[0] == pytest.approx(theirs.coef_[0, 0], rel=2e-3)
    assert np.diff(ours.intercepts_[0])[0] == pytest.approx(theirs.intercept_[0], rel=2e-3)


def test_an_intercept_alone_is_calibration_in_the_large():
    proba, codes = binary(20_000, 0.8, 1)
    ours = ShrunkCalibration(slope=False).fit(proba, codes)
    assert ours.slopes_.tolist() == [1]
    line = calibration_line(codes, proba, [0, 1])
    assert np.diff(ours.intercepts_[0])[0] == pytest.approx(line.intercept, rel=2e-3)
    assert ours.transform(proba)[:, 1].mean() == pytest.approx(codes.mean(), abs=1e-3)


def test_few_rows_that_are_separated_change_little():
    proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
    fitted = ShrunkCalibration().fit(proba, np.array([0, 0, 1, 1]))
    assert 1 < fitted.slopes_[0] < 3
    assert abs(fitted.intercepts_).max() < 0.5


def test_the_order_of_probabilities_is_never_reversed():
    proba, codes = binary(300, 0, 1)
    new = ShrunkCalibration().fit(proba, 1 - codes).transform(proba)
    assert (np.argsort(new[:, 1]) == np.argsort(proba[:, 1])).all()


def test_of_several_classes_each_has_an_intercept():
    rng = np.random.default_rng(0)
    logs = np.log(softmax(rng.normal(0, 2, (20_000, 3)), axis=1))
    truth = softmax(0.7 * logs + [0.5, 0.0, -1.0], axis=1)
    codes = (rng.random((len(truth), 1)) > truth.cumsum(axis=1)).sum(axis=1)
    fitted = ShrunkCalibration().fit(np.exp(logs), codes)
    assert fitted.slopes_[0] == pytest.approx(0.7, abs=0.03)
    np.testing.assert_allclose(fitted.intercepts_[0] - fitted.intercepts_[0, 1], [0.5, 0, -1], atol=0.08)
    np.testing.assert_allclose(fitted.transform(np.exp(logs)), truth, atol=0.02)


def test_each_label_is_recalibrated_by_itself():
    (one, first), (other, second) = binary(200, 1, 0.5), binary(200, -1, 2, seed=1)
    both = ShrunkCalibration().fit(np.column_stack([one[:, 1], other[:, 1]]), np.column_stack([first, second]))
    for column, (proba, codes) in enumerate([(one, first), (other, second)]):
        alone = ShrunkCalibration().fit(proba, codes)
        np.testing.assert_allclose(both.intercepts_[column], alone.intercepts_[0], atol=1e-4)
        np.testing.assert_allclose(
            both.transform(np.column_stack([proba[:, 1]] * 2))[:, column], alone.transform(proba)[:, 1], atol=1e-4
        )
