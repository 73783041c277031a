"""The embedding store and the extraction into it: no row is lost or wrong. No Keras here."""

import os
import shutil

import numpy as np
import pytest
from made_store import IDENTITY, Means, expected, images_of, keys_of, run
from paths import ROOT, TOOLS
from PIL import Image

from hybrid.errors import InputError
from hybrid.extractors import extraction
from hybrid.extractors.images.decoding import BadImageError
from hybrid.extractors.store.store import DamagedShardWarning, EmbeddingStore

# --- the store


def test_rows_come_back_in_any_order(cache):
    store, keys, rows = (
        EmbeddingStore(cache, IDENTITY),
        keys_of(50),
        np.random.default_rng(1).random((50, 2), np.float32),
    )
    store.append(keys[:20], rows[:20])
    store.append(keys[20:], rows[20:])
    order = np.random.default_rng(2).permutation(50)
    np.testing.assert_array_equal(EmbeddingStore(cache, IDENTITY).gather(keys[order]), rows[order])
    np.testing.assert_array_equal(store.gather(keys[[7, 7, 30]]), rows[[7, 7, 30]])
    assert store.gather(keys[:0]).shape == (0, 2)


def test_keys_with_the_same_prefix_are_distinguished(cache):
    keys, rows = keys_of(6), np.arange(12, dtype=np.float32).reshape(6, 2)
    keys[:4, :8] = 7
    keys[4:, :8] = 255
    store = EmbeddingStore(cache, IDENTITY)
    store.append(keys[:5], rows[:5])
    np.testing.assert_array_equal(store.contains(keys), [True] * 5 + [False])
    np.testing.assert_array_equal(store.gather(keys[[3, 1, 0, 2, 4]]), rows[[3, 1, 0, 2, 4]])
    with pytest.raises(InputError, match="1 of 6 embeddings are no longer in the store"):
        store.gather(keys)


@pytest.mark.parametrize("harm", ["flip", "cut", "lose rows", "lose keys", "flip keys", "empty record"])
def test_a_damaged_shard_is_reported_once_and_computed_again(cache, harm):
    images = images_of(8)
    _, store = run(images, cache)
    (record,) = [path for path in store.folder.glob("*.json") if path.name != "identity.json"]
    rows, keys = record.with_suffix(".npy"), record.with_suffix(".keys")
    if harm == "flip":
        rows.write_bytes(rows.read_bytes()[:-3] + bytes([rows.read_bytes()[-3] ^ 1]) + rows.read_bytes()[-2:])
    elif harm == "cut":
        rows.write_bytes(rows.read_bytes()[:-8])
    elif harm == "flip keys":
        keys.write_bytes(keys.read_bytes()[1:] + b"x")
    elif harm == "empty record":
        record.write_bytes(b"")
    else:
        (rows if harm == "lose rows" else keys).unlink()
    with pytest.warns(DamagedShardWarning, match="is damaged"):
        done, store = run(images, cache)
    assert (done.new, done.cached) == (8, 0)
    np.testing.assert_array_equal(store.gather(done.keys), expected(images))
    done, store = run(images, cache)  # warnings are errors: it is said once
    assert (done.new, done.cached) == (0, 8)


def test_a_shard_without_its_commit_record_does_not_count(cache):
    images = images_of(8)
    _, store = run(images, cache)
    for record in store.folder.glob("*.json"):
        record.unlink()
    done, _ = run(images, cache)
    assert done.new == 8


@pytest.mark.medium
def test_more_shards_than_files_may_be_open(cache, python):
    store, keys = EmbeddingStore(cache, IDENTITY), keys_of(80)
    for number in range(80):
        store.append(keys[[number]], np.full((1, 2), number, np.float32))
    np.save(cache / "keys.npy", keys)
    code = (
        "import resource, sys, numpy as np; resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))\n"
        "from pathlib import Path\n"
        "from hybrid.extractors.store.store import EmbeddingStore\n"
        "from hybrid.extractors.store.identity import Identity\n"
        f"store = EmbeddingStore(Path({str(cache)!r}), Identity({IDENTITY.fields!r}, (2,)))\n"
        f"print(store.gather(np.load({str(cache / 'keys.npy')!r}))[:, 0].astype(int).tolist())\n"
    )
    pytest.importorskip("resource")
    assert python(code).strip() == str(list(range(80)))


def test_a_cache_that_cannot_be_written_gives_one_sentence(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"cannot be written \(.*\): give a folder: a part of this path is a file"):
        run(images_of(2), tmp_path / "file" / "cache")


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_files_get_the_permissions_of_the_umask(cache):
    old = os.umask(0o022)
    try:
        _, store = run(images_of(2), cache)
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in store.folder.iterdir()} == {0o644}


# --- the extraction


def test_only_new_images_are_computed_in_any_order(cache):
    images = images_of(10)
    assert run(images[:6], cache)[0].new == 6
    runtime = Means()
    done, store = run(images[::-1], cache, runtime)
    assert (done.new, done.cached, runtime.images, done.runtime) == (4, 6, 4, "means")
    np.testing.assert_array_equal(store.gather(done.keys), expected(images[::-1]))
    done, _ = run(images, cache, runtime=lambda: pytest.fail("the network was asked for"))
    assert (done.new, done.cached, done.runtime) == (0, 10, None)


