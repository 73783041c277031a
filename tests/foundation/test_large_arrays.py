"""How much memory may be used, and arrays on disk."""

import tempfile

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.files import array_on_disk, fits_comfortably, is_on_disk, physical_memory, released_blocks, usable_memory


@pytest.mark.parametrize(("given", "expected"), [("8GB", 8e9), ("500 MB", 5e8), ("1.5tb", 1.5e12)])
def test_the_variable_says_how_much_memory_may_be_used(monkeypatch, given, expected):
    monkeypatch.setenv("HYBRID_MEMORY", given)
    assert usable_memory() == expected


def test_no_more_than_the_memory_of_the_machine_is_used(monkeypatch):
    monkeypatch.delenv("HYBRID_MEMORY", raising=False)
    assert 0 < usable_memory() <= physical_memory()


@pytest.mark.parametrize("given", ["8", "GB", "much"])
def test_a_size_without_a_unit_is_refused(monkeypatch, given):
    monkeypatch.setenv("HYBRID_MEMORY", given)
    with pytest.raises(InputError, match=r"HYBRID_MEMORY='.+' was given; expected a size, such as 8GB or 500MB"):
        usable_memory()


def test_two_million_embeddings_of_512_values_do_not_fit_into_8_gb_but_into_64(monkeypatch):
    monkeypatch.setenv("HYBRID_MEMORY", "8GB")
    assert not fits_comfortably(2_000_000 * 512)
    monkeypatch.setenv("HYBRID_MEMORY", "64GB")
    assert fits_comfortably(2_000_000 * 512)


def test_an_array_on_disk_keeps_its_values_and_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    X = array_on_disk((300, 4))
    monkeypatch.setattr("hybrid.files.large_arrays._BLOCK_VALUES", 100)
    values = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    for rows in released_blocks(X):
        X[rows] = values[rows]
    assert is_on_disk(X)
    assert not is_on_disk(values)
    np.testing.assert_array_equal(X, values)
    del X
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_space_is_an_error_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(InputError, match=r"GB free where 4000000\.0 GB are needed .+ Set TMPDIR"):
        array_on_disk((10**9, 10**6))
    assert list(tmp_path.iterdir()) == []
