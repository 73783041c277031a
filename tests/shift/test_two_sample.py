"""The classifier two-sample test: false positives, power, groups, classes, and agreement with scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from hybrid.errors import InputError
from hybrid.evaluation.delong import ClusteredAreas
from hybrid.shift import two_sample_test
from hybrid.shift.areas import area, areas
from hybrid.shift.exchange import make_exchange
from hybrid.shift.separation import RIDGE, Separation


def two_samples(seed, n=150, m=50, width=12, moved=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)), rng.normal(size=(m, width)) + moved


def test_scores_are_those_of_a_ridge_regression_that_was_fitted_without_the_fold():
    rng = np.random.default_rng(0)
    X, is_new = rng.normal(size=(90, 7)), rng.random(90) < 0.4
    exchange = make_exchange(is_new, None, None, 5, rng)
    scores = Separation.of(X, exchange, rng).scores(is_new[:, None])[:, 0]
    rows = (X - X.mean(axis=0)) / X.std(axis=0)
    for fold in range(5):
        inside, outside = exchange.fold == fold, exchange.fold != fold
        y = is_new[outside] - is_new[outside].mean()
        penalty = RIDGE * np.sum(rows[outside] ** 2) / 7
        expected = Ridge(penalty, fit_intercept=False).fit(rows[outside], y).predict(rows[inside])
        np.testing.assert_allclose(scores[inside], expected, atol=1e-5)


def test_more_columns_than_images_give_the_scores_of_all_columns():
    rng = np.random.default_rng(1)
    X, is_new = rng.normal(size=(60, 200)), np.arange(60) % 3 == 0
    exchange = make_exchange(is_new, None, None, 5, rng)
    scores = Separation.of(X, exchange, rng).scores(is_new[:, None])[:, 0]
    rows, fold = (X - X.mean(axis=0)) / X.std(axis=0), exchange.fold == 0
    y = is_new[~fold] - is_new[~fold].mean()
    expected = (
        rows[fold]
        @ rows[~fold].T
        @ np.linalg.solve(
            rows[~fold] @ rows[~fold].T + RIDGE * np.sum(rows[~fold] ** 2) / 60 * np.eye(np.sum(~fold)), y
        )
    )
    np.testing.assert_allclose(scores[fold], expected, atol=1e-3)


def test_areas_are_those_of_scikit_learn_within_each_cell_and_weighted_by_pairs():
    rng = np.random.default_rng(2)
    scores, labels = rng.integers(0, 9, (80, 3)).astype(float), rng.random((80, 3)) < 0.4
    cell = rng.integers(0, 4, 80)
    expected = [
        np.average(
            [roc_auc_score(labels[cell == c, k], scores[cell == c, k]) for c in range(4)],
            weights=[labels[cell == c, k].sum() * (~labels[cell == c, k]).sum() for c in range(4)],
        )
        for k in range(3)
    ]
    np.testing.assert_allclose(areas(scores, labels, cell), expected)


def test_the_standard_error_is_obuchowskis_if_there_is_one_cell():
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(200), 3)
    is_new = rng.random(200)[unit] < 0.3
    scores = rng.normal(size=600) + is_new + rng.normal(size=200)[unit]
    expected = ClusteredAreas.from_scores(is_new, scores[None], unit)
    found = area(scores, is_new, np.zeros(600, int), unit)
    assert found.value == pytest.approx(expected.area[0])
    assert found.error == pytest.approx(expected.covariance[0, 0] ** 0.5, rel=0.05)


def test_patients_that_a_copy_joins_are_exchanged_one_by_one():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(20), 4)
    is_new, group = patient % 4 == 0, patient.copy()
    group[is_new] = group[is_new] + 1  # a copy joins each new patient and the next, which is not new
    exchange = make_exchange(is_new, None, np.unique(group, return_inverse=True)[1], 5, rng, parts=patient)
    drawn = exchange.draws(50, rng)
    for one in range(20):
        assert (drawn[patient == one] == drawn[patient == one][:1]).all()
    assert (drawn.sum(axis=0) == is_new.sum()).all()
    assert exchange.n_units == (15, 5)


def test_p_values_of_equal_samples_are_uniform():
    p = [two_sample_test(*two_samples(seed), permutations=19, random_state=seed).p_value for seed in range(80)]
    assert np.mean(np.array(p) <= 0.05) <= 0.1
    assert 0.4 <= np.mean(p) <= 0.6


def test_without_groups_patients_are_taken_for_a_difference():
    found = {"known": 0, "ignored": 0}
    for seed in range(15):
        rng = np.random.default_rng(seed)
        patient = np.repeat(np.arange(60), 5)
        X = rng.normal(size=(60, 12))[patient] + 0.5 * rng.normal(size=(300, 12))
        new = np.isin(patient, rng.permutation(60)[:20])
        groups = {"groups_reference": patient[~new], "groups_new": patient[new]}
        found["known"] += two_sample_test(X[~new], X[new], permutations=19, **groups).found
        found["ignored"] += two_sample_test(X[~new], X[new], permutations=19).found
    assert found["known"] <= 3
    assert found["ignored"] >= 12


def test_other_class_proportions_are_a_difference_only_without_labels():
    by_class = without = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y, y_new = rng.random(150) < 0.2, rng.random(60) < 0.7
        X, new = (rng.normal(size=(len(labels), 6)) + 3 * labels[:, None] for labels in (y, y_new))
        without += two_sample_test(X, new, permutations=19).found
        by_class += two_sample_test(X, new, y_reference=y, y_new=y_new, permutations=19).found
    assert without == 12
    assert by_class <= 3


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_a_shift_of_the_images_is_found_in_each_task(task):
    rng = np.random.default_rng(0)
    y = rng.integers(0, {"binary": 2, "multiclass": 5, "multilabel": 2}[task], (200, 3))
    y = y if task == "multilabel" else y[:, 0]
    X, new = two_samples(1, moved=0.6)
    test = two_sample_test(X, new, y_reference=y[:150], y_new=y[150:])
    assert test.found
    assert test.by_class
    assert 0.6 < test.interval[0] < test.auc < test.interval[1] < 1


def test_images_of_a_group_in_both_samples_are_exchanged_within_it():
    rng = np.random.default_rng(0)
    group, is_new = np.repeat(np.arange(20), 4), np.arange(80) % 4 == 0  # one of four images of each group is new
    exchange = make_exchange(is_new, None, group, 5, rng, parts=group)
    drawn = exchange.draws(50, rng)
    assert (np.add.reduceat(drawn, np.arange(0, 80, 4), axis=0) == 1).all()
    assert not (drawn == is_new[:, None]).all()


def test_groups_are_whole_in_folds_and_exchanges_and_keep_their_number():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 60, 300)
    group = np.unique(group, return_inverse=True)[1]
    is_new, strata = (rng.random(60) < 0.3)[group], rng.integers(0, 2, 60)[group]
    exchange = make_exchange(is_new, strata, group, 5, rng)
    drawn = exchange.draws(20, rng)
    for one in range(group.max() + 1):
        assert len(np.unique(exchange.fold[group == one])) == 1
        assert (drawn[group == one] == drawn[group == one][:1]).all()
    first = np.unique(group, return_index=True)[1]
    for fold in range(5):
        for stratum in range(2):
            rows = first[(exchange.fold[first] == fold) & (strata[first] == stratum)]
            assert (drawn[rows].sum(axis=0) == is_new[rows].sum()).all()


def test_too_few_images_give_a_reason():
    test = two_sample_test(*two_samples(0, m=6))
    assert (test.auc, test.p_value, test.found) == (None, None, False)
    assert test.reason == "at least 10 images of each are needed, and there are 150 and 6"
    labels = {"y_reference": ["a"] * 150, "y_new": ["b"] * 50}
    assert two_sample_test(*two_samples(0), **labels).reason == "no class has images in both"


def test_bad_input_gets_one_sentence():
    X, new = two_samples(0)
    with pytest.raises(InputError, match=r"shapes \(150, 12\) and \(50, 11\); expected \(n, width\)"):
        two_sample_test(X, new[:, 1:])
    new[3, 3] = np.nan
    with pytest.raises(InputError, match="NaN or infinity"):
        two_sample_test(X, new)
    with pytest.raises(InputError, match="The labels have the shapes"):
        two_sample_test(X, X, y_reference=[1] * 150, y_new=[1] * 4)
    with pytest.raises(InputError, match="groups has shape"):
        two_sample_test(X, X, groups_new=[1] * 4)


def test_identical_embeddings_are_no_difference():
    same = np.ones((40, 5))
    assert two_sample_test(same, same).auc == 0.5


def test_the_same_seed_gives_the_same_result():
    assert two_sample_test(*two_samples(5)) == two_sample_test(*two_samples(5))
