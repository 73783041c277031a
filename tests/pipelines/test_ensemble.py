"""Ensembles: averages, chosen weights, saving and loading."""

import subprocess
import sys

import numpy as np
import pytest
from paths import ROOT
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from hybrid.classifiers import HEADS, make_head
from hybrid.classifiers.prior import corrected
from hybrid.errors import InputError
from hybrid.files import read_json
from hybrid.pipelines import Ensemble, choose_weights, load_model, make_ensemble, make_head_pipeline, save_model
from hybrid.pipelines.weighting import mixture_weights

SMALL = {"forest": {"n_estimators": 8, "n_jobs": 1}, "xgboost": {"n_estimators": 8, "n_jobs": 1}}


def data(kind="strings", n=80):
    """Return the concatenated embeddings of two extractors, with 6 and 4 columns, and labels."""
    X = np.random.default_rng(0).normal(size=(n, 10)).astype(np.float32)
    side = X[:, 0] + X[:, 7]
    return X, {
        "strings": np.where(side > 0, "sick", "healthy"),
        "classes": np.array([3, 5, 8])[np.digitize(side, [-0.5, 0.5])],
        "multilabel": np.stack([side > 0, X[:, 1] > 0.3, X[:, 8] > 0], axis=1).astype(int),
    }[kind]


def small(heads=tuple(HEADS), **options):
    return make_ensemble([6, 4], heads, params=SMALL, **options)


@parametrize_with_checks(
    [Ensemble([("a", make_head_pipeline("softmax", scale=False), None), ("b", make_head("softmax", C=1.0), None)])]
)
def test_estimator_check(estimator, check):
    check(estimator)


def test_an_ensemble_equals_the_voting_classifier_of_scikit_learn():
    X, y = data("classes")
    X = X.astype(np.float64)
    members = [("linear", LogisticRegression()), ("tree", DecisionTreeClassifier(max_depth=3, random_state=0))]
    theirs = VotingClassifier(members, voting="soft", weights=[3, 1]).fit(X, y)
    ours = Ensemble([(name, member, None) for name, member in members], weights=[3, 1]).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def weighted(model, X):
    """Return probabilities of a pipeline for the classes as they were weighted in training, which are averaged."""
    return model[-1].weighted_proba(model[:-1].transform(np.ascontiguousarray(X)))


@pytest.mark.parametrize("kind", ["strings", "classes", "multilabel"])
def test_every_member_uses_only_its_own_columns(kind):
    X, y = data(kind)
    ensemble = small(["svm", "softmax"]).fit(X, y)
    assert [name for name, *_ in ensemble.members] == ["svm-1", "softmax-1", "svm-2", "softmax-2"]
    alone = [make_head_pipeline(head).fit(part, y) for part in (X[:, :6], X[:, 6:]) for head in ("svm", "softmax")]
    parts = [X[:, :6], X[:, :6], X[:, 6:], X[:, 6:]]
    expected = [weighted(model, part) for model, part in zip(alone, parts, strict=True)]
    np.testing.assert_allclose(ensemble.member_probabilities(X), expected, rtol=1e-9)
    np.testing.assert_allclose(ensemble.weighted_proba(X), np.mean(expected, axis=0), rtol=1e-9)
    # All members have the same class weights, so that the mean is corrected as each of them is.
    mean = corrected(np.mean(expected, axis=0), alone[0][-1].prior_ratio_, kind == "multilabel")
    np.testing.assert_allclose(ensemble.predict_proba(X), mean, rtol=1e-9)


def test_columns_may_be_several_ranges():
    X, y = data()
    ensemble = Ensemble([("ends", make_head_pipeline("softmax"), [(0, 2), (8, 10)])]).fit(X, y)
    alone = make_head_pipeline("softmax").fit(X[:, [0, 1, 8, 9]], y)
    np.testing.assert_allclose(ensemble.predict_proba(X), alone.predict_proba(X[:, [0, 1, 8, 9]]), rtol=1e-5)


