"""`hybrid cache`: list, verify, clean up and explain the stored embeddings. No Keras here."""

import json
import os
import time

import numpy as np
import pytest
from made_sets import made_set_record
from made_store import IDENTITY, Means, expected, images_of, run

from hybrid.cli.main import main
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor, extraction
from hybrid.extractors.extraction import extract
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.store.check import find_damage
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.manage import collect_garbage, find_extractor, list_extractors, remove_extractor
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.files import write_sealed

DAY = 86400


def make_old(folder, days):
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - days * DAY,) * 2)


def known_extractor(images, cache, **options):
    """An extractor whose identity is in the cache, so that Keras is not needed, with rows of a stand-in."""
    extractor = FeatureExtractor("mobilenet_v2", weights="imagenet", cache=cache, **options)
    parameters = extractor._described_parameters()
    fields = {
        "graph": "0" * 64, "layers": ["out_relu"], "pooling": parameters["pooling"],
        "size": parameters["size"] or [4, 4], "channels": 3, "interpolation": parameters["interpolation"],
    }  # fmt: skip
    identity = Identity(fields, (2,))
    write_sealed(extractor._record(parameters), {"request": parameters, "identity": identity.to_dict()})
    assert extractor.resolve() == identity
    store = EmbeddingStore(cache, identity)
    extract(ImageSource(images), [store], FileDigests(), lambda wanted: Means())
    return identity


# --- list


def test_list_names_the_backbone_of_each_extractor(hybrid, cache, image_files):
    first = known_extractor(image_files, cache)
    second = known_extractor(image_files[:5], cache, pooling="max", size=(4, 6))
    found = {row["fingerprint"]: row for row in hybrid.json("cache", "list")["extractors"]}
    assert {name: row["rows"] for name, row in found.items()} == {first.fingerprint: 12, second.fingerprint: 5}
    assert found[second.fingerprint]["backbone"] == "mobilenet_v2"
    assert found[second.fingerprint]["identity"]["pooling"] == "max"
    assert found[first.fingerprint]["bytes"] >= 12 * (32 + 8)
    text = hybrid("cache", "list")
    for word in (first.fingerprint[:12], "mobilenet_v2", "out_relu", "max", "4×6"):
        assert word in text


def test_last_used_is_when_rows_were_last_read(cache):
    done, store = run(images_of(3), cache)
    make_old(cache, 9)
    assert list_extractors(cache)[0].used == pytest.approx(time.time() - 9 * DAY, abs=60)
    store.gather(done.keys)
    (found,) = list_extractors(cache)
    assert found.used == pytest.approx(time.time(), abs=60)
    assert found.created == pytest.approx(time.time() - 9 * DAY, abs=60)


def test_an_empty_cache_is_not_an_error(hybrid):
    assert hybrid.json("cache", "list")["extractors"] == []
    assert "Freed 0.0 MB" in hybrid("cache", "gc")
    hybrid("cache", "verify")


# --- verify


@pytest.mark.parametrize("name", ["*.npy", "*.keys", "identity.json"])
def test_verify_names_damaged_files(hybrid, cache, image_files, name):
    _, store = run(image_files, cache)
    result = hybrid.result("cache", "verify")
    assert result.exit_code == 0
    assert "12 embeddings" in result.stdout
    (path,) = store.folder.glob(name)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    result = hybrid.result("cache", "verify", "--json")
    assert result.exit_code == 1
    assert [damage["path"].rsplit("/")[-1].split(".")[0] for damage in json.loads(result.stdout)["damaged"]] == [
        path.name.split(".")[0]
    ]
    hybrid("cache", "gc")
    hybrid("cache", "verify")
    done, store = run(image_files, cache)
    np.testing.assert_array_equal(store.gather(done.keys), run(image_files, cache / "other")[1].gather(done.keys))


