"""An embedding set is saved and loaded as a whole, also if several processes save one name at the same time."""

import os
import threading
from dataclasses import replace

import numpy as np
import pytest
from faults import start
from made_sets import made_set_record

from hybrid.embeddings import embedding_set
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set, save_set
from hybrid.workspace.set_record import SetRecord
from hybrid.workspace.workspace import Workspace


@pytest.fixture
def saved_to(tmp_path):
    return Workspace(tmp_path / "hybrid_runs")


def made_set(number, images=4, **fields):
    """Return a set whose rows all tell its number."""
    record = made_set_record(**fields)
    record = replace(record, extractor=replace(record.extractor, fingerprint=record.extractor.identity.fingerprint))
    keys = np.full((images, 32), number, np.uint8)
    names, split = np.array([f"{number}-{image}" for image in range(images)]), np.full(images, "train")
    return EmbeddingSet("", keys, names, np.zeros(images, int), np.array([0, 1]), split, None, record)


def loaded_number(saved_to):
    loaded = load_set(saved_to, "one")
    assert set(loaded.keys.ravel()) == {int(name.split("-")[0]) for name in loaded.ids} == {loaded.keys[0, 0]}
    return loaded.keys[0, 0]


@pytest.mark.skipif(os.name != "posix", reason="folders are locked on POSIX systems")
def test_a_set_saved_while_another_of_its_name_is_being_saved_replaces_it_whole(saved_to, monkeypatch):
    write, other = embedding_set.write_atomic, []

    def write_then_wait(path, content):
        write(path, content)
        if not other:  # the rows are written, but not yet the record that names them
            other.append(threading.Thread(target=save_set, args=(made_set(2), saved_to, "one")))
            other[0].start()
            other[0].join(0.5)

    monkeypatch.setattr(embedding_set, "write_atomic", write_then_wait)
    save_set(made_set(1), saved_to, "one")
    other[0].join()
    assert loaded_number(saved_to) == 2
    assert len([*saved_to.sets.glob("*.npz")]) == 1


@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_a_set_can_be_loaded_at_each_moment_while_processes_replace_it(saved_to):
    save_set(made_set(0), saved_to, "one")

    def work(number):
        for _ in range(10):
            save_set(made_set(number), saved_to, "one")

    children = [start(lambda number=number: work(number)) for number in range(3)]
    seen = {loaded_number(saved_to) for _ in range(30)}
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 3
    assert {loaded_number(saved_to)} | seen <= {0, 1, 2}


@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_different_sets_saved_at_once_without_a_name_get_different_names(saved_to, monkeypatch):
    monkeypatch.setattr(SetRecord, "short_name", "made")
    sets = [made_set(number, dataset=f"{number}") for number in range(4)]
    children = [start(lambda one=one: save_set(one, saved_to)) for one in sets]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    saved = [load_set(saved_to, path.stem) for path in saved_to.records("sets")]
    assert sorted(one.record.dataset.fingerprint for one in saved) == ["0", "1", "2", "3"]
