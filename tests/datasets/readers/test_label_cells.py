"""Cells of a label column: several labels in one cell, numbers, truth values and missing labels."""

import csv

import numpy as np
import pytest

from hybrid.datasets import Dataset, load_dataset
from hybrid.errors import InputError

JPEG = b"\xff\xd8\xff\xe0 the rest is not looked at"


@pytest.fixture
def read_cells(tmp_path):
    """A function that writes a manifest of 48 images whose labels repeat the given cells, and loads it."""
    for number in range(48):
        (tmp_path / f"{number}.jpg").write_bytes(JPEG)

    def load(cells, column="label", **options):
        with (tmp_path / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            rows = [[f"{number}.jpg", cells[number % len(cells)]] for number in range(48)]
            csv.writer(file).writerows([["path", column], *rows])
        return load_dataset(tmp_path / "labels.csv", fractions=(1, 0, 0), **options)

    return load


def refused(read_cells, cells, **options):
    with pytest.raises(InputError) as caught:
        read_cells(cells, **options)
    return str(caught.value)


@pytest.mark.parametrize("mark", ["|", " | ", ";"])
def test_labels_between_bars_or_semicolons_are_separated(read_cells, mark):
    data = read_cells(["Mass", "Edema", f"Edema{mark}Mass", "No Finding", f"Mass{mark}Nodule"])
    assert data.task == "multilabel"
    assert data.classes.tolist() == ["Edema", "Mass", "Nodule"]
    assert data.y[:5].tolist() == [[0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]]
    assert f"hold several labels, separated by {mark.strip()!r} ('No Finding' means none): 3 labels" in data.notes[1]


@pytest.mark.parametrize(
    "cells",
    [
        ["['cat', 'dog']", "['cat']", "[]", "['dog', 'eel']", "['eel']"],
        ['["cat", "dog"]', '["cat"]', "[]", '["dog", "eel"]', '["eel"]'],
        ["[cat, dog]", "[cat]", "[]", "[dog,eel]", "[eel]"],
        ["['cat' 'dog']", "['cat']", "[]", "['dog' 'eel']", "['eel']"],  # NumPy
        ["{'dog', 'cat'}", "{'cat'}", "[]", "{'eel', 'dog'}", "{'eel'}"],
        ["('cat', 'dog')", "('cat',)", "()", "('dog', 'eel')", "('eel',)"],
    ],
)
def test_lists_are_separated_however_they_are_printed(read_cells, cells):
    data = read_cells(cells)
    assert data.classes.tolist() == ["cat", "dog", "eel"]
    assert data.y[:5].tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 1]]


def test_lists_with_one_label_each_are_classes(read_cells):
    assert read_cells(["['cat']", "['dog, small']"]).classes.tolist() == ["cat", "dog, small"]


def test_a_list_of_0_and_1_holds_one_value_for_each_label(read_cells):
    data = read_cells(["[1, 0, 0]", "[1, 1, 0]", "[0, 0, 1]"])
    assert data.y[:3].tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert read_cells(["1 0 0", "1 1 0", "0 0 1"], label_separator=" ").y[1].tolist() == [1, 1, 0]


def test_lists_beside_other_cells_are_refused(read_cells):
    assert "are lists of labels, such as \"['cat', 'dog']\", but 'cat' is not" in refused(
        read_cells, ["['cat', 'dog']", "cat"]
    )


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["clear primary", "haze primary", "haze water", "clear primary water", "clear water"], " "),
        (["16 0", "0", "16", "5 16", "5 0 16"], " "),
        (["cat,dog", "cat", "dog", "dog,eel", "eel", "cat,eel"], ","),
        (["cat, dog", "dog, eel", "cat, eel"], ","),
        (["cat，dog", "cat", "dog"], "，"),
        (["cat/dog", "cat", "dog"], "/"),
        (["cat+dog", "cat", "dog"], "+"),
        (["left|upper", "left|lower", "right|upper", "right|lower"], "|"),
        (["1 0 0", "1 1 0", "0 0 1"], " "),
    ],
)
def test_cells_that_seem_to_hold_several_labels_are_refused_and_both_ways_out_work(read_cells, cells, mark):
    text = refused(read_cells, cells)
    assert "seem to hold several labels" in text
    assert f"--label-separator {mark!r}" in text
    assert read_cells(cells, label_separator=mark).task == "multilabel"
    assert sorted(read_cells(cells, label_separator="none").classes.tolist()) == sorted(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["basal cell carcinoma", "squamous cell carcinoma", "melanoma"],
        ["pneumonia", "viral pneumonia", "bacterial pneumonia", "normal"],
        ["left, upper", "left, lower", "right, upper", "right, lower"],
        ["Tomato early blight", "Tomato healthy", "Potato early blight", "Potato healthy", "Potato late blight"],
        ["tench, Tinca tinca", "goldfish, Carassius auratus", "maillot", "maillot, tank suit"],
        ["polar bear", "bear", "N/A grade"],
        ["grade 1", "grade 2", "grade 3"],
        ["a|b", "c|d"],
        ["AC/DC", "other"],
    ],
)
def test_names_with_spaces_commas_and_slashes_are_classes(read_cells, cells):
    assert sorted(read_cells(cells).classes.tolist()) == sorted(cells)


