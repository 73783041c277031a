"""Calibration and thresholds of every head: properties of the probabilities and the predictions."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, recall_score

from hybrid.classifiers import HEADS, make_head
from hybrid.classifiers.calibration import CALIBRATIONS, Recalibration
from hybrid.errors import InputError
from hybrid.evaluation.labels import log_odds
from hybrid.pipelines import Ensemble, adjust, load_model, make_head_pipeline, save_model

SMALL = {"forest": {"n_estimators": 30, "n_jobs": 1}, "xgboost": {"n_estimators": 30, "n_jobs": 1}}
NAMES = np.array(["healthy", "sick"])

each_head = pytest.mark.parametrize("name", HEADS)


def small(name, **params):
    return make_head_pipeline(name, **SMALL.get(name, {}), **params)


def blobs(counts, seed=0, shift=1.5):
    """Return embeddings and codes of classes that differ in one column each."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    X = rng.normal(size=(len(y), 6)).astype(np.float32)
    X[np.arange(len(y)), y] += shift
    return X, y


def labels_of(X, seed=0):
    noise = np.random.default_rng(seed).normal(size=(len(X), 3))
    return (X[:, :3] + noise > [0, 0.5, 1]).astype(int)


# -- calibration ------------------------------------------------------------------------------------


@pytest.mark.medium
@each_head
def test_calibrated_probabilities_equal_frequencies(name):
    """Of images with probability p, a share of p is positive if the classes are as frequent as in training."""
    X, y = blobs([300, 900])
    other, truth = blobs([2500, 7500], seed=1)
    p = adjust(small(name), X, y, calibration="auto").predict_proba(other)[:, 1]
    edges = np.quantile(p, np.linspace(0, 1, 11))
    place = np.clip(np.searchsorted(edges, p) - 1, 0, 9)
    gaps = [abs(p[place == k].mean() - truth[place == k].mean()) for k in np.unique(place)]  # equal p leave bins empty
    assert len(gaps) >= 5
    assert np.mean(gaps) < 0.05


@pytest.mark.medium
@pytest.mark.parametrize("name", ["forest", "xgboost"])
def test_calibration_improves_tree_heads(name):
    X, y = blobs([400, 400])
    other, truth = blobs([2000, 2000], seed=1)
    plain = make_head_pipeline(name, n_estimators=100, n_jobs=1).fit(X, y)
    calibrated = adjust(plain, X, y, calibration="auto")
    for loss in (log_loss, brier_score_loss):
        assert loss(truth, calibrated.predict_proba(other)[:, 1]) < loss(truth, plain.predict_proba(other)[:, 1])


def test_calibration_leaves_a_calibrated_head_unchanged():
    """Unlike Platt scaling of probabilities, a sigmoid of log-odds can be the identity."""
    rng = np.random.default_rng(0)
    p = expit(rng.normal(scale=2, size=20_000))
    codes = (rng.random(len(p)) < p).astype(int)
    proba, ones = np.column_stack([1 - p, p]), np.ones(len(p))
    for method in ("auto", "sigmoid", "temperature"):
        np.testing.assert_allclose(Recalibration(method).fit(proba, codes, ones).transform(proba), proba, atol=0.02)


def test_temperature_sharpens_underconfident_classes():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=(5000, 4))
    right = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    codes = (right.cumsum(axis=1) > rng.random((5000, 1))).argmax(axis=1)
    timid = np.sqrt(right) / np.sqrt(right).sum(axis=1, keepdims=True)
    for method in ("auto", "temperature"):
        np.testing.assert_allclose(
            Recalibration(method).fit(timid, codes, np.ones(5000)).transform(timid), right, atol=0.05
        )


@pytest.mark.parametrize("method", CALIBRATIONS)
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_every_method_gives_probabilities_for_every_task(method, kind):
    X, y = blobs([80, 80, 80] if kind == "multiclass" else [120, 120])
    y = labels_of(X) if kind == "multilabel" else y
    proba = adjust(small("softmax"), X, y, calibration=method).predict_proba(X)
    assert proba.shape == (240, {"binary": 2}.get(kind, 3))
    assert ((proba >= 0) & (proba <= 1)).all()
    if kind != "multilabel":
        np.testing.assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.medium
@each_head
def test_calibrated_probabilities_refer_to_the_frequencies_of_train_whatever_the_weights(name):
    X, y = blobs([900, 150])
    other, _ = blobs([3000, 500], seed=1)
    equal = blobs([300, 300], seed=2)  # validation images of other frequencies
    for class_weight in ("balanced", None):
        for validation in (None, equal):
            adjusted = adjust(small(name, class_weight=class_weight), X, y, calibration="auto", validation=validation)
            assert adjusted.predict_proba(other)[:, 1].mean() == pytest.approx(1 / 7, abs=0.04)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("calibration", [None, "auto"])
