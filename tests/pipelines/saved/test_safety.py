"""Untrusted saved models: only listed types are loaded, and manipulated files are rejected before they do harm."""

import importlib
import json
import re
import subprocess

import numpy as np
import pytest
import skops.io
from made_models import put
from paths import ROOT
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.ensemble._gb import BaseGradientBoosting
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neighbors._base import NeighborsBase
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.svm._base import BaseLibSVM

from hybrid.errors import InputError
from hybrid.pipelines import load_model, make_head_pipeline, save_model
from hybrid.pipelines.saved.manifest import SavedExtractor
from hybrid.pipelines.saved.network import load_extractor
from hybrid.pipelines.saved.trusted import TRUSTED, from_bytes, to_bytes

X = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
Y = np.where(X[:, 0] > 0, "sick", "healthy")


def fitted(head, **params):
    return make_head_pipeline(head, n_estimators=10, **params).fit(X, Y)


PLAIN = {bool, dict, float, int, list, type(None), str, tuple}
UNCHECKED = (BaseLibSVM, BaseGradientBoosting, BaseHistGradientBoosting, NeighborsBase, FunctionTransformer)


@pytest.mark.parametrize("name", TRUSTED)
def test_a_trusted_type_is_plain_data_our_own_or_checked_code_of_scikit_learn(name):
    module, _, attribute = name.rpartition(".")
    kind = type(None) if name == "builtins.NoneType" else getattr(importlib.import_module(module), attribute)
    assert isinstance(kind, type) or kind is f_classif  # NumPy only, and a loaded model does not call it
    match module.partition(".")[0]:
        case "builtins":
            assert kind in PLAIN
        case "numpy":
            assert kind is np.ndarray or issubclass(kind, (np.number, np.bool, np.str_))
        case "sklearn":
            assert kind is f_classif or not issubclass(kind, UNCHECKED)
        case package:
            assert package == "hybrid"


def test_a_type_that_is_not_trusted_is_rejected_despite_a_valid_checksum(tmp_path):
    model = save_model(fitted("forest"), tmp_path / "model")
    harm = skops.io.dumps(Pipeline([("run", FunctionTransformer(subprocess.run)), ("head", LogisticRegression())]))
    put(model, "head.skops", harm)
    with pytest.raises(
        InputError, match=r"cannot be loaded: it holds .*subprocess.run, which a saved model may not hold"
    ):
        load_model(model)


@pytest.mark.parametrize("head", [SVC(), GradientBoostingClassifier(n_estimators=2), KNeighborsClassifier()])
def test_estimators_with_unchecked_compiled_code_are_neither_saved_nor_loaded(tmp_path, head):
    """An SVC with a wrong `_n_support` crashed the interpreter."""
    whole = Pipeline([("head", head)]).fit(X, Y)
    with pytest.raises(InputError, match=rf"holds .*{type(head).__name__}.*, which cannot be loaded safely"):
        save_model(whole, tmp_path / "model")
    if isinstance(head, SVC):
        whole[-1]._n_support = np.array([10**6, -1], np.int32)
    with pytest.raises(InputError, match=rf"it holds .*{type(head).__name__}"):
        from_bytes(skops.io.dumps(whole))


def crafted(tree_attribute, value):
    """Return a forest with a tree that points outside its arrays, which scikit-learn would follow."""
    forest = ExtraTreesClassifier(2, random_state=0).fit(X, Y)
    tree = forest.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"][tree_attribute][0] = value
    tree.__setstate__(state)
    return Pipeline([("head", forest)])


@pytest.mark.parametrize(
    ("attribute", "value"), [("left_child", 10**6), ("right_child", 0), ("feature", 8), ("feature", -2)]
)
def test_a_tree_that_points_outside_its_arrays_is_rejected(attribute, value):
    with pytest.raises(InputError, match="damaged decision tree"):
        from_bytes(to_bytes(crafted(attribute, value)))


