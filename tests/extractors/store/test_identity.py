"""An extractor's identity: its fingerprint changes exactly when an embedding can change."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from tiers import slow

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.shared_graphs import graphs
from hybrid.extractors.store.identity import Identity


@pytest.fixture
def identity(tiny_network):
    return FeatureExtractor(tiny_network).resolve()


@pytest.mark.parametrize(
    "params",
    [
        {"layers": "pool"},
        {"layers": ["penultimate", "pool"]},
        {"layers": "conv_a", "pooling": "max"},
        {"layers": "conv_a", "pooling": "flatten"},
        {"preprocessing": "rescale"},
        {"preprocessing": "tf"},
        {"interpolation": "bicubic"},
        {"interpolation": "nearest"},
        {"precision": "bfloat16"},
    ],
)
def test_parameters_that_change_embeddings_change_the_fingerprint(tiny_network, identity, params):
    plain = FeatureExtractor(tiny_network, params.get("layers", "penultimate")).resolve()
    other = FeatureExtractor(tiny_network, **params).resolve()
    assert other.fingerprint != identity.fingerprint
    if len(params) > 1 or "layers" not in params:
        assert other.fingerprint != plain.fingerprint


def test_every_field_is_part_of_the_fingerprint(identity):
    assert set(identity.fields) == {
        "format", "graph", "weights", "layers", "pooling", "preprocessing", "size", "channels", "interpolation",
        "decode_policy", "precision",
    }  # fmt: skip
    others = [replace(identity, fields={**identity.fields, name: "another"}) for name in identity.fields]
    assert len({other.fingerprint for other in [identity, *others]}) == len(identity.fields) + 1


def test_a_new_decode_policy_or_format_is_another_extractor(tiny_network, identity, monkeypatch):
    found = {identity.fingerprint}
    for changed in (("images.decoding.POLICY",), ("backbones.parameters.FORMAT", "graph.build.FORMAT")):
        with monkeypatch.context() as patch:
            for name in changed:
                patch.setattr(f"hybrid.extractors.{name}", 99)
            found.add(FeatureExtractor(tiny_network).resolve().fingerprint)
    assert len(found) == 3


def test_parameters_are_counted_but_change_nothing(tiny_network, identity):
    conv_a, conv_b, hidden = 3 * 3 * 3 * 4 + 4, 3 * 3 * 4 * 6 + 6, 6 * 5 + 5
    assert identity.parameters == conv_a + conv_b + hidden
    assert (
        FeatureExtractor(tiny_network, "conv_a").resolve().parameters == conv_a
    )  # what lies behind the cut is not run
    older = {name: value for name, value in identity.to_dict().items() if name != "parameters"}
    assert Identity.from_dict(older) == identity == Identity.from_dict(identity.to_dict())
    assert Identity.from_dict(older).parameters is None
    assert Identity.from_dict(older).fingerprint == identity.fingerprint


@pytest.mark.parametrize(
    "params", [{"random_state": 5}, {"batch_size": 3}, {"layers": ["hidden"]}, {"layers": ["drop"]}]
)
def test_parameters_that_do_not_change_embeddings_keep_the_fingerprint(tiny_network, identity, params, pixels):
    other = FeatureExtractor(tiny_network, **params)
    np.testing.assert_array_equal(other.transform(pixels), FeatureExtractor(tiny_network).transform(pixels))
    if params != {"layers": ["drop"]}:
        assert other.resolve().fingerprint == identity.fingerprint


def test_weights_that_change_under_the_same_path_change_the_fingerprint(tiny_network, identity, tmp_path, pixels):
    import keras

    path = tmp_path / "network.keras"
    shutil.copy(tiny_network, path)
    extractor = FeatureExtractor(path)
    assert extractor.resolve() == identity  # another path, the same network
    before = extractor.transform(pixels)
    network = keras.saving.load_model(path)
    layer = network.get_layer("conv_a") if "conv_a" in [x.name for x in network.layers] else network.get_layer("base")
    layer.set_weights([value * 1.5 for value in layer.get_weights()])
    network.save(path)
    assert extractor.resolve().fingerprint != identity.fingerprint
    assert not np.allclose(extractor.transform(pixels), before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hybrid.extractors.backbones.parameters.RandomWeightsWarning")
def test_weights_size_seed_and_options_change_the_fingerprint(tmp_path):
    import keras

    network = keras.applications.MobileNet(weights=None, alpha=0.25, include_top=False, input_shape=(32, 32, 3))
    network.save_weights(tmp_path / "w.weights.h5")
    requests = [
        {"weights": "random"},
        {"weights": "random", "random_state": 1},
        {"weights": "random", "size": (32, 40)},
        {"weights": "random", "backbone": "mobilenet:alpha=0.5"},
        {"weights": tmp_path / "w.weights.h5"},
    ]
    made = [FeatureExtractor(**{"backbone": "mobilenet:alpha=0.25", "size": 32} | request) for request in requests]
    assert len({extractor.resolve().fingerprint for extractor in made}) == len(requests)
    network.get_layer("conv1").set_weights([value + 1 for value in network.get_layer("conv1").get_weights()])
    before = made[-1].resolve().fingerprint
    network.save_weights(tmp_path / "w.weights.h5")
    assert made[-1].resolve().fingerprint != before


@pytest.mark.network
def test_two_weights_files_that_swap_names_swap_fingerprints(tmp_path):
    import keras

    network = keras.applications.MobileNet(weights=None, alpha=0.25, include_top=False, input_shape=(32, 32, 3))
    files = [tmp_path / "a.weights.h5", tmp_path / "b.weights.h5"]
    for path in files:
        network.save_weights(path)
        network.get_layer("conv1").set_weights([value + 1 for value in network.get_layer("conv1").get_weights()])
        os.utime(path, (1e9, 1e9))
    assert files[0].stat().st_size == files[1].stat().st_size
    extractors = [FeatureExtractor("mobilenet:alpha=0.25", weights=path, size=32) for path in files]
    before = [extractor.resolve().fingerprint for extractor in extractors]
    files[0].rename(tmp_path / "c.weights.h5")
    files[1].rename(files[0])
    (tmp_path / "c.weights.h5").rename(files[1])
    assert before[0] != before[1]
    assert [extractor.resolve().fingerprint for extractor in extractors] == before[::-1]


@pytest.mark.network
@pytest.mark.filterwarnings("ignore::hybrid.extractors.backbones.parameters.RandomWeightsWarning")
@pytest.mark.parametrize("backbone", ["resnet_small", slow("mobilenet_v3_small")])
def test_a_fingerprint_is_the_same_in_every_process_and_cache(backbone, python, tmp_path):
    import keras

    keras.layers.Conv2D(2, 3), keras.layers.Activation("relu")  # Keras numbers layers through a process
    here = FeatureExtractor(backbone, weights="random", size=32, cache=tmp_path / "other").resolve().fingerprint
    code = (
        "import sys\nfrom hybrid.extractors import FeatureExtractor\n"
        "print(FeatureExtractor(sys.argv[1], weights='random', size=32).resolve().fingerprint)"
    )
    assert python(code, backbone).split()[-1] == here


def test_another_fingerprint_than_the_expected_one_is_refused(tiny_network, identity, pixels):
    FeatureExtractor(tiny_network, fingerprint=identity.fingerprint).transform(pixels)
    other = FeatureExtractor(tiny_network, "pool", fingerprint=identity.fingerprint)
    with pytest.raises(InputError, match=f"expected {identity.fingerprint[:12]}"):
        other.transform(pixels)


def test_a_damaged_record_of_an_identity_is_created_again(tiny_network, identity, cache):
    records = list((cache / "extractors").iterdir())  # by the default layer and by its name
    assert len(records) == 2
    for content in (b"", b"[]", b"{}", b'{"identity": {"fields": 3}}'):
        for record in records:
            record.write_bytes(content)
        assert FeatureExtractor(tiny_network).resolve() == identity


def test_a_cache_that_cannot_be_written_gives_one_sentence(tiny_network, pixels, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="cannot be written"):
        FeatureExtractor(tiny_network, cache=tmp_path / "file" / "cache").transform(pixels)


def test_channels_first_is_refused(tiny_network, pixels, monkeypatch):
    import keras

    monkeypatch.setattr("keras.config.image_data_format", lambda: "channels_first")
    assert keras.config.image_data_format() == "channels_first"
    graphs.clear()
    with pytest.raises(InputError, match="channels_first"):
        FeatureExtractor(tiny_network).transform(pixels)


def test_a_caller_in_half_precision_gets_full_precision(tiny_network, pixels, tmp_path):
    import keras

    expected = FeatureExtractor(tiny_network).transform(pixels)
    graphs.clear()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = FeatureExtractor(tiny_network, cache=tmp_path / "other").transform(pixels)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(found, expected)
