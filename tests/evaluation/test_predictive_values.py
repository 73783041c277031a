"""Predictive values at a named prevalence, compared with the formulas of Mercaldo et al. and by simulation."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from hybrid import InputError
from hybrid.evaluation import predictive_values


def labels(positives=100, negatives=200, hits=90, alarms=10):
    y = np.repeat([1, 0], [positives, negatives])
    return y, np.concatenate([np.arange(positives) < hits, np.arange(negatives) < alarms]).astype(int)


def logit_method(sensitivity, specificity, positives, negatives, prevalence):
    """Return PPV and NPV with their 95% intervals, by equations of Mercaldo, Lau and Zhou (2007)."""
    z = norm.ppf(0.975)
    ppv = sensitivity * prevalence / (sensitivity * prevalence + (1 - specificity) * (1 - prevalence))
    npv = specificity * (1 - prevalence) / ((1 - sensitivity) * prevalence + specificity * (1 - prevalence))
    errors = (
        ((1 - sensitivity) / sensitivity / positives + specificity / (1 - specificity) / negatives) ** 0.5,
        (sensitivity / (1 - sensitivity) / positives + (1 - specificity) / specificity / negatives) ** 0.5,
    )
    return [
        (value, *expit(np.log(value / (1 - value)) + np.array([-z, z]) * error))
        for value, error in zip((ppv, npv), errors, strict=True)
    ]


@pytest.mark.parametrize("prevalence", [0.01, 0.05, 1 / 3])
def test_values_and_intervals_are_those_of_the_logit_method(prevalence):
    values = predictive_values(*labels(), [0, 1], prevalence=prevalence)
    for metric, expected in zip((values.ppv, values.npv), logit_method(0.9, 0.95, 100, 200, prevalence), strict=True):
        assert (metric.value, metric.low, metric.high) == pytest.approx(expected, abs=1e-9)


def test_at_the_share_of_the_images_they_are_precision_and_npv():
    y, predicted = labels()
    values = predictive_values(y, predicted, [0, 1], prevalence=1 / 3)
    assert values.ppv.value == pytest.approx(y[predicted == 1].mean())
    assert values.npv.value == pytest.approx(1 - y[predicted == 0].mean())


def test_without_a_false_alarm_the_ppv_is_1_with_a_lower_bound():
    values = predictive_values(*labels(alarms=0), [0, 1], prevalence=0.1)
    assert values.ppv.value == 1
    assert values.ppv.high == 1
    assert 0.5 < values.ppv.low < 1
    values = predictive_values(*labels(hits=100), [0, 1], prevalence=0.1)
    assert values.npv.value == 1
    assert values.npv.high == 1
    assert 0.9 < values.npv.low < 1


def test_a_class_that_is_never_or_always_predicted_has_no_value_and_a_reason():
    values = predictive_values(*labels(hits=0, alarms=0), [0, 1], prevalence=0.1)
    assert values.ppv.value is None
    assert values.ppv.note == "the class is never predicted"
    assert values.npv.value == pytest.approx(0.9)
    values = predictive_values(*labels(hits=100, alarms=200), [0, 1], prevalence=0.1)
    assert values.npv.value is None
    assert values.npv.note == "the class is always predicted"


def test_copies_of_each_image_do_not_make_the_interval_narrower():
    y, predicted = labels(hits=80)
    alone = predictive_values(y, predicted, [0, 1], prevalence=0.05)
    four = [np.repeat(one, 4) for one in (y, predicted, np.arange(len(y)))]
    grouped = predictive_values(four[0], four[1], [0, 1], prevalence=0.05, groups=four[2])
    careless = predictive_values(four[0], four[1], [0, 1], prevalence=0.05)
    assert grouped.ppv.interval == pytest.approx(alone.ppv.interval, rel=0.03)
    assert careless.ppv.high - careless.ppv.low < 0.6 * (alone.ppv.high - alone.ppv.low)
    single = predictive_values(y, predicted, [0, 1], prevalence=0.05, groups=np.where(y == 1, 0, np.arange(len(y)) + 1))
    assert single.ppv.interval is None
    assert "of one group" in single.ppv.note


@pytest.mark.parametrize("several", [False, True])
def test_one_class_or_label_against_the_rest(several):
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    alone = predictive_values(y == 1, predicted == 1, [False, True], prevalence=0.2)
    if several:
        y, predicted = np.eye(3, dtype=int)[y], np.eye(3, dtype=int)[predicted]
    assert predictive_values(y, predicted, [0, 1, 2], prevalence=0.2, pos_label=1).ppv == alone.ppv
    with pytest.raises(InputError, match="name it as pos_label"):
        predictive_values(y, predicted, [0, 1, 2], prevalence=0.2)
    with pytest.raises(InputError, match="prevalence=2 was given"):
        predictive_values(y, predicted, [0, 1, 2], prevalence=2, pos_label=1)
    with pytest.raises(InputError, match="Unknown (class|label) 4"):
        predictive_values(y, predicted, [0, 1, 2], prevalence=0.2, pos_label=4)


def test_the_result_as_text_and_as_json():
    values = predictive_values(*labels(), [0, 1], prevalence=0.05)
    assert str(values).startswith("At a prevalence of 0.05 of 1: PPV 0.486 (")
    assert values.to_dict()["npv"]["value"] == pytest.approx(0.9945, abs=1e-4)
