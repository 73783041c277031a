"""Saved forests: trees saved as arrays are loaded bit for bit, and damaged files are rejected."""

import copy
import io

import numpy as np
import pytest
from fuzz_targets import unzipped, zipped
from made_models import put
from mutations import array_bytes
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree._tree import NODE_DTYPE

from hybrid.errors import InputError
from hybrid.files import read_json
from hybrid.pipelines import adjust, load_model, make_ensemble, make_head_pipeline, save_model
from hybrid.pipelines.saved.forest import attach_trees, detach_trees
from hybrid.pipelines.saved.trusted import from_bytes, to_bytes

X = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
BINARY = np.where(X[:, 0] + X[:, 1] > 0, "sick", "healthy")
CLASSES = np.digitize(X[:, 0], (-0.4, 0.4))
LABELS = (X[:, :3] > 0).astype(int)
FEW = {"n_estimators": 7, "n_jobs": 1}


def with_forest(y, **params):
    return make_head_pipeline("forest", **FEW, **params).fit(X, y)


def with_estimator(estimator, y=CLASSES):
    return Pipeline([("scaler", StandardScaler()), ("head", estimator)]).fit(X, y)


def ensemble():
    several = make_ensemble([3, 5], ["svm", "forest"], params={"forest": FEW})
    return Pipeline([("head", several)]).fit(X, CLASSES)


CASES = {
    "two classes": (lambda: with_forest(BINARY), 1),
    "three classes": (lambda: with_forest(CLASSES), 1),
    "labels": (lambda: with_forest(LABELS), 3),
    "projected": (lambda: with_forest(CLASSES, pls=3), 1),
    "projected labels": (lambda: with_forest(LABELS, pls=3), 3),
    "best first": (lambda: with_estimator(RandomForestClassifier(5, max_leaf_nodes=9, random_state=0)), 1),
    "adjusted": (
        lambda: adjust(with_forest(BINARY), X, BINARY, aim="f1", calibration="auto", validation=(X, BINARY)),
        1,
    ),
    "calibrated": (lambda: with_estimator(CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), cv=3)), 3),
    "ensemble": (ensemble, 2),
    "random forest": (lambda: with_estimator(RandomForestClassifier(5, random_state=0)), 1),
    "extra trees": (lambda: with_estimator(ExtraTreesClassifier(5, random_state=0), BINARY), 1),
}


def trees_of(value, found=None):
    """Return the trees of every forest inside a pipeline."""
    found = [] if found is None else found
    if isinstance(value, (RandomForestClassifier, ExtraTreesClassifier)) and hasattr(value, "estimators_"):
        found += value.estimators_
        return found
    parts = value if isinstance(value, (list, tuple)) else getattr(value, "__dict__", {}).values()
    for part in parts:
        trees_of(part, found)
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_forest_equals_the_saved_forest_bit_for_bit(tmp_path, case):
    make, number = CASES[case]
    pipeline = make()
    model = save_model(pipeline, tmp_path / "model")
    files = [name for name in read_json(model / "manifest.json")["files"] if name.startswith("trees/")]
    assert files == [f"trees/{i}.npz" for i in range(number)]
    loaded = load_model(model)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))
    saved, found = trees_of(pipeline), trees_of(loaded)
    assert len(saved) == len(found) > 0
    for one, other in zip(saved, found, strict=True):
        assert one.get_params() == other.get_params()
        assert {name: type(value) for name, value in vars(one).items()} == {
            name: type(value) for name, value in vars(other).items()
        }
        state, same = one.tree_.__getstate__(), other.tree_.__getstate__()
        assert (state["max_depth"], state["node_count"]) == (same["max_depth"], same["node_count"])
        assert state["nodes"].tobytes() == same["nodes"].tobytes()
        assert state["values"].tobytes() == same["values"].tobytes()


