"""Embedding sets that do not fit into memory: they are fitted on disk, with the result that they have in memory."""

import re

import numpy as np
import pytest
from tables import read_rows

from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.joined_set import join_sets
from hybrid.files import is_on_disk
from hybrid.workspace.workspace import Workspace

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

VIEWS = ("--views", 2, "--augment", "flip")


@pytest.fixture
def little_memory(monkeypatch):
    """A function after which nothing fits into memory, and blocks have few rows."""

    def start():
        monkeypatch.setenv("HYBRID_MEMORY", "0.0001MB")
        monkeypatch.setattr("hybrid.files.large_arrays._BLOCK_VALUES", 60)
        monkeypatch.setattr("hybrid.classifiers.base._SMALL", 0)

    return start


def fitted(hybrid, tmp_path, name, *options):
    hybrid("fit", *options, "--name", name)
    rows = read_rows(tmp_path / "hybrid_runs/models" / name / "predictions.csv")
    return [row["id"] for row in rows], np.array([float(row["p_normal"]) for row in rows])


@pytest.mark.parametrize("views", [(), VIEWS, (*VIEWS, "--views-of", "train+test")], ids=["plain", "train", "all"])
def test_a_fit_on_disk_predicts_what_one_in_memory_does(
    hybrid, image_folder, tiny_network, tmp_path, little_memory, views
):
    hybrid("extract", image_folder, "--backbone", tiny_network, *views)
    usual = fitted(hybrid, tmp_path, "usual", "softmax")
    little_memory()
    on_disk = fitted(hybrid, tmp_path, "on_disk", "softmax")
    assert on_disk[0] == usual[0]
    np.testing.assert_allclose(on_disk[1], usual[1], atol=1e-4)


def test_two_sets_side_by_side_on_disk_have_their_columns_in_order(
    hybrid, image_folder, tiny_network, tmp_path, little_memory
):
    workspace = Workspace(tmp_path / "hybrid_runs")
    for layer in ("conv_a", "hidden"):
        hybrid("extract", image_folder, "--backbone", tiny_network, "--layer", layer)
    joined = join_sets([load_set(workspace, f"pictures-tiny-{layer}") for layer in ("conv_a", "hidden")])
    expected = joined.embeddings()
    little_memory()
    X = joined.embeddings()
    assert is_on_disk(X)
    assert not is_on_disk(expected)
    np.testing.assert_array_equal(X, expected)
    for split in ("train", "test"):
        np.testing.assert_array_equal(joined.part(X, split).X, expected[joined.split == split])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("forest",), "RandomForest needs up to .+ GB of memory for 41 embeddings"),
        (("svm", "--tune"), "A search of the settings fits models to parts of the embeddings"),
        (("svm", "--calibrate"), "A threshold or calibration by cross-validation inside train fits models"),
        (("ensemble", "--heads", "svm,softmax"), "An ensemble fits models"),
    ],
)
def test_what_needs_all_embeddings_in_memory_says_so(
    hybrid, image_folder, tiny_network, tmp_path, little_memory, given, message
):
    hybrid("extract", image_folder, "--backbone", tiny_network)
    little_memory()
    assert re.search(message, " ".join(hybrid("fit", *given, code=1).split()))
    assert not Workspace(tmp_path / "hybrid_runs").records("models")