def test_a_tree_with_more_columns_than_its_estimator_is_rejected():
    pipeline = fitted("forest")
    wide = ExtraTreesClassifier(1, random_state=0).fit(np.eye(200)[:60], Y)
    pipeline[-1].models_[0].estimators_[0] = wide.estimators_[0]
    with pytest.raises(InputError, match="damaged decision tree"):
        from_bytes(to_bytes(pipeline))


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("projection_", np.ones((8, 2)), r"projection_ of RandomForest has shape \(8, 2\)"),
        ("projection_", np.full((8, 3), np.nan), "projection_ of RandomForest holds NaN"),
        ("centre_", np.ones(7), r"centre_ of RandomForest has shape \(7,\)"),
    ],
)
def test_a_projection_that_does_not_fit_its_forest_is_rejected(attribute, value, message):
    pipeline = fitted("forest", pls=3)
    setattr(pipeline[-1], attribute, value)
    with pytest.raises(InputError, match=message):
        from_bytes(to_bytes(pipeline))


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("embeddings_", np.ones((60, 9), np.float32), r"embeddings_ of KNN has shape \(60, 9\)"),
        ("embeddings_", np.full((60, 8), np.nan), "embeddings_ of KNN holds NaN"),
        ("votes_", np.ones((59, 1, 2)), r"votes_ of KNN has shape \(59, 1, 2\)"),
        ("votes_", np.ones((60, 2, 2)), r"votes_ of KNN has shape \(60, 2, 2\)"),
    ],
)
def test_arrays_of_neighbours_with_different_lengths_are_rejected(attribute, value, message):
    pipeline = make_head_pipeline("knn").fit(X, Y)
    setattr(pipeline[-1], attribute, value)
    with pytest.raises(InputError, match=message):
        from_bytes(to_bytes(pipeline))


def change_tree(booster, name, value):
    booster["learner"]["gradient_booster"]["model"]["trees"][3][name][0] = value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda booster: change_tree(booster, "left_children", 10**6), "damaged decision tree"),
        (lambda booster: change_tree(booster, "right_children", 0), "damaged decision tree"),
        (lambda booster: change_tree(booster, "split_indices", 8), "damaged decision tree"),
        (lambda booster: booster["learner"]["learner_model_param"].update(num_feature="9"), "a booster has 9 columns"),
        (lambda booster: booster["learner"]["gradient_booster"]["model"]["tree_info"].reverse(), None),
        (
            lambda booster: booster["learner"]["gradient_booster"]["model"].update(tree_info=[1] * 10),
            "match the outputs",
        ),
        (
            lambda booster: booster["learner"]["gradient_booster"]["model"]["iteration_indptr"].pop(),
            "match the boosting rounds",
        ),
        (lambda booster: booster["learner"].pop("gradient_booster"), "cannot be loaded: 'gradient_booster'"),
    ],
)
def test_a_booster_that_points_outside_its_arrays_is_rejected(tmp_path, change, message):
    model = save_model(fitted("xgboost"), tmp_path / "model")
    booster = json.loads((model / "boosters/0.json").read_bytes())
    change(booster)
    put(model, "boosters/0.json", json.dumps(booster).encode())
    if message is None:
        load_model(model)
        return
    with pytest.raises(InputError, match=message):
        load_model(model)


FORBIDDEN = re.compile(  # joblib may be imported for parallel_config alone, which chooses a backend
    r"\b(import|from)\s+(pickle|cloudpickle|dill|marshal|shelve|joblib(?! import parallel_config$))\b|"
    r"\bpickle\.|\bjoblib\.(load|dump)|"
    r"allow_pickle\s*=\s*True|safe_mode\s*=\s*False|enable_unsafe_deserialization|\beval\(|\bexec\(|"
    r"trusted\s*=\s*(list\()?[\w.]*get_untrusted_types"
)


def test_no_module_unpickles_anything():
    sources = [
        path for name in ("hybrid", "extractors", "classifiers", "pipelines") for path in (ROOT / name).rglob("*.py")
    ]
    assert len(sources) > 30
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_a_booster_with_wrong_parents_is_rejected(tmp_path):
    """XGBoost follows parents when it loads a tree: a negative parent crashed the interpreter."""
    model = save_model(fitted("xgboost"), tmp_path / "model")
    whole = (model / "boosters/0.json").read_bytes()
    for place, value in ((1, -6), (1, 10**6), (2, 2), (0, 0), (1, 10**30)):
        booster = json.loads(whole)
        booster["learner"]["gradient_booster"]["model"]["trees"][3]["parents"][place] = value
        put(model, "boosters/0.json", json.dumps(booster).encode())
        with pytest.raises(InputError, match="boosters cannot be loaded"):
            load_model(model)


