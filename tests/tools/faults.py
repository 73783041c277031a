"""What the tests of faults share, and what they run in processes of their own: killers, crowds, refused calls."""

import io
import os
import pathlib
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from made_store import IDENTITY, Means, expected, images_of, run

from hybrid.extractors import extraction
from hybrid.extractors.store.check import find_damage
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.index import commit_records
from hybrid.extractors.store.manage import collect_garbage, list_extractors

SHARD_ROWS = 16

WIDE = Identity({"made": "wide rows"}, (1000,))
KEYS = np.random.default_rng(0).integers(0, 256, (8192, 32), np.uint8)


def wide_rows(keys):
    """Rows that follow from their keys, (n, 1000)."""
    return np.tile(keys.astype(np.float32), (1, 32))[:, :1000]


class Slow(Means):
    """Means that take a while, and leave a byte in a file for each image they have computed."""

    def __init__(self, log):
        super().__init__()
        self.log = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def __call__(self, pixels):
        time.sleep(0.001)
        os.write(self.log, b"x" * len(pixels))
        return super().__call__(pixels)


def start(work):
    """Run a function in a child; return its process id."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return child


def storm(cache, kills, count, seed):
    """Kill two writers at random moments, again and again; what was committed stays, and one shard each is lost."""
    extraction._SHARD_ROWS = SHARD_ROWS
    rng, done, runs, lost, worst = np.random.default_rng(seed), 0, 0, 0, 0
    images = images_of(count)
    whole = expected(images)
    while done < kills:
        folder, committed = Path(cache) / f"{runs}", set()
        while done < kills and len(committed_rows(folder, committed)) < len(images):
            killed, computed = kill_two(folder, images, rng)
            before, committed = committed, names(folder)
            assert before <= committed, "a commit was lost"
            gone = computed - count_rows(folder, committed - before)
            assert gone <= killed * (SHARD_ROWS + Means().batch_size), (gone, killed)
            done, lost, worst = done + killed, lost + gone, max(worst, gone)
        result, store = run(images, folder)
        assert store.gather(result.keys).tobytes() == whole.tobytes()
        assert list(find_damage(folder)) == []
        runs += 1
    print(f"{done} kills in {runs} extractions of {len(images)} images by two writers: no commit lost, no row wrong; "
          f"{lost} rows computed again, at most {worst} after two kills; a shard holds {SHARD_ROWS}")  # fmt: skip


def kill_two(folder, images, rng):
    """Start two writers and kill each; return how many were hit alive, and how many images both had computed."""
    folder.mkdir(parents=True, exist_ok=True)
    logs = [folder / "log-0", folder / "log-1"]
    children = [start(lambda log=log: run(images, folder, Slow(log))) for log in logs]
    hit = 0
    for child in children:
        time.sleep(rng.uniform(0, 0.25))
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        hit += os.WIFSIGNALED(status)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    computed = sum(log.stat().st_size for log in logs if log.exists())
    for log in logs:
        log.unlink(missing_ok=True)
    return hit, computed


def names(folder):
    return commit_records(folder / "embeddings" / IDENTITY.fingerprint)


def count_rows(folder, records):
    root = folder / "embeddings" / IDENTITY.fingerprint
    return sum((root / f"{name}.keys").stat().st_size // 32 for name in records)


def committed_rows(folder, records):
    root = folder / "embeddings" / IDENTITY.fingerprint
    return {key for name in records for key in np.fromfile(root / f"{name}.keys", "V32").tolist()}


def crowd(cache, processes, count):
    """Let many processes extract the same images at once; each must end well, with every row once in its result."""
    extraction._SHARD_ROWS = 256
    cache, images = Path(cache), images_of(count)
    whole = expected(images)

    def work():
        result, store = run(images, cache)
        assert result.new + result.cached == count
        assert len(np.unique(result.keys, axis=0)) == count
        assert np.array_equal(store.gather(result.keys), whole)

    children = [start(work) for _ in range(processes)]
    statuses = [os.waitpid(child, 0)[1] for child in children]
    assert statuses == [0] * processes
    (before,) = list_extractors(cache)
    assert list(find_damage(cache)) == []
    list(collect_garbage(cache))
    (after,) = list_extractors(cache)
    assert after.rows == count
    result, store = run(images, cache)
    assert (result.new, result.cached) == (0, count)
    assert np.array_equal(store.gather(result.keys), whole)
    print(f"{processes} processes on the same {count} images: no error, every row once in each result; "
          f"{before.rows} rows stored, {after.rows} after `hybrid cache gc`")  # fmt: skip


class Injector:
    """Refuses one system call of those that write: the one of that number, with that errno.

    Parameters
    ----------
    number : int
        Of the call to refuse, from 0.
    error : int
        Its errno.
    """

    def __init__(self, number, error):
        self.number, self.error = number, error
        self.calls = Counter()
        self.happened = False

    def install(self, monkeypatch):
        for name in ("fsync", "replace", "rename", "link", "mkdir"):
            monkeypatch.setattr(os, name, self.wrap(name, getattr(os, name)))
        plain = pathlib.Path.open

        def open_(path, mode="r", *args, **kwargs):
            if mode != "xb":
                return plain(path, mode, *args, **kwargs)
            return io.BufferedWriter(FaultyFile(path, self))

        monkeypatch.setattr(pathlib.Path, "open", open_)

    def wrap(self, name, call):
        def wrapped(*args, **kwargs):
            self.count(name)
            return call(*args, **kwargs)

        return wrapped

    def count(self, name):
        number = sum(self.calls.values())
        self.calls[name] += 1
        if number == self.number:
            self.happened = True
            raise OSError(self.error, os.strerror(self.error))


class FaultyFile(io.FileIO):
    """A new file whose writes are counted, and refused, by an injector."""

    def __init__(self, path, injector):
        super().__init__(path, "xb")
        self.injector = injector

    def write(self, data):
        self.injector.count("write")
        return super().write(data)
