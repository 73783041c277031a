"""Saved models are loaded bit for bit, and changed files are rejected."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from made_models import QUICK, embeddings, fitted, labels, rewrite
from paths import ROOT
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, VarianceThreshold, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, PowerTransformer, RobustScaler
from tiers import slow

from hybrid.classifiers import HEADS
from hybrid.errors import InputError
from hybrid.pipelines import adjust, load_model, make_ensemble, make_head_pipeline, read_manifest, save_model


@pytest.fixture
def saved_svm(tmp_path):
    return save_model(fitted(), tmp_path / "model")


LOAD_ALL = """
import sys
from pathlib import Path
import numpy as np
from hybrid.pipelines import load_model

folder = Path(sys.argv[1])
X = np.load(folder / "X.npy")
for path in sorted(folder.iterdir()):
    if path.is_dir() or path.suffix == ".zip":
        pipeline = load_model(path)
        np.savez(folder / f"{path.stem}.npz", proba=pipeline.predict_proba(X), label=pipeline.predict(X))
assert not {"keras", "tensorflow"} & set(sys.modules)
"""


@pytest.mark.medium
@pytest.mark.parametrize("kinds", [("classes", "multilabel"), slow(("strings", "numbers", "truths"))])
def test_loaded_models_predict_bit_for_bit_in_a_fresh_process(tmp_path, kinds):
    """Test every head, with and without calibration, on every type of label, and ensembles; from folders and a .zip."""
    X = embeddings()
    np.save(tmp_path / "X.npy", X)
    pipelines = {}
    for kind in kinds:
        y = labels(kind)
        for head in HEADS:
            pipelines[f"{head}-{kind}"] = plain = fitted(head, kind, pca=5)
            pipelines[f"{head}-{kind}-calibrated"] = adjust(plain, X, y, calibration="auto", validation=(X, y))
        pipelines[f"projected-{kind}"] = fitted("forest", kind, pls=3)
        ensemble = make_ensemble([3, 5], ["svm", "xgboost"], params=QUICK).set_params(weights=[1, 2, 3, 4])
        pipelines[f"ensemble-{kind}"] = Pipeline([("head", ensemble)]).fit(X, y)
    for name, pipeline in pipelines.items():
        save_model(pipeline, tmp_path / name)
    packed = tmp_path / f"ensemble-{kinds[0]}"
    shutil.make_archive(str(packed), "zip", packed)
    shutil.rmtree(packed)
    subprocess.run([sys.executable, "-c", LOAD_ALL, str(tmp_path)], cwd=ROOT, check=True)
    for name, pipeline in pipelines.items():
        with np.load(tmp_path / f"{name}.npz") as loaded:
            np.testing.assert_array_equal(loaded["proba"], pipeline.predict_proba(X), err_msg=name)
            np.testing.assert_array_equal(loaded["label"], pipeline.predict(X), err_msg=name)
            assert loaded["label"].dtype == pipeline.predict(X).dtype


@pytest.mark.parametrize("calibration", ["isotonic", "temperature"])
def test_every_calibration_is_loaded(tmp_path, calibration):
    pipeline = fitted(calibration=calibration)
    loaded = load_model(save_model(pipeline, tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict_proba(embeddings()), pipeline.predict_proba(embeddings()))


@pytest.mark.medium
def test_a_loaded_model_can_be_fitted_and_saved_again(tmp_path):
    for head in HEADS:
        model = save_model(fitted(head), tmp_path / head)
        again = load_model(model).fit(embeddings(), labels("classes"))
        assert load_model(save_model(again, model)).classes_.tolist() == ["a", "b", "ç"]


def test_the_manifest_describes_the_model(tmp_path):
    info = {
        "set": "scenes",
        "auc": np.float32(0.5),
        "threshold": 0.25,
        "counts": np.array([3, 4]),
        10: "ten",
        9: "nine",
    }
    manifest = read_manifest(save_model(fitted("xgboost", "classes"), tmp_path / "model", info=info))
    assert manifest.schema == 3
    assert manifest.info == {
        "set": "scenes",
        "auc": 0.5,
        "threshold": 0.25,
        "counts": [3, 4],
        "10": "ten",
        "9": "nine",
    }
    assert manifest.classes == ["a", "b", "ç"]
    assert (manifest.task, manifest.labels, manifest.width) == ("multiclass", "string", 8)
    assert manifest.extractors == []
    assert [step.name for step in manifest.steps] == ["scaler", "head"]
    assert set(manifest.files) == {"head.skops", "boosters/0.json"}
    assert {"hybrid", "python", "machine", "numpy", "scikit-learn", "skops", "xgboost", "keras"} == set(
        manifest.versions
    )


@pytest.mark.parametrize(
    ("kind", "task", "kept"), [("numbers", "binary", "integer"), ("multilabel", "multilabel", "multilabel")]
)
def test_the_manifest_names_the_type_of_the_labels(tmp_path, kind, task, kept):
    manifest = read_manifest(save_model(fitted("softmax", kind), tmp_path / "model"))
    assert (manifest.task, manifest.labels) == (task, kept)


@pytest.mark.parametrize("head", ["xgboost", "forest"])
def test_a_changed_byte_in_any_file_is_detected(tmp_path, head):
    model = save_model(fitted(head), tmp_path / "model")
    for path in sorted(path for path in model.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for place in np.linspace(0, len(whole) - 1, 7).astype(int):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(InputError, match=re.escape(path.name)):
                load_model(model)
        path.write_bytes(whole)
    load_model(model)


def test_changed_missing_and_unlisted_files_are_named(saved_svm):
    whole = (saved_svm / "head.skops").read_bytes()
    (saved_svm / "head.skops").write_bytes(whole + b"\0")
    with pytest.raises(
        InputError, match=rf"Model 'model' is not as it was saved: head\.skops .it has {len(whole) + 1} bytes"
    ):
        load_model(saved_svm)
    (saved_svm / "head.skops").unlink()
    with pytest.raises(InputError, match=r"Model 'model' is not as it was saved: head\.skops .it is missing"):
        load_model(saved_svm)
    (saved_svm / "head.skops").write_bytes(whole)
    (saved_svm / "boosters").mkdir()
    (saved_svm / "boosters" / "0.json").write_text("{}")
    with pytest.raises(InputError, match=r"boosters/0\.json .the manifest does not list it"):
        load_model(saved_svm)


def test_files_of_the_operating_system_are_ignored(saved_svm):
    (saved_svm / ".DS_Store").write_bytes(b"")
    (saved_svm / "._head.skops").write_bytes(b"")
    load_model(saved_svm)
    save_model(fitted(), saved_svm)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/hostname", "a/../b", "./a", "a//b", "", "..", "c:\\a", "\\\\host\\a"]
)
def test_a_path_outside_the_folder_is_rejected_before_it_is_read(saved_svm, name):
    rewrite(saved_svm, files={name: {"size": 0, "sha256": "0"}})
    with pytest.raises(InputError, match="not a plain path inside the model"):
        load_model(saved_svm)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_rejected(saved_svm, tmp_path):
    outside = tmp_path / "outside.skops"
    (saved_svm / "head.skops").replace(outside)
    (saved_svm / "head.skops").symlink_to(outside)
    with pytest.raises(InputError, match=r"head\.skops .it is not a regular file"):
        load_model(saved_svm)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (1, r"Model 'model' has schema 1 of an earlier .* reads schemas 2 to 3: fit and save it again\.$"),
        (4, r"Model 'model' has schema 4; hybrid .* reads up to 3: update hybrid\.$"),
    ],
)
def test_another_schema_gives_one_sentence(saved_svm, schema, message):
    rewrite(saved_svm, schema=schema, something="else")
    with pytest.raises(InputError, match=message):
        load_model(saved_svm)


def test_a_missing_model_and_an_invalid_manifest_are_reported(tmp_path):
    with pytest.raises(InputError, match="There is no saved model"):
        load_model(tmp_path / "nothing")
    (tmp_path / "manifest.json").write_text("[1, 2]")
    with pytest.raises(InputError, match="states no schema"):
        load_model(tmp_path)


class Foreign(LogisticRegression):
    """A type that a saved model may not hold."""


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (make_head_pipeline("svm"), "The pipeline is not fitted: fit it"),
        (LogisticRegression(), "A LogisticRegression was given; expected a fitted Pipeline"),
        (make_head_pipeline(Foreign()), r"holds .*test_save\.Foreign, which cannot be loaded safely"),
    ],
)
def test_a_pipeline_that_cannot_be_saved_leaves_no_files(tmp_path, pipeline, message):
    if "Foreign" in message:
        pipeline.fit(embeddings(), labels("strings"))
    with pytest.raises(InputError, match=message):
        save_model(pipeline, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_search_is_rejected_in_favour_of_its_best_estimator(tmp_path):
    search = GridSearchCV(make_head_pipeline("softmax"), {"head__C": [1.0]}, cv=2).fit(embeddings(), labels("strings"))
    with pytest.raises(InputError, match="save its best_estimator_"):
        save_model(search, tmp_path / "model")
    save_model(search.best_estimator_, tmp_path / "model")


def test_info_that_is_not_json_is_rejected(tmp_path):
    for info in ({"auc": float("nan")}, {"model": object()}):
        with pytest.raises(InputError, match="cannot be written as JSON"):
            save_model(fitted("softmax"), tmp_path / "model", info=info)
    assert list(tmp_path.iterdir()) == []


def test_saving_over_a_model_replaces_all_its_files(tmp_path):
    model = save_model(fitted("xgboost"), tmp_path / "model")
    assert save_model(fitted("softmax"), model) == model
    assert sorted(path.name for path in model.iterdir()) == ["head.skops", "manifest.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_failure_while_saving_keeps_the_old_model(saved_svm, monkeypatch):
    before = read_manifest(saved_svm)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hybrid.pipelines.saved.save.write_manifest", fail)
    with pytest.raises(InputError, match="No space left on device"):
        save_model(fitted("softmax"), saved_svm)
    assert read_manifest(saved_svm) == before
    assert [path.name for path in saved_svm.parent.iterdir()] == ["model"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path, saved_svm):
    (tmp_path / "photos").mkdir()
    for folder in (tmp_path / "photos", saved_svm):
        (folder / "holiday.jpg").write_bytes(b"dear")
        with pytest.raises(InputError, match=r"holds 'holiday\.jpg', which is not part of a saved model"):
            save_model(fitted("softmax"), folder)
        assert (folder / "holiday.jpg").read_bytes() == b"dear"


def test_additional_steps_are_saved_if_their_types_are_trusted(tmp_path):
    X, y = embeddings(), labels("strings")
    for steps in (
        [Normalizer(), "softmax"],
        [MinMaxScaler(), PCA(3), "softmax"],
        [RobustScaler(), MaxAbsScaler(), "softmax"],
        [VarianceThreshold(), PowerTransformer(), SelectKBest(k=3), LinearDiscriminantAnalysis()],
    ):
        pipeline = make_head_pipeline(*steps, scale=False).fit(X, y)
        loaded = load_model(save_model(pipeline, tmp_path / "model"))
        np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
    pipeline = make_head_pipeline(SelectKBest(mutual_info_classif, k=3), "softmax").fit(X, y)
    with pytest.raises(
        InputError, match=r"holds .*mutual_info_classif, which cannot be loaded safely, so it is not saved"
    ):
        save_model(pipeline, tmp_path / "other")
