"""The exchange test of a column and the labels: no more false findings than its level, also with patients."""

import numpy as np
import pytest

from hybrid.evaluation.association import exchange_tests, predicted_areas


def drawn(seed, kind):
    """Return a column and labels that have nothing to do with each other, and the patients."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(50), rng.integers(1, 8, 50))
    if kind == "both vary within patients":
        y = np.where(rng.random(len(patient)) < 0.8, (rng.random(50) < 0.4)[patient], rng.random(len(patient)) < 0.4)
        other = rng.integers(0, 4, len(patient))
        return np.where(rng.random(len(patient)) < 0.5, rng.integers(0, 4, 50)[patient], other), y, patient
    return rng.choice(4, 50, p=[0.6, 0.3, 0.06, 0.04])[patient], (rng.random(50) < 0.2)[patient], patient


@pytest.mark.parametrize("kind", ["each patient has one label", "both vary within patients"])
def test_a_column_without_association_is_rarely_found(kind):
    def p_value(seed, grouped=True):
        code, y, patient = drawn(seed, kind)
        code = np.unique(code, return_inverse=True)[1]
        unit = patient if grouped else np.arange(len(y))
        return exchange_tests([code], np.column_stack([~y, y]).astype(int), unit, 99, seed)[0]

    found = np.mean([p_value(seed) <= 0.05 for seed in range(200)])
    assert found <= 0.10  # 0.05 and more than three standard errors
    if kind == "each patient has one label":  # images of a patient are not independent
        assert np.mean([p_value(seed, grouped=False) <= 0.05 for seed in range(50)]) > 0.3


def test_an_association_within_patients_is_found():
    patient = np.repeat(np.arange(20), 2)
    view = np.tile([0, 1], 20)
    label = view.copy()
    label[:4] = 1 - label[:4]  # two of 20 patients are the other way round
    other = np.tile([0, 0, 1, 1], 10)
    p_values = exchange_tests([view, other], np.column_stack([1 - label, label]), patient)
    assert p_values[0] < 0.01 < 0.5 < p_values[1]


def test_several_labels_are_tested_together():
    rng = np.random.default_rng(0)
    hospital, y = rng.integers(0, 3, 300), rng.integers(0, 2, (300, 4))
    assert exchange_tests([hospital], y, np.arange(300))[0] > 0.05
    y[:, 2] |= hospital == 1
    assert exchange_tests([hospital], y, np.arange(300))[0] < 0.01


def test_the_area_is_that_of_images_of_other_groups():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    own = np.arange(400) // 8  # 50 values that have nothing to do with the label
    area = predicted_areas(own, y[:, None], np.arange(400))[0]
    assert area.low < 0.5
    assert abs(area.value - 0.5) < 0.1
    north = np.where(rng.random(400) < 0.8, y, 1 - y)
    area = predicted_areas(north, y[:, None], np.arange(400))[0]
    # With two values, the area is the mean of the shares that are on the right side.
    assert area.value == pytest.approx((np.mean(north[y == 1]) + np.mean(1 - north[y == 0])) / 2)
    assert area.low < area.value < area.high


def test_a_perfect_and_an_undefined_area():
    y = np.repeat([0, 1], 20)
    perfect, none = predicted_areas(y, np.column_stack([y, np.ones(40)]), np.arange(40))
    assert (perfect.value, perfect.high, none) == (1.0, 1.0, None)
    assert 0.7 < perfect.low < 1
