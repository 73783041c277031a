"""Learning curves of classifiers: nested shares, scores, words, the width of intervals, and the command."""

import json
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.multiclass import OneVsRestClassifier

from hybrid import InputError
from hybrid.evaluation import evaluate
from hybrid.planning import interval_widths, learning_curve
from hybrid.planning.nested_shares import default_shares, nested_shares

QUICK = {"sizes": 5, "repeats": 4}


def made(n=400, share=0.25, width=20, seed=0, k=2):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(int) if k == 2 else rng.integers(0, k, n)
    return rng.normal(size=(n, width)) + np.eye(k, width)[y] * 1.5, y


class Watched(LogisticRegression):
    """A classifier that remembers the rows that it is fitted to, by their first column."""

    seen: ClassVar[list] = []

    def fit(self, X, y, sample_weight=None):
        type(self).seen.append((X[:, 0].copy(), y.copy()))
        return super().fit(X, y, sample_weight)


def test_shares_are_nested_divide_no_patient_and_keep_the_classes():
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 120, 600)
    y = (patients < 24).astype(int)
    shares = default_shares(y, patients, 6)
    assert shares[-1] == 1
    rows = nested_shares(y, patients, shares, 0)
    for small, large in pairwise(rows):
        assert set(small) < set(large)
    for share, part in zip(shares, rows, strict=True):
        assert not set(patients[part]) & set(np.delete(patients, part))
        assert len(part) == pytest.approx(share * 600, abs=12)
        assert y[part].sum() == pytest.approx(share * y.sum(), abs=8)
    assert nested_shares(y, patients, shares, 1)[0].tolist() != rows[0].tolist()


def test_shares_of_labels_keep_the_rare_ones():
    rng = np.random.default_rng(0)
    y = (rng.random((1000, 4)) < [0.5, 0.3, 0.03, 0.1]).astype(int)
    half = nested_shares(y, None, np.array([0.5]), 0)[0]
    assert y[half].sum(axis=0) == pytest.approx(y.sum(axis=0) / 2, rel=0.12)
    assert y[half, 2].sum() == pytest.approx(y[:, 2].sum() / 2, abs=1)


def test_scores_are_those_of_scikit_learn_on_validation():
    X, y = made(600)
    train, val = slice(0, 400), slice(400, 600)
    Watched.seen = []
    curve = learning_curve(Watched(), X[train], y[train], validation=(X[val], y[val]), **QUICK)
    fitted, last = LogisticRegression().fit(X[train], y[train]), curve.overall.scores[:, -1]
    proba = fitted.predict_proba(X[val])[:, 1]
    assert last == pytest.approx([roc_auc_score(y[val], proba)] * 4)
    assert curve.rarest.label == 1
    assert curve.rarest.scores[0, -1] == pytest.approx(average_precision_score(y[val], proba))
    assert curve.sizes.tolist() == [len(X) for X, _ in Watched.seen[:5]]
    assert curve.sizes[-1] == curve.n == 400
    assert curve.groups is None
    assert curve.scored_on == 200
    assert curve.where == "the 200 validation images"


