"""Saved predictions are read back as they were, whatever the images and classes are called."""

import json

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.workspace.predictions import Predictions, read_predictions, write_predictions

IDS = [
    "a,b.png",
    'quo"te',
    "line\nbreak",
    "return\rhere",
    "bad\udcff.png",
    " spaces ",
    "",
    "<script>",
    "NULL",
    "p|q",
    "\\",
]


def save(folder, predictions):
    write_predictions(folder / "predictions.csv", predictions)
    task = "multilabel" if predictions.y.ndim == 2 else "any"
    (folder / "metrics.json").write_text(json.dumps({"classes": predictions.classes.tolist(), "task": task}))


def made(y, predicted, classes, ids=IDS):
    rng = np.random.default_rng(0)
    split = np.where(np.arange(len(ids)) % 3, "train", "test")
    return Predictions(np.array(ids), split, y, predicted, rng.random((len(ids), len(classes))), np.array(classes))


def same(first, second):
    for name in ("ids", "split", "y", "predicted", "proba", "classes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.y.dtype.kind == second.y.dtype.kind


@pytest.mark.parametrize("classes", [["3", "a\r|b"], [3, 10], ["", "x\udcfe", "1\n"]])
def test_one_label_an_image(tmp_path, classes):
    labels = np.array(classes)[np.arange(len(IDS)) % len(classes)]
    before = made(labels, labels[::-1], classes)
    save(tmp_path, before)
    same(read_predictions(tmp_path), before)


def test_several_labels_an_image(tmp_path):
    classes = ["a", "b", "a|b", "a\\", "\\|"]
    rng = np.random.default_rng(1)
    y, predicted = rng.integers(0, 2, (2, len(IDS), len(classes)), np.uint8)
    y[0], predicted[1] = 0, 1
    before = made(y, predicted, classes)
    save(tmp_path, before)
    same(read_predictions(tmp_path), before)


def test_a_part_is_what_one_split_holds(tmp_path):
    labels = np.resize(["x", "y"], len(IDS))
    whole = made(labels, labels, ["x", "y"])
    test = whole.part("test")
    assert test.ids.tolist() == IDS[::3]
    np.testing.assert_array_equal(test.proba, whole.proba[::3])
    assert len(whole.part("val")) == 0


@pytest.mark.parametrize("harm", [lambda text: text[:-40], lambda text: text.replace(",x,", ",z,"), lambda text: ""])
def test_a_damaged_file_is_named(tmp_path, harm):
    labels = np.resize(["x", "y"], len(IDS))
    save(tmp_path, made(labels, labels, ["x", "y"], ids=[str(i) for i in range(len(IDS))]))
    path = tmp_path / "predictions.csv"
    path.write_text(harm(path.read_text()))
    with pytest.raises(InputError, match=r"predictions\.csv' is damaged"):
        read_predictions(tmp_path)