def test_what_may_be_several_labels_is_noted(read_cells):
    assert (
        "if it holds several labels, give --label-separator ','" in read_cells(["left, upper", "right, lower"]).notes[1]
    )


def test_a_separator_that_separates_nothing_is_refused(read_cells):
    assert "No cell of the column 'label'" in refused(read_cells, ["cat", "dog"], label_separator="|")
    assert "expected the text between two labels" in refused(read_cells, ["cat", "dog"], label_separator="")


def test_a_missing_cell_among_several_labels_is_refused(read_cells):
    assert "16 images have no label ('2.jpg'" in refused(read_cells, ["a|b", "a", ""])


def test_the_table_of_nih_chestxray14_is_read_without_any_option(tmp_path):
    header = (
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
    )
    findings = ["Cardiomegaly", "Cardiomegaly|Emphysema", "No Finding", "Hernia", "Cardiomegaly|Effusion|Hernia"]
    rows = []
    for number in range(60):
        name = f"{number // 3 + 1:08}_{number % 3:03}.png"
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n")
        label = findings[number * 7 % 5]
        rows.append(f"{name},{label},{number % 3},{number // 3 + 1},58,M,PA,2682,2749,0.143,0.143,")
    (tmp_path / "Data_Entry_2017.csv").write_text("\n".join([header, *rows]) + "\n")
    data = load_dataset(tmp_path / "Data_Entry_2017.csv")
    assert data.classes.tolist() == ["Cardiomegaly", "Effusion", "Emphysema", "Hernia"]
    row = data.ids.tolist().index("00000001_001.png")
    assert data.y[row].tolist() == [0, 0, 0, 0]
    assert data.groups[row] == "1"
    assert (data.counts["groups"], data.counts["divided_groups"]) == (20, 0)


# --- numbers, truth values and missing labels


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["0", "1.0", "1"], [0, 1]),
        (["0.0", "1.0"], [0, 1]),
        (["+1", "-1", "1"], [-1, 1]),
        (["1e0", "2."], [1, 2]),
        (["001", "1"], ["001", "1"]),
        (["1", "2", "x"], ["1", "2", "x"]),
        (["True", "FALSE", "true"], ["False", "True"]),
        (["True", "0", "1", "False"], [0, 1]),
        (["NA", "EU"], ["EU", "NA"]),
        ([str(2**63), str(2**64), "1"], ["1", str(2**64), str(2**63)]),
        (["9" * 400, "1"], ["1", "9" * 400]),
    ],
)
def test_equal_values_are_one_class(read_cells, cells, classes):
    assert read_cells(cells).classes.tolist() == classes


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (["21.5", "34", "48.25"], "label"),
        (["21,5", "34,0", "48,5"], "label"),
        (["0.5", "1"], "score"),
        ([str(number) for number in range(20, 60)], "label"),
        ([str(number) for number in range(20, 44)], "Patient Age"),
    ],
)
def test_the_target_of_a_regression_is_refused_by_that_name(read_cells, cells, column):
    assert f"The label column {column!r} of" in (text := refused(read_cells, cells, column=column))
    assert "looks like the target of a regression" in text


@pytest.mark.parametrize("blank", ["", " ", "nan", "NaN", "NA", "null", "<NA>"])
def test_a_missing_number_is_no_class(read_cells, blank):
    assert "16 images have no label ('2.jpg'" in refused(read_cells, ["0", "1", blank])


@pytest.mark.parametrize("blank", ["", "nan", "NaN"])
def test_a_missing_name_is_no_class(read_cells, blank):
    assert "16 images have no label ('2.jpg'" in refused(read_cells, ["cat", "dog", blank])


def test_names_that_differ_only_in_case_are_noted_but_letters_are_not(read_cells):
    assert "upper and lower case, spaces or leading zeros: 'Cat', 'cat'." in read_cells(["Cat", "cat", "dog"]).notes[-1]
    assert not any("case" in note for note in read_cells(["a", "A", "b"]).notes)


def test_labels_that_are_too_large_for_int64_are_names():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    for large in (2**63, 2**70):
        data = Dataset.from_arrays(pixels, [large, -1] * 20)
        assert data.classes.tolist() == ["-1", str(large)]


def test_groups_that_are_equal_numbers_are_one_group(tmp_path):
    rows = [f"{number}.jpg,{number % 2},{number // 4}{'.0' if number % 2 else ''}" for number in range(48)]
    for number in range(48):
        (tmp_path / f"{number}.jpg").write_bytes(JPEG)
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,patient", *rows]))
    assert load_dataset(tmp_path / "labels.csv").counts["groups"] == 12