def test_weights_are_used_for_prediction_and_zero_excludes_a_member():
    X, y = data()
    ensemble = small(["svm", "softmax"]).fit(X, y)
    members = ensemble.member_probabilities(X)
    for weights in ([2, 0, 0, 6], [0, 1, 0, 0]):
        ensemble.set_params(weights=weights)
        expected = np.tensordot(np.array(weights) / np.sum(weights), members, 1)
        np.testing.assert_allclose(ensemble.weighted_proba(X), expected, rtol=1e-12)


def test_members_fitted_in_parallel_are_bit_for_bit_the_same():
    X, y = data()
    one, two = (small(n_jobs=n_jobs).fit(X, y) for n_jobs in (None, 2))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_sample_weights_reach_the_members():
    X, y = data()
    weights = np.where(np.arange(len(y)) % 3, 1.0, 3.0)
    ensemble = small(["softmax"]).fit(X, y, sample_weight=weights)
    alone = make_head_pipeline("softmax").fit(X[:, 6:], y, head__sample_weight=weights)
    np.testing.assert_allclose(ensemble.member_probabilities(X)[1], weighted(alone, X[:, 6:]), rtol=1e-9)


def test_a_frozen_member_is_not_fitted_again():
    X, y = data()
    fitted = make_head_pipeline("softmax").fit(X[:40, :6], y[:40])
    members = [("before", FrozenEstimator(fitted), [(0, 6)]), ("now", make_head_pipeline("softmax"), [(6, 10)])]
    ensemble = clone(Ensemble(members)).fit(X, y)
    np.testing.assert_allclose(ensemble.member_probabilities(X)[0], weighted(fitted, X[:, :6]), rtol=1e-9)


@pytest.mark.parametrize("kind", ["strings", "multilabel"])
def test_fitted_members_can_be_adopted_and_refitted(kind):
    X, y = data(kind)
    fitted = small(["svm", "xgboost"]).fit(X, y)
    adopted = Ensemble(fitted.members).adopt(fitted.models_, X.shape[1])
    np.testing.assert_array_equal(adopted.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(adopted.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(clone(adopted).fit(X, y).predict_proba(X), fitted.predict_proba(X))
    other = make_head_pipeline("softmax").fit(*data("classes"))
    with pytest.raises(InputError, match=r"'xgboost-1' has the classes \[3, 5, 8\]"):
        Ensemble(fitted.members[:2]).adopt([fitted.models_[0], other], X.shape[1])


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ([], {}, "no members"),
        ([("a", LogisticRegression(), None)] * 2, {}, "a different name for each"),
        ([("a", LogisticRegression(), [(0, 11)])], {}, "columns 0 to 11, but the embeddings have 10"),
        ([("a", LogisticRegression(), [(3, 3)])], {}, "columns 3 to 3"),
        ([("a", LogisticRegression(), None)], {"weights": [1, 2]}, "expected one for each"),
        ([("a", LogisticRegression(), None)], {"weights": [-1]}, "none of them negative"),
        ([("a", LogisticRegression(), None)], {"weights": [0]}, "at least one above 0"),
        ([("a", LogisticRegression(), None)], {"weights": [float("nan")]}, "none of them negative"),
    ],
)
def test_invalid_members_and_weights_are_rejected(members, options, message):
    with pytest.raises(InputError, match=message):
        Ensemble(members, **options).fit(*data())


def test_a_frozen_member_with_other_classes_is_rejected():
    X, y = data()
    other = LogisticRegression().fit(X, np.where(y == "sick", "ill", "well"))
    with pytest.raises(InputError, match=r"'other' has the classes \['ill', 'well'\]"):
        Ensemble([("other", FrozenEstimator(other), None)]).fit(X, y)


def probabilities(rng, y, sharpness):
    """Return calibrated probabilities of the positive class, which are the sharper, the better the model is."""
    logit = rng.normal(0, 1, len(y)) * sharpness + np.where(y == 1, 1, -1) * sharpness**2 / 2
    p = 1 / (1 + np.exp(-logit))
    return np.stack([1 - p, p], axis=1)


