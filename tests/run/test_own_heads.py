"""Any scikit-learn classifier in `compare`: the same scores as by hand, for every task, saved or not."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from hybrid import Dataset, FeatureExtractor, compare, load_model
from hybrid.errors import InputError


def dataset(task):
    """Noise at 16×16, brighter in one colour for each class or label."""
    rng = np.random.default_rng(0)
    n, k = 120, 2 if task == "binary" else 3
    Y = rng.integers(0, 2, (n, k)) if task == "multilabel" else np.eye(k, dtype=int)[np.arange(n) % k]
    colours = np.pad(Y, ((0, 0), (0, 3 - k))) * 40
    X = (rng.integers(0, 120, (n, 16, 16, 3)) + colours[:, None, None]).astype(np.uint8)
    y = Y if task == "multilabel" else np.array(["a", "b", "c"])[Y.argmax(axis=1)]
    return Dataset.from_arrays(X, y)


HEADS = {
    "softmax": {},
    "neighbours": KNeighborsClassifier(),
    "logistic-sklearn": LogisticRegression(C=0.1),
    "steps": make_pipeline(Normalizer(), LogisticRegression()),
    "search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
}


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_own_heads_of_every_kind_are_compared(tiny_network, tmp_path, task):
    data = dataset(task)
    extractor = FeatureExtractor(tiny_network, layers="conv_a")
    comparison = compare(data, {"tiny": extractor}, {**HEADS, "ensemble": {}}, cv="2x1", workspace=tmp_path / "runs")
    table = comparison.table().set_index("model")
    assert set(table.index) == {f"{name}-tiny" for name in (*HEADS, "ensemble")}
    assert table.loc["neighbours-tiny", "head"] == "KNeighborsClassifier"
    (leaderboard,) = comparison.leaderboards
    assert {model.name for model in leaderboard.crossed.models} == set(table.index)
    notes = " ".join(comparison.notes)
    assert "neighbours-tiny was compared but not saved. The pipeline holds" in notes
    assert "KNeighborsClassifier" in notes
    assert "which cannot be loaded safely, so it is not saved" in notes
    assert "logistic-sklearn-tiny" not in notes
    saved = load_model(tmp_path / "runs/models/logistic-sklearn-tiny/model")
    test = data.part("test")
    assert saved.predict_proba(test.X).shape == (len(test.y), len(data.classes))
    if task == "binary":
        train = data.part("train")
        scaler = StandardScaler().fit(extractor.transform(train.X))
        by_hand = KNeighborsClassifier().fit(scaler.transform(extractor.transform(train.X)), train.y)
        proba = by_hand.predict_proba(scaler.transform(extractor.transform(test.X)))[:, 1]
        assert table.loc["neighbours-tiny", "roc_auc"] == pytest.approx(roc_auc_score(test.y == "b", proba))
        record = json.loads((tmp_path / "runs/models/search-tiny/metrics.json").read_text())
        assert record["params"]["estimator"] == "LogisticRegression()"
        report, *_ = comparison.to_html(tmp_path / "report.html")
        assert "neighbours-tiny was compared but not saved" in report.read_text()


def test_an_estimator_without_a_name_is_called_by_its_class_and_a_splitter_gives_the_folds(tiny_network):
    comparison = compare(dataset("binary"), {"tiny": tiny_network}, [KNeighborsClassifier(3)], cv=StratifiedKFold(3))
    assert comparison.table()["model"].tolist() == ["kneighborsclassifier-tiny"]
    (leaderboard,) = comparison.leaderboards
    assert (leaderboard.crossed.folds, leaderboard.crossed.repeats) == (3, 1)


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ([RidgeClassifier()], r"RidgeClassifier has no predict_proba.*CalibratedClassifierCV\(RidgeClassifier\(…\)\)"),
        ([KNeighborsClassifier], r"The class KNeighborsClassifier was given .* expected an instance"),
        ([StandardScaler()], "StandardScaler was given as a head; expected a head's name or a scikit-learn classifier"),
        ([LogisticRegression(), LogisticRegression()], "Two heads have the name 'logisticregression'"),
        ({"svm": LogisticRegression()}, "'svm' is the name of a head of hybrid"),
        ({"ensemble": {}, "own": LogisticRegression()}, "averages heads that are given by name"),
        (["svn"], "Unknown head 'svn'. Nearest: 'svm'"),
    ],
)
def test_what_cannot_be_a_head_is_refused_before_anything_is_extracted(heads, message):
    with pytest.raises(InputError, match=message):
        compare(dataset("binary"), "no-such-backbone-is-looked-for", heads)


def test_former_names_of_parameters_are_accepted(tiny_network):
    with pytest.warns(FutureWarning, match="'positive' of compare is called 'pos_label' now"):
        comparison = compare(dataset("binary"), {"tiny": tiny_network}, ["softmax"], positive="a")
    assert comparison.leaderboards[0].evaluations[0].positive == "a"
