"""`hybrid inspect`: shows the manifest of a saved model and verifies its files without loading them."""

import json
import os
import shutil
import stat
import time
import zipfile

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.extractors.store.identity import fingerprint
from hybrid.files import read_json, write_json
from hybrid.pipelines import load_model, make_head_pipeline, save_model


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a saved model with two files besides the manifest."""
    X = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    y = np.where(X[:, 0] > 0, "sick", "healthy")
    return save_model(
        make_head_pipeline("xgboost", n_estimators=3).fit(X, y), tmp_path_factory.mktemp("saved") / "model"
    )


@pytest.fixture
def copied_model(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "model")


@pytest.fixture
def zipped_folder(copied_model, tmp_path):
    """Return the same model as a .zip file that contains the folder."""
    return shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "model")


def test_the_manifest_and_every_file_are_shown(hybrid, copied_model, zipped_folder):
    for path in (copied_model, zipped_folder):
        text = hybrid("inspect", path)
        for word in (
            "binary",
            "healthy, sick",
            "XGBoost",
            "head.skops",
            "boosters/0.json",
            "as saved",
            "scikit-learn 1.",
        ):
            assert word in text


def test_json_is_one_object_with_the_whole_manifest(hybrid, copied_model, zipped_folder):
    manifest = read_json(copied_model / "manifest.json")
    del manifest["sha256"]
    for path, name in ((copied_model, "model"), (zipped_folder, "packed")):
        found = json.loads(hybrid("inspect", path, "--json"))
        assert found == {"model": name, "whole": True, "faults": {}, "manifest": manifest}


def test_a_zip_without_the_folder_is_accepted(hybrid, copied_model, tmp_path):
    assert "as saved" in hybrid("inspect", shutil.make_archive(str(tmp_path / "bare"), "zip", copied_model))


def test_a_model_that_was_being_replaced_when_its_process_was_killed_is_found(hybrid, copied_model):
    copied_model.rename(copied_model.with_name(f".old-{copied_model.name}"))
    assert hybrid.result("inspect", copied_model).exit_code == 0
    assert copied_model.is_dir()


def test_a_model_of_the_workspace_is_found_by_its_name(hybrid, copied_model, tmp_path):
    shutil.copytree(copied_model, tmp_path / "hybrid_runs/models/mine/model")
    write_json(tmp_path / "hybrid_runs/models/mine/metrics.json", {})
    assert "as saved" in hybrid("inspect", "mine")
    assert "Unknown model 'mein'. Nearest: 'mine'" in hybrid("inspect", "mein", code=1)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda model: (model / "head.skops").unlink(), "head.skops (it is missing)"),
        (lambda model: (model / "head.skops").write_bytes(b"x"), "head.skops (it has 1 bytes, expected"),
        (lambda model: flip(model / "head.skops"), "head.skops (it does not match its checksum)"),
        (lambda model: flip(model / "manifest.json"), "manifest.json"),
        (lambda model: (model / "extra.py").write_text("x"), "extra.py (the manifest does not list it)"),
        (lambda model: link(model / "head.skops"), "head.skops (it is not a regular file)"),
        (
            lambda model: relist(model, "../head.skops"),
            "../head.skops (it is not a plain path inside the model), and 1 more",
        ),
    ],
)
def test_a_damaged_model_gives_one_sentence_and_exit_code_1(hybrid, copied_model, tmp_path, damage, fault):
    damage(copied_model)
    said = hybrid("inspect", copied_model, code=1)
    assert fault in said
    assert len(said.splitlines()) == 1
    with zipfile.ZipFile(tmp_path / "damaged.zip", "w") as archive:
        for file in sorted(path for path in copied_model.rglob("*") if path.is_file() or path.is_symlink()):
            archive.write(file, file.relative_to(copied_model))
            if file.is_symlink():
                archive.getinfo(file.relative_to(copied_model).as_posix()).external_attr = (stat.S_IFLNK | 0o777) << 16
    assert fault in hybrid("inspect", tmp_path / "damaged.zip", code=1)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def link(path):
    path.rename(path.with_name(".DS_Store"))
    path.symlink_to(".DS_Store")


def relist(model, name):
    manifest = read_json(model / "manifest.json")
    del manifest["sha256"]
    manifest["files"][name] = manifest["files"].pop("head.skops")
    write_json(model / "manifest.json", manifest | {"sha256": fingerprint(manifest)})


@pytest.mark.parametrize(
    "change",
    [
        {"files": []},
        {"files": {"head.skops": {"size": -1, "sha256": ""}}},
        {"files": {"head.skops": {"size": "1", "sha256": ""}}},
        {"extractors": [{}]},
        {"classes": "ab"},
        {"steps": []},
        {"steps": [{"name": 1, "type": "x"}]},
        {"info": None},
        {"width": True},
        {"task": ["binary"]},
    ],
)
def test_a_manifest_with_wrong_fields_and_a_valid_checksum_is_rejected(hybrid, copied_model, change):
    manifest = read_json(copied_model / "manifest.json") | change
    del manifest["sha256"]
    write_json(copied_model / "manifest.json", manifest | {"sha256": fingerprint(manifest)})
    assert f"the field {next(iter(change))!r} does not have the expected type or value" in hybrid(
        "inspect", copied_model, code=1
    )


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"schema": NaN}', '{"schema": 1e999', "", "\0", "[1]", '{"schema": 2}']
)
def test_an_invalid_manifest_gives_one_sentence(hybrid, copied_model, text):
    (copied_model / "manifest.json").write_text(text)
    assert "manifest" in hybrid("inspect", copied_model, code=1)


def test_an_invalid_archive_gives_one_sentence(hybrid, tmp_path, zipped_folder):
    (tmp_path / "text.zip").write_text("no archive")
    assert "is not the .zip file of a saved model, or is damaged" in hybrid("inspect", "text.zip", code=1)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a/b/manifest.json", "{}")
    assert "expected one manifest.json, found 0" in hybrid("inspect", "other.zip", code=1)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(zipped_folder, "a") as archive:
        archive.writestr("model/head.skops", b"another")
    assert "two files with the same name" in hybrid("inspect", zipped_folder, code=1)


@pytest.mark.medium
def test_nothing_is_loaded_or_written(python, copied_model, zipped_folder, tmp_path):
    code = """
