"""The layers of pretrained backbones are known without Keras, and are those of Keras."""

import re

import pytest
from layer_table import NAMES, layers_of
from paths import ROOT
from tiers import slow

from hybrid.errors import InputError
from hybrid.extractors import Extractor
from hybrid.extractors.backbones import layer_table
from hybrid.extractors.backbones.layer_table import check_layers, pretrained_layers
from hybrid.extractors.backbones.table import BACKBONES, parse_backbone

PRETRAINED = [name for name, row in BACKBONES.items() if row.kind == "pretrained"]
FIRST = "mobilenet_v3_small"  # the quickest to build


def check(text, *layers):
    check_layers(parse_backbone(text), layers)


def refused(text, *layers):
    with pytest.raises(InputError) as caught:
        check(text, *layers)
    return str(caught.value)


@pytest.mark.network
@pytest.mark.parametrize("name", [FIRST, *(slow(name) for name in NAMES if name != FIRST)])
def test_the_table_is_that_of_keras(name):
    from hybrid.extractors.backbones.load import symbolic

    assert layers_of(name) == layer_table._content()["backbones"][name]
    below = layer_table.variants()[name].least - 1
    with pytest.raises(InputError, match=f"cannot be built for images of {below}×{below}"):
        symbolic(parse_backbone(name), (below, below), include_top=False)


def test_the_table_is_of_the_locked_version_of_keras():
    locked = re.search(r"^keras==(\S+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)[1]
    assert layer_table._content()["keras"] == locked, "run `python tests/tools/layer_table.py`"
    assert layer_table._content()["backbones"].keys() == set(NAMES)


@pytest.mark.parametrize("name", PRETRAINED)
def test_the_default_layer_has_the_width_of_the_table_of_backbones(name):
    found = pretrained_layers(BACKBONES[name])
    shapes = {layer.name: layer.shape for layer in found.layers}
    assert shapes[found.default][-1] == BACKBONES[name].width
    assert len(shapes) == len(found.layers)
    check(name, *shapes, "penultimate")


@pytest.mark.parametrize(
    ("backbone", "layer", "nearest"),
    [
        ("mobilenet", "conv_pw_14", "'conv_pw_1"),
        ("ResNet50", "conv4_block7_out", "'conv4_block"),
        ("vgg16", "block5", "'block5_pool', 'block5_conv1'"),
        ("vgg16", "fc3", "'fc1', 'fc2'|'fc2', 'fc1'"),
        ("mobilenet:alpha=0.25", "conv_pw_14", "'conv_pw_1"),
        ("convnext_tiny", "convnext_tiny_stem/conv", "'convnext_tiny_stem"),
    ],
)
def test_an_unknown_layer_is_named_with_the_nearest_ones(backbone, layer, nearest):
    text = refused(backbone, "penultimate", layer)
    assert re.match(rf"Unknown layer '{layer}'\. Nearest: .*({nearest})", text)
    assert f"whose layers `hybrid backbones {parse_backbone(backbone).row.name}` lists" in text


def test_layers_of_the_classifier_and_of_nested_models_are_known():
    check("vgg16", "fc1", "predictions")
    inner = [layer.name for layer in pretrained_layers(BACKBONES["convnext_tiny"]).layers if "/" in layer.name]
    assert inner
    check("convnext_tiny", *inner, *(name.split("/")[-1] for name in inner))


def test_what_another_keras_or_other_options_may_have_is_left_to_keras(monkeypatch):
    check("mobilenet_v3_small:minimalistic=true", "re_lu_9")
    monkeypatch.setattr(layer_table, "version", lambda package: "99.0")
    check("mobilenet", "conv_pw_14")
    Extractor("mobilenet:new=1", size=8).check_network()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backbone": "mobilenet:alfa=0.5"}, "Unknown option of mobilenet 'alfa'. Nearest: 'alpha'"),
        ({"backbone": "resnet50:alpha=0.5"}, "Unknown option of resnet50 'alpha'. It has no options"),
        ({"backbone": "xception", "size": 64}, "the backbone xception takes images of at least 71×71 pixels"),
        ({"backbone": "xception", "size": (80, 64)}, "size=80×64 was given"),
        ({"backbone": "resnet_small", "layers": "conv_9"}, "Unknown layer 'conv_9'. Nearest: 'conv_1'"),
        ({"backbone": "resnet_small:width=8", "layers": ["residual_1_conv_1", "conv_9"]}, "Unknown layer 'conv_9'"),
    ],
)
def test_other_mistakes_are_found_without_keras(given, said):
    with pytest.raises(InputError, match=re.escape(said)):
        Extractor(**given).check()


@pytest.mark.network
def test_the_layers_of_a_keras_file_are_known(tiny_network):
    check(tiny_network, "base/conv_a", "conv_b", "pool", "probabilities")
    known = r"base, conv_a, conv_b, drop, hidden, image, inpu[\w.]+, pool, probabilities, scale"  # Keras counts inputs
    assert re.search(rf"Unknown layer 'conv_c'\. Nearest: 'conv_.*{known}\.", refused(tiny_network, "conv_c"))
    assert "Unknown layer 'base/conv_c'" in refused(tiny_network, "base/conv_c")


@pytest.mark.medium
def test_a_wrong_layer_is_reported_before_keras_is_imported(python):
    code = """
import sys
import numpy as np
from hybrid import FeatureExtractor
from hybrid.cli.main import main
from hybrid.errors import InputError
try:
    FeatureExtractor("mobilenet", layers="conv_pw_14").transform(np.zeros((1, 32, 32, 3), np.uint8))
except InputError as error:
    print(str(error))
try:
    main(["extract", "digits", "--backbone", "vgg16", "--layer", "fc3"])
except SystemExit:
    print({"keras", "tensorflow"} & set(sys.modules))
"""
    done = python(code, check=False)
    first, modules = done.stdout.splitlines()
    assert "Unknown layer 'conv_pw_14'" in first
    assert "Unknown layer 'fc3'" in done.stderr
    assert modules == "set()"


def test_the_command_lists_the_layers(hybrid):
    found = hybrid.json("backbones", "mobilenet")
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert found["default_layer"] == "conv_pw_13_relu"
    assert layers["conv_pw_13_relu"] == {"name": "conv_pw_13_relu", "kind": "ReLU", "shape": [7, 7, 1024]}
    text = hybrid("backbones", "mobilenet")
    assert re.search(r"conv_dw_2 +DepthwiseConv2D +56×56×64", text)
    assert "The embedding is the output of conv_pw_13_relu, unless" in text


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("resnet", ["resnet50", "resnet101", "resnet152"]),
        ("MobileNet-V3", ["mobilenet_v3_large", "mobilenet_v3_small"]),
        ("convnext", ["convnext_tiny", "convnext_base"]),
        ("vgg", ["vgg16", "vgg19"]),
    ],
)
def test_a_family_of_backbones_suggests_its_members(hybrid, family, names):
    message = hybrid("backbones", family, code=1)
    nearest = re.search(r"Nearest: ([^.]*)\.", message)[1]
    assert all(f"'{name}'" in nearest for name in names)


def test_a_network_file_is_not_called_an_unknown_backbone(hybrid):
    message = hybrid("backbones", "runs/network.keras", code=1)
    assert "'runs/network.keras' is a network file; only the layers of the listed networks are shown" in message