def test_a_cross_validation_inside_train_scores_no_image_that_was_fitted():
    X, y = made(300)
    X[:, 0] = np.arange(300) / 1000  # so that the rows are known
    X[8] = X[9]  # a copy, of two patients
    Watched.seen = []
    patients = np.arange(300) // 3
    curve = learning_curve(Watched(), X, y, groups=patients, folds=3, **QUICK)
    assert curve.folds == 3
    assert curve.sizes[-1] == pytest.approx(200, abs=6)
    assert curve.n_groups == 99  # the two patients count as one
    assert len(Watched.seen) == 4 * 3 * 5
    for first, _ in Watched.seen:
        rows = np.round(first * 1000)
        of = set((rows // 3).astype(int)) - {2, 3}
        assert all({3 * one, 3 * one + 1, 3 * one + 2} <= set(rows.astype(int)) for one in of)


@pytest.mark.parametrize("several", [False, True])
def test_several_classes_and_labels_name_the_rarest(several):
    X, y = made(500, k=4)
    y[y == 3] = np.where(np.arange((y == 3).sum()) % 2, 3, 0)
    estimator, names = LogisticRegression(), None
    if several:
        y, names = np.eye(4, dtype=int)[y], ["a", "b", "c", "d"]
        estimator = OneVsRestClassifier(LogisticRegression())
    curve = learning_curve(estimator, X[:350], y[:350], validation=(X[350:], y[350:]), classes=names, **QUICK)
    assert curve.rarest.label == ("d" if several else 3)
    assert curve.overall.metric == ("average_precision_macro" if several else "accuracy")
    kind = "label" if several else "class"
    assert f"of the rarest {kind}, {curve.rarest.label} ({curve.rarest.images} of 350 training images)" in str(curve)
    json.dumps(curve.to_dict(), allow_nan=False)


def test_the_words_say_what_is_gained_and_whether_it_may_be_nothing():
    X, y = made(6000, share=0.5, width=400)
    train, val = slice(0, 2000), slice(4000, 6000)
    head = LogisticRegression(C=0.01)
    curve = learning_curve(head, X[train], y[train], validation=(X[val], y[val]), repeats=8, sizes=6)
    sentence = curve.sentences()[0]
    assert sentence.startswith("Twice as many training images would likely raise the ROC AUC from 0.")
    assert f"(90% band {curve.overall.fit.target[2]:.3f} to {curve.overall.fit.target[3]:.3f})" in sentence
    twice = LogisticRegression(C=0.01).fit(X[:4000], y[:4000]).predict_proba(X[val])[:, 1]
    _, _, low, high = curve.overall.fit.target
    assert low <= roc_auc_score(y[val], twice) <= high
    X, y = made(600, share=0.5, width=2)
    flat = learning_curve(LogisticRegression(), X[:300], y[:300], validation=(X[300:], y[300:]), repeats=6, sizes=6)
    assert "so that there may be no improvement" in flat.sentences()[0]
    few = learning_curve(LogisticRegression(), X[:300], y[:300], validation=(X[300:], y[300:]), sizes=3, repeats=3)
    assert "It cannot be said what twice as many training images would bring for the ROC AUC: there are only 3" in str(
        few
    )


def test_the_width_on_more_images_is_about_that_of_an_evaluation_of_them():
    rng = np.random.default_rng(0)
    for of_each in (1, 4):
        results = {}
        for n in (200, 1600):
            patient = np.arange(n) // of_each
            y = patient % 2
            z = y * 2 + (rng.normal(size=n)[patient] + rng.normal(size=n)) / 2**0.5
            p = 1 / (1 + np.exp(1 - z))
            results[n] = evaluate(y, p, [0, 1], groups=patient if of_each > 1 else None, n_boot=300)
        names = ("roc_auc", "accuracy", "sensitivity")
        widths = interval_widths(results[200], {name: results[200].metrics[name] for name in names}, [200, 1600])
        for name in names:
            low, high = results[200].metrics[name].interval
            assert widths.widths[name][0] == pytest.approx(high - low, rel=1e-6)
            low, high = results[1600].metrics[name].interval
            assert widths.widths[name][1] == pytest.approx(high - low, rel=0.35)
        assert (None if widths.groups is None else widths.groups.tolist()) == (None if of_each == 1 else [50, 400])
        assert "four times as many" in widths.sentence("roc_auc", "ROC AUC")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"repeats": 2}, "repeats=2"),
        ({"factor": 1}, "factor=1"),
        ({"metric": "recall_of_all"}, "Unknown metric 'recall_of_all'"),
        ({"test_images": [1]}, "expected 2 or more"),
    ],
)
def test_bad_input_gets_a_sentence(given, words):
    X, y = made(120)
    with pytest.raises(InputError, match=words):
        learning_curve(LogisticRegression(), X, y, **(QUICK | {"validation": (X, y)} | given))


def test_a_class_of_a_few_images_gets_a_sentence():
    X, y = made(100)
    y[:] = np.arange(100) < 5
    with pytest.raises(InputError, match="the rarest class has 5 of the 100 images"):
        learning_curve(LogisticRegression(), X, y, validation=(X, y), **QUICK)
    X, y = made(100)
    with pytest.raises(InputError, match="give validation images of every class"):
        learning_curve(LogisticRegression(), X, y, validation=(X[y == 0], y[y == 0]), **QUICK)


@pytest.fixture
def with_model(hybrid, image_folder):
    """The command line, in a folder with an embedding set and a fitted model."""
    network = ("--backbone", "convnet_small", "--size", "16", "--weights", "random")
    hybrid("extract", image_folder, *network, "--split", "50/30/20", "--name", "pictures")
    hybrid("fit", "softmax", "--name", "mine")
    return hybrid


@pytest.mark.network
@pytest.mark.filterwarnings("ignore::hybrid.extractors.RandomWeightsWarning")
def test_the_command_shows_the_curve_and_writes_a_report(with_model, tmp_path):
    given = ("--sizes", "3", "--repeats", "3", "--test-images", "40,160")
    shown = with_model("curve", *given)
    assert "It cannot be said what twice as many training images would bring for the ROC AUC: there are only 3" in shown
    assert "mine: scores on the 18 validation images" in shown
    folder = tmp_path / "hybrid_runs" / "reports" / "curves" / "mine"
    page = (folder / "report.html").read_text()
    assert "How many images?" in page
    assert "no group is divided" in page
    assert "test images" in page
    saved = json.loads((folder / "learning-curve.json").read_text())
    assert saved["sizes"][-1] == saved["n"] == 30
    assert saved["interval_widths"]["images"] == [40, 160]
    assert {"learning-curve-overall.png", "interval-widths.csv", "scores.csv"} <= {
        path.name for path in folder.iterdir()
    }
    result = with_model.json("curve", "softmax", *given)
    assert result["model"] == "softmax-pictures"
    assert result["folds"] is None
    few = with_model("curve", "softmax", "--folds", "3", code=1)
    assert "the rarest class has 10 of the 20 images" in few
    assert "'nothing'" in with_model("curve", "nothing", code=1)
    assert "expected numbers such as" in with_model("curve", "mine", "--test-images", "many", code=1)
    assert "--set is for a head" in with_model("curve", "mine", "--set", "pictures", code=2)
