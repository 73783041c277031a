"""Test images that are also in train, are found by content, and every score is given without them as well."""

import csv
import json
import shutil

import pytest
from PIL import Image

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

HEADS = ("svm", "softmax")


def compared(hybrid, folder, network):
    hybrid("extract", folder, "--backbone", network)
    for head in HEADS:
        hybrid("fit", head)
    return json.loads(hybrid("compare", "--json"))["groups"][0]


def accuracy(model, left_out=()):
    with (model / "predictions.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test" and row["id"] not in left_out]
    return sum(row["label"] == row["predicted"] for row in rows) / len(rows)


def test_scores_are_given_with_and_without_copies_by_bytes_and_by_pixels(hybrid, pictures, tiny_network, tmp_path):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    with Image.open(pictures / "train/b/1.png") as image:
        image.save(pictures / "test/b/other.bmp")
    copies = ["test/a/copy.png", "test/b/other.bmp"]
    group = compared(hybrid, pictures, tiny_network)
    found = group["in_train_too"]
    assert (found["images"], sorted(found["ids"])) == (2, copies)
    for row in group["models"]:
        folder = tmp_path / "hybrid_runs/models" / row["model"]
        assert (row["n"], row["n_without_copies"]) == (10, 8)
        assert row["accuracy"] == pytest.approx(accuracy(folder))
        assert row["accuracy_without_copies"] == pytest.approx(accuracy(folder, copies))
        metrics = found["without"][row["model"]]["metrics"]
        assert metrics.keys() == row["evaluation"]["metrics"].keys()
        assert metrics["accuracy"]["low"] <= row["accuracy_without_copies"] <= metrics["accuracy"]["high"]
    report = (tmp_path / "hybrid_runs/reports/report.html").read_text()
    assert "2 of the 10 test images are also in train, byte for byte or pixel for pixel" in report
    assert "Images that are also in train" in report
    shown = hybrid("compare")
    assert "without the 2 that are also in train (8 images)" in shown


@pytest.mark.usefixtures("no_report")
def test_without_the_files_copies_are_found_by_their_bytes(hybrid, pictures, tiny_network):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    compared(hybrid, pictures, tiny_network)
    shutil.rmtree(pictures)
    found = json.loads(hybrid("compare", "--json"))["groups"][0]["in_train_too"]
    assert found["ids"] == ["test/a/copy.png"]
    assert found["identity"] == "byte for byte"


def test_nothing_is_said_where_there_are_no_copies(hybrid, pictures, tiny_network, tmp_path):
    group = compared(hybrid, pictures, tiny_network)
    assert group["in_train_too"]["images"] == 0
    assert group["in_train_too"]["without"] == {}
    assert "n_without_copies" not in group["models"][0]
    assert "also in train" not in (tmp_path / "hybrid_runs/reports/report.html").read_text()
    assert "also in train" not in hybrid("compare")
