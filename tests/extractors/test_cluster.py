"""Extraction on the workers of a Dask cluster: the values of one machine, and workers that are lost or differ."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hybrid.errors import InputError
from hybrid.extractors import Extractor
from hybrid.extractors.cluster.client import connected, current_client
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.images.views import Views, ViewSource
from hybrid.extractors.store.store import EmbeddingStore

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]


@pytest.fixture(scope="module")
def cluster():
    """Two workers, each a process with one thread."""
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    """A client of the cluster."""
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def files(tmp_path):
    """400 small pictures."""
    rng = np.random.default_rng(5)
    for number in range(400):
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)).save(tmp_path / f"{number:03}.png")
    return sorted(map(str, tmp_path.glob("*.png")))


@pytest.fixture
def alone(tmp_path, exported, tiny_network):
    """The same extractor with a store of its own, for the values of one process."""
    shutil.copytree(exported, tmp_path / "alone")
    return Extractor(tiny_network, cache=tmp_path / "alone")


def rows(extractor, result):
    return EmbeddingStore(extractor.cache_folder, extractor.resolve()).gather(result.keys)


def test_a_cluster_computes_the_bits_of_one_process(client, files, tiny_network, alone):
    with no_client():
        expected = alone.extract(files)
    extractor, seen = Extractor(tiny_network), []
    result = extractor.extract(files, progress=lambda done, total: seen.append((done, total)))
    assert rows(extractor, result).tobytes() == rows(alone, expected).tobytes()
    assert result.keys.tobytes() == expected.keys.tobytes()
    assert (result.new, result.cached, result.skipped, result.runtime) == (400, 0, {}, "openvino")
    assert result.cost > 0
    assert [total for _, total in seen] == [400] * len(seen)
    assert len(seen) >= 4
    assert sorted(done for done, _ in seen)[-1] == 400
    again = extractor.extract(files)
    assert (again.new, again.cached, again.runtime) == (0, 400, None)


@contextlib.contextmanager
def no_client():
    """Extract in this process, although a client is connected."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("hybrid.extractors.extractor.current_client", lambda: None)
        yield


@pytest.mark.slow
def test_views_and_several_layers(client, files, tiny_network, alone):
    views = Views(2, Augmentation.parse(["rotate=30"]))
    chosen = np.arange(400) % 2 == 0
    source = partial(ViewSource, files, views, chosen)
    layers = ["base/conv_a", "penultimate"]
    with no_client():
        expected = alone.but(layers=layers).extract_each(source())
    extractor = Extractor(tiny_network, layers=layers)
    results = extractor.extract_each(source())
    for number, result in enumerate(results):
        found = rows(extractor.each_layer()[number], result)
        assert found.tobytes() == rows(alone.but(layers=layers).each_layer()[number], expected[number]).tobytes()
        assert result.new == 800


def test_shards_divide_no_image_and_cover_all_rows(files):
    views = Views(3, Augmentation.parse(["flip"]))
    source = ViewSource(files[:50], views, np.arange(50) < 20)
    shards = list(source.shards(7))
    assert sum(len(part) for _, part in shards) == len(source) == 50 + 60
    assert [first for first, _ in shards] == np.cumsum([0, *(len(part) for _, part in shards[:-1])]).tolist()
    assert all(len(part) >= 7 for _, part in shards[:-1])
    assert [part.name(0) for _, part in shards] == [source.name(first) for first, _ in shards]
    assert [name for _, part in ImageSource(files).shards(90) for name in part.paths] == files


def test_a_damaged_image_is_reported_as_by_one_process(client, files, tiny_network):
    Path(files[123]).write_bytes(b"no image")
    with pytest.raises(InputError, match=r"123\.png.*Repair or remove it"):
        Extractor(tiny_network).extract(files)
    result = Extractor(tiny_network).extract(files, on_bad="skip")
    assert list(result.skipped) == [123]
    assert "123.png" in result.skipped[123]
    assert result.new + result.cached == 399
    assert not result.keys[123].any()


