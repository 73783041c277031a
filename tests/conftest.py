"""What all tests share: a quiet Keras, a cache of their own, a tiny network, real data where there is any."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import CommandLine
from no_keras import NoKeras
from paths import ROOT

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported
# scikit-learn's threads set the filters of warnings, which threads share until Python 3.14: a forest has one here.
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has one core: more threads would only wait for each other
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")

NETWORK_FILE = re.compile(r"^pytestmark = [^@]*?pytest\.mark\.network\b", re.MULTILINE)


def pytest_ignore_collect(collection_path, config):
    """Leave out, unread, the files whose tests are all of networks where none of those is wanted: they import Keras."""
    if "not network" in config.option.markexpr and collection_path.match("test_*.py"):
        return bool(NETWORK_FILE.search(collection_path.read_text())) or None
    return None


def pytest_collection_modifyitems(items):
    """Mark the tests that take a network as a fixture."""
    for item in items:
        if {"tiny_network", "other_network"} & set(item.fixturenames):
            item.add_marker("network")


@pytest.fixture(autouse=True, scope="session")
def keras_is_for_tests_of_networks(request):
    """In `make test-fast`, a test that imports Keras fails and says what to do."""
    if "not network" not in request.config.option.markexpr:
        yield
        return
    assert "keras" not in sys.modules, "a file of tests imports Keras: mark it as one of networks"
    guard = NoKeras()
    sys.meta_path.insert(0, guard)
    yield
    sys.meta_path.remove(guard)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """An empty cache folder and no workspace by the environment: no test sees the user's own, or another test's."""
    monkeypatch.delenv("HYBRID_WORKSPACE", raising=False)
    monkeypatch.setenv("HYBRID_MAX_PIXELS", "")  # also so that what a command sets is unset again
    folder = tmp_path_factory.mktemp("user") / "cache"  # not in the folder of the test, which may be a dataset
    monkeypatch.setenv("HYBRID_CACHE", str(folder))
    return folder


@pytest.fixture
def data_folder():
    """The folder of real data, for tests marked `data`."""
    folder = os.environ.get("HYBRID_TEST_DATA")
    if not folder:
        pytest.skip("HYBRID_TEST_DATA is not set: it names the folder of real data")
    return Path(folder)


@pytest.fixture
def python(cache, tmp_path):
    """Run code in a fresh interpreter that sees the checkout and this test's cache; return what it printed."""

    def run(code, *arguments, check=True):
        env = os.environ | {"PYTHONPATH": str(ROOT), "HYBRID_CACHE": str(cache)}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done if not check else done.stdout

    return run


@pytest.fixture
def hybrid(tmp_path, monkeypatch):
    """The command line, in this test's folder."""
    monkeypatch.chdir(tmp_path)
    return CommandLine()


