"""The same labels give the same classes, or the same refusal, in whatever form a reader finds them."""

import csv
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from hybrid.datasets import Dataset, load_dataset
from hybrid.errors import InputError

JPEG = b"\xff\xd8\xff\xe0 the rest is not looked at"
IMAGES = 48
PIXELS = np.random.default_rng(0).integers(0, 256, (IMAGES, 4, 4), dtype=np.uint8)
ALL_TRAIN = {"fractions": (1, 0, 0)}


def repeated(values):
    return [values[number % len(values)] for number in range(IMAGES)]


def of_folders(folder, values):
    for number, value in enumerate(repeated(values)):
        (folder / str(value)).mkdir(exist_ok=True)
        (folder / str(value) / f"{number}.jpg").write_bytes(JPEG)
    return load_dataset(folder, **ALL_TRAIN)


def written_images(folder):
    for number in range(IMAGES):
        (folder / f"{number}.jpg").write_bytes(JPEG)
    return [f"{number}.jpg" for number in range(IMAGES)]


def of_csv(folder, values):
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = zip(written_images(folder), repeated(values), strict=True)
        csv.writer(file).writerows([("path", "what"), *rows])
    return load_dataset(folder / "labels.csv", **ALL_TRAIN)


def of_parquet(folder, values):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"path": written_images(folder), "what": repeated(values)})
    table.to_parquet(folder / "labels.parquet")
    return load_dataset(folder / "labels.parquet", **ALL_TRAIN)


def of_npz(folder, values, dtype=None):
    np.savez(folder / "set.npz", train_images=PIXELS, train_labels=np.array(repeated(values), dtype))
    return load_dataset(folder / "set.npz", **ALL_TRAIN)


def of_bytes(folder, values):
    return of_npz(folder, [str(value) for value in values], "S")


def of_list(folder, values):
    return Dataset.from_arrays(PIXELS, repeated(values), **ALL_TRAIN)


def of_array(folder, values):
    return Dataset.from_arrays(PIXELS, np.array(repeated(values)), **ALL_TRAIN)


def of_objects(folder, values):
    return Dataset.from_arrays(PIXELS, np.array(repeated(values), object)[:, None], **ALL_TRAIN)


def of_series(folder, values):
    return Dataset.from_arrays(PIXELS, pd.Series(repeated(values), name="what"), **ALL_TRAIN)


TABLES = (of_csv, of_parquet, of_npz, of_bytes, of_list, of_array, of_objects, of_series)
READERS = (of_folders, *TABLES)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["0", "1.0", "1", " 1", "0.0", "1e0"], [0, 1]),
        ([0, 1, 1], [0, 1]),
        ([0.0, 1.0], [0, 1]),
        (["10", "9", "2"], [2, 9, 10]),
        (["-1", "+1"], [-1, 1]),
        (["01", "1"], ["01", "1"]),
        (["001", "002"], ["001", "002"]),
        (["1", "1.0", "cat"], ["1", "1.0", "cat"]),
        ([True, False], ["False", "True"]),
        (["TRUE", "false", "True"], ["False", "True"]),
        (["True", "0", "1.0", "False"], [0, 1]),
        (["cat", " cat", "dog"], ["cat", "dog"]),
        ([str(2**63), "1", "1.0"], ["1", str(2**63)]),
    ],
)
def test_equal_labels_are_one_class_in_every_reader(tmp_path, reader, values, classes):
    data = reader(tmp_path, values)
    assert data.classes.tolist() == classes
    assert data.y.dtype.kind == ("i" if isinstance(classes[0], int) else "U")
    assert data.counts_by_split()["train"].keys() == set(map(str, classes))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "values",
    [
        [21.5, 34.0, 48.25],
        ["21.5", "34", "48.25"],
        ["21,5", "34,0", "48,5"],
        ["0.5", "1"],
        list(range(20, 60)),
        [str(number) for number in range(20, 60)],
    ],
    ids=str,
)
def test_the_target_of_a_regression_is_refused_by_that_name_in_every_reader(tmp_path, reader, values):
    with pytest.raises(InputError, match="like the target of a regression, with values such as '[0-9.,]+'"):
        reader(tmp_path, values)


