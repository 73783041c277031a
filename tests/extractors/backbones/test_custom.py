"""Networks from descriptions: the published networks, the user's own, and errors in a line."""

import keras
import numpy as np
import pytest

from hybrid.errors import InputError
from hybrid.extractors.backbones.custom import NETWORKS, Architecture
from hybrid.extractors.backbones.layers import build_described
from hybrid.extractors.graph.cutting import layer_names, penultimate

pytestmark = pytest.mark.network

SMALL = (12, 12, 1)


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize(
    ("name", "shape", "outputs", "parameters"),
    [
        ("convnet_small", (28, 28, 1), 11, 18_379),
        ("dense_128", (224, 224, 3), 2, 19_267_841),
        ("dense_64_64_64", (224, 224, 3), 2, 9_642_241),
        ("convnet_unpooled", (224, 224, 3), 2, 1_616_609),
        ("convnet_dropout", (224, 224, 3), 2, 23_981_249),
    ],
)
def test_published_networks_have_their_published_parameters(name, shape, outputs, parameters):
    assert Architecture(name).build(shape, outputs).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "side", "before_dense"),
    [
        ("convnet_bn_deep", 28, (1, 1, 128)),
        ("convnet_wide", 64, 102_400),
        ("convnet_strided", 64, 280),
        ("convnet_5x5", 64, 64),
        ("lstm_rows", 64, 8192),
    ],
)
def test_published_networks_have_their_published_shapes(name, side, before_dense):
    network = Architecture(name).build((side, side, 3), 2)
    shapes = [layer.output.shape[1:] for layer in network.layers]
    assert (before_dense if isinstance(before_dense, tuple) else (before_dense,)) in shapes


def test_outputs_fit_the_task():
    softmax, sigmoid = Architecture("convnet_small"), Architecture("convnet_bn")
    for architecture, outputs, multilabel, units, activation in (
        (softmax, 2, False, 2, "softmax"),
        (softmax, 3, True, 3, "sigmoid"),
        (sigmoid, 2, False, 1, "sigmoid"),
        (sigmoid, 5, False, 5, "softmax"),
        (sigmoid, 2, True, 2, "sigmoid"),
        (sigmoid, 1, True, 1, "sigmoid"),
    ):
        last = architecture.build(SMALL, outputs, multilabel).layers[-1]
        assert (last.name, last.units, last.activation.__name__) == ("probabilities", units, activation)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_can_be_cut_before_its_output(name):
    network = Architecture(name).build((64, 64, 3), 3)
    assert penultimate(network) == "features"
    assert network.output_shape == (None, 3)


def test_layer_names_do_not_depend_on_what_was_built_before():
    names = [layer_names(Architecture("resnet_small").build(SMALL, 2)) for _ in range(2)]
    assert names[0] == names[1]
    assert {"conv_1", "residual_2_conv_1", "features", "probabilities"} <= set(names[0])


def test_a_description_is_built_line_for_line():
    lines = [
        "conv 4 5x3 same stride 2 linear nobias", "norm", "activation tanh", "avgpool 3 same stride 1",
        "residual 8 stride 2", "dropout 0.25", "globalmaxpool", "dense 6", "output sigmoid",
    ]  # fmt: skip
    network = build_described(lines, (16, 12, 3), 2)
    conv = network.get_layer("conv_1")
    assert (conv.kernel_size, conv.strides, conv.padding, conv.use_bias) == ((5, 3), (2, 2), "same", False)
    assert conv.activation is keras.activations.linear
    pool = network.get_layer("avgpool_1")
    assert (pool.pool_size, pool.strides, pool.padding) == ((3, 3), (1, 1), "same")
    assert network.get_layer("residual_1").output.shape == (None, 4, 3, 8)
    assert network.get_layer("dropout_1").rate == 0.25
    assert network.get_layer("features").activation is keras.activations.relu
    assert network.output_shape == (None, 1)


def test_rows_are_time_steps_and_recurrent_layers_read_them():
    network = build_described(["rows", "lstm 5 sequences", "gru 4", "dense 3"], (10, 8, 3), 2)
    assert [layer.output.shape[1:] for layer in network.layers[2:5]] == [(10, 24), (10, 5), (4,)]


def test_standardize_removes_the_effect_of_brightness_and_contrast():
    network = Architecture("mine", ["conv 3", "globalpool"], {"standardize": True}).build(SMALL, 2)
    images = np.random.default_rng(0).integers(50, 150, (4, *SMALL)).astype(np.float32)
    np.testing.assert_allclose(
        network.predict(images, verbose=0), network.predict(images * 1.5 - 30, verbose=0), rtol=1e-3
    )


