"""The cross-validated comparison: same folds for all, test untouched, spreads told apart, differences tested."""

import json
from statistics import mean, stdev, variance
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from made_sets import MadeSet, made_set_record
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score

from hybrid.cli.cross_validation import show_cross_validation
from hybrid.comparison.cross_validate import RefittableModel, cross_validate, cross_validate_models
from hybrid.comparison.cross_validation_result import CrossValidation, ModelScores
from hybrid.embeddings.joined_set import join_sets
from hybrid.errors import InputError
from hybrid.pipelines import adjust, make_head_pipeline
from hybrid.pipelines.folds import make_folds
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.workspace import Workspace

N = 150


def made(y, *, X=None, groups=None, keys=None, backbone="resnet50", name="made", dataset="f"):
    """Return a set of which the last fifth is the test split, and the fifth before it validation."""
    rng = np.random.default_rng(0)
    n = len(y)
    classes = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
    task = "multilabel" if y.ndim == 2 else "binary" if len(classes) == 2 else "multiclass"
    return MadeSet(
        name=name,
        keys=rng.integers(0, 256, (n, 32), np.uint8) if keys is None else keys,
        ids=np.array([f"{i}.png" for i in range(n)]),
        y=y,
        classes=classes,
        split=np.repeat(["train", "val", "test"], [n * 3 // 5, n // 5, n - n * 3 // 5 - n // 5]),
        groups=groups,
        record=made_set_record(task, backbone=backbone, extractor=name, dataset=dataset),
        X=X if X is not None else (rng.normal(size=(n, 6)) + (y[:, None] if y.ndim == 1 else 0)).astype(np.float32),
    )


def labels(n=N):
    return np.random.default_rng(1).integers(0, 2, n)


def candidate(found, head="softmax", name="model", **params):
    return RefittableModel(name, join_sets(found), make_head_pipeline(head, **params))


def with_scores(**models):
    scored = tuple(ModelScores(name, {"accuracy": np.array(values)}, 1.0) for name, values in models.items())
    repeats, folds = scored[0].scores["accuracy"].shape
    return CrossValidation("d", "f", "binary", "accuracy", scored, 100, folds, repeats, 0, 1 / (folds - 1))


# -- statistics -------------------------------------------------------------------------------------


def test_the_corrected_t_test_is_that_of_nadeau_and_bengio():
    a, b = [[0.90, 0.85, 0.88], [0.91, 0.84, 0.90]], [[0.85, 0.86, 0.84], [0.88, 0.80, 0.83]]
    (pair,) = with_scores(a=a, b=b).pairs
    d = [x - y for row in zip(a, b, strict=True) for x, y in zip(*row, strict=True)]
    error = ((1 / 6 + 1 / 2) * variance(d)) ** 0.5  # a fold is a third, fitted to two thirds
    assert pair.difference == pytest.approx(mean(d))
    assert pair.p_value == pytest.approx(2 * student.sf(mean(d) / error, 5))
    assert (pair.low, pair.high) == pytest.approx(student.interval(0.95, 5, mean(d), error))


def test_the_spread_over_folds_and_the_one_over_seeds_are_told_apart():
    values = [[0.8, 0.9], [0.6, 0.9], [0.7, 0.7]]
    (row,) = with_scores(a=values).rows
    assert row["mean"] == pytest.approx(mean(x for repeat in values for x in repeat))
    assert row["sd_seeds"] == pytest.approx(stdev([0.85, 0.75, 0.7]))
    assert row["sd_folds"] == pytest.approx(mean(variance(repeat) for repeat in values) ** 0.5)
    assert with_scores(a=[[0.8, 0.9]]).rows[0]["sd_seeds"] is None


def test_equal_models_do_not_differ_and_pairs_are_corrected_for_their_number():
    rng = np.random.default_rng(0)
    base = rng.normal(0.8, 0.02, (2, 5))
    result = with_scores(a=base, b=base, c=base - 0.03 + rng.normal(0, 0.01, (2, 5)))
    pairs = {(pair.first, pair.second): pair for pair in result.pairs}
    assert pairs["a", "b"].p_value == 1
    assert not pairs["a", "b"].distinguishable
    assert pairs["a", "c"].p_adjusted == pytest.approx(3 * pairs["a", "c"].p_value)  # Holm: the smallest times three


@pytest.mark.medium
def test_models_that_are_equal_in_truth_are_seldom_told_apart():
    """Two models alike, each on a column of its own, over 300 data sets; a plain t-test errs 16 times in 100."""
    rng, y, found = np.random.default_rng(0), np.arange(60) % 2, 0
    for number in range(300):
        X = rng.normal(size=(60, 2)) + y[:, None]
        scores = np.zeros((2, 10))
        for fold, (train, test) in enumerate(make_folds(y, repeats=2, random_state=number)):
            cut = (X[train][y[train] == 0].mean(axis=0) + X[train][y[train] == 1].mean(axis=0)) / 2
            scores[:, fold] = ((X[test] > cut) == (y[test] == 1)[:, None]).mean(axis=0)
        found += with_scores(a=scores[0].reshape(2, 5), b=scores[1].reshape(2, 5)).pairs[0].p_value < 0.05
    assert found / 300 < 0.06


def test_a_score_that_a_fold_does_not_define_is_none_and_says_so(capsys, monkeypatch):
    result = with_scores(a=[[0.5, np.nan], [0.5, 0.6]], b=[[0.5, 0.5], [0.5, 0.6]])
    assert result.rows[0]["mean"] is None
    assert [mean.reason for mean in result.means] == ["it is not defined in every fold", ""]
    monkeypatch.setattr("hybrid.cli.cross_validation._COLUMNS", 0)
    show_cross_validation(result)
    printed = capsys.readouterr().out
    assert "–¹" in printed
    assert "¹ it is not defined in every fold" in printed
    assert result.pairs[0].p_value is None
    json.dumps(result.to_dict(), allow_nan=False)


# -- folds ------------------------------------------------------------------------------------------


@pytest.mark.medium
def test_the_scores_are_those_of_scikit_learn_on_the_same_folds():
    y = labels()
    found = made(y)
    result = cross_validate([candidate(found)], seed=7)
    here = found.split != "test"
    X, y = found.X[here], y[here]
    for metric, scoring in (("roc_auc", "roc_auc"), ("accuracy", "accuracy"), ("log_loss", "neg_log_loss")):
        expected = cross_val_score(
            make_head_pipeline("softmax"), X, y, cv=make_folds(y, repeats=2, random_state=7), scoring=scoring
        )
        np.testing.assert_allclose(result.models[0].scores[metric].ravel(), np.abs(expected), rtol=1e-6)
    assert (result.images, result.folds, result.repeats) == (120, 5, 2)
    assert result.ratio == pytest.approx(1 / 4)


class Watching(LogisticRegression):
    """Notes the number of each row it learns from, which is in the first column."""

    seen: ClassVar[list[set]] = []

    def fit(self, X, y):
        self.seen.append(set(X[:, 0].astype(int)))
        return super().fit(X, y)


@pytest.fixture
def watching(monkeypatch):
    monkeypatch.setattr(Watching, "seen", [])
    return make_head_pipeline(Watching(), scale=False)


def numbered(y):
    return np.column_stack([np.arange(len(y)), y]).astype(np.float32)


def test_every_model_learns_from_the_same_rows_and_none_of_test(watching):
    y = labels()
    found = join_sets(made(y, X=numbered(y)))
    cross_validate([RefittableModel(name, found, watching) for name in "ab"], folds=4)
    assert Watching.seen[:8] == Watching.seen[8:]
    assert set().union(*Watching.seen) == set(range(120))
    assert len({frozenset(rows) for rows in Watching.seen}) == 8  # the repeats differ


def test_a_splitter_gives_the_folds():
    found, splitter = made(labels()), StratifiedKFold(4, shuffle=True, random_state=9)
    result = cross_validate([candidate(found)], folds=splitter)
    assert (result.folds, result.repeats) == (4, 1)
    rows = found.split != "test"
    expected = cross_val_score(make_head_pipeline("softmax"), found.X[rows], found.y[rows], cv=splitter)
    np.testing.assert_allclose(result.models[0].scores["accuracy"][0], expected)


def test_a_splitter_that_divides_a_group_is_refused():
    y = np.arange(N) % 2
    found = made(y, groups=np.array([f"person{i // 7}" for i in range(N)]))
    with pytest.raises(InputError, match=r"Fold 0 of the given cv has images of one group.*StratifiedGroupKFold"):
        cross_validate([candidate(found)], folds=StratifiedKFold(3))
    result = cross_validate([candidate(found)], folds=StratifiedGroupKFold(3))
    assert result.folds == 3


@pytest.mark.parametrize("with_groups", [False, True])
def test_groups_and_copies_are_never_divided(watching, with_groups):
    y = labels()
    keys = np.random.default_rng(0).integers(0, 256, (N, 32), np.uint8)
    keys[[10, 11, 100]] = keys[5]
    groups = np.array([f"person{i // 2}" for i in range(N)]) if with_groups else None
    cross_validate([RefittableModel("a", join_sets(made(y, X=numbered(y), keys=keys, groups=groups)), watching)])
    bound = [{5, 10, 11, 100} | ({4, 101} if with_groups else set())]
    bound += [{i, i + 1} for i in range(20, 40, 2)] if with_groups else []
    assert all(rows >= together or not rows & together for rows in Watching.seen for together in bound)


def test_thresholds_are_chosen_anew_inside_every_fold(watching):
    y = labels()
    found = made(y, X=numbered(y), groups=np.array([f"person{i // 2}" for i in range(N)]))
    pipeline = adjust(watching, numbered(y), y, aim="f1")
    Watching.seen.clear()
    cross_validate([RefittableModel("a", join_sets(found), pipeline)], folds=3, repeats=1)
    for fold in range(3):
        *inner, whole = Watching.seen[6 * fold : 6 * fold + 6]
        assert all(rows < whole for rows in inner)
        assert all({i, i + 1} <= rows or not {i, i + 1} & rows for rows in inner for i in range(0, 120, 2))


@pytest.mark.parametrize("kind", ["multiclass", "multilabel"])
def test_other_tasks_have_their_own_metric(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, N) if kind == "multiclass" else rng.integers(0, 2, (N, 2))
    result = cross_validate([candidate(made(y))], repeats=1)
    assert result.metric == {"multiclass": "accuracy", "multilabel": "average_precision_macro"}[kind]
    assert 0 <= result.rows[0]["mean"] <= 1


# -- what is told -----------------------------------------------------------------------------------


@pytest.mark.medium
def test_the_best_comes_first_and_everything_can_be_written():
    found = made(labels())
    result = cross_validate([candidate(found, name="weak", C=1e-9, pca=1), candidate(found, "svm", name="strong")])
    assert [row["model"] for row in result.rows] == ["strong", "weak"]
    assert result.table()["mean"].is_monotonic_decreasing
    written = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert np.shape(written["models"][0]["scores"]["roc_auc"]) == (2, 5)
    assert written["pairs"][0]["test"] == "corrected resampled t"
    by_loss = cross_validate([candidate(found, name="weak", C=1e-9), candidate(found, name="good")], metric="log_loss")
    assert by_loss.rows[0]["model"] == "good"


@pytest.mark.medium
def test_the_same_twice_is_the_same_and_another_seed_is_not():
    found = made(labels())
    models = [candidate(found, "forest", n_estimators=10, n_jobs=1), candidate(found, "svm", name="svm")]
    once, twice, other = (cross_validate(models, folds=3, seed=seed).to_dict() for seed in (0, 0, 5))
    for result in (once, twice, other):
        for row in result["models"]:
            del row["seconds"]
    assert once == twice != other
    assert once["models"][0]["sd_seeds"] > 0


@pytest.mark.medium
def test_a_network_that_was_trained_on_the_folds_is_said(tmp_path):
    found = made(labels(), backbone=tmp_path / "network.keras")
    found.keys[:100].tofile(tmp_path / "training.keys")
    other = made(labels(), name="other")
    models = [candidate(found, name="a"), candidate([other, found], name="b"), candidate(other, name="c")]
    result = cross_validate(models, repeats=1)
    (note,) = result.notes
    assert note.startswith("Flattered: 'a', 'b'. The network behind each was trained or selected on 100 of these")
    assert {row["model"]: row["flattered"] for row in result.rows} == {"a": True, "b": True, "c": False}


def test_fewer_folds_than_asked_for_are_said():
    y = np.r_[np.zeros(N - 3, int), 1, 1, 1]
    y = y[np.random.default_rng(3).permutation(N)]
    found = made(y)
    found.split[:] = "train"
    assert "3 folds instead of 5" in cross_validate([candidate(found)], repeats=1).notes[0]


def test_a_metric_that_one_task_lacks_is_left_out_there_alone(monkeypatch):
    """Two datasets of a workspace: of two classes, and of several labels, which have no sensitivity."""
    sets = {"two": made(labels()), "several": made(np.stack([labels(), 1 - labels()], axis=1), dataset="g")}
    names = {"two": {"roc_auc": 1, "sensitivity": 1}, "several": {"roc_auc_macro": 1}}
    records = [
        SimpleNamespace(
            name=name,
            dataset_fingerprint=one.record.dataset.fingerprint,
            positive=None,
            splits={"test": SimpleNamespace(metrics=names[name])},
        )
        for name, one in sets.items()
    ]
    monkeypatch.setattr("hybrid.comparison.cross_validate.load_records", lambda workspace, models: records)
    monkeypatch.setattr("hybrid.comparison.cross_validate.read_predictions", lambda record: None)
    given = {name: candidate(one, name=name) for name, one in sets.items()}
    monkeypatch.setattr(
        "hybrid.comparison.cross_validate.load_refittable", lambda record, place, pipeline: given[record.name]
    )
    two, several = cross_validate_models(Workspace("w"), folds=2, repeats=1, metric="sensitivity")
    assert (two.metric, several.metric) == ("sensitivity", "average_precision_macro")
    said = "sensitivity does not exist for a multilabel task; ordered by average_precision_macro."
    assert said in several.notes
    assert not any("does not exist" in note for note in two.notes)
    with pytest.raises(InputError, match="Unknown metric 'sensitivty'. Nearest: 'sensitivity'"):
        cross_validate_models(Workspace("w"), folds=2, repeats=1, metric="sensitivty")


def test_features_of_a_last_epoch_that_is_the_best_are_cross_validated_once(monkeypatch):
    given = {name: candidate(made(labels()), name=name) for name in ("svm-net", "svm-net-last", "svm-other")}
    scores = {"test": SimpleNamespace(metrics={"roc_auc": 1})}
    records = [SimpleNamespace(name=name, dataset_fingerprint="f", positive=None, splits=scores) for name in given]
    predicted = {name: np.full(4, name == "svm-other") for name in given}
    for function, stub in {
        "load_records": lambda workspace, models: records,
        "load_refittable": lambda record, place, pipeline: given[record.name],
        "read_predictions": lambda record: Predictions(*[predicted[record.name]] * 6),
    }.items():
        monkeypatch.setattr(f"hybrid.comparison.cross_validate.{function}", stub)
    (result,) = cross_validate_models(Workspace("w"), folds=2, repeats=1)
    assert {row["model"] for row in result.rows} == {"svm-net", "svm-other"}
    assert any("svm-net-last is svm-net." in note for note in result.notes)


def test_what_cannot_be_cross_validated():
    found = made(labels())
    with pytest.raises(InputError, match="There are no models to cross-validate"):
        cross_validate([])
    with pytest.raises(InputError, match="Unknown metric 'auc'"):
        cross_validate([candidate(found)], metric="auc", repeats=1)
    other = made(labels(), name="other", dataset="g")
    with pytest.raises(InputError, match="differ in images, labels or splits"):
        cross_validate([candidate(found), candidate(other)], repeats=1)
