"""Heads as ONNX nodes: in ONNX Runtime they say what they say in scikit-learn, without any network."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from hybrid.classifiers import HEADS, NetworkOutput
from hybrid.classifiers.calibration import CALIBRATIONS
from hybrid.errors import InputError
from hybrid.pipelines import Ensemble, adjust, make_head_pipeline

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SMALL = {"forest": {"n_estimators": 12, "n_jobs": 1}, "xgboost": {"n_estimators": 12, "n_jobs": 1}}
TASKS = ("binary", "multiclass", "multilabel")


def rows(task, n=160, seed=0):
    """Embeddings of overlapping classes: labels as words, as numbers, or three 0/1 columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(3, 2, (n, 10)).astype(np.float32)
    hidden = X[:, :3] + rng.normal(0, 1.5, (n, 3))
    if task == "multilabel":
        return X, (hidden > [3, 3.5, 2.5]).astype(int)
    return X, np.array(["ill", "well"])[(hidden[:, 0] > 3).astype(int)] if task == "binary" else hidden.argmax(1) + 5


def run(steps, X):
    """Return probabilities and labels of fitted steps in ONNX Runtime."""
    from hybrid.export.builder import GraphBuilder
    from hybrid.export.heads import label_type, labels, probabilities

    graph, last = GraphBuilder(), steps[-1] if isinstance(steps, Pipeline) else steps
    shape = ["N", "K"] if getattr(last, "multilabel_", False) else ["N"]
    proba = probabilities(graph, steps, "X", X.shape[1])
    graph.add("Identity", proba, output="probabilities")
    graph.add("Identity", labels(graph, last, proba), output="label")
    describe = onnx.helper.make_tensor_value_info
    model = graph.model(
        [describe("X", onnx.TensorProto.FLOAT, ["N", X.shape[1]])],
        [describe("probabilities", onnx.TensorProto.DOUBLE, ["N", "K"]), describe("label", label_type(last), shape)],
    )
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["probabilities", "label"], {"X": X})


def check(steps, X, tolerance=1e-5):
    """Rows that the steps have not seen give what they give in scikit-learn; a forest's ties may go either way."""
    from hybrid.export.checking import undecided

    proba, label = run(steps, X)
    np.testing.assert_allclose(proba, steps.predict_proba(X), rtol=0, atol=tolerance)
    decided = ~undecided(steps[-1] if isinstance(steps, Pipeline) else steps, steps.predict_proba(X), tolerance)
    assert decided.mean() > 0.9
    assert (label == steps.predict(X))[decided].all()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("head", HEADS)
def test_a_head_says_the_same(head, task):
    X, y = rows(task)
    check(make_head_pipeline(head, **SMALL.get(head, {})).fit(X, y), rows(task, seed=1)[0])


@pytest.mark.parametrize("task", TASKS)
def test_a_forest_on_partial_least_squares_says_the_same(task):
    X, y = rows(task)
    check(make_head_pipeline("forest", pls=4, **SMALL["forest"]).fit(X, y), rows(task, seed=1)[0])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", CALIBRATIONS)
def test_a_calibrated_head_says_the_same(method, task):
    X, y = rows(task)
    fitted = adjust(make_head_pipeline("softmax"), X, y, calibration=method)
    # The curve of an isotonic calibration is steep, and multiplies the rounding of its input.
    check(fitted, rows(task, seed=1)[0], tolerance=1e-4 if method == "isotonic" else 1e-5)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", CALIBRATIONS)
def test_an_svm_of_every_calibration_says_the_same(method, task):
    X, y = rows(task)
    check(make_head_pipeline("svm", calibration=method, C=0.1).fit(X, y), rows(task, seed=1)[0])


@pytest.mark.parametrize("head", ["forest", "xgboost"])
def test_trees_calibrated_say_the_same(head):
    X, y = rows("binary")
    check(adjust(make_head_pipeline(head, **SMALL[head]), X, y, calibration="sigmoid"), rows("binary", seed=1)[0])


@pytest.mark.parametrize(("task", "positive"), [("binary", None), ("binary", "ill"), ("multilabel", None)])
def test_labels_follow_the_threshold(task, positive):
    X, y = rows(task)
    fitted = adjust(make_head_pipeline("softmax"), X, y, aim="recall=0.95", positive=positive)
    unseen = rows(task, seed=1)[0]
    check(fitted, unseen)
    assert (run(fitted, unseen)[1] != run(fitted[-1].head_, fitted[:-1].transform(unseen))[1]).any()


@pytest.mark.parametrize("pca", [3, 0.9])
def test_principal_components_and_no_scaler(pca):
    X, y = rows("multiclass")
    check(make_head_pipeline("softmax", pca=pca, scale=False).fit(X, y), rows("multiclass", seed=1)[0], 1e-4)
    check(make_head_pipeline("svm", pca=pca).fit(X, y), rows("multiclass", seed=1)[0], 1e-4)


@pytest.mark.medium
@pytest.mark.parametrize("task", TASKS)
def test_an_ensemble_on_columns_of_its_own_each(task):
    X, y = rows(task)
    members = [
        ("a", make_head_pipeline("svm"), [(0, 4), (6, 8)]),
        ("b", make_head_pipeline("forest", **SMALL["forest"]), None),
        ("c", make_head_pipeline("softmax"), [(2, 10)]),
    ]
    check(Pipeline([("head", Ensemble(members, weights=[1, 2, 0]).fit(X, y))]), rows(task, seed=1)[0])
    frozen = FrozenEstimator(make_head_pipeline("softmax", pca=4).fit(X, y))
    check(Ensemble([("whole", frozen, None), members[0]], weights=[1, 3]).fit(X, y), rows(task, seed=1)[0])


@pytest.mark.parametrize(("columns", "n_labels"), [(1, 2), (3, 3)])
def test_a_networks_own_output(columns, n_labels):
    outputs = np.random.default_rng(0).dirichlet(np.ones(max(columns, 2)), 60).astype(np.float32)[:, :columns]
    check(NetworkOutput().fit(outputs, np.arange(60) % n_labels), outputs)
    several = (np.arange(180).reshape(60, 3) % 7 < 3).astype(int)
    if columns == 3:
        check(NetworkOutput().fit(outputs, several), outputs)


def test_other_estimators_of_scikit_learn():
    X, y = rows("multiclass")
    steps = [("scaler", MinMaxScaler()), ("head", GradientBoostingClassifier(n_estimators=5))]
    check(Pipeline(steps).fit(X, y), rows("multiclass", seed=1)[0])


@pytest.mark.medium
def test_a_scaled_value_is_the_same_to_the_last_bit():
    """So that trees behind the scaler take the same branches: each row here lies on a split of every tree."""
    X, y = rows("binary", n=400)
    pipeline = make_head_pipeline("forest", n_estimators=30, min_samples_leaf=1, n_jobs=1).fit(X[:200], y[:200])
    on_splits = X[200:].copy()
    for tree in pipeline[-1].models_[0].estimators_:
        inner = tree.tree_.children_left >= 0
        column, at = tree.tree_.feature[inner], tree.tree_.threshold[inner]
        for row in range(len(on_splits)):
            pick = row % len(column)
            on_splits[row, column[pick]] = at[pick] * pipeline[0].scale_[column[pick]] + pipeline[0].mean_[column[pick]]
    check(pipeline, on_splits)


def test_a_head_without_probabilities_is_refused():
    X, y = rows("binary")
    with pytest.raises(InputError, match="RidgeClassifier cannot be exported: it has no probabilities"):
        run(make_head_pipeline(RidgeClassifier()).fit(X, y), X)