def test_killed_workers_lose_nothing(cluster, client, files, tiny_network, alone):
    with no_client():
        expected = rows(alone, alone.extract(files))
    killed = set()

    def kill(done, total):
        living = [pid for nanny in cluster.workers.values() if (pid := nanny.pid) and pid not in killed]
        if living and len(killed) < 3:
            killed.add(living[0])
            os.kill(living[0], signal.SIGKILL)

    extractor = Extractor(tiny_network)
    result = extractor.extract(files, progress=kill)
    assert len(killed) >= 2
    assert rows(extractor, result).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["version", "values", "files", "cache"])
def test_a_worker_that_differs_is_named_before_anything_is_written(client, files, tiny_network, cache, kind):
    def change():  # in the process of one worker
        from hybrid.extractors.cluster import shard

        shard._prepared.clear()
        if kind == "version":
            found = shard.versions()
            shard.versions = lambda: found | {"pillow": "1.2.3"}
        elif kind == "values":
            stream = shard._Prepared._pictures
            shard._Prepared._pictures = lambda self: (255 - pixels for pixels in stream(self))
        elif kind == "files":
            shard.read_bytes = lambda path: b"another file"
        else:
            shard.Path = lambda path: __import__("pathlib").Path("/nowhere/mark")

    def restore():
        import importlib

        from hybrid.extractors.cluster import shard

        importlib.reload(shard)

    address = sorted(client.scheduler_info()["workers"])[0]
    client.run(change, workers=[address])
    said = {
        "version": "it has pillow 1.2.3, but the process that started the extraction has",
        "values": "computes other embeddings of the same pictures",
        "files": "it sees another file",
        "cache": "it does not see the cache",
    }[kind]
    try:
        with pytest.raises(InputError, match=said) as error:
            Extractor(tiny_network).extract(files)
    finally:
        client.run(restore, workers=[address])
    if kind != "values":  # of two workers, either may be the usual one
        assert address in str(error.value)
    assert not list((cache / "embeddings").glob("*/*.npy"))


def test_a_worker_that_joins_later_and_differs_is_named_before_it_writes(client, files, tiny_network, cache):
    def change():
        from hybrid.extractors.cluster import shard

        shard._prepared.clear()
        found = shard.versions()
        shard.versions = lambda: found | {"pillow": "1.2.3"}

    def restore():
        import importlib

        from hybrid.extractors.cluster import shard

        importlib.reload(shard)

    def join(done, total):  # as a worker that was started during the extraction: it has prepared nothing yet
        client.run(change)

    try:
        with pytest.raises(InputError, match=r"The worker tcp://.* cannot take part: it has pillow 1\.2\.3, but"):
            Extractor(tiny_network).extract(files, progress=join)
    finally:
        client.run(restore)


def test_images_that_only_a_worker_cannot_read_are_an_error_and_not_skipped(client, files, tiny_network):
    def change():  # a disk is missing on this worker, where the images that are compared at the start are not
        from hybrid.extractors.images import digests
        from hybrid.extractors.images.decoding import BadImageError, read_bytes

        def read(path):
            if "/123.png" in path:
                raise BadImageError(f"The file {path!r} cannot be read.")
            return read_bytes(path)

        digests.read_bytes = read

    def restore():
        from hybrid.extractors.images import digests
        from hybrid.extractors.images.decoding import read_bytes

        digests.read_bytes = read_bytes

    client.run(change)
    try:
        with pytest.raises(InputError, match=r"A worker could not use the image '.*123\.png', which this process can"):
            Extractor(tiny_network).extract(files, on_bad="skip")
    finally:
        client.run(restore)


def test_a_cluster_without_workers(files, tiny_network):
    with (
        distributed.LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as empty,
        distributed.Client(empty),
        pytest.raises(InputError, match="The cluster has no workers: start some"),
    ):
        Extractor(tiny_network).extract(files)


