"""Columns divide images into subgroups: values, bins, combinations, and "not known" for what is missing."""

import numpy as np
import pandas as pd
import pytest

from hybrid.errors import InputError
from hybrid.evaluation.subgroups.partition import as_number, make_partitions

AGES = [20, 30, 40, 50, 60, 70, 80, 90, 100, None]


def members(partition):
    """The rows of each subgroup, by its name."""
    return {name: np.flatnonzero(partition.code == i).tolist() for i, name in enumerate(partition.names)}


def test_values_are_sorted_and_missing_ones_come_last():
    [partition] = make_partitions({"sex": ["M", "", "F", None, float("nan"), "NA", "M "]})
    assert members(partition) == {"F": [2], "M": [0, 6], "not known": [1, 3, 4, 5]}
    assert partition.labels == ("sex F", "sex M", "sex not known")


def test_few_numbers_are_values_in_their_order():
    [partition] = make_partitions({"grade": ["10", "2", "1", "2"]})
    assert partition.names == ("1", "2", "10")


def test_limits_belong_to_the_upper_bin():
    [partition] = make_partitions({"age": AGES}, "age:50,70")
    assert members(partition) == {"< 50": [0, 1, 2], "50 to < 70": [3, 4], "≥ 70": [5, 6, 7, 8], "not known": [9]}
    assert partition.name == "age:50,70"


def test_many_numbers_are_divided_at_quartiles_that_are_stated():
    [partition] = make_partitions({"age": AGES})
    edges = np.quantile([age for age in AGES if age], (0.25, 0.5, 0.75))
    assert partition.note == f"age is divided at its quartiles: {', '.join(f'{edge:g}' for edge in edges)}."
    assert members(partition)["< 40"] == [0, 1]
    with_name = make_partitions({"age": AGES}, "age:quartiles")[0]
    assert with_name.code.tolist() == partition.code.tolist()


def test_combinations_are_the_pairs_that_occur():
    frame = pd.DataFrame({"sex": ["F", "M", "F"], "view": ["AP", "PA", None]})
    [partition] = make_partitions(frame, ["sex+view"])
    assert members(partition) == {"F, AP": [0], "F, not known": [2], "M, PA": [1]}
    assert partition.labels[0] == "sex F, view AP"


def test_names_of_columns_may_contain_the_signs_of_bins_and_combinations():
    names = [one.name for one in make_partitions({"a+b": ["x", "y"], "c:1": ["x", "y"]})]
    assert names == ["a+b", "c:1"]


def test_ages_of_dicom_files_are_numbers():
    assert [as_number(text) for text in ("045Y", "006M", "1e400", "x", "12")] == [45.0, 0.5, None, None, 12.0]
    assert members(make_partitions({"age": ["045Y", "070Y", ""]}, "age:50")[0])["≥ 50"] == [1]


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        ("sxe", "Unknown column 'sxe'. Nearest: 'sex'"),
        ("sex:50", "Bins were given for the column 'sex', which holds 'F', 'M'"),
        ("age:70,50", "expected rising limits"),
        ("age:x", "expected rising limits"),
        ("name", "divides the images into 60 subgroups"),
    ],
)
def test_what_cannot_divide_images_is_refused(by, reason):
    columns = {"sex": ["F", "M"] * 30, "age": list(range(60)), "name": [f"Ann {i}" for i in range(60)]}
    with pytest.raises(InputError, match=reason):
        make_partitions(columns, by)


def test_columns_of_another_length_are_refused():
    with pytest.raises(InputError, match="has 2 values, but there are 3 images"):
        make_partitions({"sex": ["F", "M"]}, n=3)
