"""Searches and cross-validations on a Dask cluster: the results of one machine, and no rows among what is sent."""

import pickle

import numpy as np
import pytest

from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.joined_set import join_sets
from hybrid.embeddings.stored_rows import StoredRows
from hybrid.workspace.workspace import Workspace

pytest.importorskip("distributed")
pytestmark = pytest.mark.network


@pytest.fixture
def joined(hybrid, image_folder, tiny_network, tmp_path):
    """Embeddings of 60 pictures."""
    hybrid("extract", image_folder, "--backbone", tiny_network)
    return join_sets(load_set(Workspace(tmp_path / "hybrid_runs")))


def test_rows_are_sent_as_keys_and_read_from_the_store(joined):
    rows = joined.embeddings()
    mask = joined.split == "train"
    sent = pickle.dumps(joined.stored(mask, rows[mask]))
    assert rows[mask].tobytes()[:64] not in sent
    received = pickle.loads(sent)
    assert isinstance(received, StoredRows)
    assert received.shape == rows[mask].shape
    assert np.asarray(received).tobytes() == rows[mask].tobytes()
    assert received[[3, 1]].tobytes() == rows[mask][[3, 1]].tobytes()
    both = joined.stored(mask, rows[mask]).followed_by(joined.stored(~mask, rows[~mask]))
    assert np.asarray(both).tobytes() == np.concatenate([rows[mask], rows[~mask]]).tobytes()


@pytest.mark.slow
def test_a_cluster_chooses_and_scores_as_one_machine_and_receives_no_rows(hybrid, joined, monkeypatch):
    from distributed import Client

    scattered, scatter = [], Client.scatter

    def recorded(self, data, *arguments, **options):
        scattered.append(data)
        return scatter(self, data, *arguments, **options)

    monkeypatch.setattr(Client, "scatter", recorded)
    alone = hybrid.json("fit", "svm", "--tune", "--name", "alone")
    divided = hybrid.json("fit", "svm", "--tune", "--name", "divided", "--cluster", "local:2")
    assert divided["tuning"] == alone["tuning"]
    assert divided["splits"] == alone["splits"]
    crossed = [
        hybrid.json("compare", "alone", "--cv", "3x2", "--hide-test", *more)["groups"][0]["cross_validation"]
        for more in ([], ["--cluster", "local:2"])
    ]
    assert _without_times(crossed[0]) == _without_times(crossed[1])
    width = joined.embeddings().shape[1]
    assert any(isinstance(one, StoredRows) for one in scattered)
    assert not [one for one in scattered if getattr(one, "shape", ())[1:] == (width,) and isinstance(one, np.ndarray)]


def _without_times(value):
    if isinstance(value, dict):
        return {key: _without_times(one) for key, one in value.items() if key != "seconds"}
    return [_without_times(one) for one in value] if isinstance(value, list) else value


def test_a_cluster_without_a_search_is_refused(hybrid):
    assert "give --tune or --tune-on-val" in " ".join(hybrid("fit", "svm", "--cluster", "local:2", code=2).split())
    assert "give --cv or --cv-domains" in " ".join(hybrid("compare", "--cluster", "local:2", code=2).split())