def test_identical_images_are_computed_once(cache):
    images = images_of(4)[[0, 1, 0, 2, 3, 3, 0]]
    runtime = Means()
    done, store = run(images, cache, runtime)
    assert (runtime.images, done.new, done.cached) == (4, 4, 3)
    np.testing.assert_array_equal(store.gather(done.keys), expected(images))


def test_no_images_need_no_network(cache):
    done, store = run([], cache)
    assert (done.new, done.cached, len(store.gather(done.keys))) == (0, 0, 0)


def test_a_bad_image_stops_the_run_and_is_named_but_computed_rows_are_kept(cache, image_files):
    image_files[9].write_text("no image")
    with pytest.raises(BadImageError, match=r"9\.png.*--on-bad skip"):
        run(image_files, cache)
    image_files[9].unlink()
    with pytest.raises(BadImageError, match=r"9\.png.*cannot be read: No such file"):
        run(image_files, cache)
    done, _ = run(image_files[:9] + image_files[10:], cache)
    assert done.cached == 8  # the two batches before the bad one
    assert done.new == 3


def test_skipped_images_are_listed_and_never_shift_the_rows(cache, image_files):
    image_files[1].write_text("no image")
    shutil.copy(image_files[1], image_files[4])  # a copy of it fails for the same reason
    image_files[7].unlink()
    done, store = run(image_files, cache, on_bad="skip")
    assert sorted(done.skipped) == [1, 4, 7]
    assert "1.png" in done.skipped[1]
    assert "7.png" in done.skipped[7]
    assert (done.new, done.cached) == (9, 0)
    assert not done.keys[[1, 4, 7]].any()
    kept = [0, 2, 3, 5, 6, 8, 9, 10, 11]
    alone = [run([image_files[number]], cache)[0].keys[0] for number in kept]
    np.testing.assert_array_equal(store.gather(done.keys[kept]), store.gather(np.array(alone)))
    assert len(np.unique(store.gather(done.keys[kept]), axis=0)) == 9


def test_animations_are_counted_with_and_without_a_filled_cache(cache, image_files):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime")]
    for path in image_files[:2]:
        frames[0].save(path, save_all=True, append_images=frames[1:])
    assert run(image_files, cache)[0].animated == 2
    assert run(image_files, cache)[0].animated == 2
    assert run(images_of(3), cache)[0].animated == 0


def test_unknown_on_bad_is_refused(cache):
    with pytest.raises(InputError, match="'raise' or 'skip'"):
        run(images_of(2), cache, on_bad="ignore")


def test_nan_is_refused_by_name_and_not_stored(cache, image_files):
    class Broken(Means):
        def __call__(self, pixels):
            rows = super().__call__(pixels)
            rows[2, 0] = np.nan
            return rows

    with pytest.raises(InputError, match=r"2\.png'? contains NaN or infinity"):
        run(image_files, cache, Broken())
    assert run(image_files, cache)[0].new == len(image_files)


def test_memory_does_not_grow_with_the_number_of_images(cache, monkeypatch):
    appended = []
    write = EmbeddingStore.write
    monkeypatch.setattr(EmbeddingStore, "write", lambda s, k, r: (appended.append(r.shape), write(s, k, r))[1])
    monkeypatch.setattr(extraction, "_SHARD_ROWS", 16)
    run(images_of(100), cache)
    assert sum(rows for rows, _ in appended) == 100
    assert max(rows for rows, _ in appended) < 16 + 4
    appended.clear()
    monkeypatch.setattr(extraction, "_SHARD_VALUES", 2 * 8)  # wide rows: fewer of them
    run(images_of(100, seed=1), cache)
    assert max(rows for rows, _ in appended) < 8 + 4


def test_progress_ends_at_the_total(cache):
    seen = []
    run(images_of(10), cache, progress=lambda done, todo: seen.append((done, todo)))
    assert seen == [(4, 10), (8, 10), (10, 10)]


EXTRACT = """
import os, signal, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, {tests!r})
from hybrid.extractors import extraction
from made_store import images_of, run
extraction._SHARD_ROWS = 16

def progress(done, todo):
    if done >= {until}:
        os.kill(os.getpid(), signal.SIGKILL)

done, _ = run(images_of(100), Path(os.environ["HYBRID_CACHE"]), progress=progress)
print(done.new, done.cached)
"""


def test_a_kill_costs_at_most_the_last_shard(cache, python):
    here = str(TOOLS)
    killed = python(EXTRACT.format(tests=here, until=60), check=False)
    assert killed.returncode == -9
    runtime = Means()
    done, store = run(images_of(100), cache, runtime)
    assert (done.new, done.cached, runtime.images) == (52, 48, 52)
    np.testing.assert_array_equal(store.gather(done.keys), expected(images_of(100)))


@pytest.mark.medium
def test_two_processes_can_extract_at_the_same_time(cache):
    import subprocess
    import sys

    code = EXTRACT.format(tests=str(TOOLS), until=1000)
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    done, store = run(images_of(100), cache)
    assert (done.new, done.cached) == (0, 100)
    np.testing.assert_array_equal(store.gather(done.keys), expected(images_of(100)))