def test_verify_finds_damage_to_files_that_this_process_has_read(cache):
    done, store = run(images_of(5), cache)
    store.gather(done.keys)
    (rows,) = store.folder.glob("*.npy")
    stat = rows.stat()
    data = bytearray(rows.read_bytes())
    data[-1] ^= 1
    rows.write_bytes(data)
    os.utime(rows, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [finding.path for finding in find_damage(cache)] == [rows]


# --- gc


def test_gc_removes_leftovers_of_dead_writers_but_not_files_of_living_ones(cache):
    done, store = run(images_of(5), cache)
    dead = [store.folder / name for name in (".tmp-1", "0" * 32 + ".npy", "0" * 32 + ".keys")]
    for path in dead:
        path.write_bytes(b"half")
    make_old(store.folder, 1)
    living = [store.folder / name for name in (".tmp-2", "1" * 32 + ".npy")]
    for path in living:
        path.write_bytes(b"half")
    kept = {path for path in cache.rglob("*") if path.is_file()} - set(dead)
    assert {garbage.bytes for garbage in collect_garbage(cache, dry_run=True)} == {4, 8}
    assert all(path.exists() for path in dead)
    assert sum(garbage.bytes for garbage in collect_garbage(cache)) == 12
    assert {path for path in cache.rglob("*") if path.is_file()} == kept
    np.testing.assert_array_equal(store.gather(done.keys), expected(images_of(5)))


def test_gc_removes_the_digests_that_version_0_1_0_kept(cache):
    cache.mkdir()
    (cache / "digests.sqlite").write_bytes(b"rows")
    assert [garbage.bytes for garbage in collect_garbage(cache)] == [4]
    assert list(cache.iterdir()) == []


def test_gc_merges_small_shards_while_a_reader_is_open(cache):
    store, keys = EmbeddingStore(cache, IDENTITY), np.random.default_rng(0).integers(0, 256, (90, 32), np.uint8)
    rows = np.random.default_rng(1).random((90, 2), np.float32)
    for start in range(0, 90, 9):  # with what two writers both computed
        part = slice(start, start + 12)
        store.append(keys[part], rows[part])
    reader = EmbeddingStore(cache, IDENTITY)
    reader.gather(keys)
    list(collect_garbage(cache))
    np.testing.assert_array_equal(reader.gather(keys), rows)  # warnings are errors: nothing is said to be damaged
    np.testing.assert_array_equal(EmbeddingStore(cache, IDENTITY).gather(keys[::-1]), rows[::-1])
    (found,) = list_extractors(cache)
    assert (found.shards, found.rows) == (1, 90)
    assert list(collect_garbage(cache)) == []


def test_gc_removes_duplicate_rows_of_full_shards(cache):
    keys = np.random.default_rng(0).integers(0, 256, (2048, 32), np.uint8)
    rows = np.random.default_rng(1).random((2048, 2), np.float32)
    store = EmbeddingStore(cache, IDENTITY)
    for part in (slice(0, 1024), slice(1024, 2048), slice(512, 1536), slice(0, 1024)):
        store.append(keys[part], rows[part])
    list(collect_garbage(cache))
    assert list_extractors(cache)[0].rows == 2048
    np.testing.assert_array_equal(EmbeddingStore(cache, IDENTITY).gather(keys), rows)


def test_gc_by_age_keeps_extractors_that_a_set_of_the_workspace_needs(hybrid, cache, image_files, tmp_path):
    first = known_extractor(image_files, cache)
    second = known_extractor(image_files, cache, pooling="max")
    made_set_record(extractor=first.fingerprint).write(tmp_path / "hybrid_runs/sets/pictures.json")
    make_old(cache, 40)
    assert "Freed" in hybrid("cache", "gc")
    assert len(list_extractors(cache)) == 2
    hybrid("cache", "gc", "--older-than", 60)
    assert len(list_extractors(cache)) == 2
    assert "not used for 40 days" in hybrid("cache", "gc", "--older-than", 30)
    assert [found.fingerprint for found in list_extractors(cache)] == [first.fingerprint]
    assert second.fingerprint not in {found.fingerprint for found in list_extractors(cache)}


# --- rm


def test_rm_asks_and_names_the_sets_that_need_it(hybrid, cache, image_files, tmp_path):
    identity = known_extractor(image_files, cache)
    other = known_extractor(image_files, cache, pooling="max")
    made_set_record(extractor=identity.fingerprint).write(tmp_path / "hybrid_runs/sets/pictures.json")
    result = hybrid.result("cache", "rm", identity.fingerprint[:8], input="n\n")
    assert result.exit_code == 1
    assert "needed by pictures" in result.stderr
    assert len(list_extractors(cache)) == 2
    result = hybrid.result("cache", "rm", "--all", input="")
    assert result.exit_code == 1
    assert "Nothing was removed" in result.stderr
    assert "--yes" in result.stderr
    hybrid("cache", "rm", identity.fingerprint[:8], input="y\n")
    assert [found.fingerprint for found in list_extractors(cache)] == [other.fingerprint]
    hybrid("cache", "rm", "--all", "--yes")
    assert list_extractors(cache) == []
    assert list((cache / "extractors").iterdir()) == []


def test_rm_of_an_unknown_fingerprint_gives_one_sentence(hybrid, cache):
    run(images_of(2), cache)
    result = hybrid.result("cache", "rm", "abc", "--yes")
    assert result.exit_code == 1
    assert IDENTITY.fingerprint[:12] in result.stderr
    assert hybrid.result("cache", "rm").exit_code == 2
    with pytest.raises(InputError, match="first digits"):
        find_extractor(cache, "")


def test_embeddings_removed_while_a_reader_is_open_are_missing_but_not_damaged(cache):
    done, store = run(images_of(5), cache)
    store.gather(done.keys)
    remove_extractor(cache, IDENTITY.fingerprint)
    with pytest.raises(InputError, match="5 of 5 embeddings are no longer in the store"):
        store.gather(done.keys)


# --- explain


def test_explain_shows_the_differences_from_the_most_similar_extractor(hybrid, cache, image_files):
    identity = known_extractor(image_files, cache)
    arguments = ("cache", "explain", image_files[0], "--backbone", "mobilenet_v2", "--json")
    found = json.loads(hybrid(*arguments))
    assert found["stored"]
    other = known_extractor(image_files[1:3], cache, pooling="max")
    known_extractor(image_files, cache, pooling="both", size=8)
    found = json.loads(hybrid(*arguments, "--pooling", "max"))
    assert not found["stored"]
    assert (found["fingerprint"], found["rows"]) == (other.fingerprint, 2)
    assert found["others"][0]["fingerprint"] == identity.fingerprint
    assert found["others"][0]["differs"] == {"pooling": ["max", "avg"]}
    assert set(found["others"][1]["differs"]) == {"pooling", "size"}
    text = hybrid(*arguments[:-1], "--pooling", "max")
    assert "is not stored" in text
    assert "pooling: max here, avg there" in text


def test_explain_says_that_the_image_itself_is_new(hybrid, cache, image_files, tmp_path):
    known_extractor(image_files[1:], cache)
    text = hybrid("cache", "explain", image_files[0], "--backbone", "mobilenet_v2")
    assert "No extractor has an embedding of this image" in text
    assert "11 embeddings of other images" in text
    result = hybrid.result("cache", "explain", tmp_path / "missing.png", "--backbone", "mobilenet_v2")
    assert result.exit_code == 1
    assert "missing.png" in result.stderr


@pytest.mark.parametrize("name", ["list", "verify", "gc", "rm", "explain"])
def test_every_command_explains_itself_and_each_option(hybrid, name):
    hybrid("cache", name, "--help")
    command = main.get_command(None, "cache").commands[name]
    assert [p.name for p in command.params if getattr(p, "opts", [""])[0].startswith("--") and not p.help] == []


def test_the_size_of_a_full_shard_is_that_of_the_extraction():
    from hybrid.extractors.store.shards import full_shard

    for width in (1, 512, 100_000):
        assert full_shard(width) == min(extraction._SHARD_ROWS, extraction._SHARD_VALUES // width)
