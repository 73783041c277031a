"""The main job from files to a comparison, through the command line, on images that the test makes."""

import ast
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_pictures import write_colours
from PIL import Image
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from tables import read_rows

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

COLOURS = {"blue": (40, 60, 200), "green": (60, 190, 50), "red": (210, 50, 40)}
PER_SPLIT = {"train": 16, "val": 6, "test": 6}


@pytest.fixture
def coloured(tmp_path):
    """A folder of three classes and three splits."""
    return write_colours(tmp_path / "pictures", COLOURS, PER_SPLIT)


def metrics_of(folder, model):
    return json.loads((folder / "hybrid_runs/models" / model / "metrics.json").read_text())["splits"]


def test_three_commands_give_a_comparison(hybrid, coloured, tiny_network, tmp_path):
    found = hybrid.json("extract", coloured, "--backbone", tiny_network)
    assert (found["new"], found["cached"], found["width"]) == (84, 0, 5)
    fitted = {head: hybrid.json("fit", head) for head in ("svm", "softmax")}
    result = hybrid.json("compare")
    (group,) = result["groups"]
    assert {model["model"] for model in group["models"]} == {"svm-pictures-tiny", "softmax-pictures-tiny"}
    for model in group["models"]:
        assert set(fitted[model["head"]]["splits"]) == {"train", "val"}
        own = metrics_of(tmp_path, model["model"])["test"]["metrics"]["accuracy"]
        assert model["accuracy"] == own["value"]
        assert model["accuracy_low"] == own["low"]
    written = [Path(path) for path in result["files"]]
    drawn = {path.stem: path for path in written if path.suffix == ".png"}
    assert {"scores", "cost", "roc", "precision-recall", "reliability"} <= set(drawn)
    assert set(drawn) == {path.stem for path in written if path.suffix == ".svg"}
    for path in drawn.values():
        with Image.open(path) as image:
            assert min(image.size) > 200


@pytest.mark.usefixtures("no_report")
def test_metrics_are_those_of_scikit_learn_on_the_saved_predictions(hybrid, coloured, tiny_network, tmp_path):
    hybrid("extract", coloured, "--backbone", tiny_network)
    model = hybrid.json("fit", "softmax")["model"]
    hybrid("compare")
    evaluated = metrics_of(tmp_path, model)
    rows = read_rows(tmp_path / "hybrid_runs/models/softmax-pictures-tiny/predictions.csv")
    assert len(rows) == 84
    for split, count in PER_SPLIT.items():
        part = [row for row in rows if row["split"] == split]
        assert len(part) == 3 * count
        true, predicted = [row["label"] for row in part], [row["predicted"] for row in part]
        proba = np.array([[float(row[f"p_{label}"]) for label in COLOURS] for row in part])
        metrics = evaluated[split]["metrics"]
        assert metrics["accuracy"]["value"] == pytest.approx(accuracy_score(true, predicted), abs=1e-12)
        assert metrics["log_loss"]["value"] == pytest.approx(log_loss(true, proba, labels=list(COLOURS)), abs=1e-9)
        np.testing.assert_array_equal(evaluated[split]["confusion"], confusion_matrix(true, predicted))
        assert all(row["id"].startswith(f"{split}/{row['label']}/") for row in part)


@pytest.mark.usefixtures("no_report")
@pytest.mark.slow
def test_scores_on_test_are_shown_by_compare_alone(hybrid, coloured, tiny_network):
    hybrid("extract", coloured, "--backbone", tiny_network)
    shown = {"fit": [hybrid("fit", "svm"), hybrid("fit", "softmax", "--tune")]}
    shown["train"] = [hybrid("train", "convnet_small", coloured, "--size", "16", "--epochs", "1", "--name", "own")]
    for text in (one for texts in shown.values() for one in texts):
        assert "train (n=48)" in text
        assert "val (n=18)" in text
        assert "test (n=" not in text
        assert "each class on val" in text
    assert "hybrid compare svm-pictures-tiny shows only this one" in shown["fit"][0]
    assert "hybrid compare network-own shows only this one" in shown["train"][0]
    assert shown["train"][0].count("train (n=48)") == 1  # the only epoch is the best one and the last one
    assert "best epoch, 1, which is also the last" in shown["train"][0]
    record = hybrid.json("train", "convnet_small", coloured, "--size", "16", "--epochs", "1", "--name", "own")
    assert set(record["splits"]) == set(record["last"]["splits"]) == {"train", "val"}

    alone = hybrid("compare", "svm-pictures-tiny")
    assert "test: 18 images" in alone
    assert "softmax" not in alone
    named = hybrid.json("compare", "svm-pictures-tiny", "network-own", "--cv", "2")["groups"][0]
    assert {model["model"] for model in named["models"]} == {"svm-pictures-tiny", "network-own"}
    assert [model["model"] for model in named["cross_validation"]["models"]] == ["svm-pictures-tiny"]
    assert "Nearest: 'svm-pictures-tiny'" in hybrid("compare", "svm-picture-tiny", code=1)