def test_a_loaded_forest_has_the_same_importances(tmp_path):
    pipeline = with_forest(CLASSES)
    loaded = load_model(save_model(pipeline, tmp_path / "model"))
    before, after = (one[-1].models_[0].feature_importances_ for one in (pipeline, loaded))
    np.testing.assert_array_equal(after, before)


def test_trees_saved_with_skops_can_still_be_loaded():
    """Version 0.1.0 saved the trees of a forest in head.skops."""
    pipeline = with_forest(LABELS)
    np.testing.assert_array_equal(from_bytes(to_bytes(pipeline)).predict_proba(X), pipeline.predict_proba(X))


def test_a_forest_of_different_trees_is_saved_with_skops(tmp_path):
    pipeline = with_estimator(RandomForestClassifier(3, random_state=0))
    pipeline[-1].estimators_[1].max_depth = 7
    model = save_model(pipeline, tmp_path / "model")
    assert list(read_json(model / "manifest.json")["files"]) == ["head.skops"]
    loaded = load_model(model)
    assert [tree.max_depth for tree in loaded[-1].estimators_] == [None, 7, None]
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))


def test_saving_leaves_the_trees_of_the_pipeline_unchanged(tmp_path):
    pipeline = with_forest(BINARY)
    before = pipeline.predict_proba(X)
    save_model(pipeline, tmp_path / "model")
    np.testing.assert_array_equal(pipeline.predict_proba(X), before)


# --- damaged files


@pytest.fixture(scope="module")
def taken():
    """Return a pipeline without its trees, and the arrays of the trees' file."""
    bare, files = detach_trees(with_forest(BINARY))
    members = unzipped(files["trees/0.npz"])
    return bare, {name.removesuffix(".npy"): np.load(io.BytesIO(data)) for name, data in members.items()}


def archive(arrays):
    return zipped({f"{name}.npy": array_bytes(array) for name, array in arrays.items()})


def refused(bare, data, message, **others):
    with pytest.raises(InputError, match=f"The model's forests cannot be loaded: .*{message}"):
        attach_trees(bare, {"trees/0.npz": data} | others)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("left_child", 10**6, "points outside it"),
        ("left_child", 0, "points outside it"),
        ("right_child", -1, "points outside it"),
        ("right_child", 1, "does not have exactly one parent"),
        ("feature", 8, "points outside it"),
        ("feature", -2, "points outside it"),
        ("threshold", np.nan, "threshold holds NaN or infinity"),
        ("value", np.inf, "value holds NaN or infinity"),
        ("node_count", 0, "do not add up"),
        ("node_count", -1, "do not add up"),
        ("node_count", 2**40, "do not add up"),
        ("max_depth", 10**6, "an impossible depth or seed"),
        ("random_state", -1, "an impossible depth or seed"),
    ],
)
def test_an_impossible_value_is_rejected(taken, name, value, message):
    bare, arrays = taken
    array = arrays[name].astype(np.float64 if arrays[name].dtype.kind == "f" else np.int64)
    array.reshape(-1)[0] = value
    refused(bare, archive(arrays | {name: array}), message)


def test_a_child_in_another_tree_is_rejected(taken):
    """The last inner node of the first tree points to the root of the second tree."""
    bare, arrays = taken
    right, first = arrays["right_child"].astype(np.int64), arrays["node_count"][0]
    right[np.flatnonzero(right[:first] != -1)[-1]] = first
    refused(bare, archive(arrays | {"right_child": right}), "points outside it")


FLOATS = ("threshold", "impurity", "weighted_n_node_samples", "value")


