"""Methods that adapt a model to a new site, on embeddings whose shift is known."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from hybrid import InputError
from hybrid.adaptation.advice import advice
from hybrid.adaptation.automatic import choose_method
from hybrid.adaptation.curve import AdaptingCurve, CurvePoint, adapting_curve
from hybrid.adaptation.draws import check_number, draw_images, sizes_up_to
from hybrid.adaptation.folds import site_folds
from hybrid.adaptation.methods import Parent, SiteImages, adapt_with
from hybrid.adaptation.refit import fit_to_new, refit
from hybrid.classifiers import NetworkOutput, SklearnHead, Softmax
from hybrid.embeddings.joined_set import LabelledRows
from hybrid.pipelines import make_head_pipeline


def rows(n, seed, shift=0.0, rotated=False, classes=2):
    """Embeddings of n images; at another site they are shifted, or another column tells the classes apart."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, n)
    X = rng.normal(size=(n, 8))
    X[:, 0] += shift
    X[:, 1 if rotated else 0] += 2.0 * codes
    return LabelledRows(X.astype(np.float32), np.array(["a", "b", "c"])[codes], None)


def parent_of(old, head="softmax", task="binary"):
    return Parent(make_head_pipeline(head).fit(old.X, old.y), task, old, positive="b" if task == "binary" else None)


def seen_by(parent, new):
    return SiteImages(new.X, new.y, new.groups, parent.pipeline.predict_proba(new.X), parent.pipeline.predict(new.X))


@pytest.fixture(scope="module")
def parent():
    return parent_of(rows(600, 0))


def test_draws_divide_no_group_and_are_nested():
    groups, y = np.repeat(np.arange(40), 5), np.repeat(["a", "b", "b", "b"], 50)
    small, large = draw_images(y, groups, 23, 7), draw_images(y, groups, 60, 7)
    np.testing.assert_array_equal(large.order[:23], small.order)
    assert len(small.order) == 23
    for draw in (small, large):
        assert not set(groups[draw.order]) & set(groups[draw.judging])
        assert set(groups[draw.order]) | set(groups[draw.judging]) == set(groups)
    assert (y[large.order] == "b").mean() == pytest.approx(0.75, abs=0.05)
    assert not np.array_equal(draw_images(y, groups, 60, 8).order, large.order)


def test_the_first_images_of_a_draw_hold_each_class_in_proportion():
    y = np.random.default_rng(0).permutation(np.repeat(["a", "b"], [900, 100]))
    for seed in range(5):
        drawn = y[draw_images(y, None, 200, seed).order]
        assert [int((drawn[:size] == "b").sum()) for size in (20, 50, 100, 200)] == pytest.approx([2, 5, 10, 20], abs=1)


def test_numbers_of_images():
    assert sizes_up_to(1000, also=70) == (20, 50, 70, 100, 200, 500, 1000)
    with pytest.raises(InputError, match="5 adapting images were asked for; expected at least 10"):
        check_number(5, 100)
    with pytest.raises(InputError, match="Ask for at most 50"):
        check_number(51, 100)


def test_folds_of_few_images_divide_no_group():
    y, groups = np.array(["a"] * 9 + ["b"]), np.repeat(np.arange(5), 2)
    folds = site_folds(y, groups, most=3)
    assert len(folds) == 3
    assert all(not set(groups[train]) & set(groups[test]) for train, test in folds)
    assert site_folds(y, np.zeros(10)) == []


def test_a_refit_fits_weighted_old_and_new_images(parent):
    new = rows(60, 1, rotated=True)
    found = refit(parent.pipeline, parent.old, new)
    X, y = np.concatenate([parent.old.X, new.X]), np.concatenate([parent.old.y, new.y])
    weights = np.repeat([(1 - found.share) / 600, found.share / 60], [600, 60]) * 660
    by_hand = Softmax().fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
    np.testing.assert_allclose(found.pipeline[-1].models_[0].coef_, by_hand.models_[0].coef_, atol=1e-4)
    assert found.share == 0.6  # the more, the better, if the sites have little in common


def test_out_of_fold_losses_are_those_of_images_that_were_not_fitted(parent):
    y = np.random.default_rng(0).permutation(rows(60, 1).y)  # labels that mean nothing
    noise = LabelledRows(rows(60, 1).X, y, None)
    assert refit(parent.pipeline, parent.old, noise).losses.mean() > 0.65


def test_of_a_site_with_other_features_a_refit_is_chosen(parent):
    choice = choose_method(parent, seen_by(parent, rows(200, 1, rotated=True)))
    assert choice.method == "refit"
    assert "refit (the lowest)" in choice.note


def test_no_change_is_chosen_at_the_same_site():
    parent = parent_of(rows(600, 0), Softmax(C=1.0))  # its probabilities are calibrated
    chosen = [choose_method(parent, seen_by(parent, rows(50, seed))).method for seed in range(1, 7)]
    assert chosen.count("none") >= 4


