"""Intervals and tests for images in groups, compared with statsmodels, published formulas and direct computations."""

from itertools import product

import numpy as np
import pytest
from scipy.special import stdtr
from scipy.stats import binom, norm

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, PairedEvaluation, PairedTest, compare_models, evaluate, evaluate_models
from hybrid.evaluation.bootstrap import draw_weights
from hybrid.evaluation.clustered import area_interval, clustered_delong, clustered_mcnemar, share_interval
from hybrid.evaluation.delong import ClusteredAreas, delong
from hybrid.evaluation.differences import mcnemar
from hybrid.evaluation.student import cautious_degrees

TESTED = ["accuracy", "sensitivity", "specificity", "roc_auc", "f1", "average_precision", "mcc", "log_loss"]


def patients(seed=0, n_groups=40, size=5, correlation=0.5, models=1, mixed=False, separation=1.5):
    """Return labels, the probabilities of models that are equally good, and the patient of each image."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), size)
    y = rng.integers(0, 2, n_groups * size) if mixed else (group >= n_groups // 2).astype(int)
    proba = {}
    for model in range(models):
        noise = correlation**0.5 * rng.normal(size=n_groups)[group]
        noise = noise + (1 - correlation) ** 0.5 * rng.normal(size=len(group))
        p = 1 / (1 + np.exp(-separation * (noise + separation * (y - 0.5))))
        proba["abc"[model]] = np.column_stack([1 - p, p])
    return y, proba, group


def width(metric):
    return metric.high - metric.low


def test_groups_of_one_image_change_nothing():
    y, proba, _ = patients(models=2, size=1, n_groups=60)
    names = [f"patient {number}" for number in np.random.default_rng(1).permutation(60)]
    grouped = evaluate_models(y, proba, [0, 1], groups=names, n_boot=200)
    alone = evaluate_models(y, proba, [0, 1], n_boot=200)
    for name in proba:
        assert grouped[name].metrics == alone[name].metrics
        assert not grouped[name].clustered
        assert (grouped[name].n, grouped[name].n_groups, alone[name].n_groups) == (60, 60, None)
        for label in (0, 1):
            of_class = dict(grouped[name].per_class[label])
            assert of_class.pop("groups") == of_class["support"] == 30
            assert of_class == alone[name].per_class[label]
    tests = [compare_models(y, proba, [0, 1], metrics=TESTED, n_boot=200, groups=given) for given in (names, None)]
    for one, other in zip(*tests, strict=True):
        assert one.to_dict() | {"n_groups": None} == other.to_dict()


@pytest.mark.parametrize("mixed", [False, True])
def test_values_stay_the_same_and_intervals_widen_with_the_correlation(mixed):
    y, proba, group = patients(mixed=mixed, correlation=0.8)
    alone, grouped = (evaluate(y, proba["a"], [0, 1], groups=given, n_boot=300) for given in (None, group))
    for name, metric in grouped.metrics.items():
        assert metric.value == alone.metrics[name].value
        if name != "ece":  # its lower bound may be unknown
            assert metric.low <= metric.value <= metric.high, name
            assert width(metric) > 1.1 * width(alone.metrics[name]), name
    assert [len(set(group[y == label])) for label in (0, 1)] == [grouped.per_class[k]["groups"] for k in (0, 1)]


def test_results_do_not_depend_on_the_names_of_the_groups():
    y, proba, group = patients(models=2)
    named = np.array([f"{(7 * number) % 40:02d}" for number in group])
    by_name, by_number = (PairedEvaluation(y, proba, [0, 1], groups=given, n_boot=100) for given in (named, group))
    assert by_name.evaluations()["a"].metrics == by_number.evaluations()["a"].metrics
    assert by_name.tests(TESTED) == by_number.tests(TESTED)


def test_images_without_a_group_are_groups_of_their_own():
    y, proba, group = patients()
    groups = group.astype(object)
    groups[:5] = [None, np.nan, None, float("nan"), None]
    assert evaluate(y, proba["a"], [0, 1], groups=groups, n_boot=0).n_groups == 39 + 5


@pytest.mark.parametrize("groups", [[1, 2, 3], [[1]] * 200])
def test_groups_of_another_shape_are_refused(groups):
    y, proba, _ = patients()
    with pytest.raises(InputError, match="one group for each of the 200 images"):
        evaluate(y, proba["a"], [0, 1], groups=groups)


def test_whole_groups_are_drawn_within_their_strata():
    group, strata = np.array([0, 1, 1, 2, 3, 3, 3]), np.array([0, 0, 1, 1])
    draws = np.vstack(list(draw_weights(strata, 50, 0, group)))
    assert draws.shape == (50, 7)
    of_group = draws[:, [0, 1, 3, 4]]
    np.testing.assert_array_equal(draws, of_group[:, group])
    np.testing.assert_array_equal(of_group[:, :2].sum(axis=1), 2)
    np.testing.assert_array_equal(of_group[:, 2:].sum(axis=1), 2)
    assert len(np.unique(of_group, axis=0)) > 5


@pytest.mark.medium
def test_the_interval_of_a_share_has_statsmodels_clustered_variance():
    linear_model = pytest.importorskip("statsmodels.regression.linear_model")
    rng = np.random.default_rng(0)
    group = np.sort(rng.integers(0, 30, 150))
    correct = rng.random(150) < (rng.random(30) ** 0.3)[group]
    low, high = share_interval(correct, np.unique(group, return_inverse=True)[1], np.zeros(30), 0.95)
    fit = linear_model.OLS(correct.astype(float), np.ones(150)).fit(
        cov_type="cluster", cov_kwds={"groups": group}, use_t=True
    )
    # Wilson's bounds are the shares p whose distance to the observed share is t standard errors, and their standard
    # error is the observed one times that of independent images with share p, relative to the observed share.
    share, t = correct.mean(), -fit.conf_int()[0, 0] / fit.bse[0] + fit.params[0] / fit.bse[0]
    for bound in (low, high):
        error = fit.bse[0] * np.sqrt(bound * (1 - bound) / (share * (1 - share)))
        assert abs(share - bound) == pytest.approx(t * error, rel=1e-6)


def obuchowski(truth, score, group):
    """Return the area and its variance by the formulas of Obuchowski (1997), comparing all pairs of images."""
    wins = (score[truth][:, None] > score[~truth]) + 0.5 * (score[truth][:, None] == score[~truth])
    area, (m, n) = wins.mean(), wins.shape
    above, below = {}, {}
    for number in np.unique(group):
        mine, others = wins[group[truth] == number].mean(axis=1), wins[:, group[~truth] == number].mean(axis=0)
        above[number], below[number] = mine.sum() - len(mine) * area, others.sum() - len(others) * area
    count = len(above)
    positive, negative = len(np.unique(group[truth])), len(np.unique(group[~truth]))
    s10 = positive / ((positive - 1) * m) * sum(value**2 for value in above.values())
    s01 = negative / ((negative - 1) * n) * sum(value**2 for value in below.values())
    s11 = count / (count - 1) * sum(above[number] * below[number] for number in above)
    return area, s10 / m + s01 / n + 2 * s11 / (m * n)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("decimals", [1, 8])
def test_the_variance_of_the_area_is_obuchowskis(mixed, decimals):
    y, proba, group = patients(mixed=mixed, n_groups=12, models=2)
    scores = np.round([p[:, 1] for p in proba.values()], decimals)
    areas = ClusteredAreas.from_scores(y == 1, scores, group)
    for i, score in enumerate(scores):
        assert (areas.area[i], areas.covariance[i, i]) == pytest.approx(obuchowski(y == 1, score, group))
    assert areas.covariance[0, 1] == areas.covariance[1, 0]
    # Twice the same model has no difference, and its covariance is its variance.
    same = ClusteredAreas.from_scores(y == 1, scores[[0, 0]], group)
    assert same.contrast(np.array([1, -1]))[0] == pytest.approx(0, abs=1e-15)


def test_the_variance_of_the_area_is_delongs_if_every_group_has_one_image():
    y, proba, _ = patients(models=2)
    scores = np.array([p[:, 1] for p in proba.values()])
    areas = ClusteredAreas.from_scores(y == 1, scores, np.random.default_rng(0).permutation(len(y)))
    for found, expected in zip((areas.area, areas.covariance), delong(y == 1, scores), strict=True):
        np.testing.assert_allclose(found, expected)


def test_mcnemars_test_for_groups_counts_all_signs():
    rng = np.random.default_rng(3)
    group = np.sort(rng.integers(0, 9, 40))
    first, second = rng.random((2, 40)) < np.array([[0.8], [0.5]])
    differences = np.array([(first[group == g].sum() - second[group == g].sum()) for g in range(9)])
    sums = np.abs([signs @ differences for signs in product([-1, 1], repeat=9)])
    assert clustered_mcnemar(first, second, group) == pytest.approx(np.mean(sums >= abs(differences.sum())))
    assert clustered_mcnemar(first, second, np.arange(40)) == pytest.approx(mcnemar(first, second))
    assert clustered_mcnemar(first, first, group) == 1


def test_mcnemars_test_for_many_groups_is_that_of_durkalski():
    rng = np.random.default_rng(0)
    group, better = np.repeat(np.arange(2000), 3), rng.random(2000)
    first, second = rng.random(6000) < better[group], rng.random(6000) < 0.97 * better[group]
    differences = np.bincount(group, first.astype(int) - second)
    z = (abs(differences.sum()) - 1) / np.sqrt((differences**2).sum())  # with the continuity correction
    assert clustered_mcnemar(first, second, group) == pytest.approx(2 * norm.sf(z), rel=0.03)


def test_the_tests_and_intervals_name_their_methods_and_both_numbers():
    y, proba, group = patients(models=2)
    tests = compare_models(y, proba, [0, 1], metrics=["accuracy", "roc_auc", "f1"], groups=group, n_boot=100)
    assert [test.test for test in tests] == [
        "McNemar, clustered, exact",
        "DeLong, clustered",
        "paired bootstrap of groups",
    ]
    assert all("on these 200 images of 40 groups" in test.sentence() for test in tests)
    assert [PairedTest.from_dict(test.to_dict()) for test in tests] == tests
    result = evaluate(y, proba["a"], [0, 1], groups=group, n_boot=100)
    for text in ("200 images of 40 groups", "100 bootstrap draws of whole groups", "Obuchowski", "design effect"):
        assert text in str(result)
    again = Evaluation.from_dict(result.to_dict())
    assert (again.n_groups, again.clustered, again.metrics) == (40, True, result.metrics)
    assert result.class_table()["groups"].tolist() == [20, 20]


def test_perfect_scores_count_groups_instead_of_images():
    y, _, group = patients(n_groups=20)
    proba = np.column_stack([1 - 0.9 * y, 0.9 * y])
    grouped, alone = (evaluate(y, proba, [0, 1], groups=given, n_boot=100) for given in (group, None))
    per_group = evaluate(y[::5], proba[::5], [0, 1], n_boot=100)
    for name in ("roc_auc", "accuracy", "sensitivity", "precision"):
        assert grouped.metrics[name].interval == pytest.approx(per_group.metrics[name].interval), name
        assert width(grouped.metrics[name]) > width(alone.metrics[name]), name
    assert "for the number of groups" in grouped.metrics["accuracy"].note


def test_a_class_of_one_group_has_no_interval_and_says_why():
    y, proba, group = patients(n_groups=12)
    y = (group == 0).astype(int)
    result = evaluate(y, proba["a"], [0, 1], groups=group, n_boot=50)
    for name in ("roc_auc", "f1", "sensitivity"):
        assert result.metrics[name].interval is None
        assert "of one group" in result.metrics[name].note
    assert result.metrics["specificity"].interval is not None


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_other_tasks_take_groups(task, method):
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(30), 4)
    effect = 1.5 * rng.normal(size=(30, 3))[group]
    y = rng.integers(0, 3, 120)
    z = np.exp(effect + rng.normal(size=(120, 3)) + 2 * np.eye(3)[y])
    proba = z / (z.sum(axis=1, keepdims=True) if task == "multiclass" else z + 1)
    truth = y if task == "multiclass" else np.column_stack([y == 0, y > 0, y == 2]).astype(int)
    result = evaluate(truth, proba, range(3), groups=group, n_boot=200, method=method)
    assert all(m.low <= m.value <= m.high for name, m in result.metrics.items() if not name.startswith("ece"))
    assert [result.per_class[k]["groups"] for k in range(3)] == [len(set(group[t == 1])) for t in result_truth(truth)]
    (test, *_) = compare_models(truth, {"a": proba, "b": proba[:, [1, 0, 2]]}, range(3), groups=group, n_boot=100)
    assert test.n_groups == 30
    assert test.p_value is not None


def result_truth(truth):
    return truth.T if truth.ndim == 2 else np.array([truth == k for k in range(3)])


def test_patients_are_covered_and_equal_models_seldom_told_apart():
    """With independent images, the interval would cover in 76% of such sets, and the test reject in 28%."""
    covered, rejected, sets, true = 0, 0, 100, norm.cdf(1.5 / 2**0.5)
    for seed in range(sets):
        y, proba, group = patients(seed, n_groups=60, models=2)
        scores = np.array([p[:, 1] for p in proba.values()])
        low, high = area_interval(y == 1, scores[0], group, 0.95)
        covered += low <= true <= high
        (difference,) = clustered_delong(ClusteredAreas.from_scores(y == 1, scores, group), [(0, 1)])
        rejected += difference.p_value < 0.05
    assert covered >= binom.ppf(1e-4, sets, 0.935)
    assert rejected <= binom.ppf(1 - 1e-4, sets, 0.06)


def test_the_auc_of_few_patients_is_covered():
    """With Obuchowski's variance alone, the interval would cover in 91.5% of these sets; these do not vary."""
    covered, sets, true = 0, 400, norm.cdf(1.5 / 2**0.5)
    group = np.repeat(np.arange(60), 5)
    y = (group < 6).astype(int)
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        score = 0.8**0.5 * rng.normal(size=60)[group] + 0.2**0.5 * rng.normal(size=300) + 1.5 * y
        low, high = area_interval(y == 1, score, group, 0.95)
        covered += low <= true <= high
    assert covered / sets >= 0.935