@pytest.fixture(scope="session")
def tiny_network(tmp_path_factory):
    """A .keras file: 16×16 RGB, its own rescaling, a nested model with two convolutions, dropout, 3 classes."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    inner_input = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv_a")(inner_input)
    x = layers.Conv2D(6, 3, strides=2, activation="relu", name="conv_b")(x)
    inner = keras.Model(inner_input, x, name="base")
    inputs = keras.Input((16, 16, 3), name="image")
    x = inner(layers.Rescaling(1 / 255, name="scale")(inputs))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(5, activation="relu", name="hidden")(x)
    x = layers.Dropout(0.5, name="drop")(x)
    outputs = layers.Dense(3, activation="softmax", name="probabilities")(x)
    path = tmp_path_factory.mktemp("network") / "tiny.keras"
    keras.Model(inputs, outputs, name="tiny").save(path)
    return path


@pytest.fixture(scope="session")
def other_network(tiny_network, tmp_path_factory):
    """The same network with other weights, in a file with another name."""
    import keras

    network = keras.saving.load_model(tiny_network)
    for weight in network.weights:
        weight.assign(weight * 1.5 + 0.01)
    path = tmp_path_factory.mktemp("other") / "my network.keras"
    network.save(path)
    return path


@pytest.fixture(scope="session")
def pixels():
    """Twelve RGB images of 16×16, all different."""
    return np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), np.uint8)


@pytest.fixture
def dark_and_light():
    """Forty grey images of 16×16 and their classes: twenty dark ones, then twenty light ones."""
    images = np.random.default_rng(0).integers(0, 128, (40, 16, 16), dtype=np.uint8)
    images[20:] += 100
    return images, np.repeat(["dark", "light"], 20)


@pytest.fixture
def image_files(pixels, tmp_path):
    """The same images as PNG files."""
    from PIL import Image

    folder = tmp_path / "images"
    folder.mkdir()
    paths = [folder / f"{number}.png" for number in range(len(pixels))]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image).save(path)
    return paths


@pytest.fixture
def image_folder(tmp_path):
    """A folder of two classes, dark and bright, thirty 40×40 pictures each, named as in the README."""
    from PIL import Image

    rng = np.random.default_rng(4)
    for name, base in (("normal", 40), ("pneumonia", 120)):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(30):
            Image.fromarray((base + rng.integers(0, 100, (40, 40, 3))).astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "pictures"


@pytest.fixture
def pictures(tmp_path):
    """A folder of two classes and three splits, 32 different pictures, in which nothing is wrong."""
    from made_pictures import picture

    seed = 0
    for split, number in (("train", 8), ("val", 4), ("test", 4)):
        for name in ("a", "b"):
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for place in range(number):
                picture(seed := seed + 1).save(folder / f"{place}.png")
    return tmp_path / "pictures"


@pytest.fixture
def no_report(monkeypatch):
    """`hybrid compare` leaves an empty page: for tests that do not look at it."""

    def write(comparison, path, *, dataset=None):
        path.touch()
        return [path]

    monkeypatch.setattr("hybrid.report.write.write_report", write)


@pytest.fixture(scope="session")
def exported(tiny_network, tmp_path_factory):
    """A cache that holds the exported graph of the tiny network, and no embeddings."""
    from hybrid import FeatureExtractor

    folder = tmp_path_factory.mktemp("exported")
    FeatureExtractor(tiny_network, cache=folder).transform(np.zeros((1, 16, 16, 3), np.uint8))
    shutil.rmtree(folder / "embeddings")
    return folder


@pytest.fixture
def exported_graph(exported, cache):
    """The exported graph of the tiny network in this test's cache, for tests that do not look at the export."""
    shutil.copytree(exported, cache)


@pytest.fixture
def computed(monkeypatch):
    """The number of images in each batch that goes through a network, whatever runs it."""
    from hybrid.extractors.runtimes.base import KerasRuntime
    from hybrid.extractors.runtimes.openvino import OpenVINORuntime

    batches = []
    monkeypatch.setattr(
        "hybrid.extractors.runtimes.openvino._difference", lambda *pair: 0.0
    )  # runs an image of its own
    for kind in (OpenVINORuntime, KerasRuntime):

        def stream(self, images, original=kind.stream):
            return original(self, (batches.append(len(pixels)) or pixels for pixels in images))

        monkeypatch.setattr(kind, "stream", stream)
    return batches


@pytest.fixture(scope="session")
def running_object_server():
    """A server of objects on this machine, for the whole session."""
    pytest.importorskip("obstore")
    pytest.importorskip("moto")
    from object_server import ObjectServer

    server = ObjectServer()
    yield server
    server.close()


@pytest.fixture
def next_machine(monkeypatch, tmp_path_factory):
    """A function that goes on at a machine without copies of objects."""
    return lambda: monkeypatch.setenv("HYBRID_MIRROR", str(tmp_path_factory.mktemp("machine")))


@pytest.fixture
def object_server(running_object_server, next_machine, monkeypatch):
    """A server of objects with an empty bucket, an environment that leads to it, and short patience."""
    from datetime import timedelta

    from object_server import BUCKET, KEY, SECRET

    from hybrid.files import object_store

    server = running_object_server
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    values = {"AWS_ENDPOINT_URL": server.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": KEY}
    for name, value in (values | {"AWS_SECRET_ACCESS_KEY": SECRET}).items():
        monkeypatch.setenv(name, value)
    next_machine()
    monkeypatch.setattr(object_store, "_CLIENT", {"timeout": "1s", "connect_timeout": "1s", "allow_http": True})
    monkeypatch.setattr(object_store, "_RETRY", {"max_retries": 3, "retry_timeout": timedelta(seconds=5)})
    object_store.open_objects.cache_clear()
    client = server.client()
    client.create_bucket(Bucket=BUCKET)
    yield server
    for name in server.objects():
        client.delete_object(Bucket=BUCKET, Key=name)
    object_store.open_objects.cache_clear()
