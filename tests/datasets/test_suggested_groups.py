"""File names that suggest several images of one patient."""

import numpy as np
import pytest

from hybrid.datasets import Dataset
from hybrid.datasets.parts.groups import groups_by_pattern
from hybrid.datasets.parts.suggested_groups import suggested_groups


@pytest.mark.parametrize(
    ("names", "group"),
    [
        ([f"ILL/person{i}_virus_{i}{j}.jpeg" for i in range(9) for j in range(3)], "person0"),
        ([f"Patient-{i:03d}/scan{j}.png" for i in range(4) for j in range(5)], "Patient-000"),
        ([f"sub-{i:02d}_run-{j}_T1w.png" for i in range(6) for j in range(2)], "sub-00"),
        ([f"{i:08d}_{j:03d}.png" for i in range(20) for j in range(4)], "00000000"),
    ],
)
def test_the_pattern_that_is_suggested_finds_the_groups(names, group):
    found = suggested_groups(names)
    groups = groups_by_pattern(found.pattern, names)
    assert len(np.unique(groups)) == found.groups < found.images == len(names)
    assert groups[0] == found.example == group
    assert f"{len(names)} images of {found.groups} patients" in found.sentence()
    assert found.pattern in found.sentence()


@pytest.mark.parametrize(
    "names",
    [
        [f"img_{i}.png" for i in range(90)],
        [f"IMG_{i:04d}.JPG" for i in range(90)],
        [f"person{i}.png" for i in range(90)],  # one image each
        [f"2026_{i:04d}.png" for i in range(90)],  # a year
        [f"cat_{i}_{j}.png" for i in range(9) for j in range(9)],
        [f"carpet12_{i}.png" for i in range(90)],
        [f"showcase1_{i}.png" for i in range(90)],
        [],
    ],
)
def test_other_names_suggest_nothing(names):
    assert suggested_groups(names) is None


def test_a_dataset_says_so_only_if_no_groups_are_known():
    names = [f"person{i}_{j}.png" for i in range(10) for j in range(3)]
    y = np.resize(["a", "b"], 30)
    alone = Dataset.from_arrays(np.array(names), y, ids=names)
    known = Dataset.from_arrays(np.array(names), y, ids=names, groups=[name.split("_")[0] for name in names])
    pixels = Dataset.from_arrays(np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8), y, ids=names)
    assert [any("one patient" in note for note in data.notes) for data in (alone, known, pixels)] == [
        True,
        False,
        False,
    ]


def test_a_suggestion_counts_the_names_that_its_pattern_does_not_match():
    names = [f"ILL/person{i}_{j}.jpeg" for i in range(9) for j in range(3)]
    others = [f"WELL/IM-{i:04d}-0001.jpeg" for i in range(20)]
    said = suggested_groups([*names, *others]).sentence()
    assert "does not match 20 of 47 file names (such as WELL/IM-0000-0001.jpeg)" in said
    assert "does not match" not in suggested_groups(names).sentence()
    words = suggested_groups([*names, *(f"case{i}_{j}.png" for i in range(5) for j in range(2))])
    assert (words.pattern, words.images, words.names) == (r"(person\d+)", 27, 37)