@pytest.mark.parametrize("name", [*NODE_DTYPE.names, "value", "node_count", "max_depth", "random_state"])
def test_an_array_of_the_wrong_size_or_type_is_rejected(taken, name):
    bare, arrays = taken
    array = arrays[name]
    for wrong in (array[:-1], np.concatenate([array, array[-1:]]), array[None]):
        refused(bare, archive(arrays | {name: wrong}), "has shape .*; expected")
    too_large = [] if name in FLOATS else [array.astype("u8")]  # floats may be stored as whole numbers
    for wrong in (array.astype("f4"), *too_large):
        refused(bare, archive(arrays | {name: wrong}), f"{name} has shape .* and type .*; expected")
    for wrong in (array.astype("c16"), array.astype("U3"), array.astype(">f8")):
        refused(bare, archive(arrays | {name: wrong}), f"{name}.npy holds .*; expected integers or floats")
    attach_trees(bare, {"trees/0.npz": archive(arrays)})


def test_objects_are_not_unpickled(taken):
    bare, arrays = taken
    file = io.BytesIO()
    np.save(file, np.array([print], dtype=object), allow_pickle=True)
    refused(bare, zipped(unzipped(archive(arrays)) | {"value.npy": file.getvalue()}), "value.npy holds object")


def test_a_shape_larger_than_the_file_is_rejected(taken):
    bare, arrays = taken
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**13, 1, 2)})
    refused(bare, zipped(unzipped(archive(arrays)) | {"value.npy": header.getvalue() + bytes(16)}), "cannot reshape")


def test_an_archive_that_unpacks_to_far_more_bytes_is_rejected(taken, monkeypatch):
    bare, arrays = taken
    monkeypatch.setattr("hybrid.pipelines.saved.trusted._MOST_BYTES", 10)
    monkeypatch.setattr("hybrid.pipelines.saved.trusted._MOST_EXPANSION", 0.5)
    refused(bare, archive(arrays), "would be unpacked to")


def test_too_many_trees_are_rejected(taken, monkeypatch):
    """A tree takes far more memory than bytes in the file."""
    bare, arrays = taken
    monkeypatch.setattr("hybrid.pipelines.saved.forest._MOST_TREES", 6)
    refused(bare, archive(arrays), "7 trees")


def test_missing_and_unused_files_are_rejected(taken):
    bare, arrays = taken
    data = archive(arrays)
    refused(bare, data, "no forest uses trees/1.npz", **{"trees/1.npz": data})
    refused(
        bare, archive({name: array for name, array in arrays.items() if name != "value"}), "a file holds the arrays"
    )
    with pytest.raises(InputError, match="'trees/0.npz'"):
        attach_trees(bare, {})


def test_a_file_that_two_forests_use_is_rejected():
    """Otherwise a small file could take any amount of memory."""
    bare, files = detach_trees(with_forest(LABELS))
    bare[-1].models_[1].estimators_[0].tree_ = "trees/0.npz"
    refused(bare, files["trees/0.npz"], "'trees/0.npz'")


def test_trees_with_more_columns_than_their_estimator_are_rejected(tmp_path):
    pipeline = with_forest(BINARY)
    wide = RandomForestClassifier(7, random_state=0).fit(np.random.default_rng(1).normal(size=(120, 200)), BINARY)
    pipeline[-1].models_[0].estimators_ = wide.estimators_
    model = save_model(pipeline, tmp_path / "wide")
    with pytest.raises(InputError, match="damaged decision tree"):
        load_model(model)


def test_more_outputs_than_class_counts_are_rejected(taken):
    """scikit-learn would read class counts beyond the end of their array."""
    bare, arrays = copy.deepcopy(taken)
    bare[-1].models_[0].estimators_[0].n_outputs_ = 10**6
    refused(bare, archive(arrays), "1000000 outputs")


def test_manipulated_trees_with_valid_checksums_are_rejected(tmp_path):
    model = save_model(with_forest(BINARY), tmp_path / "model")
    members = unzipped((model / "trees/0.npz").read_bytes())
    nodes = np.load(io.BytesIO(members["left_child.npy"])).astype(np.int64)
    nodes[0] = 10**6
    put(model, "trees/0.npz", zipped(members | {"left_child.npy": array_bytes(nodes)}))
    with pytest.raises(InputError, match="The model's forests cannot be loaded: .*points outside it"):
        load_model(model)
