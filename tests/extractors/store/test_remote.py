"""A store at an address: other machines find its rows, and no fault of the network loses or changes one.

The server is moto's, in this process: a stand-in for Amazon S3. A machine is a folder for mirrors.
"""

import itertools
import json

import numpy as np
import pytest
from made_store import IDENTITY, Means, expected, images_of, keys_of, run
from object_server import BUCKET, KEY, SECRET

from hybrid.errors import InputError
from hybrid.extractors.store.check import find_damage, find_remote_damage
from hybrid.extractors.store.manage import collect_garbage
from hybrid.extractors.store.store import DamagedShardWarning, EmbeddingStore, LostEmbeddingsError, open_cache
from hybrid.files import object_store
from hybrid.files.object_store import ObjectStore

ADDRESS = f"s3://{BUCKET}/team/cache"


@pytest.fixture
def another_machine(object_server, next_machine):
    """A function that goes on at a machine without copies and returns its cache folder."""

    def arrive(address=ADDRESS):
        next_machine()
        return open_cache(address)

    return arrive


def rows_here(cache):
    return sorted(cache.glob("embeddings/*/*.npy"))


def test_another_machine_finds_all_rows_and_fetches_them_when_they_are_read(object_server, another_machine):
    images = images_of(40)
    done, store = run(images, open_cache(ADDRESS))
    assert (done.new, done.cached) == (40, 0)
    np.testing.assert_array_equal(store.gather(done.keys), expected(images))
    cache, network = another_machine(), Means()
    done, store = run(images, cache, network)
    assert (done.new, done.cached, network.images) == (0, 40, 0)
    assert done.cost is not None
    assert not rows_here(cache)  # only keys and records
    np.testing.assert_array_equal(store.gather(done.keys), expected(images))
    assert len(rows_here(cache)) == 1
    with object_server.failing(lambda method, path: "503 Slow Down" if path.endswith(".npy") else None):
        np.testing.assert_array_equal(EmbeddingStore(cache, IDENTITY).gather(done.keys), expected(images))


