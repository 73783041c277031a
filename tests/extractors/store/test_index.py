"""The index of the store saves time and is never wrong; shards are checked when they are first read. No Keras here."""

import hashlib

import numpy as np
import pytest
from made_store import IDENTITY, keys_of

from hybrid.errors import InputError
from hybrid.extractors.store import index as store_index
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.shards import forget_verified, remove_shard
from hybrid.extractors.store.store import DamagedShardWarning, EmbeddingStore

KEYS = keys_of(200)
ROWS = np.random.default_rng(1).random((200, 2), np.float32)


@pytest.fixture
def store(cache, monkeypatch):
    """A store of 20 shards of 10 rows, whose index file knows the first 15."""
    monkeypatch.setattr(store_index, "_MAX_RECENT_SHARDS", 10)
    store = EmbeddingStore(cache, IDENTITY)
    for start in range(0, 200, 10):
        if start == 150:
            store.contains(KEYS)
        store.append(KEYS[start : start + 10], ROWS[start : start + 10])
    assert (store.folder / "index").exists()
    forget_verified()
    return EmbeddingStore(cache, IDENTITY)


def reads(monkeypatch):
    """The commit records that are read from now on."""
    found, plain = [], store_index.read_shard
    monkeypatch.setattr(store_index, "read_shard", lambda record: (found.append(record), plain(record))[1])
    return found


def test_shards_in_the_index_are_not_read_again(store, monkeypatch):
    found = reads(monkeypatch)
    np.testing.assert_array_equal(store.gather(KEYS[::-1]), ROWS[::-1])
    assert len(found) == 5
    assert not store.contains(keys_of(50, seed=9)).any()


def test_many_new_shards_are_added_to_the_index(store, monkeypatch):
    more = keys_of(60, seed=5)
    for key in more:
        store.append(key[np.newaxis], np.zeros((1, 2), np.float32))
    store.contains(KEYS)
    found = reads(monkeypatch)
    again = EmbeddingStore(store.folder.parents[1], IDENTITY)
    assert again.contains(more).all()
    assert not found
    np.testing.assert_array_equal(again.gather(KEYS), ROWS)


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "remove", "of another width"])
def test_a_damaged_index_is_rebuilt(store, harm):
    path = store.folder / "index"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if harm == "of another width":
        store_index.Index.load(path, 2).save(path, 3)
    elif harm == "remove":
        path.unlink()
    else:
        path.write_bytes({"flip": data, "cut": data[:-9], "empty": b""}[harm])
    np.testing.assert_array_equal(store.gather(KEYS), ROWS)
    assert store_index.Index.load(path, 2) is not None


def test_a_store_that_cannot_be_written_is_read_without_an_index(store, monkeypatch):
    def refuse(*args):
        raise InputError("cannot be written")

    (store.folder / "index").unlink()
    monkeypatch.setattr(store_index, "write_atomic", refuse)
    np.testing.assert_array_equal(store.gather(KEYS), ROWS)
    assert not (store.folder / "index").exists()


def test_a_removed_shard_is_not_in_the_index(store):
    for stem in sorted(path.with_suffix("") for path in store.folder.glob("*.npy"))[::3]:
        remove_shard(stem)
    there = store.contains(KEYS)
    assert there.sum() == 130
    np.testing.assert_array_equal(store.gather(KEYS[there]), ROWS[there])


def test_a_shard_is_checked_when_it_is_first_read_and_once(store, monkeypatch):
    hashed, plain = [], hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: (hashed.append(file.name), plain(file, name))[1])
    store.contains(KEYS[:0])
    assert hashed == []
    store.gather(KEYS[:25])
    assert len(set(hashed)) == len(hashed) == 3
    EmbeddingStore(store.folder.parents[1], IDENTITY).gather(KEYS[:25])
    assert len(hashed) == 3


def test_damage_to_a_shard_that_is_not_used_does_not_matter(store):
    lost, harmed = (path_of(store, KEYS[number]) for number in (100, 190))
    lost.unlink()
    harmed.write_bytes(harmed.read_bytes()[:-1] + b"?")
    np.testing.assert_array_equal(store.gather(KEYS[:100]), ROWS[:100])
    with pytest.warns(DamagedShardWarning) as said:
        there = store.contains(KEYS)
    assert len(said) == 2
    assert there.sum() == 180
    np.testing.assert_array_equal(store.gather(KEYS[there]), ROWS[there])


def path_of(store, key):
    (keys,) = (path for path in store.folder.glob("*.keys") if key.tobytes() in path.read_bytes())
    return keys.with_suffix(".npy")


def test_a_file_without_read_permission_is_not_damaged(store, monkeypatch):
    import io

    class Refused(io.FileIO):
        def __init__(self, path):
            raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(io, "FileIO", Refused)
        with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
            store.gather(KEYS)
    np.testing.assert_array_equal(store.gather(KEYS), ROWS)


def test_an_identity_of_another_width_does_not_harm_the_store(store):
    wrong = EmbeddingStore(store.folder.parents[1], Identity(IDENTITY.fields, (3,)))
    with pytest.raises(InputError, match="holds rows of 2 values, but the extractor's record says 3"):
        wrong.contains(KEYS)
    np.testing.assert_array_equal(store.gather(KEYS), ROWS)