def test_weights_favour_the_better_member_and_are_shrunk_to_equal_weights():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 2000)
    proba = np.stack([probabilities(rng, y, sharpness) for sharpness in (0.3, 2.5)])
    free, drawn, tied = (mixture_weights(proba, y, prior=prior) for prior in (0, 1000, 1e9))
    assert free[1] > drawn[1] > 0.6
    assert tied == pytest.approx([0.5, 0.5], abs=1e-3)
    assert sum(drawn) == pytest.approx(1, abs=1e-5)


def test_equal_members_have_equal_weights():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 300)
    one = probabilities(rng, y, 1.5)
    assert mixture_weights(np.stack([one, one, one]), y) == pytest.approx([1 / 3] * 3, abs=1e-5)


def test_the_weights_maximise_the_balanced_likelihood_of_the_mixture():
    from scipy.optimize import minimize_scalar

    rng = np.random.default_rng(3)
    y = (rng.random(800) < 0.1).astype(int)
    proba = np.stack([probabilities(rng, y, sharpness) for sharpness in (1.0, 1.4)])
    row_weight = np.where(y == 1, 0.5 / (y == 1).mean(), 0.5 / (y == 0).mean())

    def loss(weight):
        mixture = weight * proba[0] + (1 - weight) * proba[1]
        prior = 50 * (np.log(weight) + np.log(1 - weight))
        return -(row_weight * np.log(mixture[np.arange(len(y)), y])).sum() - prior

    best = minimize_scalar(loss, bounds=(1e-6, 1 - 1e-6), method="bounded", options={"xatol": 1e-7}).x
    assert mixture_weights(proba, y, prior=100)[0] == pytest.approx(best, abs=1e-4)


def test_rare_classes_count_as_much_as_others_by_default():
    rng = np.random.default_rng(8)
    y = (rng.random(2000) < 0.05).astype(int)
    sure = np.where(y == 1, 0.9, 0.3), np.where(y == 1, 0.3, 0.1)  # one is right on the rare class, one on the other
    proba = np.stack([np.stack([1 - p, p], axis=1) for p in sure])
    balanced, plain = (mixture_weights(proba, y, balanced=balanced) for balanced in (True, False))
    assert balanced[0] > 0.5 > plain[0]


def test_labels_count_like_separate_tasks():
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, (500, 2))
    columns = [[probabilities(rng, y[:, k], sharpness)[:, 1] for k in range(2)] for sharpness in (0.3, 2.0)]
    weights = mixture_weights(np.array(columns).transpose(0, 2, 1), y)
    assert weights[1] > 0.7
    twice = np.array(columns)[:, [0, 0]].transpose(0, 2, 1)
    single = np.stack([1 - twice[:, :, 0], twice[:, :, 0]], axis=2)
    assert mixture_weights(twice, y[:, [0, 0]]) == pytest.approx(mixture_weights(single, y[:, 0]), abs=1e-5)


def test_cross_validated_weights_use_only_out_of_fold_predictions():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    y = (X[:, 0] + 0.5 * rng.normal(size=300) > 0).astype(int)
    by_heart = DecisionTreeClassifier(random_state=0)
    members = [("good", make_head_pipeline("softmax"), [(0, 1)]), ("by heart", by_heart, [(1, 4)])]
    ensemble = Ensemble(members)
    by_cv = choose_weights(ensemble, X, y, random_state=1)
    assert by_cv[0] > 0.7
    assert by_cv == choose_weights(ensemble, X, y, random_state=1)
    assert not hasattr(ensemble, "models_")
    fooled = choose_weights(clone(ensemble).fit(X, y), X, y, validation=(X, y))
    assert fooled[1] > 0.5


def test_weights_can_be_chosen_on_validation_data_that_lacks_a_class():
    X, y = data("classes")
    ensemble = small(["softmax"]).fit(X, y)
    some = y != 5
    weights = choose_weights(ensemble, X, y, validation=(X[some], y[some]))
    assert len(weights) == 2


