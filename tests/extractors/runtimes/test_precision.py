"""Lower precision: used only on request, part of the identity, and close to float32."""

import warnings

import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.runtimes.openvino import _openvino

LOWER = ["bfloat16", "float16"]
CAPABILITY = {"bfloat16": "BF16", "float16": "FP16"}


@pytest.fixture
def extract_at(hybrid, image_folder, tiny_network, tmp_path):
    """Run `hybrid extract` on the tiny network; return its record."""

    def run(*options):
        workspace = ("--workspace", tmp_path / "runs")
        options = ("--backbone", tiny_network, "--runtime", "keras", *options)
        return hybrid.json("extract", image_folder, *workspace, *options)

    return run


@pytest.mark.parametrize("precision", LOWER)
def test_the_rows_are_close_to_those_of_float32_but_not_the_same(tiny_network, pixels, precision):
    full = FeatureExtractor(tiny_network, "base/conv_b", runtime="keras")
    lower = FeatureExtractor(tiny_network, "base/conv_b", runtime="keras", precision=precision)
    expected, found = full.transform(pixels), lower.transform(pixels)
    assert found.dtype == np.float32
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    assert 0 < difference < 1e-2


@pytest.mark.parametrize("precision", LOWER)
def test_nothing_else_of_the_identity_changes(tiny_network, precision):
    full = FeatureExtractor(tiny_network).resolve()
    lower = FeatureExtractor(tiny_network, precision=precision).resolve()
    assert lower.fingerprint != full.fingerprint
    assert dict(lower.fields) == dict(full.fields) | {"precision": precision}
    assert full.fields["precision"] == "float32"


@pytest.mark.parametrize("precision", LOWER)
def test_openvino_is_used_only_if_it_really_computes_in_the_precision(tiny_network, pixels, precision):
    known = _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    extractor = FeatureExtractor(tiny_network, precision=precision)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = extractor.extract(pixels)
    said = [warning for warning in caught if warning.category is UserWarning]  # Keras has others
    if CAPABILITY[precision] in known:
        assert (done.runtime, said) == ("openvino", [])
        return
    assert (done.runtime, len(said)) == ("keras", 1)
    assert f"so Keras is used: on this CPU it computes in f32, not in {precision}" in str(said[0].message)
    with pytest.raises(InputError, match="OpenVINO cannot run"):
        FeatureExtractor(tiny_network, precision=precision, runtime="openvino").extract(255 - pixels)


def test_openvino_lowers_the_float32_graph_if_the_cpu_supports_the_precision(tiny_network, pixels, monkeypatch):
    hints = {"float32": "f32", "bfloat16": "f32"}  # as if this CPU had it
    monkeypatch.setattr("hybrid.extractors.runtimes.openvino._HINTS", hints)
    lower = FeatureExtractor(tiny_network, precision="bfloat16")
    rows = lower.transform(pixels)
    np.testing.assert_array_equal(rows, FeatureExtractor(tiny_network).transform(pixels))


@pytest.mark.network
def test_a_network_saved_in_mixed_precision_computes_in_float32(tmp_path, pixels):
    import keras
    from keras import layers

    rows = []
    for policy in ("float32", "mixed_float16"):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((16, 16, 3))
        x = layers.Rescaling(1 / 255, dtype=policy)(inputs)
        x = layers.Conv2D(4, 3, activation="relu", dtype=policy)(x)
        path = tmp_path / f"{policy}.keras"
        keras.Model(inputs, layers.GlobalAveragePooling2D(dtype=policy)(x)).save(path)
        rows.append(FeatureExtractor(path, runtime="keras").transform(pixels))
    np.testing.assert_allclose(rows[1], rows[0], rtol=1e-5)


def test_an_unknown_precision_gets_suggestions(tiny_network):
    with pytest.raises(InputError, match="Unknown precision 'float 16'. Nearest: 'float16'"):
        FeatureExtractor(tiny_network, precision="float 16").resolve()


def test_the_command_accepts_a_precision_and_the_set_records_it(hybrid, extract_at, image_folder, tiny_network):
    full, lower = extract_at(), extract_at("--precision", "bfloat16")
    assert (full["new"], lower["new"]) == (60, 60)
    assert lower["extractor"]["identity"]["fields"]["precision"] == "bfloat16"
    assert lower["set"] == f"{full['set']}-bfloat16"
    options = ("--backbone", tiny_network, "--precision", "float16")
    shown = hybrid("cache", "explain", image_folder / "normal/0.png", *options)
    assert "is not stored" in shown
    assert any(f"precision: float16 here, {there} there" in shown for there in ("bfloat16", "float32"))


def test_the_doctor_uses_the_tolerance_of_the_precision_and_says_so(hybrid, tiny_network):
    options = ("--layer", "conv_b", "--runtime", "keras", "--precision", "bfloat16")
    record = hybrid.json("doctor", tiny_network, *options)
    found = {finding["check"]: finding for finding in record["findings"]}
    assert record["sound"]
    assert "0.01 of the scale" in found["precision"]["measured"]
    assert "at most 0.01" in found["same alone or in a batch"]["measured"]