@pytest.mark.parametrize("reader", TABLES)
@pytest.mark.parametrize(
    "values",
    [
        [0.0, 1.0, float("nan")],
        ["0", "1", ""],
        ["0", "1", "NA"],
        ["0", "1.0", "null"],
        ["cat", "dog", " "],
        ["cat", "dog", "NaN"],
        ["True", "False", ""],
    ],
    ids=str,
)
def test_a_missing_label_is_no_class_in_any_reader(tmp_path, reader, values):
    with pytest.raises(InputError, match="16 images have no label"):
        reader(tmp_path, values)


@pytest.mark.parametrize("reader", [of_parquet, of_list, of_objects, of_series])
@pytest.mark.parametrize("values", [[0, 1, None], ["cat", "dog", None], [True, False, None]], ids=str)
def test_none_is_no_class(tmp_path, reader, values):
    with pytest.raises(InputError, match="16 images have no label"):
        reader(tmp_path, values)


def test_a_masked_label_is_missing():
    y = np.ma.masked_array(repeated([0, 1, 2]), repeated([False, False, True]))
    with pytest.raises(InputError, match="16 images have no label"):
        Dataset.from_arrays(PIXELS, y)


@pytest.mark.parametrize("reader", READERS)
def test_names_that_are_the_same_number_are_noted(tmp_path, reader):
    assert "'01', '1'." in reader(tmp_path, ["01", "1"]).notes[-1]
    assert not any("differ only" in note for note in of_list(tmp_path, ["01", "11", "10"]).notes)


def test_ages_are_recognised_by_the_name_of_their_column():
    ages = pd.Series(repeated(range(20, 44)), name="Patient Age")
    with pytest.raises(InputError, match="target of a regression"):
        Dataset.from_arrays(PIXELS, ages)
    assert len(Dataset.from_arrays(PIXELS, ages.rename("species"), **ALL_TRAIN).classes) == 24


@pytest.mark.parametrize(
    "values", [["1", "0"], [True, False], ["True", "false"], [1.0, 0.0], [b"1", b"0"], ["1.0", " 0"]], ids=str
)
def test_columns_of_0_and_1_may_be_written_in_any_form(tmp_path, values):
    flags = np.random.default_rng(1).integers(0, 2, (IMAGES, 3))
    data = Dataset.from_arrays(PIXELS, np.where(flags == 1, *values), **ALL_TRAIN)
    assert data.task == "multilabel"
    np.testing.assert_array_equal(data.y, flags)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1, "cat"], "neither all strings nor all integers"),
        ([True, 2], "neither all strings nor all integers"),
        ([True, "cat"], "neither all strings nor all integers"),
        ([date(2020, 1, 1), date(2020, 1, 2)], "neither all strings nor all integers"),
        (np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]"), "are dates or times"),
        ([0.0, float("inf")], "target of a regression"),
        ([0.0, 1e300], "cannot hold exactly"),
        ([b"\xff", b"cat"], "is not UTF-8"),
    ],
    ids=str,
)
def test_what_is_neither_a_name_nor_a_whole_number_is_refused(tmp_path, values, says):
    with pytest.raises(InputError, match=says):
        of_array(tmp_path, values) if isinstance(values, np.ndarray) else of_list(tmp_path, values)


def test_numbers_and_bytes_of_any_type_are_read(tmp_path):
    assert of_list(tmp_path, [np.int8(1), 2.0, "1", Decimal("2.00"), b" 2"]).classes.tolist() == [1, 2]
    assert of_array(tmp_path, ["caf\u00e9".encode(), b"tea"]).classes.tolist() == ["caf\u00e9", "tea"]


def test_groups_that_are_the_same_number_are_one_group():
    groups = repeated([1, "1.0", " 2", 2.0])
    data = Dataset.from_arrays(PIXELS, repeated(["cat", "dog"]), groups=np.array(groups, object), **ALL_TRAIN)
    assert set(data.groups) == {"1", "2"}
