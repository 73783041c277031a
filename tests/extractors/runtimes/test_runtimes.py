"""Two runtimes behind one interface: the same numbers, no Keras once a graph is exported, nothing sent anywhere."""

import shutil

import numpy as np
import pytest
from tiers import slow

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.runtimes.base import KerasRuntime, padded
from hybrid.extractors.runtimes.openvino import ExportError, OpenVINORuntime


def embed(network, images, cache, **params):
    return FeatureExtractor(network, cache=cache, **params).transform(images)


@pytest.mark.parametrize("layers", ["penultimate", ["conv_a", "hidden"]])
@pytest.mark.parametrize("pooling", ["avg", "max", "both", "flatten", "none"])
def test_both_runtimes_give_the_same_embeddings(tiny_network, pixels, tmp_path, layers, pooling):
    if pooling == "none" and len(layers) == 2:
        layers = "conv_a"
    found = {
        runtime: embed(tiny_network, pixels, tmp_path / runtime, runtime=runtime, layers=layers, pooling=pooling)
        for runtime in ("openvino", "keras")
    }
    scale = np.abs(found["keras"]).max()
    assert scale > 0
    np.testing.assert_allclose(found["openvino"], found["keras"], atol=1e-4 * scale)


@pytest.mark.parametrize("kind", [OpenVINORuntime, KerasRuntime])
def test_batches_are_returned_in_order_and_complete(tiny_network, pixels, tmp_path, kind):
    name = kind.name
    alone = embed(tiny_network, pixels, tmp_path / "alone", runtime=name, batch_size=1)
    odd = embed(tiny_network, pixels, tmp_path / "odd", runtime=name, batch_size=5)
    whole = embed(tiny_network, pixels, tmp_path / "whole", runtime=name, batch_size=64)
    np.testing.assert_allclose(odd, alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(whole, alone, rtol=1e-5, atol=1e-6)


def test_the_runtime_is_recorded_but_not_part_of_the_identity(tiny_network, pixels, cache):
    keras = FeatureExtractor(tiny_network, runtime="keras")
    assert keras.extract(pixels[:6]).runtime == "keras"
    openvino = FeatureExtractor(tiny_network, runtime="openvino")
    assert openvino.resolve().fingerprint == keras.resolve().fingerprint
    done = openvino.extract(pixels)
    assert (done.runtime, done.new, done.cached) == ("openvino", 6, 6)


def test_once_exported_new_images_need_no_keras(tiny_network, pixels, cache, python, tmp_path):
    first = FeatureExtractor(tiny_network).transform(pixels[:4])
    np.save(tmp_path / "pixels.npy", pixels)
    shutil.rmtree(cache / "embeddings")
    code = """
import sys
import numpy as np
from hybrid.extractors import FeatureExtractor
rows = FeatureExtractor(sys.argv[1]).transform(np.load("pixels.npy"))
np.save("rows.npy", rows)
print(sorted({"keras", "tensorflow", "openvino_telemetry"} & {name for name, module in sys.modules.items() if module}))
"""
    assert python(code, tiny_network).strip() == "[]"
    rows = np.load(tmp_path / "rows.npy")
    assert len(rows) == len(pixels)
    np.testing.assert_allclose(rows[:4], first, rtol=1e-5)


def test_exporting_and_running_opens_no_socket(tiny_network, python, tmp_path, pixels):
    np.save(tmp_path / "pixels.npy", pixels)
    code = """
import socket, sys
import numpy as np
class Refused(socket.socket):
    def connect(self, address):
        print("CONNECT", address)
        raise OSError("no network in this test")
socket.socket = Refused
socket.getaddrinfo = lambda *rest, **more: print("LOOKUP", rest)
from hybrid.extractors import FeatureExtractor
done = FeatureExtractor(sys.argv[1]).extract(np.load("pixels.npy"))
print(done.new, done.runtime)
"""
    assert python(code, tiny_network).splitlines() == ["12 openvino"]


@pytest.mark.parametrize("name", ["graph.bin", "graph.xml", "graph.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_graph_is_exported_again(tiny_network, pixels, cache, name, damage):
    extractor = FeatureExtractor(tiny_network)
    before = extractor.transform(pixels)
    (path,) = cache.glob(f"graphs/*/{name}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flip" else data[: len(data) // 2])
    shutil.rmtree(cache / "embeddings")
    np.testing.assert_array_equal(extractor.transform(pixels), before)


def test_networks_that_openvino_cannot_run_fall_back_to_keras_with_one_warning(tiny_network, pixels, monkeypatch):
    def refuse(*args):
        raise ExportError("no such operation")

    monkeypatch.setattr("hybrid.extractors.runtimes.choose.export_graph", refuse)
    with pytest.warns(UserWarning, match="so Keras is used: no such operation") as said:
        done = FeatureExtractor(tiny_network).extract(pixels)
    assert (done.runtime, done.new, len(said)) == ("keras", 12, 1)
    with pytest.raises(InputError, match="OpenVINO cannot run"):
        FeatureExtractor(tiny_network, runtime="openvino").extract(255 - pixels)


def test_an_unknown_runtime_gets_suggestions(tiny_network, pixels):
    with pytest.raises(InputError, match="Nearest: 'openvino'"):
        FeatureExtractor(tiny_network, runtime="openvin").extract(pixels)


def test_padding_adds_only_what_is_missing(pixels):
    assert padded(pixels, len(pixels)) is pixels
    longer = padded(pixels, 16)
    np.testing.assert_array_equal(longer[:12], pixels)
    assert not longer[12:].any()


@pytest.mark.medium
@pytest.mark.parametrize("kept", [True, slow(False)])
def test_the_memory_of_arrays_is_reused_unless_the_user_sets_the_variable(python, monkeypatch, kept):
    monkeypatch.delenv("TF_CPU_ALLOCATOR_USE_BFC", raising=False)
    if not kept:
        monkeypatch.setenv("TF_CPU_ALLOCATOR_USE_BFC", "0")
    code = """
from hybrid.extractors.runtimes.keras_import import import_keras
import_keras()
import keras
import tensorflow
array = keras.ops.ones((512, 512))
try:
    # Memory that is reused comes in blocks, of which the array is a part; other memory is requested for it alone.
    print(tensorflow.config.experimental.get_memory_info("CPU:0")["peak"] > 4 * 512 * 512)
except ValueError:  # the system's memory has no such account
    print(False)
"""
    assert python(code).strip() == str(kept)
