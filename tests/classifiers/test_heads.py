"""Behaviour that all heads share, tested on small seeded data."""

import subprocess
import sys

import numpy as np
import pytest
import xgboost
from sklearn.base import clone
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import ParameterGrid
from sklearn.preprocessing import minmax_scale

from hybrid.classifiers import DEFAULT_HEADS, HEADS, KNN, LinearSVM, RandomForest, Softmax, XGBoost, make_head
from hybrid.classifiers.calibration import calibration_folds
from hybrid.errors import InputError

SMALL: dict[str, dict[str, float]] = {
    "forest": {"n_estimators": 50},
    "xgboost": {"n_estimators": 50, "colsample_bytree": 0.5, "n_jobs": 1},
}

each_head = pytest.mark.parametrize("name", [name for name in HEADS if name != "logistic"])  # the same as softmax


def small(name, **params):
    return make_head(name, **SMALL.get(name, {}), **params)


def blobs(counts, shift=1.0, width=16, seed=0):
    """Return embeddings and class indices; each class is shifted along its own direction."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    X = rng.normal(size=(len(y), width)).astype(np.float32)
    X[np.arange(len(y)), y] += shift
    order = rng.permutation(len(y))
    return X[order], y[order]


def labels_of(X):
    """Return three 0/1 labels that depend on the first columns; the last one is rare."""
    return np.column_stack([X[:, 0] > 0, X[:, 1] > 0.5, X[:, 2] > 1]).astype(int)


# -- the table --------------------------------------------------------------------------------------


def test_importing_the_package_imports_neither_scikit_learn_nor_xgboost():
    code = (
        "import sys, hybrid.classifiers as c; assert set(c.__all__) <= set(dir(c)) and c.HEADS; "
        "sys.exit(bool({'sklearn', 'xgboost', 'scipy', 'pandas', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_table_and_lazy_names_give_the_same_classes():
    classes = {"svm": LinearSVM, "forest": RandomForest, "xgboost": XGBoost, "softmax": Softmax}
    assert tuple(classes) == DEFAULT_HEADS
    assert {name: row.load() for name, row in HEADS.items()} == classes | {"logistic": Softmax, "knn": KNN}
    assert all(name == row.name and row.summary for name, row in HEADS.items())


def test_make_head_suggests_similar_names():
    with pytest.raises(InputError, match=r"Unknown head 'svn'\. Nearest: 'svm'"):
        make_head("svn")
    with pytest.raises(InputError, match=r"Unknown svm parameter 'max_iters'\. Nearest: 'max_iter'"):
        make_head("svm", max_iters=3)


@each_head
def test_search_space_holds_valid_settings_and_the_default(name):
    head = make_head(name)
    grid = list(ParameterGrid(head.search_space()))
    assert 2 <= len(grid) <= 12
    assert {key: head.get_params()[key] for key in grid[0]} in grid
    X, y = blobs([20, 20], shift=3)
    settings = SMALL.get(name, {}) | grid[-1]
    assert clone(head).set_params(**settings).fit(X, y).score(X, y) > 0.8


# -- labels -----------------------------------------------------------------------------------------


@each_head
@pytest.mark.parametrize(
    "names", [["no", "yes"], [1, 2], [-3, 7, 40], ["c", "a", "b"], [False, True]], ids=lambda names: str(names)
)
def test_labels_come_back_as_they_were_given(name, names):
    X, codes = blobs([40] * len(names), shift=4)
    y = np.array(names)[codes]
    head = small(name).fit(X, y)
    assert head.classes_.tolist() == sorted(names)
    assert head.predict(X).dtype == y.dtype
    assert head.score(X, y) > 0.9
    probabilities = head.predict_proba(X)
    assert probabilities.shape == (len(X), len(names))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(head.predict(X), head.classes_[probabilities.argmax(axis=1)])


@each_head
def test_multilabel_gives_a_probability_for_each_label(name):
    X, _ = blobs([200, 200], shift=0)
    Y = labels_of(X)
    head = small(name).fit(X[:300], Y[:300])
    probabilities, predicted = head.predict_proba(X[300:]), head.predict(X[300:])
    assert probabilities.shape == predicted.shape == (100, 3)
    np.testing.assert_array_equal(predicted, head.weighted_proba(X[300:]) >= 0.5)
    # With balanced weights that is a threshold equal to the frequency of the label.
    np.testing.assert_array_equal(predicted, probabilities >= Y[:300].mean(axis=0))
    for label in range(3):
        held_out = Y[300:, label] == 1
        weighted = head.weighted_proba(X[300:])[:, label]
        assert weighted[held_out].mean() > weighted[~held_out].mean() + 0.2


@each_head
def test_unseen_rows_of_separable_classes_are_classified_correctly(name):
    X, y = blobs([60, 60, 60], shift=6)
    assert small(name).fit(X[:120], y[:120]).score(X[120:], y[120:]) > 0.9


# -- weights ----------------------------------------------------------------------------------------


@each_head
def test_balanced_weights_are_the_default_and_find_more_of_the_rare_class(name):
    X, y = blobs([300, 30], shift=1)
    unseen, _ = blobs([300, 30], shift=1, seed=1)
    balanced, plain = small(name).fit(X, y), small(name, class_weight=None).fit(X, y)
    assert balanced.get_params()["class_weight"] == "balanced"
    assert balanced.weighted_proba(unseen)[:, 1].mean() > 1.3 * plain.predict_proba(unseen)[:, 1].mean()
    assert (balanced.predict(unseen) == 1).sum() > (plain.predict(unseen) == 1).sum()
    by_hand = small(name, class_weight={0: 330 / 600, 1: 330 / 60}).fit(X, y)
    np.testing.assert_allclose(by_hand.predict_proba(unseen), balanced.predict_proba(unseen), rtol=1e-6)


@pytest.mark.medium
@each_head
def test_balanced_weights_work_on_each_label_by_itself(name):
    X, _ = blobs([400], shift=0)
    Y = labels_of(X)
    rows = blobs([400], shift=0, seed=1)[0] if name == "knn" else X  # a training row is its own nearest neighbour
    balanced = small(name).fit(X, Y).weighted_proba(rows).mean(axis=0)
    plain = small(name, class_weight=None).fit(X, Y).predict_proba(rows).mean(axis=0)
    assert Y[:, 2].mean() < 0.25
    assert balanced[2] > plain[2] + 0.02
    assert abs(balanced[0] - plain[0]) < 0.02


@pytest.mark.parametrize("class_weight", ["balanced", None, {0: 1, 1: 3}])
def test_probabilities_refer_to_the_class_frequencies_whatever_the_weights(class_weight):
    X, y = blobs([900, 100], shift=1.5, width=4)
    weight = np.where(y == 0, 1 / 900, 1 / 100)
    for name in ("svm", "softmax"):
        head = make_head(name, C=1, class_weight=class_weight).fit(X, y)
        assert head.predict_proba(X)[:, 1].mean() == pytest.approx(0.1, abs=0.02)
        np.testing.assert_allclose(head.class_shares_, [[0.9, 0.1]])
        if class_weight == "balanced":
            assert np.average(head.weighted_proba(X)[:, 1], weights=weight) == pytest.approx(0.5, abs=0.02)


@each_head
def test_the_correction_for_the_weights_is_that_of_bayes_and_changes_no_label(name):
    X, y = blobs([200, 60, 30], shift=2)
    head = small(name).fit(X, y)
    shares = np.array([200, 60, 30]) / 290
    odds = head.weighted_proba(X) * shares / (1 / 3)
    np.testing.assert_allclose(head.predict_proba(X), odds / odds.sum(axis=1, keepdims=True), rtol=1e-9)
    np.testing.assert_array_equal(head.predict(X), head.weighted_proba(X).argmax(axis=1))


@each_head
@pytest.mark.parametrize("multilabel", [False, True])
def test_weight_zero_is_the_same_as_leaving_the_row_out(name, multilabel):
    X, y = blobs([60, 60], shift=1)
    y = labels_of(X) if multilabel else y
    weight = np.ones(120)
    weight[::3] = 0
    weighted = small(name).fit(X, y, sample_weight=weight)
    left_out = small(name).fit(X[weight > 0], y[weight > 0])
    np.testing.assert_array_equal(weighted.predict_proba(X), left_out.predict_proba(X))


def test_class_weight_that_does_not_fit_the_labels():
    X, y = blobs([10, 10])
    with pytest.raises(InputError, match=r"class_weight names \['a'\], but the classes are \[0, 1\]"):
        Softmax(class_weight={"a": 2}).fit(X, y)
    with pytest.raises(InputError, match="class_weight='equal' was given"):
        Softmax(class_weight="equal").fit(X, y)


# -- bad input --------------------------------------------------------------------------------------


@each_head
def test_values_that_are_not_finite_are_counted(name):
    X, y = blobs([20, 20], shift=3)
    head = small(name).fit(X, y)
    bad = X.copy()
    bad[[5, 9], 3] = np.nan
    for call in (lambda: small(name).fit(bad, y), lambda: head.predict(bad)):
        with pytest.raises(InputError, match="contain NaN in 2 of 40 rows, first in row 5"):
            call()
    bad[[5, 9], 3] = np.inf
    with pytest.raises(InputError, match="contain infinity in 2 of 40 rows"):
        head.predict_proba(bad)


@each_head
def test_a_single_class_is_refused(name):
    X, _ = blobs([10, 10])
    with pytest.raises(InputError, match=r"only one class \('cat'\)"):
        small(name).fit(X, np.repeat("cat", 20))
    Y = labels_of(X)
    Y[:, 1] = 0
    with pytest.raises(InputError, match="Label column 1 is 0 in all 20 rows"):
        small(name).fit(X, Y)


def test_a_label_matrix_with_values_other_than_0_and_1_is_refused():
    X, _ = blobs([10, 10])
    with pytest.raises(InputError, match=r"must be 0 or 1; these contain \[1, 2\]"):
        Softmax().fit(X, labels_of(X) + 1)


@pytest.mark.parametrize("name", ["forest", "xgboost", "softmax", "knn"])
def test_a_class_with_one_sample_is_learnt(name):
    X, y = blobs([20, 20, 1], shift=4)
    assert small(name).fit(X, y).predict_proba(X).shape == (41, 3)


def test_calibration_uses_fewer_folds_for_small_classes_and_refuses_single_samples():
    X, y = blobs([20, 20, 2], shift=4)
    assert LinearSVM(C=1).fit(X, y).predict_proba(X).shape == (42, 3)
    X, y = blobs([20, 1], shift=4)
    with pytest.raises(InputError, match="Class rare has only 1 sample"):
        LinearSVM().fit(X, np.array(["common", "rare"])[y])
    with pytest.raises(InputError, match="Class 1 of label column 1 has only 1 sample"):
        LinearSVM().fit(X, np.column_stack([X[:, 2] > 0, y]).astype(int))


def test_invalid_svm_settings_are_refused():
    X, y = blobs([10, 10])
    with pytest.raises(InputError, match=r"Unknown calibration 'sigmoids'\. Nearest: 'sigmoid'"):
        LinearSVM(calibration="sigmoids").fit(X, y)
    with pytest.raises(InputError, match="cv=1 was given"):
        LinearSVM(cv=1).fit(X, y)


# -- repeatability and probabilities ----------------------------------------------------------------


@pytest.mark.medium
@each_head
@pytest.mark.parametrize("multilabel", [False, True])
def test_the_same_data_gives_the_same_bits(name, multilabel):
    X, y = blobs([100, 100, 100], shift=1)
    y = labels_of(X) if multilabel else y
    head = small(name).fit(X, y)
    first = head.predict_proba(X)
    np.testing.assert_array_equal(head.predict_proba(X), first)
    np.testing.assert_array_equal(clone(head).fit(X, y).predict_proba(X), first)


@pytest.mark.parametrize("calibration", ["sigmoid", "isotonic", "temperature"])
def test_svm_probabilities_are_better_than_rescaled_decision_values(calibration):
    X, y = blobs([1000, 1000], shift=2)
    head = LinearSVM(calibration=calibration).fit(X[:1000], y[:1000])
    machine = head.models_[0].calibrated_classifiers_[0].estimator
    rescaled = minmax_scale(machine.decision_function(X[1000:]))
    calibrated = head.predict_proba(X[1000:])[:, 1]
    assert brier_score_loss(y[1000:], calibrated) < 0.9 * brier_score_loss(y[1000:], rescaled)


def test_the_calibration_keeps_groups_together():
    X, y = blobs([60, 60], shift=0, width=64)  # the labels are noise, so new rows cannot be predicted
    groups = np.repeat(np.arange(120), 5)
    noise = np.random.default_rng(0).normal(0, 1e-6, (600, 64))  # equal rows would stay together without groups
    views = X[groups] + noise
    new = blobs([200, 200], shift=0, width=64, seed=1)[0]
    confidence = {}
    for name, given_groups in (("rows", None), ("groups", groups)):
        head = LinearSVM(C=1.0).fit(views, y[groups], groups=given_groups)
        confidence[name] = np.abs(head.predict_proba(new)[:, 1] - 0.5).mean()
    assert confidence["groups"] < 0.5 * confidence["rows"]


def test_folds_of_the_calibration_are_stratified_by_group():
    codes, groups = np.repeat([0, 1, 0, 1, 0], [3, 2, 3, 2, 3]), np.repeat([0, 1, 2, 3, 4], [3, 2, 3, 2, 3])
    folds = calibration_folds(None, codes, groups, cv=5, seed=0)
    assert len(folds) == 2  # the rarer class has two groups
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert set(codes[train]) == set(codes[test]) == {0, 1}
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(codes)))
    one_group = np.where(codes, 1, groups)  # all rows of class 1 are one group
    folds = calibration_folds(None, codes, one_group, cv=5, seed=0)
    assert all(set(codes[train]) == {0, 1} for train, _ in folds)


@each_head
def test_every_head_accepts_groups_and_drops_those_of_rows_with_weight_zero(name):
    X, y = blobs([40, 40])
    groups = np.repeat(np.arange(40), 2).astype(str)
    kept = np.arange(80) % 4 > 0
    weighted = small(name).fit(X, y, sample_weight=kept.astype(float), groups=groups)
    fewer = small(name).fit(X[kept], y[kept], groups=groups[kept])
    np.testing.assert_allclose(weighted.predict_proba(X), fewer.predict_proba(X), rtol=1e-5)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small(name).fit(X, y, groups=groups[:-1])


@each_head
def test_no_probability_is_exactly_zero(name):
    X, y = blobs([50, 50, 50], shift=4)
    assert small(name).fit(X, y).predict_proba(X).min() > 0


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("multilabel", [False, True])
def test_xgboost_can_be_saved_as_json(tmp_path, multilabel, n_classes):
    X, y = blobs([50] * n_classes, shift=1)
    y = labels_of(X)[:, :n_classes] if multilabel else y
    head = small("xgboost").fit(X, y)
    expected = head.predict_proba(X)
    head.model_.get_booster().save_model(tmp_path / "booster.json")
    head.model_ = xgboost.XGBClassifier()
    head.model_.load_model(tmp_path / "booster.json")
    np.testing.assert_array_equal(head.predict_proba(X), expected)


def test_xgboost_labels_with_equal_weights_match_its_own_objective():
    X, _ = blobs([200], shift=0)
    Y = labels_of(X)
    head = small("xgboost", class_weight=None).fit(X, Y)
    params = {key: value for key, value in head.get_params().items() if key != "class_weight"}
    own = xgboost.XGBClassifier(tree_method="hist", base_score=[0.5] * 3, **params).fit(X, Y)
    np.testing.assert_allclose(head.predict_proba(X), own.predict_proba(X), rtol=1e-5)


def test_the_calibration_never_reverses_the_decisions_of_the_svm():
    """With few, noisy rows, the folds of the calibration contradict the machine that is trained on all rows."""
    from sklearn.svm import LinearSVC

    rng = np.random.default_rng(0)
    for draw in range(20):
        y = np.repeat([0, 1], 10)
        X = rng.normal(size=(20, 60)) + 0.1 * y[:, None]
        machine = LinearSVC(C=0.001, random_state=0).fit(X, y)
        head = LinearSVM().fit(X, y)
        order = np.argsort(machine.decision_function(X))
        assert (np.diff(head.predict_proba(X)[order, 1]) >= -1e-12).all(), draw
    y = np.repeat(np.arange(20), 4)
    X = rng.normal(size=(80, 100)) + 0.3 * rng.normal(size=(20, 100))[y]
    assert (LinearSVM().fit(X, y).predict(X) == y).mean() > 0.95


# -- the forest on partial least squares ------------------------------------------------------------


def spread(n, width=200, seed=0):
    """Return embeddings in which every column carries a little information about three 0/1 labels, and the labels."""
    rng = np.random.default_rng(seed)
    Y = rng.integers(0, 2, (n, 3))
    mixing = np.random.default_rng(1).normal(size=(3, width))
    return (Y @ mixing * 0.25 + rng.normal(size=(n, width))).astype(np.float32), Y


@pytest.mark.medium
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_partial_least_squares_help_a_forest_if_single_columns_carry_little_information(task):
    (X, Y), (unseen, truth) = spread(300), spread(600, seed=2)
    if task == "binary":
        Y, truth = Y[:, 0], truth[:, 0]
    if task == "multiclass":  # three classes: none, the first, the second
        Y, truth = Y[:, 0] + Y[:, 0] * Y[:, 1], truth[:, 0] + truth[:, 0] * truth[:, 1]
    plain, projected = small("forest").fit(X, Y), small("forest", pls=4).fit(X, Y)
    assert projected.score(unseen, truth) > plain.score(unseen, truth) + 0.03
    assert projected.projection_.shape == (200, 4)
    assert {model.n_features_in_ for model in projected.models_} == {4}


def test_there_are_at_most_as_many_components_as_columns():
    X, y = blobs([40, 40], shift=3, width=6)
    assert small("forest", pls=16).fit(X, y).projection_.shape == (6, 6)
    one_column = np.eye(6, dtype=np.float32)[y]  # one component explains y completely; there must be no warning
    assert small("forest", pls=4).fit(one_column, y).score(one_column, y) == 1


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_weights_of_rows_and_classes_count_like_repeated_rows_in_partial_least_squares(task):
    X, y = blobs([30, 20, 15] if task == "multiclass" else [40, 25], shift=1)
    if task == "multilabel":
        y = labels_of(X)
    times = np.random.default_rng(0).integers(1, 4, len(X))
    repeated = np.repeat(np.arange(len(X)), times)
    settings = {"n_estimators": 2, "pls": 3, "class_weight": None, "n_jobs": 1}
    by_weight = RandomForest(**settings).fit(X, y, sample_weight=times)
    by_rows = RandomForest(**settings).fit(X[repeated], y[repeated])
    np.testing.assert_allclose(by_weight.centre_, by_rows.centre_, atol=1e-10)
    np.testing.assert_allclose(by_weight.projection_, by_rows.projection_, atol=1e-5)
    if task != "multilabel":
        first = np.r_[np.arange(len(X)), np.flatnonzero(y == y[0])]
        by_class = RandomForest(**settings | {"class_weight": {y[0]: 2}}).fit(X, y)
        by_rows = RandomForest(**settings).fit(X[first], y[first])
        np.testing.assert_allclose(by_class.projection_, by_rows.projection_, atol=1e-5)


@pytest.mark.parametrize("pls", [0, -1, 2.5, "auto", True])
def test_invalid_numbers_of_components_are_refused(pls):
    X, y = blobs([20, 20])
    with pytest.raises(InputError, match=r"pls=.* was given; expected the number of components \(1 or more\) or None"):
        small("forest", pls=pls).fit(X, y)


def test_a_forest_that_was_saved_before_pls_existed_can_predict():
    X, y = blobs([20, 20])
    old = small("forest").fit(X, y)
    expected = old.predict_proba(X)
    del old.__dict__["pls"]
    np.testing.assert_array_equal(old.predict_proba(X), expected)


# -- decision values of the SVM ---------------------------------------------------------------------


def test_decision_values_of_the_svm_rank_rows_like_liblinear_and_agree_with_predict():
    from sklearn.svm import LinearSVC

    X, y = blobs([60, 60], shift=2)
    head = LinearSVM(C=0.1, class_weight=None, calibration="sigmoid").fit(X, y)
    machine = LinearSVC(C=0.1, dual=False, tol=1e-6).fit(X, y).decision_function(X)
    values = head.decision_function(X)
    assert np.corrcoef(values, machine)[0, 1] > 0.999999  # one is a linear function of the other
    np.testing.assert_array_equal(values > 0, head.predict(X) == 1)
    X, y = blobs([60, 60, 60], shift=2)
    head = LinearSVM().fit(X, y)
    assert head.decision_function(X).shape == (180, 3)
    np.testing.assert_array_equal(head.decision_function(X).argmax(axis=1), head.predict(X))
    head = LinearSVM(C=1).fit(X, labels_of(X)[:, :2])
    np.testing.assert_array_equal(head.decision_function(X) > 0, head.predict(X))


def test_a_weighted_row_of_the_svm_counts_like_repeated_rows_of_one_group():
    """The results agree within the solver's tolerance; scikit-learn's check demands 1e-7 (test_estimator_checks.py)."""
    X, y = blobs([60, 60], shift=1)
    weight = np.random.default_rng(0).integers(0, 5, len(y))
    rows = np.repeat(np.arange(len(y)), weight)
    weighted = LinearSVM().fit(X, y, sample_weight=weight)
    repeated = LinearSVM().fit(X[rows], y[rows], groups=rows)
    np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), atol=1e-4)
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-3)
    assert np.abs(LinearSVM().fit(X, y).predict_proba(X) - weighted.predict_proba(X)).max() > 0.01
