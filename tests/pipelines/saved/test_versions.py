"""Saved models of other versions and machines: loaded with one warning, or rejected with a way out."""

import io
import json
import shutil
import warnings
import zipfile

import numpy as np
import pytest
from made_models import fitted, put, rewrite

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.files import read_json
from hybrid.pipelines import OtherVersionsWarning, load_model, make_head_pipeline, save_model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    return {head: save_model(fitted(head), folder / head) for head in ("svm", "forest", "xgboost")}


@pytest.fixture
def old_model(saved, tmp_path):
    """Return a function that copies a saved model and changes the versions in its manifest."""

    def copy(head, **versions):
        folder = shutil.copytree(saved[head], tmp_path / head, dirs_exist_ok=True)
        named = {name.replace("_", "-"): version for name, version in versions.items()}
        rewrite(folder, versions=read_json(saved[head] / "manifest.json")["versions"] | named)
        return folder

    return copy


def warnings_of(folder):
    """Load a model and return the messages of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_model(folder)
    assert all(item.category is OtherVersionsWarning for item in caught)
    return [str(item.message) for item in caught]


def test_the_same_versions_and_unused_packages_give_no_warning(saved, old_model):
    for folder in saved.values():
        assert warnings_of(folder) == []
    assert warnings_of(old_model("svm", xgboost="1.0.0", keras="2.1.0")) == []


def test_patch_versions_give_no_warning(saved, old_model):
    versions = read_json(saved["svm"] / "manifest.json")["versions"]
    mended = {name.replace("-", "_"): f"{version}.99" for name, version in versions.items() if name != "machine"}
    assert warnings_of(old_model("svm", **mended)) == []


@pytest.mark.parametrize("head", ["svm", "forest", "xgboost"])
def test_other_versions_and_machines_give_one_warning(old_model, head):
    folder = old_model(head, scikit_learn="1.0.2", python="3.99.1", machine="Plan9 vax", hybrid="0.0.7", skops="0.2")
    (line,) = warnings_of(folder)
    for part in (
        "scikit-learn 1.0.2 (here 1.",
        "python 3.99.1",
        "machine Plan9 vax",
        "hybrid 0.0.7",
        "skops 0.2 (here",
    ):
        assert part in line
    assert len(line.splitlines()) == 1
    assert line.endswith("its probabilities may differ in their last digits.")


def older_parts(folder):
    """Change the versions in the estimators and in the record of skops, too."""
    data = (folder / "head.skops").read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as new:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                here = schema["_skops_version"]
                text = json.dumps(schema).replace(here, "0.2").replace(_sklearn(), "1.0.2")
                assert text.count("1.0.2") > 1
                content = text.encode()
            new.writestr(name, content)
    put(folder, "head.skops", buffer.getvalue())


def _sklearn():
    from importlib.metadata import version

    return version("scikit-learn")


def test_scikit_learn_adds_no_further_warning(old_model):
    folder = old_model("forest", scikit_learn="1.0.2")
    older_parts(folder)
    assert len(warnings_of(folder)) == 1


def test_a_booster_of_another_xgboost_version_gives_one_warning(old_model):
    folder = old_model("xgboost", xgboost="3.0.1")
    booster = json.loads((folder / "boosters/0.json").read_bytes())
    put(folder, "boosters/0.json", json.dumps(booster | {"version": [3, 0, 1]}).encode())
    (line,) = warnings_of(folder)
    assert "xgboost 3.0.1 (here 3." in line


@pytest.mark.parametrize(
    ("head", "versions"),
    [
        ("svm", {"scikit_learn": "0.24.2"}),
        ("svm", {"scikit_learn": "2.0"}),
        ("svm", {"skops": "1.0"}),
        ("xgboost", {"xgboost": "1.7.6"}),
    ],
)
def test_another_major_version_is_rejected_with_a_way_out(old_model, head, versions):
    ((name, version),) = versions.items()
    with pytest.raises(
        InputError, match=rf"was saved with {name.replace('_', '.')} {version}, which .* may read wrongly"
    ) as e:
        load_model(old_model(head, **versions))
    assert "install that version in a separate environment, or fit and save the model again" in str(e.value)


def test_an_unreadable_model_names_the_versions_it_was_saved_with(old_model):
    folder = old_model("svm", scikit_learn="1.0.2")
    put(folder, "head.skops", b"of another kind")
    with pytest.raises(InputError, match=r"cannot be loaded: .* was saved with .*scikit-learn 1\.0\.2 .here 1\."):
        load_model(folder)


def test_long_versions_are_shortened(old_model):
    with pytest.raises(InputError) as caught:
        load_model(old_model("svm", scikit_learn="9" * 10_000))
    assert len(str(caught.value)) < 500


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.filterwarnings("always:Model .* was saved with:UserWarning")
def test_predict_prints_one_warning_and_continues(hybrid, tiny_network, image_files, pixels, tmp_path):
    extractor = FeatureExtractor(tiny_network)
    embeddings = extractor.transform(pixels)
    head = make_head_pipeline("softmax").fit(embeddings, np.repeat(["a", "b"], 6))
    folder = save_model(head, tmp_path / "model", extractor=extractor)
    rewrite(
        folder, versions=read_json(folder / "manifest.json")["versions"] | {"keras": "3.0.5", "machine": "Plan9 vax"}
    )
    result = hybrid.result("predict", folder, *image_files)
    assert result.exit_code == 0
    line, note = result.stderr.splitlines()
    assert "saved without" in note  # it was saved by save_model without its training images
    assert "machine Plan9 vax" in line
    assert "keras 3.0.5" in line
    assert result.stdout.count("\n") == 1 + len(image_files)


def test_a_head_with_other_classes_or_columns_than_the_manifest_is_rejected(tmp_path):
    for change in ({"classes": ["healthy", "ill"]}, {"classes": ["a", "b", "c"]}, {"width": 9}):
        folder = save_model(fitted("softmax"), tmp_path / "model")
        rewrite(folder, **change)
        with pytest.raises(InputError, match="holds a head that cannot predict from embeddings of [89] columns"):
            load_model(folder)