def test_dropout_and_l2_are_options_of_every_network():
    rates = lambda network: [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]  # noqa: E731
    assert rates(Architecture.parse("convnet_bn").build(SMALL, 2)) == [0.3, 0.4, 0.5]
    assert rates(Architecture.parse("convnet_bn:dropout=0.1").build(SMALL, 2)) == [0.1] * 3
    assert rates(Architecture.parse("convnet_bn:dropout=0").build(SMALL, 2)) == []
    assert kinds(Architecture.parse("dense_128:dropout=0.1").build(SMALL, 2))[2:] == [
        "Flatten", "Dropout", "Dense", "Dropout", "Dense",
    ]  # fmt: skip
    network = Architecture.parse("resnet_small:width=4,blocks=2,l2=0.01").build(SMALL, 2)
    penalised = [layer for layer in network.layers if getattr(layer, "kernel_regularizer", None)]
    assert len(penalised) == 1 + 2 * 6 + 2 + 1
    kernels = sum(float((layer.kernel.numpy() ** 2).sum()) for layer in penalised)
    assert float(sum(network.losses)) == pytest.approx(0.01 * kernels, rel=1e-4)
    assert [network.get_layer(f"residual_{n}").output.shape[-1] for n in range(1, 7)] == [4, 4, 8, 8, 16, 16]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["conv 32 3", "polo 2"], "Unknown layer in line 2, 'polo'. Nearest: 'pool'"),
        (["conv"], "Line 1 of the network, 'conv', cannot be read; expected something like 'conv 32 3 same relu'"),
        (["conv 32 3 smae"], "Line 1 of the network, 'conv 32 3 smae', cannot be read"),
        (["conv 0"], "'conv 0', cannot be read"),
        (["dropout 1"], "'dropout 1', cannot be read; expected something like 'dropout 0.5'"),
        (["flatten", "dense 8 stride 2"], "'dense 8 stride 2', cannot be read"),
        (["conv 8 stride"], "'conv 8 stride', cannot be read"),
        (["output sigmoid", "flatten"], "Only the last line of a network may be its output"),
        ("conv 8", "A network is a list of lines"),
        (["dense 8"], "The layer 'dense 128 relu' takes a vector .*, but comes after a feature map"),
        (["conv 8", "lstm 8"], "takes a sequence .*, but comes after a feature map"),
        (["flatten", "conv 8"], "takes a feature map, but comes after a vector"),
        (["conv 8"], "must end in a vector for each image; add 'flatten' or 'globalpool'"),
        (
            ["pool 5", "pool 5", "flatten"],
            "mine cannot be built for images of 12×12: no pixels are left at the layer pool_2",
        ),
    ],
)
def test_a_line_that_cannot_be_built_is_refused(lines, message):
    with pytest.raises(InputError, match=message):
        Architecture("mine", lines).build(SMALL, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resnet_small:widht=8", "Unknown option of resnet_small 'widht'. Nearest: 'width'"),
        ("resnet_small:width=0", "width=0 was given for resnet_small; expected a whole number from 1 to 4,096"),
        (
            "resnet_small:blocks=3000000",
            "blocks=3000000 was given for resnet_small; expected a whole number from 1 to 100",
        ),
        ("convnet_small:width=8", "Unknown option of convnet_small 'width'"),
        ("convnet_small:standardize=1", "standardize=1 was given for convnet_small; expected true or false"),
        ("convnet_small:l2=-1", "l2=-1 was given for convnet_small; expected a penalty of 0 or more"),
        ("resnet50", "Unknown custom backbone 'resnet50'.*A pretrained backbone has a fixed architecture"),
    ],
)
def test_an_option_out_of_range_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        Architecture.parse(text)


def test_the_command_shows_the_layers_of_a_custom_network(hybrid):
    assert hybrid.json("backbones", "convnet_bn")["layers"] == list(Architecture("convnet_bn").lines(SMALL))
    rows = [line.split(maxsplit=1) for line in hybrid("backbones", "convnet_bn").splitlines() if line.strip()]
    assert ["conv_2", "conv 64 3"] in [[cell.strip() for cell in row] for row in rows]
    assert ["probabilities", "output sigmoid"] in [[cell.strip() for cell in row] for row in rows]