def test_a_copy_of_the_objects_in_a_folder_is_a_store(object_server, tmp_path):
    images = images_of(8)
    done, _ = run(images, open_cache(ADDRESS))
    for name, data in object_server.objects("team/cache/").items():
        path = tmp_path / name.removeprefix("team/cache/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    np.testing.assert_array_equal(EmbeddingStore(tmp_path, IDENTITY).gather(done.keys), expected(images))


def test_what_another_machine_writes_later_is_found(another_machine):
    first, second = images_of(8, 1), images_of(8, 2)
    here, there = another_machine(), another_machine()
    done_here, _ = run(first, here)
    reading = EmbeddingStore(here, IDENTITY)
    assert reading.contains(done_here.keys).all()
    done_there, _ = run(np.concatenate([first, second]), there)
    assert (done_there.new, done_there.cached) == (8, 8)
    np.testing.assert_array_equal(reading.gather(done_there.keys[8:]), expected(second))  # by a new listing


def test_objects_are_never_replaced_or_removed(object_server, another_machine):
    images = images_of(30)
    run(images[:10], another_machine())
    before = object_server.objects()
    run(images, another_machine())
    list(collect_garbage(another_machine(), older_than=0))
    after = object_server.objects()
    assert before.items() <= after.items()


def test_two_machines_that_compute_the_same_rows_do_no_harm(another_machine):
    images = images_of(8)
    machines = [another_machine(), another_machine()]
    stores = [EmbeddingStore(machine, IDENTITY) for machine in machines]
    keys = keys_of(8)
    for store in stores:
        store.append(keys, expected(images))
    np.testing.assert_array_equal(EmbeddingStore(another_machine(), IDENTITY).gather(keys), expected(images))


@pytest.mark.parametrize("status", ["503 Slow Down", "500 Internal Server Error", "429 Too Many Requests"])
def test_throttling_and_errors_that_pass_lose_nothing(object_server, another_machine, status):
    images, faults = images_of(30), itertools.cycle([None, status])
    with object_server.failing(lambda method, path: next(faults)):
        done, _ = run(images, another_machine())
        rows = EmbeddingStore(another_machine(), IDENTITY).gather(done.keys)
    np.testing.assert_array_equal(rows, expected(images))


@pytest.mark.medium
def test_a_write_whose_answer_is_lost_counts_once(object_server, another_machine):
    images, lost = images_of(6), []

    def fault(method, path):
        if method == "PUT" and path not in lost:
            lost.append(path)
            return "lost"
        return None

    with object_server.failing(fault):
        done, _ = run(images, another_machine())
    assert len(lost) == 4  # rows, keys, the commit record and the identity
    np.testing.assert_array_equal(EmbeddingStore(another_machine(), IDENTITY).gather(done.keys), expected(images))


@pytest.mark.medium
@pytest.mark.parametrize("suffix", [".npy", ".keys", ".json"])
def test_an_upload_that_fails_is_one_sentence_and_the_next_run_goes_on(object_server, another_machine, suffix):
    images = images_of(8)
    cache = another_machine()

    def fault(method, path):
        return "503 Slow Down" if method == "PUT" and path.endswith(suffix) else None

    with object_server.failing(fault), pytest.raises(InputError, match="cannot be written: the server asks for fewer"):
        run(images, cache)
    assert not rows_here(cache)  # no half-written file is left
    assert not [name for name in object_server.objects() if name.endswith(".json") and "identity" not in name]
    for machine in (cache, another_machine()):
        done, store = run(images, machine)
        np.testing.assert_array_equal(store.gather(done.keys), expected(images))
    assert (done.new, done.cached) == (0, 8)


def test_downloads_that_end_early_are_repeated(object_server, another_machine):
    images = images_of(8)
    done, _ = run(images, another_machine())
    cut = []

    def fault(method, path):
        if method == "GET" and path.endswith(".npy") and not cut:
            cut.append(path)
            return "cut"
        return None

    with object_server.failing(fault):
        rows = EmbeddingStore(another_machine(), IDENTITY).gather(done.keys)
    assert cut
    np.testing.assert_array_equal(rows, expected(images))


@pytest.mark.parametrize("harm", ["cut rows", "flip rows", "lose rows", "cut record", "flip keys"])
def test_a_damaged_object_is_reported_once_and_its_rows_are_computed_again(object_server, another_machine, harm):
    images = images_of(8)
    done, _ = run(images, another_machine())
    suffix = {"rows": ".npy", "keys": ".keys", "record": ".json"}[harm.split()[1]]
    [(name, data)] = [
        one for one in object_server.objects().items() if one[0].endswith(suffix) and "identity" not in one[0]
    ]
    client = object_server.client()
    client.delete_object(Bucket=BUCKET, Key=name)
    if not harm.startswith("lose"):
        changed = data[: len(data) // 2] if harm.startswith("cut") else data[:-1] + bytes([data[-1] ^ 1])
        client.put_object(Bucket=BUCKET, Key=name, Body=changed)
    cache = another_machine()
    assert [damage.reason for damage in find_remote_damage(cache)]
    store = EmbeddingStore(cache, IDENTITY)
    with (
        pytest.warns(DamagedShardWarning, match=ADDRESS),
        pytest.raises(LostEmbeddingsError, match="run `hybrid extract` again"),
    ):
        store.gather(done.keys)
    done, store = run(images, cache)  # warnings are errors: it is said once
    assert (done.new, done.cached) == (8, 0)
    np.testing.assert_array_equal(store.gather(done.keys), expected(images))


def test_a_damaged_copy_on_this_machine_is_fetched_again(object_server, another_machine):
    images = images_of(8)
    cache = another_machine()
    done, _ = run(images, cache)
    [path] = rows_here(cache)
    path.write_bytes(path.read_bytes()[:-1])
    assert len(list(find_damage(cache))) == 1
    np.testing.assert_array_equal(EmbeddingStore(cache, IDENTITY).gather(done.keys), expected(images))
    assert not list(find_damage(cache))
    path.unlink()
    assert not list(find_damage(cache))  # a copy that is missing is no damage
    np.testing.assert_array_equal(EmbeddingStore(cache, IDENTITY).gather(done.keys), expected(images))


def test_a_listing_that_is_out_of_date_only_costs_work(object_server, another_machine, monkeypatch):
    images = images_of(8)
    stale = ObjectStore(ADDRESS).list
    listing = stale("embeddings")
    done, _ = run(images, another_machine())
    with monkeypatch.context() as patch:  # lacks what was written
        patch.setattr(ObjectStore, "list", lambda self, prefix="": listing)
        done, store = run(images, another_machine())
        assert done.new == 8
        np.testing.assert_array_equal(store.gather(done.keys), expected(images))
    listing = stale(f"embeddings/{IDENTITY.fingerprint}")
    for name in object_server.objects():  # names what is gone
        object_server.client().delete_object(Bucket=BUCKET, Key=name)
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "list", lambda self, prefix="": listing)
        done, store = run(images, another_machine())
        assert done.new == 8
        np.testing.assert_array_equal(store.gather(done.keys), expected(images))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("403 Forbidden", "access was denied; check the credentials"),
        ("401 Unauthorized", "access was denied"),
        ("404 Not Found", "there is no such bucket"),
        ("503 Slow Down", "asks for fewer requests"),
        ("501 Not Implemented", "does not support conditional writes"),
        ("500 Internal Server Error", "answered with the status 500"),
    ],
)
def test_refusals_are_one_sentence_without_secrets(object_server, another_machine, fault, words):
    cache = another_machine()
    only = "PUT" if fault.startswith("501") else "GET"
    with (
        object_server.failing(lambda method, path: fault if method == only else None),
        pytest.raises(InputError, match=words) as caught,
    ):
        run(images_of(4), cache)
    assert SECRET not in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None  # no traceback shows what the server said
    assert caught.value.__context__ is None
    assert str(caught.value).count("\n") == 0