def test_paths_and_counts_are_all_that_tasks_carry(client, files, tiny_network, monkeypatch):
    sizes, submit = [], client.submit

    def measured(function, *arguments, **options):
        sizes.append(len(distributed.protocol.dumps(distributed.protocol.to_serialize(arguments))[-1]))
        return submit(function, *arguments, **options)

    monkeypatch.setattr(client, "submit", measured)
    Extractor(tiny_network).extract(files)
    paths = sum(len(path) + 16 for path in files)
    assert len(sizes) >= 4
    assert sum(sizes) < paths + 4000 * len(sizes) < 400 * 20 * 20 * 3, "less than the pixels"


def test_an_array_is_extracted_by_this_process(client, tiny_network, computed):
    with pytest.warns(UserWarning, match="an array in memory, so they are extracted by this process"):
        assert Extractor(tiny_network).extract(np.zeros((2, 16, 16, 3), np.uint8)).new == 1
    assert sum(computed) == 1


def test_an_interrupted_extraction_leaves_a_valid_store_and_no_work(client, files, tiny_network):
    def interrupt(done, total):
        raise KeyboardInterrupt

    extractor = Extractor(tiny_network)
    with pytest.raises(KeyboardInterrupt):
        extractor.extract(files, progress=interrupt)
    result = extractor.extract(files)
    assert result.new + result.cached == 400
    assert result.cached > 0
    assert rows(extractor, result).shape == (400, 5)


def test_no_client_no_cluster(files, tiny_network):
    assert current_client() is None
    assert Extractor(tiny_network).extract(files[:3]).new == 3


@pytest.mark.parametrize("address", ["here", "local:x", "4"])
def test_an_address_of_another_form(address):
    with pytest.raises(InputError, match=r"expected the address of a scheduler, such as tcp://10\.0\.0\.5:8786"):
        connected(address).__enter__()


def test_no_scheduler_at_the_address(monkeypatch):
    monkeypatch.setattr("hybrid.extractors.cluster.client._SECONDS", 1)
    with pytest.raises(InputError, match=r"No scheduler with a worker answers at 'tcp://127\.0\.0\.1:1'"):
        connected("tcp://127.0.0.1:1").__enter__()


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler with one worker, each started as a command: its process and its address."""
    file = tmp_path / "scheduler.json"
    options = ["--scheduler-file", str(file), "--no-dashboard"]
    with contextlib.ExitStack() as stack:
        for kind, own in (("scheduler", ["--port", "0"]), ("worker", ["--nthreads", "1", "--no-nanny"])):
            arguments = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options, *own]
            process = stack.enter_context(subprocess.Popen(arguments, stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
            if kind == "scheduler":
                first = process
        while not file.exists():
            time.sleep(0.1)
        yield first, json.loads(file.read_text())["address"]


@pytest.mark.slow
def test_a_lost_scheduler_is_one_sentence_and_keeps_what_was_written(scheduler, files, tiny_network):
    extractor = Extractor(tiny_network)
    process, address = scheduler
    with connected(address), pytest.raises(InputError, match="connection to the scheduler was lost"):
        extractor.extract(files, progress=lambda done, total: process.kill())
    again = extractor.extract(files)
    assert again.new + again.cached == 400
    assert again.cached > 0


@pytest.mark.slow
def test_the_command_starts_workers_on_this_machine(hybrid, image_folder, tiny_network):
    command = ["extract", image_folder, "--backbone", tiny_network, "--cluster", "local:2"]
    result = hybrid.result(*command)
    assert result.exit_code == 0, result.output
    assert "Dask dashboard: http://" in result.stderr
    assert hybrid.json(*command[:-2])["new"] == 0
    assert "expected the address of a scheduler" in " ".join(hybrid(*command[:-1], "nowhere", code=1).split())