def test_a_booster_with_two_trees_of_one_number_is_rejected(tmp_path):
    """XGBoost left the other number without a tree and crashed when it predicted."""
    model = save_model(fitted("xgboost"), tmp_path / "model")
    booster = json.loads((model / "boosters/0.json").read_bytes())
    booster["learner"]["gradient_booster"]["model"]["trees"][2]["id"] = 1
    put(model, "boosters/0.json", json.dumps(booster).encode())
    with pytest.raises(InputError, match="the trees are not numbered one after another"):
        load_model(model)


def test_an_extractor_with_unknown_parameters_is_rejected(tmp_path):
    for change in ({"type": "x"}, {"backbone": None}, {"weights": ["random"]}):
        identity = {"fields": {"layers": ["out_relu"]}, "output_shape": [1280]}
        record = SavedExtractor({"backbone": "mobilenet_v2", "weights": "random"} | change, identity, "x")
        with pytest.raises(InputError, match="missing or unknown parameters"):
            load_extractor(record, tmp_path)


@pytest.mark.parametrize(
    "identity", [{}, {"fields": ["layers"], "output_shape": []}, {"fields": {}, "output_shape": 1}]
)
def test_an_extractor_with_an_incomplete_identity_is_rejected(tmp_path, identity):
    record = SavedExtractor({"backbone": "mobilenet_v2", "weights": "random", "layers": "penultimate"}, identity, "x")
    with pytest.raises(InputError, match="identity is incomplete"):
        load_extractor(record, tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"batch_size": 10**9},
            "batch_size=1000000000 was given for images of 224×224; expected a whole number from 1",
        ),
        ({"batch_size": 0}, "batch_size=0 was given"),
        ({"batch_size": "8"}, "batch_size='8' was given"),
        ({"batch_size": True}, "batch_size=True was given"),
        ({"batch_size": 8, "size": [8000, 8000]}, "expected a whole number from 1 to 4,"),
        ({"size": [30000, 30000]}, "a network takes images of at most"),
        ({"size": 30000}, "a network takes images of at most"),
        ({"size": [224]}, "expected a number of pixels, or"),
        ({"size": "224"}, "expected a number of pixels, or"),
        ({"size": 2.5}, "expected a number of pixels, or"),
        ({"size": {"height": 1, "width": 2}}, "expected a number of pixels, or"),
        ({"size": [True, True]}, "expected a number of pixels, or"),
        ({"layers": []}, "expected 1 to 1000 names of layers"),
        ({"layers": 5}, "expected 1 to 1000 names of layers"),
        ({"layers": {"a": 1}}, "expected 1 to 1000 names of layers"),
        ({"layers": ["a"] * 10**6}, "expected 1 to 1000 names of layers"),
        ({"pooling": ["avg"]}, "Unknown pooling"),
        ({"precision": None}, "Unknown precision"),
        ({"interpolation": {}}, "Unknown interpolation"),
        ({"preprocessing": 3}, "Unknown preprocessing"),
        ({"runtime": []}, "Unknown runtime"),
        ({"random_state": 2**40}, "random_state=1099511627776 was given"),
        ({"random_state": "0"}, "random_state='0' was given"),
        ({"backbone": "resnet_small:blocks=3000000"}, "expected a whole number from 1 to 100"),
    ],
)
def test_an_extractor_with_parameters_that_are_wrong_or_very_large_is_rejected(tmp_path, change, reason):
    params = {"backbone": "mobilenet_v2", "weights": "random"} | change
    identity = {"fields": {"layers": ["out_relu"]}, "output_shape": [8], "parameters": 1}
    with pytest.raises(InputError) as caught:
        load_extractor(SavedExtractor(params, identity, "x"), tmp_path)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 500