@pytest.mark.usefixtures("no_report")
def test_without_a_validation_split_a_note_says_what_is_shown(hybrid, image_folder, tiny_network):
    hybrid("extract", image_folder, "--backbone", tiny_network, "--split", "70/0/30")
    text = hybrid("fit", "svm")
    assert "train (n=42)" in text
    assert "test (n=" not in text
    assert "There is no validation split" in text
    assert "hybrid compare --cv 5" in text
    hybrid("extract", image_folder, "--backbone", tiny_network, "--split", "70/30/0")
    assert "hybrid compare --split val;" in hybrid("fit", "svm")
    printed = hybrid("compare", "svm-pictures-tiny-2", "--split", "val")
    assert "val: 18 images" in printed
    assert "hybrid_runs/reports/val/report.html" in printed  # the report on test stays


def test_predict_gives_what_fit_saw(hybrid, coloured, tiny_network, tmp_path):
    hybrid("extract", coloured, "--backbone", tiny_network)
    hybrid("fit", "svm")
    saved = {row["id"]: row for row in read_rows(tmp_path / "hybrid_runs/models/svm-pictures-tiny/predictions.csv")}
    out = tmp_path / "out.csv"
    hybrid("predict", "svm-pictures-tiny", coloured / "test", "--output", out)
    rows = read_rows(out)
    assert len(rows) == 18
    for row in rows:
        before = saved[row["image"].split("/pictures/")[1]]
        assert row["predicted"] == before["predicted"]
        for label in COLOURS:
            assert float(row[f"p_{label}"]) == pytest.approx(float(before[f"p_{label}"]), abs=1e-6)


def test_a_saved_model_works_where_workspace_cache_and_network_are_gone(
    hybrid, coloured, tiny_network, tmp_path, cache
):
    network = tmp_path / "own.keras"
    shutil.copy(tiny_network, network)
    hybrid("extract", coloured, "--backbone", network)
    hybrid("fit", "svm")
    before = hybrid.json("predict", "svm-pictures-own", coloured / "test")
    shutil.move(tmp_path / "hybrid_runs/models/svm-pictures-own/model", tmp_path / "moved")
    shutil.rmtree(tmp_path / "hybrid_runs")
    shutil.rmtree(cache)
    network.unlink()
    after = hybrid.json("predict", tmp_path / "moved", coloured / "test")
    for one, other in zip(before["predictions"], after["predictions"], strict=True):
        assert one["image"] == other["image"]
        assert one["p_red"] == pytest.approx(other["p_red"], abs=1e-6)


def test_a_second_extraction_and_every_fit_import_no_keras(hybrid, coloured, tiny_network, python):
    first = hybrid.json("extract", coloured, "--backbone", tiny_network)
    code = """
import sys
from hybrid.cli import main
for command in " ".join(sys.argv[1:]).split(" then "):
    main.main(command.split(), standalone_mode=False)
print(sorted({"keras", "tensorflow", "sklearn", "pandas"} & set(sys.modules)))
"""
    out = python(code, "extract", coloured, "--backbone", tiny_network, "--json")
    second = json.loads(out[: out.rindex("}") + 1])
    assert (second["new"], second["cached"]) == (0, first["images"])
    assert out.splitlines()[-1] == "[]"  # nor scikit-learn, which takes longer to import than all the rest
    fits = " then ".join(["fit svm", "fit forest", "fit xgboost", "fit softmax", "fit svm --tune"])
    assert not {"keras", "tensorflow"} & set(ast.literal_eval(python(code, fits).splitlines()[-1]))


