"""Saved models in a .zip file are loaded like their folders, and rejected before anything is written."""

import shutil
import zipfile

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.models.find_model import find_model
from hybrid.pipelines import load_model, make_head_pipeline, save_model

X = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    return make_head_pipeline("xgboost", n_estimators=3).fit(X, np.where(X[:, 0] > 0, "sick", "healthy"))


@pytest.fixture
def zipped_model(fitted, tmp_path):
    save_model(fitted, tmp_path / "model")
    return shutil.make_archive(str(tmp_path / "mine"), "zip", tmp_path, "model")


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_zipped_model_predicts_like_its_folder(fitted, zipped_model, tmp_path, cache):
    for loaded in (load_model(zipped_model), load_model(find_model(zipped_model, tmp_path / "runs"))):
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert len(files_below(cache / "models")) == 3  # unpacked once


def test_files_damaged_after_unpacking_are_unpacked_again(fitted, zipped_model, cache):
    load_model(zipped_model)
    for path in files_below(cache / "models"):
        path.write_bytes(path.read_bytes()[:-1])
    np.testing.assert_array_equal(load_model(zipped_model).predict_proba(X), fitted.predict_proba(X))


def another_member(name, content=b"x"):
    return lambda archive: archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (another_member("../outside.txt"), "../outside.txt (the manifest does not list it)"),
        (another_member("model/boosters/../../x"), "(the manifest does not list it)"),
        (another_member("model/more.bin", bytes(2**27)), "more.bin (the manifest does not list it)"),
        (another_member("other/manifest.json"), "expected one manifest.json, found 2"),
    ],
)
def test_a_manipulated_archive_is_rejected_and_nothing_is_written(zipped_model, tmp_path, cache, change, message):
    with zipfile.ZipFile(zipped_model, "a", zipfile.ZIP_DEFLATED) as archive:
        change(archive)
    before = files_below(tmp_path)
    with pytest.raises(InputError) as error:
        load_model(zipped_model)
    assert message in str(error.value)
    assert files_below(tmp_path) == before


@pytest.mark.medium
def test_a_zip_bomb_is_rejected_before_it_is_unpacked(zipped_model, tmp_path, cache):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(zipped_model) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, bytes(2**27) if name.endswith("head.skops") else old.read(name))
    with pytest.raises(InputError, match="would be unpacked to 134,217,728"):
        load_model(bomb)
    assert not (cache / "models").exists()


def test_a_file_that_is_not_an_archive_is_rejected(tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(InputError, match="is not the .zip file of a saved model"):
        load_model(tmp_path / "notes.txt")


@pytest.mark.parametrize("name", ["...zip", "..zip", ".zip", "....zip"])
def test_a_model_is_unpacked_into_a_folder_of_its_own_whatever_its_name(zipped_model, tmp_path, cache, fitted, name):
    (tmp_path / "at").mkdir()
    path = shutil.move(zipped_model, tmp_path / "at" / name)
    np.testing.assert_array_equal(load_model(path).predict_proba(X), fitted.predict_proba(X))
    [digest] = (cache / "models").iterdir()  # nothing beside the folder of this archive
    [folder] = digest.iterdir()
    assert {file.relative_to(folder).as_posix() for file in files_below(cache / "models")} == {
        "head.skops",
        "boosters/0.json",
        "manifest.json",
    }
