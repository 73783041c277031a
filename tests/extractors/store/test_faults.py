"""Killed writers, failing system calls, full disks, flipped bits: no row is wrong, no commit is lost. No Keras here.

Each comes in a short form, and in the numbers that the project promises: `make test-long`, which prints its counts.
"""

import errno
import io
import os
import pathlib
import shutil
import subprocess
import sys
import warnings
from collections import Counter

import numpy as np
import pytest
from faults import FaultyFile, Injector, crowd, storm
from made_store import IDENTITY, expected, images_of, run
from paths import ROOT, TOOLS

from hybrid.errors import InputError
from hybrid.extractors import extraction
from hybrid.extractors.store import index as store_index
from hybrid.extractors.store.check import find_damage, find_leftovers
from hybrid.extractors.store.shards import forget_verified
from hybrid.extractors.store.store import DamagedShardWarning, EmbeddingStore
from hybrid.files import read_sealed, write_sealed

posix = pytest.mark.skipif(os.name != "posix", reason="fork and signals are POSIX's")


def in_fresh_process(function, *arguments):
    """Run a function of `faults` in a process of its own, which may fork, and print what it printed."""
    here = str(TOOLS)
    code = f"import sys; sys.path.insert(0, {here!r}); import faults; faults.{function}(*{arguments!r})"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return done.stdout


def error_of(function):
    """Return the message if the function raises InputError, else None."""
    try:
        function()
    except InputError as error:
        return str(error)
    return None


# --- killed


@pytest.mark.medium
@posix
def test_kills_of_two_writers_lose_nothing_that_was_committed(cache):
    assert in_fresh_process(storm.__name__, str(cache), 12, 600, 1)


@posix
@pytest.mark.long
def test_300_kills_of_two_writers_lose_nothing_that_was_committed(cache):
    assert in_fresh_process(storm.__name__, str(cache), 300, 3000, 2)


# --- at once


@posix
def test_four_processes_on_the_same_images(cache):
    assert in_fresh_process(crowd.__name__, str(cache), 4, 200)


@posix
@pytest.mark.long
def test_8_processes_on_the_same_5000_images(cache):
    assert in_fresh_process(crowd.__name__, str(cache), 8, 5000)


# --- refused


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(extraction, "_SHARD_ROWS", 8)
    monkeypatch.setattr(store_index, "_MAX_RECENT_SHARDS", 1)


def inject_everywhere(cache, monkeypatch, numbers, kinds):
    images, counts = images_of(24), Counter()
    for kind in kinds:
        for number in numbers:
            shutil.rmtree(cache, ignore_errors=True)
            with monkeypatch.context() as patch:
                injector = Injector(number, kind)
                injector.install(patch)
                said = error_of(lambda: [run(images, cache), run(images, cache)])  # the second writes the index
            if not injector.happened:
                break
            assert said is None or "cannot be written" in said
            counts[f"{errno.errorcode[kind]} {'harmless' if said is None else 'reported'}"] += 1
            assert list(find_damage(cache)) == []
            assert list(cache.rglob(".tmp-*")) == []
            done, store = run(images, cache)
            np.testing.assert_array_equal(store.gather(done.keys), expected(images))
    print("injected at every write, fsync, mkdir and rename in turn:", dict(counts))
    return counts


@pytest.mark.usefixtures("small_shards")
def test_a_refused_system_call_is_one_sentence_and_the_store_stays_valid(cache, monkeypatch):
    counts = inject_everywhere(cache, monkeypatch, range(0, 200, 9), [errno.ENOSPC])
    assert counts["ENOSPC reported"] > 3


@pytest.mark.long
@pytest.mark.usefixtures("small_shards")
def test_every_system_call_refused_in_turn(cache, monkeypatch):
    counts = inject_everywhere(cache, monkeypatch, range(1000), [errno.ENOSPC, errno.EIO, errno.EINTR])
    assert min(counts[f"{name} reported"] for name in ("ENOSPC", "EIO", "EINTR")) > 30


FILL = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from hybrid.errors import InputError
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore
from faults import KEYS, wide_rows, WIDE
store = EmbeddingStore(Path(sys.argv[2]), WIDE)
try:
    for start in range(0, len(KEYS), 512):
        keys = KEYS[start:start + 512]
        new = ~store.contains(keys)
        store.append(keys[new], wide_rows(keys[new]))
except InputError as error:
    sys.exit(str(error))
