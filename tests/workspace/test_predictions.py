"""Saved predictions are read back as they were, whatever the images and classes are called."""

import numpy as np
import pytest

from hybrid.workspace.predictions import Predictions, parse_predictions, write_predictions

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


def read_back(path, predictions):
    """Return what is in a file after some predictions were written to it."""
    digest = write_predictions(path, predictions)
    return parse_predictions(path.read_bytes(), predictions.classes.tolist(), predictions.y.ndim == 2, digest)


def made(y, predicted, classes, ids=IDS, groups=None):
    rng = np.random.default_rng(0)
    split = np.where(np.arange(len(ids)) % 3, "train", "test")
    return Predictions(
        np.array(ids), split, y, predicted, rng.random((len(ids), len(classes))), np.array(classes), groups
    )


def same(first, second):
    for name in ("ids", "split", "y", "predicted", "proba", "classes", "groups"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.y.dtype.kind == second.y.dtype.kind


@pytest.mark.parametrize("classes", [["3", "a\r|b"], [3, 10], ["", "x\udcfe", "1\n"]])
def test_one_label_an_image(tmp_path, classes):
    labels = np.array(classes)[np.arange(len(IDS)) % len(classes)]
    before = made(labels, labels[::-1], classes)
    same(read_back(tmp_path / "predictions.csv", before), before)


def test_groups_are_kept_with_the_images(tmp_path):
    labels = np.resize(["group", "label"], len(IDS))
    before = made(labels, labels[::-1], ["group", "label"], groups=np.array(IDS[::-1]))
    after = read_back(tmp_path / "predictions.csv", before)
    same(after, before)
    assert after.take(np.array([2, 0])).groups.tolist() == [IDS[-3], IDS[-1]]


def test_several_labels_an_image(tmp_path):
    classes = ["a", "b", "a|b", "a\\", "\\|"]
    rng = np.random.default_rng(1)
    y, predicted = rng.integers(0, 2, (2, len(IDS), len(classes)), np.uint8)
    y[0], predicted[1] = 0, 1
    before = made(y, predicted, classes)
    same(read_back(tmp_path / "predictions.csv", before), before)


@pytest.mark.parametrize("rows", [1, 4, len(IDS)])
def test_a_file_is_parsed_a_few_rows_at_a_time(tmp_path, monkeypatch, rows):
    monkeypatch.setattr("hybrid.workspace.predictions._ROWS", rows)
    labels = np.resize(["x", "a longer name"], len(IDS))
    before = made(labels, labels[::-1], ["a longer name", "x"], groups=np.array(IDS[::-1]))
    same(read_back(tmp_path / "predictions.csv", before), before)


def test_a_part_is_what_one_split_holds(tmp_path):
    labels = np.resize(["x", "y"], len(IDS))
    whole = made(labels, labels, ["x", "y"])
    test = whole.part("test")
    assert test.ids.tolist() == IDS[::3]
    np.testing.assert_array_equal(test.proba, whole.proba[::3])
    assert len(whole.part("val")) == 0


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda text: text[:-40], "is not a table of predictions"),
        (lambda text: text.replace(",x,", ",z,"), "has the label 'z', which is not one of the classes"),
        (lambda text: text.replace("p_y", "p_z"), "has the columns id, split, label, predicted, p_x, p_z; expected id"),
        (lambda text: "", "is not a table of predictions"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, harm, words):
    labels = np.resize(["x", "y"], len(IDS))
    path = tmp_path / "predictions.csv"
    digest = write_predictions(path, made(labels, labels, ["x", "y"], ids=[str(i) for i in range(len(IDS))]))
    data = harm(path.read_text()).encode()
    with pytest.raises(ValueError, match=words):
        parse_predictions(data, ["x", "y"], False)
    with pytest.raises(ValueError, match="does not match its checksum"):
        parse_predictions(data, ["x", "y"], False, digest)
