"""What all tests share: a cache of their own."""

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Keep embeddings and digests out of the user's cache folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("HYBRID_CACHE", str(folder))
    return folder