def test_a_prevalence_changes_the_probabilities_by_bayes_rule_and_no_label(kind, calibration):
    X, y = blobs([160, 60, 40] if kind == "multiclass" else [200, 60])
    y = labels_of(X) if kind == "multilabel" else y
    plain = small("softmax").fit(X, y)
    if calibration:
        plain = adjust(plain, X, y, calibration=calibration, validation=(X, y))
    given = {"binary": 0.02, "multiclass": {0: 0.2, 1: 0.3, 2: 0.5}, "multilabel": {0: 0.1, 1: 0.2, 2: 0.3}}[kind]
    shifted = adjust(small("softmax").fit(X, y), X, y, calibration=calibration, prevalence=given, validation=(X, y))
    before, after = plain.predict_proba(X), shifted.predict_proba(X)
    if kind == "multilabel":
        share, new = y.mean(axis=0), np.array([0.1, 0.2, 0.3])
    else:
        share = np.bincount(y) / len(y)
        new = np.array([0.98, 0.02] if kind == "binary" else [0.2, 0.3, 0.5])
    odds = before * new / share
    rest = (1 - before) * (1 - new) / (1 - share)
    expected = odds / (odds + rest) if kind == "multilabel" else odds / odds.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after, expected, rtol=1e-7)
    np.testing.assert_array_equal(shifted.predict(X), plain.predict(X))


@pytest.mark.parametrize(
    ("prevalence", "message"),
    [
        (1.5, "The prevalence 1.5 was given; expected a number above 0 and below 1"),
        ({0: 0.5, 1: 0.6}, "sum to 1.1; expected 1"),
        ({"sick": 0.5}, "sick"),
    ],
)
def test_a_prevalence_that_cannot_be_is_refused(prevalence, message):
    X, y = blobs([60, 60])
    with pytest.raises(InputError, match=message):
        adjust(small("softmax"), X, y, prevalence=prevalence)


# -- thresholds -------------------------------------------------------------------------------------


@pytest.mark.medium
@each_head
def test_the_balanced_aim_gives_a_threshold_near_the_frequency_of_the_class(name):
    X, y = blobs([900, 300])
    threshold = adjust(small(name), X, y, aim="balanced", calibration="auto")[-1].thresholds_[0]
    assert threshold == pytest.approx(0.25, abs=0.1)


@each_head
def test_validation_data_chooses_and_leaves_the_head_unchanged(name):
    X, codes = blobs([200, 200])
    y = NAMES[codes]
    plain = small(name).fit(X[:250], y[:250])
    adjusted = adjust(plain, X[:250], y[:250], aim="recall=0.95", validation=(X[250:], y[250:]))
    np.testing.assert_array_equal(adjusted.predict_proba(X), plain.predict_proba(X))
    assert recall_score(y[250:], adjusted.predict(X[250:]), pos_label="sick") >= 0.95
    threshold = adjusted[-1].thresholds_[0]
    np.testing.assert_array_equal(adjusted.predict(X) == "sick", plain.predict_proba(X)[:, 1] >= threshold)
    assert adjusted[-1].choices_[0]["positives"] == (y[250:] == "sick").sum()


def test_an_unfitted_pipeline_is_fitted_to_the_training_data_only():
    X, y = blobs([100, 100])
    adjusted = adjust(small("softmax"), X[:150], y[:150], aim="f1", validation=(X[150:], y[150:]))
    np.testing.assert_array_equal(adjusted.predict_proba(X), small("softmax").fit(X[:150], y[:150]).predict_proba(X))


def test_the_first_class_can_be_the_positive_one():
    X, codes = blobs([200, 200], shift=1)
    y = NAMES[codes]
    adjusted = adjust(small("softmax"), X, y, aim="recall=0.97", positive="healthy", validation=(X, y))
    assert recall_score(y, adjusted.predict(X), pos_label="healthy") >= 0.97 > 0.9
    assert recall_score(y, adjusted.predict(X), pos_label="sick") < 0.9
    with pytest.raises(InputError, match="The positive class 'ill' was given; the classes are"):
        adjust(small("softmax"), X, y, aim="f1", positive="ill")


def test_every_label_has_its_own_threshold():
    X, _ = blobs([600])
    Y = labels_of(X)
    adjusted = adjust(small("softmax"), X, Y, aim="recall=0.9", validation=(X, Y))
    assert (recall_score(Y, adjusted.predict(X), average=None) >= 0.9).all()
    assert len(set(adjusted[-1].thresholds_)) == len(adjusted[-1].choices_) == 3


