"""Data with a val split and no test split: what test is is said, and the given images can be test, everywhere."""

import numpy as np
import pytest
from made_pictures import write_colours

from hybrid import Dataset, compare, load_dataset
from hybrid.recipes import read_recipe
from hybrid.run.recipe import run_recipe
from hybrid.run.steps import RunProgress
from hybrid.workspace.workspace import Workspace

GIVEN = {"train": 40, "val": 20}  # of each class
KEPT = {"train": 68, "val": 40, "test": 12}
AS_TEST = {"train": 68, "val": 12, "test": 40}
WAYS = ("--val-as-test", "val_as_test=True", "val_as_test = true under [data]")


@pytest.fixture
def val_only(tmp_path):
    return write_colours(tmp_path / "pictures", {"blue": (40, 60, 200), "red": (210, 50, 40)}, GIVEN)


def sizes(data):
    return {split: len(data.part(split)) for split in KEPT}


def is_told(texts, given=40):
    return [text for text in texts if f"{given} given val images" in text and all(way in text for way in WAYS)]


@pytest.mark.medium
def test_the_command_line(hybrid, val_only):
    assert is_told([hybrid("data", val_only)])
    shown = hybrid.json("data", val_only)
    assert is_told(shown["notes"])
    assert {split: sum(counts.values()) for split, counts in shown["counts_by_split"].items()} == KEPT
    shown = hybrid.json("data", val_only, "--val-as-test")
    assert not is_told(shown["notes"])
    assert {split: sum(counts.values()) for split, counts in shown["counts_by_split"].items()} == AS_TEST


def test_python(val_only):
    data = load_dataset(val_only)
    assert is_told(data.notes)
    assert sizes(data) == KEPT
    data = load_dataset(val_only, val_as_test=True)
    assert sizes(data) == AS_TEST
    assert all(name.startswith("val/") for name in data.part("test").ids)
    arrays = np.arange(120, dtype=np.uint8).repeat(64).reshape(120, 8, 8), ["a", "b"] * 60
    split = ["train"] * 80 + ["val"] * 40
    assert is_told(Dataset.from_arrays(*arrays, split=split).notes)
    assert sizes(Dataset.from_arrays(*arrays, split=split, val_as_test=True)) == AS_TEST


@pytest.mark.usefixtures("exported_graph")
def test_a_recipe_and_a_comparison(val_only, tiny_network, tmp_path):
    text = f'[data]\nsource = "{val_only}"\n[features.own]\nbackbone = "{tiny_network}"\n[heads]\nuse = ["softmax"]\n'
    (tmp_path / "kept.toml").write_text(text)
    (tmp_path / "test.toml").write_text(text.replace("[features", "val_as_test = true\n[features"))
    heard = []
    kept, as_test = (
        run_recipe(read_recipe(tmp_path / name), Workspace(tmp_path / "runs"), listener=RunProgress(say=heard.append))
        for name in ("kept.toml", "test.toml")
    )
    assert len(is_told(heard[: heard.index("own-pictures: 120 embeddings extracted")])) == 1  # before anything is done
    assert len(is_told(heard)) == 1
    for comparison in (kept, compare(load_dataset(val_only), {"own": tiny_network}, ["softmax"])):
        assert comparison.leaderboards[0].evaluations[0].n == KEPT["test"]
        assert is_told(comparison.leaderboards[0].warnings)
        assert is_told([comparison._repr_html_()])
    assert as_test.leaderboards[0].evaluations[0].n == AS_TEST["test"]
    assert not is_told(as_test.leaderboards[0].warnings)