import sys
from hybrid.cli.main import main
main.main(["inspect", sys.argv[1]], standalone_mode=False)
heavy = {"keras", "tensorflow", "sklearn", "skops", "xgboost", "openvino", "PIL", "joblib", "pickle"}
print(sorted(heavy & set(sys.modules)))
"""
    before = sorted(tmp_path.rglob("*"))
    for path in (copied_model, zipped_folder):
        loaded = python(code, path).splitlines()[-1]
        assert loaded in ("[]", "['pickle']")  # NumPy imports it; nothing calls it
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="pipes are POSIX's")
def test_a_named_pipe_in_a_model_does_not_block(hybrid, copied_model):
    (copied_model / "head.skops").unlink()
    os.mkfifo(copied_model / "head.skops")
    assert "head.skops (it is not a regular file)" in hybrid("inspect", copied_model, code=1)


@pytest.mark.parametrize("place", ["archive", "folder", "manifest"])
def test_a_model_of_very_many_files_is_refused_at_once(hybrid, copied_model, zipped_folder, place):
    path = copied_model
    if place == "archive":
        path = zipped_folder
        with zipfile.ZipFile(path, "a") as archive:
            for number in range(10_000):
                archive.writestr(f"model/{number}", b"")
    elif place == "folder":
        for number in range(10_000):
            (path / str(number)).touch()
    else:
        manifest = read_json(path / "manifest.json")
        del manifest["sha256"]
        manifest["files"] |= {f"{number}": {"size": 0, "sha256": ""} for number in range(10_000)}
        write_json(path / "manifest.json", manifest | {"sha256": fingerprint(manifest)})
    began = time.process_time()
    assert "files; expected at most 10,000" in hybrid("inspect", path, code=1)
    assert time.process_time() - began < 5


def with_extractor(model, **changed):
    """Give a saved model an extractor with these parameters, in a manifest whose checksum fits."""
    params = {"backbone": "mobilenet_v2", "weights": "random"} | changed
    identity = {"fields": {"layers": ["out_relu"]}, "output_shape": [8], "parameters": 1}
    manifest = read_json(model / "manifest.json")
    del manifest["sha256"]
    manifest["extractors"] = [{"params": params, "identity": identity, "fingerprint": "x"}]
    write_json(model / "manifest.json", manifest | {"sha256": fingerprint(manifest)})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"batch_size": 10**9}, "batch_size=1000000000 was given for images of 224×224"),
        ({"batch_size": "8"}, "batch_size='8' was given"),
        ({"size": [30000, 30000]}, "a network takes images of at most"),
        ({"size": "224"}, "expected a number of pixels, or"),
        ({"size": 16}, "the backbone mobilenet_v2 takes images of at least 32×32 pixels"),
        ({"backbone": "resnet_small:blocks=3000000"}, "expected a whole number from 1 to 100"),
        ({"backbone": "mobilenet_v2:alfa=1"}, "Unknown option of mobilenet_v2 'alfa'"),
        ({"layers": 5}, "expected 1 to 1000 names of layers"),
        ({"layers": "out_rely"}, "Unknown layer 'out_rely'. Nearest: 'out_relu'"),
        ({"pooling": ["avg"]}, "Unknown pooling"),
        ({"window": {}}, "has an extractor that cannot be used"),
        ({"kind": "x"}, "has an extractor with missing or unknown parameters"),
        ({"weights": "network/network.h5"}, "has the weights 'network/network.h5', which is not a file in its folder"),
        ({"weights": "/etc/passwd"}, "has the weights '/etc/passwd', which is not a file in its folder"),
    ],
)
def test_an_extractor_that_would_not_be_loaded_is_rejected(hybrid, copied_model, changed, said):
    with_extractor(copied_model, **changed)
    message = hybrid("inspect", copied_model, code=1)
    assert said in message
    with pytest.raises(InputError) as caught:
        load_model(copied_model)
    assert said in str(caught.value)


@pytest.mark.parametrize("changed", [{}, {"size": 64, "layers": ["block_2_add", "out_relu"], "seed": 3}])
def test_an_extractor_that_would_be_loaded_is_shown(hybrid, copied_model, changed):
    with_extractor(copied_model, **changed)
    assert "mobilenet_v2 (x)" in hybrid("inspect", copied_model)
