"""Datasets that were not made for these tests, found through HYBRID_TEST_DATA."""

import os
from pathlib import Path

import pytest

from hybrid.datasets import load_dataset

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif("HYBRID_TEST_DATA" not in os.environ, reason="HYBRID_TEST_DATA is not set"),
]


@pytest.fixture
def real_data():
    return Path(os.environ["HYBRID_TEST_DATA"]).absolute()


def test_chest_xray(real_data):
    data = load_dataset(real_data / "chest_xray", group_pattern=r"(person\d+)_")
    assert {label: int((data.y == label).sum()) for label in data.classes} == {"NORMAL": 1341, "PNEUMONIA": 3875}
    assert data.name == "chest_xray"
    assert data.counts["other_files"] == 0
    assert data.counts["divided_groups"] == 0
    assert len(data.part("test")) == pytest.approx(0.15 * 5216, abs=2)


def test_pneumoniamnist(real_data):
    data = load_dataset(real_data / "pneumoniamnist" / "pneumoniamnist.npz")
    assert len(data.part("val")) == 524
    assert len(data.part("train")) + len(data.part("test")) == 4708
    assert data.X.shape[1:] == (28, 28)
    assert data.task == "binary"


def test_scenes(real_data):
    data = load_dataset(real_data / "scenes" / "labels.csv")
    assert len(data) == 2000
    assert data.classes.tolist() == ["desert", "mountains", "sea", "sunset", "trees"]
    assert int((data.y.sum(axis=1) > 1).sum()) == 457
    assert data.counts["unlabelled_files"] == 0
    assert data.name == "scenes"
