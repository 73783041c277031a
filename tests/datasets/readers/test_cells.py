"""The datasets "cells", "cells:types" and "cells:labels"."""

import numpy as np
import pytest

from hybrid.datasets import load_dataset, reopen
from hybrid.datasets.cells.draw import LABELS, draw_pictures
from hybrid.datasets.cells.shapes import WHITE_CELLS
from hybrid.datasets.readers import cells
from hybrid.errors import InputError


@pytest.fixture
def fewer(monkeypatch):
    """Draw 96 pictures, not 800, so that a test is quick."""
    monkeypatch.setattr(cells, "_drawn", lambda kind: draw_pictures(kind, 24, 4))


@pytest.mark.parametrize(
    ("name", "task", "classes"),
    [
        ("cells", "binary", ("healthy", "parasite")),
        ("cells:types", "multiclass", WHITE_CELLS),
        ("cells:labels", "multilabel", LABELS),
    ],
)
@pytest.mark.medium
def test_each_task_has_patients_that_no_split_divides(fewer, name, task, classes):
    data = load_dataset(name, random_state=3)
    assert (data.task, tuple(data.classes)) == (task, classes)
    assert data.X.shape == (96, 96, 96, 3)
    patients = [set(data.part(split).groups) for split in ("train", "val", "test")]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 24
    assert "not medical data" in data.notes[0]
    again = reopen(data.arguments)
    assert np.array_equal(again.X, data.X)
    assert np.array_equal(again.split, data.split)


def test_a_caller_that_changes_the_pixels_changes_only_its_own(monkeypatch):
    drawn = draw_pictures("parasites", 10, 2)
    monkeypatch.setattr(cells, "_drawn", lambda kind: drawn)
    load_dataset("cells").X[:] = 0
    assert load_dataset("cells").X.any()


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(InputError, match="Unknown dataset of drawn cells 'cells:type'. Nearest: 'cells:types'"):
        load_dataset("cells:type")
    with pytest.raises(InputError, match="Nearest name: 'cells'"):
        load_dataset("cell")


@pytest.mark.slow
def test_the_whole_datasets_have_800_pictures_and_every_class_in_every_split():
    for name in cells.KINDS:
        data = load_dataset(name)
        assert len(data) == 800
        assert len(np.unique(data.X.reshape(800, -1), axis=0)) == 800
        assert all(n >= 5 for counts in data.counts_by_split().values() for n in counts.values())