@pytest.mark.parametrize("size", [1, 3])
def test_few_images_or_patients_of_a_class_are_noted(size):
    y, proba, group = patients(n_groups=40, size=size)
    y = (group < 6).astype(int)
    metrics = evaluate(y, proba["a"], [0, 1], groups=group, n_boot=100).metrics
    few = f"there are only 6 {'images' if size == 1 else 'groups'} with this class"
    for name in ("roc_auc", "sensitivity", "average_precision", "f1"):
        assert few in metrics[name].reason
    assert not metrics["specificity"].note
    assert not metrics["accuracy"].note


@pytest.mark.parametrize("size", [1, 5])
def test_the_positive_patients_limit_the_degrees_of_freedom_of_average_precision(size):
    """With those of all patients, the test would find a difference between equal models in up to 8% of such sets."""
    _, proba, group = patients(n_groups=60, size=size, models=2)
    y = (group < 6).astype(int)
    tests = compare_models(y, proba, [0, 1], metrics=["average_precision", "f1"], groups=group, n_boot=200)
    assert tests[0].degrees == 5
    assert tests[1].degrees > 5


@pytest.mark.parametrize("metric", ["balanced_accuracy", "roc_auc", "f1", "mcc"])
def test_six_patients_who_agree_by_chance_do_not_tell_models_apart(metric):
    # Each positive patient differs by one image of five, so that they do not vary. All have the same sign in 2 of 64
    # cases. The models are wrong on equally many negative images.
    number = np.arange(300)
    group, y = number // 5, (number < 30).astype(int)
    first = np.where(y == 1, number % 5 > 0, number % 9 > 0)
    second = np.where(y == 1, number % 5 > 1, number % 9 != 1)
    p = [np.where(right == (y == 1), 0.9, 0.1) for right in (first, second)]
    proba = {name: np.column_stack([1 - one, one]) for name, one in zip("ab", p, strict=True)}
    (test,) = compare_models(y, proba, [0, 1], metrics=[metric], groups=group, n_boot=200)
    assert test.difference > 0.05
    assert test.p_value * 171 > 0.05  # it is not among the pairs of 19 models
    assert (test.low <= 0 <= test.high) == (test.p_value >= 0.05)


def test_small_p_values_with_six_normal_patients_are_not_too_frequent():
    rng, sets, own = np.random.default_rng(0), 400_000, np.array([53, 5])
    parts = np.array([0.2, 0.8]) * rng.chisquare(own, (sets, 2)) / own
    distance = rng.normal(size=sets) / parts.sum(axis=1) ** 0.5
    p_values = 2 * stdtr(cautious_degrees(parts, own), -np.abs(distance))
    for level in (0.05, 0.005, 0.0005):
        assert 0.3 * level < np.mean(p_values < level) < 1.5 * level