def test_a_dataset_that_shares_images_computes_only_the_new_ones(hybrid, coloured, tiny_network):
    hybrid("extract", coloured, "--backbone", tiny_network)
    moved = coloured.with_name("renamed")
    coloured.rename(moved)
    Image.new("RGB", (30, 30), (1, 2, 3)).save(moved / "train" / "blue" / "new.png")
    found = hybrid.json("extract", moved, "--backbone", tiny_network)
    assert (found["new"], found["cached"]) == (1, 84)


def test_animations_are_noted_even_if_their_rows_are_stored(hybrid, coloured, tiny_network):
    frames = [Image.new("RGB", (24, 20), (number, 200, 9)) for number in range(3)]
    for name in ("0.png", "1.png"):
        frames[0].save(coloured / "train" / "green" / name, save_all=True, append_images=frames[1:])
        frames[0].putpixel((0, 0), (1, 1, 1))  # not twice the same picture
    for _ in range(2):
        assert "2 images have several frames or pages" in hybrid("extract", coloured, "--backbone", tiny_network)


def test_an_undecodable_image_stops_the_run_and_is_named(hybrid, coloured, tiny_network, tmp_path):
    bad = coloured / "train" / "green" / "3.png"
    bad.write_bytes(bad.read_bytes()[:60])
    message = hybrid("extract", coloured, "--backbone", tiny_network, code=1)
    assert "green/3.png" in message
    assert "--on-bad skip" in message
    assert not (tmp_path / "hybrid_runs").exists()
    assert "no embedding set" in hybrid("fit", "svm", code=1)


def test_skipped_images_are_listed_and_never_shift_the_labels(hybrid, coloured, tiny_network, tmp_path):
    for name in ("blue/0.png", "red/2.png"):
        (coloured / "train" / name).write_bytes(b"\x89PNG\r\n\x1a\n no image")
    found = hybrid.json("extract", coloured, "--backbone", tiny_network, "--on-bad", "skip")
    assert [bad["id"] for bad in found["skipped"]] == ["train/blue/0.png", "train/red/2.png"]
    assert found["images"] == 82
    hybrid("fit", "softmax")
    rows = read_rows(tmp_path / "hybrid_runs/models/softmax-pictures-tiny/predictions.csv")
    assert len(rows) == 82
    assert all(row["id"].split("/")[1] == row["label"] for row in rows)
    hybrid("predict", "softmax-pictures-tiny", coloured / "train", code=1)
    predicted = hybrid.json("predict", "softmax-pictures-tiny", coloured / "train", "--on-bad", "skip")
    assert len(predicted["skipped"]) == 2
    by_name = {row["id"]: row["predicted"] for row in rows}
    for row in predicted["predictions"]:
        assert row["predicted"] == by_name[row["image"].split("/pictures/")[1]]


