"""Traps that a person falls into without noticing: each is closed, or said aloud."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]


def test_a_network_replaced_after_extraction_is_refused(hybrid, image_folder, tiny_network, other_network, tmp_path):
    network = tmp_path / "own.keras"
    shutil.copy(tiny_network, network)
    hybrid("extract", image_folder, "--backbone", network)
    shutil.copy(other_network, network)
    result = hybrid.result("fit", "softmax")
    assert result.exit_code == 1
    assert "differ from those that it was saved with" in result.stderr
    assert not (tmp_path / "hybrid_runs" / "models").exists() or not list((tmp_path / "hybrid_runs/models").iterdir())


@pytest.mark.parametrize("head", ["svm", "forest", "xgboost", "softmax"])
def test_predict_repeats_what_fit_wrote_down(hybrid, image_folder, tiny_network, tmp_path, head):
    hybrid("extract", image_folder, "--backbone", tiny_network)
    model = hybrid.json("fit", head)["model"]
    lines = (tmp_path / "hybrid_runs/models" / model / "predictions.csv").read_text().splitlines()[1:]
    written = {line.split(",")[0]: line.split(",")[3:] for line in lines}
    for row in hybrid.json("predict", model, image_folder)["predictions"]:
        predicted, *proba = written[row["image"].split("/pictures/")[1]]
        assert row["predicted"] == predicted
        np.testing.assert_allclose([row["p_normal"], row["p_pneumonia"]], np.array(proba, float), atol=1e-6)


@pytest.mark.usefixtures("no_report")
def test_the_same_image_in_two_splits_or_with_two_labels_is_reported(hybrid, tiny_network, tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for name in ("a", "b"):
            (tmp_path / "data" / split / name).mkdir(parents=True)
            for number in range(5):
                picture = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
                picture.save(tmp_path / "data" / split / name / f"{number}.png")
    clean = hybrid.result("extract", "data", "--backbone", tiny_network)
    assert "WARNING" not in clean.output
    shutil.copy(tmp_path / "data/train/a/0.png", tmp_path / "data/test/a/copy.png")
    shutil.copy(tmp_path / "data/train/a/1.png", tmp_path / "data/train/b/copy.png")
    found = hybrid.result("extract", "data", "--backbone", tiny_network)
    assert "WARNING: 1 images are in more than one split" in found.stderr
    assert "WARNING: 1 images have more than one label" in found.stderr
    assert "more than one split" in hybrid.result("fit", "softmax").stderr
    assert "more than one split" in hybrid.result("compare").stderr


def test_features_of_a_network_trained_on_test_images_are_reported(hybrid, image_folder):
    hybrid("train", "convnet_small", image_folder, "--epochs", 1, "--size", 16)
    same = hybrid.json("extract", image_folder)
    assert same["dataset"]["warnings"] == []
    (warning,) = hybrid.json("extract", image_folder, "--seed", 1)["dataset"]["warnings"]
    assert "the seed that the network was trained with" in warning


def test_a_moved_project_still_fits(hybrid, image_folder, tmp_path):
    hybrid("train", "convnet_small", image_folder, "--epochs", 1, "--size", 16, "--workspace", "here")
    hybrid("extract", image_folder, "--workspace", "here")
    (tmp_path / "here").rename(tmp_path / "there")
    result = hybrid.result("fit", "softmax", "--workspace", "there")
    assert result.exit_code == 0, result.output


def test_a_tuned_model_does_not_take_the_place_of_the_plain_one(hybrid, image_folder, tiny_network):
    hybrid("extract", image_folder, "--backbone", tiny_network)
    names = {hybrid.json("fit", "softmax", *more)["model"] for more in ((), ("--tune",), ("--pca", "2"))}
    assert names == {"softmax-pictures-tiny", "softmax-tuned-pictures-tiny", "softmax-pca2-pictures-tiny"}


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_file_names_that_are_not_unicode_are_kept(hybrid, image_folder, tiny_network, tmp_path):
    source = image_folder / "normal" / "0.png"
    try:
        os.rename(os.fsencode(source), os.fsencode(image_folder / "normal") + b"/bad\xff\xfe.png")  # noqa: PTH104 - bytes
    except OSError:
        pytest.skip("this file system takes text only")
    found = hybrid.json("extract", image_folder, "--backbone", tiny_network)
    assert found["images"] == 60
    hybrid("fit", "softmax")
    rows = (tmp_path / "hybrid_runs/models/softmax-pictures-tiny/predictions.csv").read_bytes().splitlines()
    assert any(row.startswith(b"normal/bad\xff\xfe.png,") for row in rows)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("svm", "--param", "C=-1"), ["C=-1 was given for the svm head", "above 0"]),
        (("softmax", "--param", "C='a'"), ["softmax cannot be fitted", "C='a'"]),
        (("forest", "--param", "n_estimators=0"), ["n_estimators"]),
        (("xgboost", "--param", "max_depth=-4"), ["max_depth"]),
        (("svm", "--pca", "10000"), ["n_components"]),
    ],
)
def test_settings_out_of_range_get_one_sentence(hybrid, image_folder, tiny_network, args, words):
    hybrid("extract", image_folder, "--backbone", tiny_network)
    result = hybrid.result("fit", *args)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert all(word in result.stderr for word in words)


def test_nothing_to_predict_is_an_error(hybrid, image_folder, tiny_network, tmp_path):
    hybrid("extract", image_folder, "--backbone", tiny_network)
    hybrid("fit", "softmax")
    (tmp_path / "bad.png").write_bytes(b"no image")
    result = hybrid.result("predict", "softmax-pictures-tiny", "bad.png", "--on-bad", "skip")
    assert result.exit_code == 1
    assert "None of the 1 images can be decoded" in result.stderr


def test_a_narrow_terminal_loses_columns_never_names_or_digits(monkeypatch, capsys):
    from rich.console import Console

    from hybrid.cli.output import print_table

    monkeypatch.setattr(Console, "is_terminal", property(lambda self: True))
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    columns = ["model", "roc_auc", "accuracy", "balanced_accuracy", "f1"]
    print_table("", columns, [["svm-pictures-tiny", "0.956 [0.931, 0.975]", "0.911", "0.902", "0.900"]], optional=3)
    text = capsys.readouterr().out
    assert "svm-pictures-tiny" in text
    assert "0.956 [0.931, 0.975]" in text
    assert "f1" not in text
