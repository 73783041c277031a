"""Every row of the table of backbones agrees with Keras."""

from functools import cache as once

import keras
import numpy as np
import pytest
from tiers import one_of_each

from hybrid.errors import InputError
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.load import fresh_state, load_network, symbolic
from hybrid.extractors.backbones.table import BACKBONES, BackboneSpec, find_backbone, parse_backbone
from hybrid.extractors.graph.cutting import cut, layer_names, penultimate

pytestmark = pytest.mark.network

PRETRAINED = [name for name, row in BACKBONES.items() if row.kind == "pretrained"]
CUSTOM = [name for name, row in BACKBONES.items() if row.kind == "custom"]
each_pretrained = pytest.mark.parametrize(
    "name",
    one_of_each(sorted(PRETRAINED, key=lambda name: BACKBONES[name].parameters), lambda name: BACKBONES[name].module),
)
SCALED_INSIDE = ("convnext", "efficientnet", "efficientnet_v2", "mobilenet_v3")


@once
def graph_of(name):
    return symbolic(BackboneSpec(BACKBONES[name], {}), None, include_top=False)


@fresh_state
def whole_of(constructor):
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, constructor)(weights=None)


@each_pretrained
def test_width_parameters_and_penultimate(name):
    row, network = BACKBONES[name], graph_of(name)
    assert network.count_params() == row.parameters
    end = cut(network, [penultimate(network)]).outputs[0]
    assert end.shape[-1] == row.width
    assert len(end.shape) == 4


@pytest.mark.parametrize("name", CUSTOM)
def test_custom_width_parameters_and_penultimate(name):
    row = BACKBONES[name]
    network = Architecture(name).build((row.size, row.size, 3), 2)
    assert penultimate(network) == "features"
    assert set(layer_names(network)) <= set(Architecture(name).layer_names((row.size, row.size, 3)))
    assert cut(network, ["features"]).outputs[0].shape[1:] == (row.width,)
    *_, classes = network.layers
    assert network.count_params() - classes.count_params() == row.parameters


@each_pretrained
def test_default_size_is_kerass_and_the_whole_network_has_the_default_cut(name):
    row = BACKBONES[name]
    whole = whole_of(row.constructor)
    assert whole.inputs[0].shape[1:] in ((row.size, row.size, 3), (None, None, 3))  # MobileNetV3 takes any
    if row.module != "convnext":  # its last normalization comes after the pooling, where there are classes
        assert penultimate(graph_of(name)) in layer_names(whole)


def test_every_network_of_keras_applications_is_in_the_table():
    classes = {name for name in dir(keras.applications) if isinstance(getattr(keras.applications, name), type(cut))}
    assert {BACKBONES[name].constructor for name in PRETRAINED} == classes
    assert {name.lower() for name in classes} == {name.replace("_", "") for name in PRETRAINED}


@pytest.mark.parametrize("module", sorted({BACKBONES[name].module for name in PRETRAINED}))
def test_preprocessing_inside_a_graph_equals_that_on_arrays(module):
    preprocess = getattr(keras.applications, module).preprocess_input
    pixels = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3)).astype(np.float32)
    inputs = keras.Input((6, 5, 3))
    inside = keras.Model(inputs, keras.ops.cast(preprocess(inputs), "float32"))(pixels)
    expected = preprocess(pixels.copy())
    np.testing.assert_allclose(keras.ops.convert_to_numpy(inside), expected, rtol=1e-5, atol=1e-5)
    assert np.array_equal(expected, pixels) == (module in SCALED_INSIDE)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "convnext_tiny"])
def test_layer_names_do_not_depend_on_what_was_built_before(name):
    spec = BackboneSpec(BACKBONES[name], {})
    first = layer_names(symbolic(spec, None, include_top=False))
    keras.layers.Activation("relu"), keras.layers.LayerNormalization()
    assert layer_names(symbolic(spec, None, include_top=False)) == first


def test_building_leaves_the_callers_keras_alone():
    spec = BackboneSpec(BACKBONES["mobilenet_v3_small"], {})
    before = int(keras.layers.Activation("relu", dtype="float32").name.partition("_")[2] or 0)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = load_network(spec, "random", (32, 32), seed=1, top=False)
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert keras.layers.Activation("relu").name == f"activation_{before + 1}"


def test_a_seed_gives_the_same_weights_and_leaves_numpys_generator_alone():
    spec = parse_backbone("mobilenet:alpha=0.25")
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the one that Keras seeds
    first, again, other = (load_network(spec, "random", (32, 32), seed=seed, top=False) for seed in (5, 5, 6))
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("text", ["ResNet50", "resnet50", "RESNET_50", "resnet-50"])
def test_names_are_found_however_they_are_written(text):
    assert find_backbone(text) is BACKBONES["resnet50"]


def test_unknown_backbones_get_suggestions():
    with pytest.raises(InputError, match=r"Unknown backbone 'resnet5'.*'resnet50'.*hybrid backbones"):
        parse_backbone("resnet5")


def test_options_of_the_constructor():
    spec = parse_backbone("MobileNet:alpha=0.25,depth_multiplier=1")
    assert spec.options == {"alpha": 0.25, "depth_multiplier": 1}
    assert spec.name == "mobilenet:alpha=0.25,depth_multiplier=1"
    with pytest.raises(InputError, match="'alpha' is not an option; write name:key=value"):
        parse_backbone("mobilenet:alpha")


@pytest.mark.parametrize("option", ["alfa", "classes", "include_preprocessing", "weights"])
def test_options_that_do_not_exist_or_would_change_the_scaling_are_refused(option):
    spec = parse_backbone(f"mobilenet_v3_small:{option}=1")
    with pytest.raises(InputError, match=f"Unknown option of mobilenet_v3_small {option!r}.*alpha"):
        load_network(spec, "random", (32, 32), seed=0, top=False)


def test_a_folder_or_file_of_a_backbones_name_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet50").write_text("notes")
    assert parse_backbone("resnet50").row is BACKBONES["resnet50"]


def test_network_files_must_exist_and_be_keras_files(tmp_path):
    with pytest.raises(InputError, match=r"no network file .*missing\.keras"):
        parse_backbone(tmp_path / "missing.keras")
    (tmp_path / "old.h5").write_bytes(b"x")
    with pytest.raises(InputError, match=r"is not a \.keras file.*model\.save"):
        parse_backbone(tmp_path / "old.h5")


@pytest.mark.parametrize("name", ["vgg16", "inception_v3", "nasnet_mobile"])
def test_images_too_small_for_a_network_are_refused_with_the_smallest_size(name):
    with pytest.raises(InputError, match=rf"'{name}' cannot be built for images of 16×16: .*(32x32|75x75|at least)"):
        load_network(parse_backbone(name), "random", (16, 16), seed=0, top=False)


def test_a_name_too_long_for_the_file_system_gives_one_sentence():
    for name in ("x" * 5000, "x" * 5000 + ".keras"):
        with pytest.raises(InputError, match="Unknown backbone|There is no network file"):
            parse_backbone(name)