def test_several_labels_go_from_manifest_to_prediction(hybrid, coloured, tiny_network, tmp_path):
    files = sorted(coloured.rglob("*.png"))
    rng = np.random.default_rng(1)
    lines = ["file,bright,warm"]
    for path in files:
        lines.append(f"{path.relative_to(tmp_path)},{rng.integers(2)},{int(path.parent.name == 'red')}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    hybrid("extract", "labels.csv", "--backbone", tiny_network)
    record = hybrid.json("fit", "softmax")
    assert record["task"] == "multilabel"
    assert record["classes"] == ["bright", "warm"]
    assert record["splits"]["val"]["metrics"]["hamming_loss"]["value"] is not None
    row = hybrid.json("predict", record["model"], files[0])["predictions"][0]
    thresholds = dict(zip(record["classes"], record["default_threshold"], strict=True))
    assert thresholds == pytest.approx(record["frequencies"])  # since the labels have balanced weights
    expected = "|".join(name for name in ("bright", "warm") if row[f"p_{name}"] >= thresholds[name])
    assert row["predicted"] == expected


def test_a_medmnist_file_goes_through(hybrid, tiny_network, tmp_path):
    rng = np.random.default_rng(2)
    arrays = {}
    for split, count in (("train", 30), ("val", 10), ("test", 10)):
        labels = np.arange(count) % 2
        arrays[f"{split}_images"] = (rng.integers(0, 128, (count, 28, 28)) + 120 * labels[:, None, None]).astype(
            np.uint8
        )
        arrays[f"{split}_labels"] = labels[:, None]
    np.savez(tmp_path / "mini.npz", **arrays)
    found = hybrid.json("extract", "mini.npz", "--backbone", tiny_network, "--layer", "conv_a", "--layer", "hidden")
    assert found["width"] == 9
    record = hybrid.json("fit", "svm", "--positive", "0")
    assert record["positive"] == 0
    assert record["splits"]["val"]["metrics"]["roc_auc"]["value"] == 1.0


def test_several_sets_keep_their_names_and_the_same_one_is_replaced(hybrid, coloured, tiny_network):
    first = hybrid.json("extract", coloured, "--backbone", tiny_network)
    again = hybrid.json("extract", coloured, "--backbone", tiny_network)
    pooled = hybrid.json("extract", coloured, "--backbone", tiny_network, "--layer", "conv_a")
    largest = hybrid.json("extract", coloured, "--backbone", tiny_network, "--layer", "conv_a", "--pooling", "max")
    assert first["set"] == again["set"] == "pictures-tiny"
    assert pooled["set"] == "pictures-tiny-conv_a"
    assert largest["set"] == "pictures-tiny-conv_a-max"
    nearest = hybrid.json("extract", coloured, "--backbone", tiny_network, "--interpolation", "nearest")
    assert nearest["set"] == "pictures-tiny-2"
    assert hybrid.json("fit", "svm")["set"] == nearest["set"]
    assert hybrid.json("fit", "svm", "--set", first["set"])["set"] == first["set"]
    assert "'pictures-tiny'" in hybrid("fit", "svm", "--set", "pictures-tinny", code=1)


def test_a_set_whose_embeddings_are_gone_is_refused(hybrid, coloured, tiny_network, cache):
    hybrid("extract", coloured, "--backbone", tiny_network)
    shutil.rmtree(cache / "embeddings")
    message = hybrid("fit", "svm", code=1)
    assert "84 of 84" in message
    assert "hybrid extract" in message


def test_a_damaged_set_is_refused(hybrid, coloured, tiny_network, tmp_path):
    hybrid("extract", coloured, "--backbone", tiny_network)
    (rows,) = (tmp_path / "hybrid_runs/sets").glob("*.npz")
    data = bytearray(rows.read_bytes())
    data[len(data) // 2] ^= 1
    rows.write_bytes(data)
    assert "damaged" in hybrid("fit", "svm", code=1)


def test_the_same_fit_twice_gives_the_same_predictions(hybrid, coloured, tiny_network, tmp_path):
    hybrid("extract", coloured, "--backbone", tiny_network)
    path = tmp_path / "hybrid_runs/models/forest-pictures-tiny/predictions.csv"
    texts = []
    for _ in range(2):
        hybrid("fit", "forest")
        texts.append(path.read_text())
    assert texts[0] == texts[1]


def test_settings_can_be_given_and_are_recorded(hybrid, coloured, tiny_network):
    hybrid("extract", coloured, "--backbone", tiny_network)
    record = hybrid.json("fit", "svm", "--param", "C=0.5", "--param", "class_weight=None", "--name", "mine")
    assert record["model"] == "mine"
    assert record["params"]["C"] == 0.5
    assert record["params"]["class_weight"] is None
    tuned = hybrid.json("fit", "svm", "--tune-on-val")
    assert tuned["tuning"]["on"] == "val"
    assert tuned["params"]["C"] == tuned["tuning"]["chosen"]["C"]
    shown = hybrid("fit", "svm", "--tune", "--metric", "log_loss")
    assert re.search(r"chosen of \d+ settings: C=\S+ \(log_loss 0\.\d{4} by cross-validation inside train\)", shown)
    assert "Nearest: 'C'" in hybrid("fit", "svm", "--param", "c=1", code=1)
    assert "KEY=VALUE" in hybrid("fit", "svm", "--param", "C", code=1)
    assert "name '../x'" in hybrid("fit", "svm", "--name", "../x", code=1)
