"""Prediction sets contain the true class as often as they say, and refuse when there are too few images."""

import math

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin

from hybrid.errors import InputError
from hybrid.pipelines import adjust, make_calibration, make_head_pipeline
from hybrid.pipelines.prediction_sets import CalibrationScores, scores_of, uncalibrated


def softmax(values):
    odds = np.exp(values)
    return odds / odds.sum(axis=1, keepdims=True)


def drawn(rng, n, *, classes=3, group_size=1, shares=(0.6, 0.3, 0.1)):
    """Return probabilities of a model that errs, true classes, and groups whose images share their error."""
    groups = np.repeat(np.arange(n // group_size), group_size)
    y = rng.choice(classes, size=n, p=shares)
    shift = rng.normal(0, 1.5, size=(n // group_size, classes))[groups]
    return softmax(2 * np.eye(classes)[y] + shift + rng.normal(0, 0.7, size=(n, classes))), y, groups


def by_hand(true, proba, coverage):
    """The rule of the textbook: the k-th smallest score of n, k = ceil((n + 1) coverage)."""
    scores = np.sort(1 - true)
    k = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return 1 - proba <= scores[k - 1]


@pytest.mark.parametrize("n", [9, 10, 19, 50, 137])
@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_marginal_sets_are_those_of_the_textbook(n, coverage):
    rng = np.random.default_rng(n)
    proba, y, _ = drawn(rng, n)
    new = drawn(rng, 40)[0].astype(np.float32)
    scores = scores_of(proba.astype(np.float32), y, np.arange(3), None, "these")
    true = scores.probabilities
    np.testing.assert_array_equal(scores.sets(new, coverage), by_hand(true, new, coverage))


def test_sets_for_each_class_are_those_of_the_textbook():
    rng = np.random.default_rng(0)
    proba, y, _ = drawn(rng, 200)
    new = drawn(rng, 40)[0].astype(np.float32)
    scores = scores_of(proba.astype(np.float32), y, np.arange(3), None, "these")
    expected = [by_hand(scores.probabilities[y == label], new[:, label], 0.9) for label in range(3)]
    np.testing.assert_array_equal(scores.sets(new, 0.9, per_class=True), np.stack(expected, axis=1))


@pytest.mark.parametrize("per_class", [False, True])
@pytest.mark.parametrize("group_size", [1, 5])
def test_sets_contain_the_true_class_as_often_as_stated(per_class, group_size):
    """300 simulated calibrations; `benchmarks/conformal.py` does the same for 2,000."""
    shares = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        proba, y, groups = drawn(rng, 300 * (1 if group_size == 1 else 2), group_size=group_size)
        scores = scores_of(proba, y, np.arange(3), groups, "these")
        new, truth, _ = drawn(rng, 400, group_size=group_size)
        inside = scores.sets(new, 0.9, per_class=per_class)[np.arange(400), truth]
        shares.append([inside.mean(), *(inside[truth == label].mean() for label in range(3))])
    found = np.mean(shares, axis=0)
    if per_class:
        np.testing.assert_allclose(found, 0.9, atol=0.03)
    else:
        assert abs(found[0] - 0.9) < 0.015


def test_each_group_counts_once():
    """One patient with a hundred wrong images must not make the sets of other patients larger."""
    true = np.r_[np.full(100, 0.05), np.full(39, 0.9)].astype(np.float32)
    groups = np.r_[np.zeros(100, int), np.arange(1, 40)]
    found = CalibrationScores(true, np.zeros(139, int), groups).sets([[0.8, 0.2]], 0.9)
    alone = CalibrationScores(true, np.zeros(139, int), np.arange(139)).sets([[0.8, 0.2]], 0.9)
    assert found.tolist() == [[False, False]]  # nothing is as sure as the true classes of 39 of 40 patients
    assert alone.tolist() == [[True, True]]


def test_several_labels_have_a_set_of_values_each():
    rng = np.random.default_rng(1)
    y = (rng.random((400, 2)) < [0.5, 0.1]).astype(int)
    proba = 1 / (1 + np.exp(-(3 * y - 1.5 + rng.normal(size=y.shape))))
    scores = scores_of(proba[:300], y[:300], np.arange(2), None, "these")
    for per_class in (False, True):
        found = scores.sets(proba[300:], 0.9, per_class=per_class)
        assert found.shape == (100, 2, 2)
        inside = np.take_along_axis(found, y[300:, :, None], axis=2)[:, :, 0]
        assert (np.abs(inside.mean(axis=0) - 0.9) < 0.1).all()
    true = scores.probabilities[:, 1]
    np.testing.assert_array_equal(
        scores.sets(proba[300:], 0.9)[:, 1, 1], by_hand(true, proba[300:, 1].astype(np.float32), 0.9)
    )


def test_too_few_images_are_refused_with_the_number_that_is_needed():
    def scores(n, groups=None):
        y = np.array(["a", "b"])[np.arange(n) % 2]
        return scores_of(np.full((n, 2), 0.5), y, np.array(["a", "b"]), groups, "these")

    assert scores(9).sets([[0.5, 0.5]], 0.9).all()
    with pytest.raises(InputError, match=r"0\.9 needs at least 9 images, and the model was calibrated with 8\."):
        scores(8).sets([[0.5, 0.5]], 0.9)
    with pytest.raises(InputError, match=r"needs at least 9 groups of images, such as patients, .* with 5\."):
        scores(40, np.arange(40) % 5).sets([[0.5, 0.5]], 0.9)
    assert scores(18).sets([[0.5, 0.5]], 0.9, per_class=True).all()
    with pytest.raises(InputError, match="at least 9 images of each class, and .* with 8 of the class b"):
        scores(17).sets([[0.5, 0.5]], 0.9, per_class=True, names=["a", "b"])
    with pytest.raises(InputError, match="expected a number between 0 and 1"):
        scores(20).sets([[0.5, 0.5]], 90)


def test_a_threshold_chosen_on_the_same_images_does_not_change_the_sets():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 4))
    y = np.where(X[:, 0] + rng.normal(0, 0.5, 300) > 0, "sick", "well")
    plain = make_head_pipeline("softmax").fit(X[:100], y[:100])
    adjusted = adjust(plain, X, y, aim="f1", calibration="auto", prevalence=0.1, validation=(X[100:200], y[100:200]))
    assert uncalibrated(plain) is plain
    one, other = (make_calibration(model, X[100:200], y[100:200]) for model in (plain, adjusted))
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    np.testing.assert_array_equal(uncalibrated(adjusted).predict_proba(X), plain.predict_proba(X))
    with pytest.raises(InputError, match="label 'dead' was given, which is not a class"):
        make_calibration(plain, X[:3], ["sick", "dead", "well"])
    with pytest.raises(InputError, match="0 images were given for prediction sets"):
        scores_of(np.empty((0, 2)), np.empty(0), ["a", "b"], None, "these")


def test_copies_of_an_image_are_one_group():
    X = np.random.default_rng(3).normal(size=(60, 4))
    y = np.arange(60) % 2
    pipeline = make_head_pipeline("softmax").fit(X, y)
    scores = make_calibration(pipeline, np.vstack([X, X]), np.r_[y, y])
    assert (scores.images, scores.n_groups) == (120, 60)


def test_very_many_images_are_reduced_by_whole_groups():
    n = 100_000
    scores = scores_of(np.full((n, 2), 0.5), np.arange(n) % 2, np.arange(2), np.arange(n) // 10, "these")
    assert 59_000 < scores.images <= 60_000
    assert np.unique(np.unique(scores.groups, return_counts=True)[1]).tolist() == [10]


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose features are the probabilities that it predicts."""

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.arange(np.shape(X)[1]), np.shape(X)[1]
        return self

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return np.argmax(X, axis=1)


def sets_of_mapie(proba, y, new, coverage):
    """Return the prediction sets of the library MAPIE, by the score of Sadinle, Lei and Wasserman."""
    model = Given().fit(proba, y)
    conformal = SplitConformalClassifier(model, confidence_level=coverage, conformity_score="lac", prefit=True)
    return conformal.conformalize(proba, y).predict_set(new)[1][:, :, 0]


# MAPIE has no sets per class: it is given the rows of one class at a time, of which it warns.
@pytest.mark.filterwarnings("ignore:WARNING. your conformalization dataset has less labels")
@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_sets_are_those_of_mapie(coverage, n_classes):
    rng = np.random.default_rng(n_classes)
    proba = softmax(2 * rng.normal(size=(200, n_classes)))
    y = np.array([rng.choice(n_classes, p=row) for row in proba])
    y[:n_classes] = np.arange(n_classes)
    new = softmax(2 * rng.normal(size=(500, n_classes)))
    classes = np.arange(n_classes)
    assert np.array_equal(
        scores_of(proba, y, classes, None, "").sets(new, coverage), sets_of_mapie(proba, y, new, coverage)
    )
    per_class = scores_of(proba, y, classes, None, "").sets(new, coverage, per_class=True)
    for k in classes:
        assert np.array_equal(per_class[:, k], sets_of_mapie(proba[y == k], y[y == k], new, coverage)[:, k])


def test_sets_of_each_label_are_those_of_mapie():
    rng = np.random.default_rng(0)
    proba, new = rng.beta(0.5, 0.5, (300, 2)), rng.beta(0.5, 0.5, (300, 2))
    y = (rng.random((300, 2)) < proba).astype(int)
    found = scores_of(proba, y, np.array(["sea", "snow"]), None, "").sets(new, 0.9)
    for label in range(2):
        of_label = [np.column_stack([1 - values[:, label], values[:, label]]) for values in (proba, new)]
        assert np.array_equal(found[:, label], sets_of_mapie(of_label[0], y[:, label], of_label[1], 0.9))