def test_a_missing_bucket_and_a_server_that_is_not_there_are_one_sentence(object_server, another_machine, monkeypatch):
    with pytest.raises(InputError, match="no such bucket"):
        run(images_of(4), another_machine("s3://nobody-has-this/x"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    object_store.open_objects.cache_clear()
    with pytest.raises(InputError, match="the server does not answer; check the network and the endpoint"):
        run(images_of(4), another_machine())


def test_without_credentials_the_message_names_the_variables(object_server, another_machine, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")  # where a machine of Amazon finds its own
    object_store.open_objects.cache_clear()
    with pytest.raises(InputError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        run(images_of(4), another_machine())


@pytest.mark.medium
def test_a_server_that_hangs_is_given_up(object_server, another_machine):
    cache = another_machine()
    with object_server.failing(lambda method, path: "hang"), pytest.raises(InputError, match="does not answer"):
        run(images_of(4), cache)


@pytest.mark.parametrize(
    "address", ["s3://key:secret@bucket/x", "az://container/x?sig=secret", "s3://", "s3:///", "gs://b/../x"]
)
def test_addresses_that_are_none_are_refused_without_repeating_secrets(address):
    with pytest.raises(InputError, match="expected s3://BUCKET/PREFIX") as caught:
        open_cache(address)
    assert "secret" not in str(caught.value)


def test_the_same_address_at_another_endpoint_has_another_mirror(object_server, monkeypatch):
    first = open_cache(ADDRESS)
    assert open_cache(f"{ADDRESS}/") == first
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert open_cache(ADDRESS) != first


# --- commands


def test_the_commands_of_the_cache(object_server, another_machine, hybrid, monkeypatch):
    run(images_of(20), another_machine())
    another_machine()
    monkeypatch.setenv("HYBRID_CACHE", ADDRESS)
    listed = hybrid.json("cache", "list")
    assert listed["cache"] == ADDRESS
    assert [one["rows"] for one in listed["extractors"]] == [20]
    stored = sum(len(data) for name, data in object_server.objects("team/cache/embeddings/").items())
    assert listed["extractors"][0]["bytes"] == stored
    assert "All 1 shard (20 embeddings)" in hybrid("cache", "verify")
    assert f"nothing at {ADDRESS} is ever removed" in hybrid("cache", "gc")
    assert "other machines may use it" in hybrid("cache", "rm", "--all", "--yes", code=1)
    [name] = [name for name in object_server.objects() if name.endswith(".npy")]
    object_server.client().put_object(Bucket=BUCKET, Key=name, Body=b"x")
    assert "1 damaged file" in hybrid.result("cache", "verify").output
    result = hybrid.result("cache", "verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["damaged"][0]["reason"] == "does not match its checksum"