def test_of_a_shifted_site_the_calibration_is_chosen_not_the_refit(parent):
    chosen = [choose_method(parent, seen_by(parent, rows(100, seed, shift=1.5))).method for seed in range(1, 6)]
    assert set(chosen) <= {"intercept", "calibration"}


def test_the_curve_of_a_shifted_site(parent):
    site = seen_by(parent, rows(600, 1, shift=1.5))
    curve = adapting_curve(parent, site, (20, 100), ("balanced_accuracy", "log_loss", "roc_auc"), draws=3)
    assert curve.judging == (500, 500, 500)
    assert curve.failures == {}
    for method in ("threshold", "intercept", "calibration", "refit", "auto"):
        point = curve.point(method, 100)
        assert point.gain > 0.05
        assert point.better == point.draws == 3
        assert point.low <= point.mean <= point.high
    assert curve.point("threshold", 100, "log_loss").gain == 0
    assert curve.point("calibration", 100, "roc_auc").gain == pytest.approx(0, abs=1e-12)
    assert curve.point("intercept", 100, "log_loss").gain > 0.1  # the loss falls, which is a gain
    assert curve.point("new", 20).mean < curve.point("new", 100).mean
    assert len(curve.table()) == 2 * 7 * 3


def test_the_curve_is_the_same_with_the_same_seed(parent):
    site = seen_by(parent, rows(100, 1))
    one, other = (adapting_curve(parent, site, (20,), ("log_loss",), draws=2, random_state=3) for _ in range(2))
    assert one == other


def test_several_classes_and_labels():
    old, new = rows(500, 0, classes=3), rows(300, 1, shift=1.0, classes=3)
    parent = parent_of(old, task="multiclass")
    assert list(parent.unavailable) == ["threshold"]
    curve = adapting_curve(parent, seen_by(parent, new), (100,), ("accuracy", "log_loss"), draws=2)
    assert curve.point("intercept", 100, "log_loss").gain > 0
    labels = [np.column_stack([part.y == "b", part.X[:, 2] > 0]).astype(np.uint8) for part in (old, new)]
    parent = parent_of(LabelledRows(old.X, labels[0], None), task="multilabel")
    site = seen_by(parent, LabelledRows(new.X, labels[1], None))
    curve = adapting_curve(parent, site, (50,), ("f1_macro", "hamming_loss"), draws=2)
    assert curve.methods == ("none", "threshold", "intercept", "calibration", "refit", "new", "auto")
    assert all(curve.point(method, 50).draws == 2 for method in curve.methods)


def test_what_cannot_be_adapted_is_said():
    old = rows(60, 0)
    alone = Parent(make_head_pipeline("softmax").fit(old.X, old.y), "binary", no_old="its set is gone")
    with pytest.raises(InputError, match="'refit' cannot adapt this model: its set is gone"):
        alone.check("refit")
    with pytest.raises(InputError, match="Unknown method 'platt'"):
        alone.check("platt")
    with pytest.raises(InputError, match="'refit' cannot adapt this model"):
        adapt_with("refit", alone, seen_by(alone, old))
    proba = np.column_stack([np.full(60, 0.5)] * 2).astype(np.float32)
    network = Parent(make_head_pipeline(NetworkOutput(), scale=False).fit(proba, old.y), "binary", old)
    assert "output of a trained network" in network.unavailable["refit"]
    with pytest.raises(InputError, match="lack a class"):
        fit_to_new(parent_of(rows(99, 0, classes=3), task="multiclass").pipeline, old)
    unweighted = make_head_pipeline(SklearnHead(KNeighborsClassifier())).fit(old.X, old.y)
    with pytest.raises(InputError, match="KNeighborsClassifier does not support sample weights"):
        refit(unweighted, old, rows(60, 1))


def curve_of(gains, metric="balanced_accuracy"):
    """A curve of "auto" with these gains over a score of 0.8."""
    plain = [CurvePoint("none", size, metric, 0.8, 0, 0.8, 0.8, 0.0, 0, 0, 10) for size in gains]
    points = [CurvePoint("auto", n, metric, 0.8 + g, 0, 0, 1, g, 0, 10 if g > 0 else 3, 10) for n, g in gains.items()]
    return AdaptingCurve((*plain, *points), 10, (500,), (metric,))


def test_the_advice_names_the_images_that_are_worth_their_labels():
    [sentence] = advice(curve_of({20: 0.002, 50: 0.08, 100: 0.11, 200: 0.114}))
    assert "over 10 draws is 0.800; auto reaches 0.880 with 50 and 0.910 with 100 labelled images" in sentence
    assert sentence.endswith("Up to 200 images gain less than 0.010 beyond that.")
    [sentence] = advice(curve_of({20: 0.02, 50: 0.05}))
    assert sentence.endswith("More images would probably gain more.")
    [sentence] = advice(curve_of({20: -0.05, 50: 0.004}))
    assert "with up to 50 labelled images, auto does not improve it by 0.010 or more on average" in sentence
