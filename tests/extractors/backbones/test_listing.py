"""The layers of backbones with options, on the command line and in Python."""

import pytest

from hybrid import InputError
from hybrid.extractors import backbone_layers
from hybrid.extractors.backbones.table import BACKBONES


def test_the_layers_of_a_network_with_options_have_its_own_shapes(hybrid):
    plain, narrow = (hybrid.json("backbones", name) for name in ("mobilenet", "mobilenet:alpha=0.25"))
    assert [layer["name"] for layer in narrow["layers"]] == [layer["name"] for layer in plain["layers"]]
    (row,) = narrow["backbones"]
    assert (row["name"], row["width"]) == ("mobilenet:alpha=0.25", 256)
    # https://keras.io/api/applications/mobilenet: without the classification layer, 1024 · 0.25 wide
    assert row["parameters"] < plain["backbones"][0]["parameters"] / 10
    assert plain["backbones"][0]["parameters"] == BACKBONES["mobilenet"].parameters
    assert "conv1_bn" in hybrid("backbones", "mobilenet:alpha=0.25")


def test_custom_networks_take_options_too(hybrid):
    assert "width" in hybrid("backbones", "resnet_small:width=16")
    assert backbone_layers("resnet_small:width=16")[-1] == "probabilities"


def test_python_returns_the_names_that_an_extractor_takes():
    names = backbone_layers("resnet50")
    assert names[0].startswith("input")
    assert "conv4_block6_out" in names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mobilenet:alpha=0.3", "expected one of mobilenet, mobilenet:alpha=0.25"),
        ("mobilenet:alfa=0.25", "Unknown option of mobilenet 'alfa'"),
        ("resnet5", "Unknown backbone 'resnet5'"),
    ],
)
def test_what_has_no_layers_to_list_says_why(name, words):
    with pytest.raises(InputError, match=words):
        backbone_layers(name)