"""


@pytest.mark.medium
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_real_file_system_filled_up(tmp_path, python):
    from faults import KEYS, WIDE, wide_rows

    disk, tests = tmp_path / "disk", str(TOOLS)
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this system mounts no tmpfs here")
    try:
        full = python(FILL, tests, disk / "cache", check=False)
        assert full.returncode == 1, full.stderr
        assert "No space left on device" in full.stderr
        assert full.stderr.count("\n") == 1
        assert list(find_damage(disk / "cache")) == list(find_leftovers(disk / "cache")) == []
        assert not list((disk / "cache").rglob(".tmp-*"))
        store = EmbeddingStore(disk / "cache", WIDE)
        there = KEYS[store.contains(KEYS)]
        assert 0.7 * 2**20 * 20 < store.gather(there).nbytes < 2**20 * 20
        np.testing.assert_array_equal(store.gather(there), wide_rows(there))
        subprocess.run(["mount", "-o", "remount,size=80m", str(disk)], check=True)
        python(FILL, tests, disk / "cache")
        np.testing.assert_array_equal(EmbeddingStore(disk / "cache", WIDE).gather(KEYS), wide_rows(KEYS))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# --- flipped


def kind_of(path):
    return path.suffix or path.name if path.name != "identity.json" else path.name


def harm(path, rng):
    """Flip a bit of the file or truncate it; return a description of the damage."""
    data = bytearray(path.read_bytes())
    if rng.random() < 0.2:
        path.write_bytes(data[: rng.integers(0, len(data))])
        return "cut"
    data[rng.integers(0, len(data))] ^= 1 << rng.integers(0, 8)
    path.write_bytes(data)
    return "flip"


def flip_everything(cache, files, monkeypatch, trials, seed):
    """Damage one file at a time; a reader must get the right rows or an error of one sentence."""
    rng, counts = np.random.default_rng(seed), Counter()
    right = run(files, cache)[1].gather(run(files, cache)[0].keys)
    keys = run(files, cache)[0].keys
    pristine = {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    kinds = sorted({kind_of(path) for path in pristine})
    assert {".npy", ".keys", ".json", "identity.json", "index"} <= set(kinds)
    for trial in range(trials):
        kind = kinds[trial % len(kinds)]
        done = harm(rng.choice(sorted(path for path in pristine if kind_of(path) == kind)), rng)
        found = list(find_damage(cache))
        forget_verified()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamagedShardWarning)
            said = error_of(lambda: np.testing.assert_array_equal(EmbeddingStore(cache, IDENTITY).gather(keys), right))
            assert said is None or (found and "run `hybrid extract` again" in said)
            result, store = run(files, cache)
            np.testing.assert_array_equal(result.keys, keys)
            np.testing.assert_array_equal(store.gather(result.keys), right)
        outcome = "reported to a reader" if said else "named by verify" if found else "harmless"
        counts[f"{kind} {done}: {outcome}"] += 1
        restore(cache, pristine)
    print("\n".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    return counts


def restore(cache, pristine):
    for path in cache.rglob("*"):
        if path.is_file() and path not in pristine:
            path.unlink()
    for path, data in pristine.items():
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def check_flips(counts):
    assert sum(count for name, count in counts.items() if name.startswith(".npy ") and "reported" not in name) == 0
    assert (
        sum(count for name, count in counts.items() if name.startswith((".keys", "index")) and "harmless" in name) == 0
    )


@pytest.mark.medium
@pytest.mark.usefixtures("small_shards")
def test_flipped_bits_and_truncated_files_are_detected_or_harmless(cache, image_files, monkeypatch):
    check_flips(flip_everything(cache, image_files, monkeypatch, 120, 5))


@pytest.mark.long
@pytest.mark.usefixtures("small_shards")
def test_5000_flipped_bits_and_truncated_files(cache, image_files, monkeypatch):
    check_flips(flip_everything(cache, image_files, monkeypatch, 5000, 6))


def test_every_flip_in_a_sealed_record_is_detected_or_harmless(tmp_path):
    path, value = tmp_path / "record.json", {"identity": {"size": [224, 224]}, "name": "mobilenet é"}
    write_sealed(path, value)
    data = path.read_bytes()
    for position in range(len(data)):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            assert read_sealed(path) == value
        except InputError:
            continue


def test_a_file_that_shrinks_while_it_is_read_gives_no_signal(cache):
    images = images_of(40)
    done, store = run(images, cache)
    store.gather(done.keys)
    (rows,) = store.folder.glob("*.npy")
    with rows.open("r+b") as file:
        file.truncate(200)
    with pytest.warns(DamagedShardWarning), pytest.raises(InputError, match="run `hybrid extract` again"):
        store.gather(done.keys)
    done, store = run(images, cache)
    assert done.new == 40
    np.testing.assert_array_equal(store.gather(done.keys), expected(images))


def test_the_injector_reaches_every_write(tmp_path, monkeypatch):
    """Otherwise the tests above would prove nothing."""
    injector = Injector(-1, errno.EIO)
    injector.install(monkeypatch)
    with pathlib.Path(tmp_path / "file").open("xb") as file:
        assert isinstance(file, io.BufferedWriter)
        assert isinstance(file.raw, FaultyFile)
        file.write(b"1")
    assert injector.calls == Counter(write=1)
