"""A head that was adapted to a new site: how it decides, and that it can be saved."""

import numpy as np
import pytest
from scipy.special import logit, ndtr

from hybrid import InputError, load_model, save_model
from hybrid.pipelines import adjust, make_head_pipeline
from hybrid.pipelines.adapted import AdaptedHead, is_balanced, smoothed_shares
from hybrid.pipelines.threshold_rule import threshold_rule

SITE = 4000


def site(n, seed, shift=0.0, classes=2):
    """Embeddings and labels; `shift` moves all embeddings of the site towards the last class."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    X = np.zeros((n, 6))
    X[:, 0] = 1.5 * codes + shift
    return (X + rng.normal(size=X.shape)).astype(np.float32), np.array(["a", "b", "c"])[codes]


def adapted(pipeline, update, X, y, **settings):
    head = pipeline[-1]
    new = AdaptedHead(head, update=update, **settings).adopt(head, pipeline.predict_proba(X), y)
    return type(pipeline)([*pipeline.steps[:-1], ("head", new)])


@pytest.fixture(scope="module")
def model():
    return make_head_pipeline("softmax").fit(*site(2000, 0))


@pytest.mark.parametrize("update", ["threshold", "intercept", "calibration"])
def test_labels_of_a_shifted_site_are_right_again(model, update):
    X, y = site(400, 1, shift=1.0)
    new, truth = site(SITE, 2, shift=1.0)
    before = np.mean([(model.predict(new) == truth)[truth == label].mean() for label in "ab"])
    labels = adapted(model, update, X, y).predict(new)
    after = np.mean([(labels == truth)[truth == label].mean() for label in "ab"])
    assert before < 0.70
    assert after == pytest.approx(ndtr(0.75), abs=0.02)  # the best of any model: the classes are 1.5 SD apart


def test_a_new_threshold_leaves_the_probabilities_as_they_are(model):
    X, y = site(400, 1, shift=1.0)
    head = adapted(model, "threshold", X, y)
    np.testing.assert_array_equal(head.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(head[-1].class_shares_, model[-1].class_shares_)


def test_balanced_weights_decide_at_the_frequency_of_the_new_site(model):
    X, y = site(600, 1)
    kept = (y == "a") | (np.arange(600) % 5 == 0)  # b is rarer here
    head = adapted(model, "calibration", X[kept], y[kept])
    share = smoothed_shares(y[kept], np.array(["a", "b"]))[0, 1]
    proba = head.predict_proba(X)
    np.testing.assert_array_equal(head.predict(X) == "b", proba[:, 1] >= share - 1e-12)
    assert f"{share:.3f}" in threshold_rule(head[-1], ["a", "b"], False)


def test_unweighted_classes_decide_at_one_half():
    X, y = site(600, 1, shift=1.0)
    plain = make_head_pipeline("softmax", class_weight=None).fit(*site(2000, 0))
    assert not is_balanced(plain[-1])
    head = adapted(plain, "intercept", X, y)
    np.testing.assert_array_equal(head.predict(X) == "b", head.predict_proba(X)[:, 1] >= 0.5)


def test_the_threshold_for_an_aim_is_chosen_again(model):
    X, y = site(2000, 3)
    aimed = adjust(model, X, y, aim="recall=0.9", positive="a", validation=(X, y))
    new, truth = site(2000, 4, shift=1.0)
    assert (aimed.predict(new) == "a")[truth == "a"].mean() < 0.8
    for update in ("threshold", "intercept", "calibration"):
        labels = adapted(aimed, update, new, truth).predict(new)
        assert (labels == "a")[truth == "a"].mean() == pytest.approx(0.9, abs=0.005)


def test_what_cannot_be_done_is_said(model):
    X, y = site(50, 1)
    with pytest.raises(InputError, match="Unknown update 'slope'"):
        adapted(model, "slope", X, y)
    with pytest.raises(InputError, match="cannot be fitted to other images"):
        adapted(model, "threshold", X, y).fit(X, y)


@pytest.mark.parametrize("update", ["threshold", "intercept", "calibration"])
@pytest.mark.parametrize("task", ["binary", "aim", "multiclass", "multilabel"])
def test_it_is_saved_and_loaded(tmp_path, update, task):
    if (update, task) == ("threshold", "multiclass"):
        pytest.skip("a threshold decides between two classes")
    X, y = site(300, 0, classes=3 if task == "multiclass" else 2)
    if task == "multilabel":
        y = np.column_stack([y == "b", X[:, 1] > 0]).astype(np.uint8)
    pipeline = make_head_pipeline("svm").fit(X, y)
    if task == "aim":
        pipeline = adjust(pipeline, X, y, aim="recall=0.9", calibration="auto", validation=(X, y))
    new = adapted(pipeline, update, X[:100] + 0.5, y[:100])
    loaded = load_model(save_model(new, tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict_proba(X), new.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), new.predict(X))
    if update != "threshold":
        assert not np.allclose(new.predict_proba(X), pipeline.predict_proba(X))


def test_a_damaged_array_is_found_when_a_model_is_loaded(model, tmp_path):
    head = adapted(model, "calibration", *site(100, 1))
    head[-1].calibration_.slopes_ = np.array([np.nan])
    folder = save_model(head, tmp_path / "model")
    with pytest.raises(InputError, match="slopes_ of ShrunkCalibration holds NaN"):
        load_model(folder)


def test_labels_that_do_not_vary_keep_their_threshold():
    X, y = site(300, 0)
    labels = np.column_stack([y == "b", X[:, 1] > 0]).astype(np.uint8)
    pipeline = make_head_pipeline("softmax").fit(X, labels)
    some = labels[:, 1] == 1
    head = adapted(pipeline, "threshold", X[some], labels[some])[-1]
    ratio = pipeline[-1].prior_ratio_
    assert head.thresholds_[1] == pytest.approx(ratio[1, 1] / ratio[1].sum())
    assert head.notes_ == ["The thresholds of the label columns 1 stay: all new images have the same value."]


def test_intercepts_move_the_log_odds_alike(model):
    X, y = site(200, 1, shift=1.0)
    moved = logit(adapted(model, "intercept", X, y).predict_proba(X)[:, 1]) - logit(model.predict_proba(X)[:, 1])
    assert np.ptp(moved) < 1e-6
    assert moved.mean() < -0.5
