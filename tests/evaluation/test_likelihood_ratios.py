"""Likelihood ratios and their intervals, compared with scikit-learn, statsmodels, scipy and bootstrap draws."""

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import class_likelihood_ratios
from statsmodels.stats.proportion import confint_proportions_2indep

from hybrid.evaluation import Evaluation, evaluate

RATIOS = ("lr_positive", "lr_negative")


def predictions(n=300, k=2, wrong=0.25, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return y, np.where(rng.random(n) < wrong, rng.integers(0, k, n), y)


def log_method(true, said):
    """Return the interval of statsmodels for a ratio of two independent shares."""
    return confint_proportions_2indep(
        said[true].sum(), true.sum(), said[~true].sum(), (~true).sum(), compare="ratio", method="log"
    )


def test_two_classes_agree_with_scikit_learn_and_statsmodels():
    y, y_pred = predictions()
    metrics = evaluate(y, y_pred, n_boot=20).metrics
    for name, value, said in zip(RATIOS, class_likelihood_ratios(y, y_pred), (y_pred == 1, y_pred != 1), strict=True):
        assert metrics[name].value == pytest.approx(value, abs=1e-12)
        assert metrics[name].interval == pytest.approx(log_method(y == 1, said))
        assert not metrics[name].note


@pytest.mark.parametrize("fixed_classes", [True, False])
def test_each_of_several_classes_agrees_with_scikit_learn_and_statsmodels(fixed_classes):
    y, y_pred = predictions(k=4)
    scores = evaluate(y, y_pred, n_boot=20, fixed_classes=fixed_classes).per_class[2]
    for name, value, said in zip(
        RATIOS, class_likelihood_ratios(y == 2, y_pred == 2), (y_pred == 2, y_pred != 2), strict=True
    ):
        assert scores[name].value == pytest.approx(value, abs=1e-12)
        # The three other classes are mistaken for this one at different rates, which fixed shares take into account.
        assert scores[name].interval == pytest.approx(log_method(y == 2, said), rel=0.02 if fixed_classes else 1e-6)


def test_labels_agree_with_statsmodels():
    y, y_pred = (
        np.column_stack([*predictions(), *predictions(seed=1)])[:, [0, 2, 1, 3]].reshape(-1, 2, 2).swapaxes(0, 1)
    )
    scores = evaluate(y, y_pred, ["a", "b"], n_boot=20).per_class["b"]
    assert scores["lr_positive"].interval == pytest.approx(log_method(y[:, 1] == 1, y_pred[:, 1] == 1))


def test_a_class_without_false_alarms_has_a_lower_bound_and_the_reason():
    y, y_pred = np.repeat([1, 0], [20, 30]), np.repeat([1, 0], [15, 35])
    result = evaluate(y, y_pred, n_boot=20)
    metric = result.metrics["lr_positive"]
    # Half an image is added to each of the four counts.
    error = (1 / 15.5 - 1 / 21 + 1 / 0.5 - 1 / 31) ** 0.5
    assert (metric.value, metric.high) == (None, None)
    assert metric.low == pytest.approx((15.5 / 21) / (0.5 / 31) * np.exp(-1.959964 * error))
    assert str(metric).startswith(f"– (at least {metric.low:.3f}: infinite, because no image of another class")
    assert Evaluation.from_dict(result.to_dict()).metrics["lr_positive"] == metric


def test_a_class_without_misses_has_a_negative_ratio_of_zero_with_an_upper_bound():
    y, y_pred = np.repeat([1, 0], [20, 30]), np.repeat([1, 0], [25, 25])
    metric = evaluate(y, y_pred, n_boot=20).metrics["lr_negative"]
    assert metric.value == metric.low == 0
    assert 0 < metric.high < 1
    assert "half an image" in metric.note


@pytest.mark.parametrize(("always", "undefined"), [(0, "lr_positive"), (1, "lr_negative")])
def test_constant_predictions_have_one_ratio_that_is_not_defined(always, undefined):
    y = np.arange(40) % 2
    metrics = evaluate(y, np.full(40, always), [0, 1], n_boot=20).metrics
    assert metrics[undefined].value is None
    assert "predicted" in metrics[undefined].note
    other = next(name for name in RATIOS if name != undefined)
    assert metrics[other].low < metrics[other].value == 1 < metrics[other].high


def test_without_images_of_a_class_there_is_no_ratio():
    metrics = evaluate([1, 1, 1], [1, 0, 1], [0, 1], n_boot=20).metrics
    assert all(metrics[name].value is None and "every image" in metrics[name].note for name in RATIOS)


def test_the_interval_contains_the_ratio_of_every_table_of_few_images():
    for hits, alarms in np.ndindex(6, 8):
        y, y_pred = np.repeat([1, 0], [5, 7]), np.concatenate([np.arange(5) < hits, np.arange(7) < alarms]).astype(int)
        metric = evaluate(y, y_pred, [0, 1], n_boot=1).metrics["lr_positive"]
        if metric.value is not None:
            assert metric.low <= metric.value <= metric.high, (hits, alarms)


def test_images_of_one_group_count_together():
    y, y_pred = predictions(120)
    copies = np.tile(np.arange(120), 5)
    alone = evaluate(y, y_pred, n_boot=20)
    repeated = evaluate(y[copies], y_pred[copies], groups=copies, n_boot=20)
    ignored = evaluate(y[copies], y_pred[copies], n_boot=20)
    for name in RATIOS:
        widths = [np.ptp(np.log(result.metrics[name].interval)) for result in (alone, repeated, ignored)]
        # Student's quantile and the number of groups less one make the interval of groups a little wider: here by 2%.
        assert widths[1] == pytest.approx(widths[0] * t.ppf(0.975, 110) / 1.96, rel=0.03)
        assert widths[2] == pytest.approx(widths[0] / 5**0.5, rel=1e-6)


@pytest.mark.medium
def test_the_interval_of_groups_is_as_wide_as_the_ratios_of_drawn_groups():
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(150), 4)
    y = (rng.random(600) < np.repeat(rng.beta(1, 1, 150), 4)).astype(int)
    y_pred = (rng.normal(size=600) + np.repeat(rng.normal(size=150), 4) + 2 * y > 1).astype(int)
    found, drawn = (evaluate(y, y_pred, groups=patient, method=how).metrics for how in ("bca", "percentile"))
    for name in RATIOS:
        assert np.ptp(np.log(found[name].interval)) == pytest.approx(np.ptp(np.log(drawn[name].interval)), rel=0.08)


def test_a_single_group_on_one_side_is_the_reason_for_a_missing_interval():
    y, y_pred = np.repeat([1, 0], [4, 12]), np.arange(16) % 2
    metric = evaluate(y, y_pred, groups=np.repeat([0, 1, 2, 3], 4), n_boot=20).metrics["lr_positive"]
    assert metric.interval is None
    assert "one group" in metric.note