def test_groups_are_never_split_when_weights_are_chosen():
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(30), 8)
    y = (np.arange(30) % 2)[groups]
    mark = rng.normal(size=(30, 3))[groups] + 0.01 * rng.normal(size=(240, 3))  # tells the group, not the class
    X = np.column_stack([y + rng.normal(0, 0.8, 240), mark]).astype(np.float32)
    nearest = DecisionTreeClassifier(random_state=0)
    members = [("class", make_head_pipeline("softmax"), [(0, 1)]), ("group", nearest, [(1, 4)])]
    apart = choose_weights(Ensemble(members), X, y, groups=groups)
    mixed = choose_weights(Ensemble(members), X, y)
    assert mixed[1] > 0.5 > apart[1]


def test_cross_validation_with_a_frozen_member_is_rejected():
    X, y = data()
    ensemble = Ensemble([("done", FrozenEstimator(LogisticRegression().fit(X, y)), None)])
    with pytest.raises(InputError, match="done are already fitted"):
        choose_weights(ensemble, X, y)


LOAD = """
import sys
from pathlib import Path
import numpy as np
from hybrid.pipelines import load_model

folder = Path(sys.argv[1])
X = np.load(folder / "X.npy")
for path in sorted(path for path in folder.iterdir() if path.is_dir()):
    np.save(folder / f"{path.name}.npy", load_model(path).predict_proba(X))
assert not {"keras", "tensorflow"} & set(sys.modules)
"""


@pytest.mark.medium
def test_a_loaded_ensemble_predicts_bit_for_bit_in_a_fresh_process(tmp_path):
    np.save(tmp_path / "X.npy", data()[0])
    expected = {}
    for kind in ("strings", "multilabel"):
        X, y = data(kind)
        fitted = make_head_pipeline("xgboost", **SMALL["xgboost"]).fit(X, y)
        ensemble = small(pca=3)
        members = [*ensemble.members, ("done", FrozenEstimator(fitted), None)]
        ensemble.set_params(members=members, weights=[*range(1, len(members)), 0.5])
        pipeline = Pipeline([("head", ensemble.fit(X, y))])
        expected[kind] = pipeline.predict_proba(X)
        model = save_model(pipeline, tmp_path / kind)
        assert sorted(path.name for path in (model / "boosters").iterdir()) == ["0.json", "1.json", "2.json"]
        np.testing.assert_array_equal(pipeline.predict_proba(X), expected[kind])
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path)], cwd=ROOT, check=True)
    for kind, proba in expected.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{kind}.npy"), proba)


@pytest.mark.medium
def test_a_loaded_ensemble_can_be_fitted_and_saved_again(tmp_path):
    X, y = data()
    model = save_model(Pipeline([("head", small().fit(X, y))]), tmp_path / "model")
    again = load_model(model).fit(*data("classes"))
    assert load_model(save_model(again, model)).classes_.tolist() == [3, 5, 8]


def test_a_booster_without_head_and_a_head_without_booster_are_rejected(tmp_path):
    from hybrid.pipelines.saved.booster import attach_boosters, detach_boosters

    X, y = data()
    whole = make_head_pipeline("xgboost", **SMALL["xgboost"]).fit(X, y)
    bare, boosters = detach_boosters(whole)
    with pytest.raises(InputError, match="no head uses boosters/7.json"):
        attach_boosters(bare, boosters | {"boosters/7.json": boosters["boosters/0.json"]})
    with pytest.raises(InputError, match="boosters cannot be loaded: 'boosters/0.json'"):
        attach_boosters(bare, {"boosters/1.json": boosters["boosters/0.json"]})
    narrow = make_head_pipeline("xgboost", **SMALL["xgboost"]).fit(X[:, :3], y)
    with pytest.raises(InputError, match="a booster has 3 columns, but its head has 10"):
        attach_boosters(bare, detach_boosters(narrow)[1])
    np.testing.assert_array_equal(attach_boosters(bare, boosters).predict_proba(X), whole.predict_proba(X))


def test_the_manifest_of_an_ensemble_lists_its_files(tmp_path):
    model = save_model(Pipeline([("head", small(["xgboost", "svm"]).fit(*data()))]), tmp_path / "model")
    assert set(read_json(model / "manifest.json")["files"]) == {"head.skops", "boosters/0.json", "boosters/1.json"}
    (model / "boosters" / "1.json").unlink()
    with pytest.raises(InputError, match=r"boosters/1\.json .it is missing"):
        load_model(model)
