"""What `--drop` leaves out, what it keeps, and that every later result says so."""

import json
import shutil

import numpy as np
import pytest
from made_pictures import picture
from PIL import Image

from hybrid import Dataset, InputError, load_dataset
from hybrid.datasets import reopen

SPLITS = ["train"] * 24 + ["val"] * 8 + ["test"] * 8


def made(changes, y=None, split=SPLITS, **given):
    """Forty different pictures as arrays, some of them taking the place of others: {17: 3} makes 17 a copy of 3."""
    pixels = np.stack([np.asarray(picture(seed, 32)) for seed in range(40)])
    for to, of in changes.items():
        pixels[to] = pixels[of]
    ids = [str(number) for number in range(40)]
    return Dataset.from_arrays(pixels, ["a", "b"] * 20 if y is None else y, split, ids=ids, **given)


def lacking(data):
    return sorted({*map(str, range(40))} - set(data.ids.tolist()), key=int)


def test_of_duplicates_the_one_in_test_stays_then_the_one_in_val_then_the_first():
    data = made({34: 2, 26: 4, 8: 6}, drop=["duplicates"])
    assert lacking(data) == ["2", "4", "8"]
    assert data.counts["dropped_duplicates"] == 3
    assert "3 images left out by --drop: duplicates 3 ('2', '4', '8')." in data.notes
    assert data.left_out["dropped_duplicates"] == ["2", "4", "8"]


def test_without_a_given_split_the_first_copy_stays_and_the_split_is_drawn_from_the_rest():
    data = made({34: 2, 26: 2}, split=None, drop=["duplicates"])
    assert lacking(data) == ["26", "34"]
    assert set(data.split) == {"train", "val", "test"}


def test_copies_with_several_labels_are_noted_and_all_left_out_on_request():
    y = ["a", "b"] * 20
    y[8] = "b"
    kept = made({8: 6, 14: 12}, y, drop=["duplicates"])
    assert lacking(kept) == ["8", "14"]
    assert any("2 images had copies with another label" in note for note in kept.notes)
    assert lacking(made({8: 6, 14: 12}, y, drop=["conflicts"])) == ["6", "8"]
    both = made({8: 6, 14: 12}, y, drop=["duplicates", "conflicts"])
    assert lacking(both) == ["6", "8", "14"]
    assert not any("another label" in note for note in both.notes)


def test_all_but_one_of_many_black_pictures_go_as_duplicates_and_all_as_blank():
    pixels = np.stack([np.asarray(picture(seed, 32)) for seed in range(40)])
    pixels[10:20] = 0
    y = ["a", "b"] * 20
    data = Dataset.from_arrays(pixels, y, SPLITS, ids=[str(number) for number in range(40)], drop=["duplicates"])
    assert lacking(data) == [str(number) for number in range(11, 20)]
    data = Dataset.from_arrays(pixels, y, SPLITS, ids=[str(number) for number in range(40)], drop=["blank"])
    assert lacking(data) == [str(number) for number in range(10, 20)]


def test_several_labels_per_image_are_compared_as_a_whole():
    y = np.random.default_rng(0).integers(0, 2, (40, 3))
    y[8] = y[6] = 1
    y[14], y[12] = [1, 0, 1], [1, 1, 1]
    assert lacking(made({8: 6, 14: 12}, y, drop=["conflicts"])) == ["12", "14"]


def test_a_class_that_is_lost_is_an_error():
    with pytest.raises(InputError, match=r"Without duplicates, no image of 'c' is left"):
        made({8: 30}, ["c" if number == 8 else "ab"[number % 2] for number in range(40)], drop=["duplicates"])


def test_an_unknown_finding_is_named(pictures):
    with pytest.raises(InputError, match=r"Unknown finding to drop 'blanc'.*Nearest: 'blank'"):
        load_dataset(pictures, drop=["blanc"])


def test_files_are_left_out_and_reopened_without_them(pictures):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    with Image.open(pictures / "train/b/1.png") as image:
        image.save(pictures / "val/b/again.jpg", quality=60)
    (pictures / "train/a/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    data = load_dataset(pictures, drop=["near-duplicates", "undecodable"])
    gone = {"train/a/0.png", "train/b/1.png", "train/a/broken.png"}
    assert gone.isdisjoint(data.ids)
    assert len(data) == 32 + 3 - len(gone)
    again = reopen(json.loads(json.dumps(data.arguments)))
    assert again.ids.tolist() == data.ids.tolist()


def test_every_later_result_says_what_was_left_out(hybrid, pictures, tiny_network, tmp_path):
    shutil.copy(pictures / "train/a/0.png", pictures / "train/a/copy.png")
    said = "1 image left out by --drop: blank 0, duplicates 1."
    hybrid("extract", pictures, "--backbone", tiny_network, "--drop", "duplicates, blank")
    record = json.loads(hybrid("fit", "softmax", "--json"))
    assert said in record["warnings"]
    hybrid("compare")
    assert said in (tmp_path / "hybrid_runs/reports/report.html").read_text()
    assert json.loads(hybrid("data", pictures, "--drop", "duplicates", "--json"))["left_out"]["dropped_duplicates"]