def test_the_cross_validation_never_splits_groups():
    X, y = blobs([60, 60])
    groups = np.arange(120) // 4
    seen = []

    class Watching(LogisticRegression):
        def fit(self, X, y):
            seen.append(X[:, 0].astype(int))
            return super().fit(X, y)

    adjust(
        make_head_pipeline(Watching(), scale=False), np.column_stack([groups, X]), y, aim="f1", groups=groups, repeats=2
    )
    *folds, whole = seen
    assert (len(folds), len(whole)) == (10, 120)
    assert all(np.isin(np.bincount(rows, minlength=30), (0, 4)).all() for rows in folds)


@pytest.mark.medium
def test_the_threshold_is_chosen_on_out_of_fold_predictions():
    """A head that memorises its training rows has no skill out of fold if the labels are noise."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 6)).astype(np.float32), rng.integers(0, 2, 200)
    adjusted = adjust(make_head_pipeline("forest", min_samples_leaf=1, n_estimators=50, n_jobs=1), X, y, aim="balanced")
    assert adjusted.score(X, y) > 0.9
    assert adjusted[-1].choices_[0]["reached"] < 0.65


def test_rows_that_do_not_count_are_used_for_training_only():
    """Views of an image do not add images to choose the threshold on."""
    X, y = blobs([50, 50])
    X, y, groups = np.concatenate([X, X + 0.1]), np.tile(y, 2), np.tile(np.arange(100), 2)
    counted = np.arange(200) < 100
    adjusted = adjust(small("softmax"), X, y, aim="f1", groups=groups, counted=counted)
    choice = adjusted[-1].choices_[0]
    assert (choice["positives"], choice["negatives"]) == (50, 50)
    np.testing.assert_array_equal(adjusted.predict_proba(X), small("softmax").fit(X, y).predict_proba(X))


def test_an_aim_for_more_than_two_classes_is_rejected():
    X, y = blobs([30, 30, 30])
    with pytest.raises(InputError, match="The aim 'f1' was given for 3 classes"):
        adjust(small("softmax"), X, y, aim="f1")


def test_no_adjustment_and_rows_without_a_class_are_rejected():
    X, y = blobs([40, 40])
    with pytest.raises(InputError, match="nothing to adjust"):
        adjust(small("softmax"), X, y)
    with pytest.raises(InputError, match="give rows of each of them"):
        adjust(small("softmax"), X, y, calibration="auto", validation=(X[y == 0], y[y == 0]))


def test_fitted_members_of_an_ensemble_need_validation_data():
    X, y = blobs([60, 60])
    member = make_head("softmax").fit(X, y)
    ensemble = make_head_pipeline(Ensemble([("one", FrozenEstimator(member), None)]), scale=False)
    with pytest.raises(InputError, match="give validation data"):
        adjust(ensemble, X, y, aim="f1")
    assert adjust(ensemble, X, y, aim="f1", validation=(X, y)).score(X, y) > 0.7


# -- repeatable, and saved --------------------------------------------------------------------------


@pytest.mark.medium
@each_head
def test_fitting_twice_and_fitting_a_clone_give_the_same(name):
    X, y = blobs([60, 60])
    adjusted = adjust(small(name), X, y, aim="f1", calibration="auto", cv=3, repeats=2)
    for again in (adjust(small(name), X, y, aim="f1", calibration="auto", cv=3, repeats=2), clone(adjusted).fit(X, y)):
        np.testing.assert_array_equal(again.predict_proba(X), adjusted.predict_proba(X))
        assert again[-1].thresholds_ == adjusted[-1].thresholds_
    assert adjust(small(name), X, y, aim="f1", random_state=1)[-1].thresholds_ != adjusted[-1].thresholds_


@pytest.mark.medium
@pytest.mark.parametrize("name", [*HEADS, "ensemble"])
@pytest.mark.parametrize("several", [False, True])
def test_a_saved_model_predicts_with_its_thresholds(tmp_path, name, several):
    X, y = blobs([60, 60], shift=1)
    y = labels_of(X) if several else NAMES[y]
    members = [(head, small(head), None) for head in ("softmax", "xgboost")]
    pipeline = small(name) if name in HEADS else make_head_pipeline(Ensemble(members), scale=False)
    adjusted = adjust(pipeline, X, y, aim="recall=0.95", calibration="isotonic" if several else "auto")
    loaded = load_model(save_model(adjusted, tmp_path / "model"))
    other, _ = blobs([60, 60], shift=1, seed=1)  # a training row is its own nearest neighbour
    np.testing.assert_array_equal(loaded.predict_proba(other), adjusted.predict_proba(other))
    np.testing.assert_array_equal(loaded.predict(other), adjusted.predict(other))
    half = loaded.predict_proba(other) > 0.5
    assert not np.array_equal(loaded.predict(other), half if several else NAMES[half[:, 1].astype(int)])


def test_log_odds_are_finite():
    assert np.isfinite(log_odds([0.0, 1.0, 0.3])).all()
