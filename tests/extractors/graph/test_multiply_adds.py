"""The multiply-adds by which the time of a pass is divided among its cuts."""

import keras
import pytest
from keras import layers as L

from hybrid.extractors import Extractor
from hybrid.extractors.graph.multiply_adds import multiply_adds

pytestmark = pytest.mark.network


def test_a_weight_counts_once_at_each_position():
    inputs = keras.Input((9, 9, 3))
    convolved = L.Conv2D(4, 3, strides=2, use_bias=False)(inputs)  # 4 by 4 positions
    by_channel = L.DepthwiseConv2D(3, padding="same", use_bias=False)(convolved)
    pooled = L.GlobalAveragePooling2D()(L.ReLU()(by_channel))
    dense = L.Dense(5)(pooled)
    expected = [0, 16 * 3 * 9 * 4, 16 * 9 * 4, 5 * 4 + 5]
    for number, output in enumerate((inputs, convolved, by_channel, dense), start=1):
        assert multiply_adds(keras.Model(inputs, output)) == sum(expected[:number])


def test_a_layer_counts_at_each_of_its_uses_and_inside_nested_models():
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, L.Dense(4, use_bias=False)(inner_input))
    shared, inputs = L.Dense(4, use_bias=False), keras.Input((4,))
    assert multiply_adds(keras.Model(inputs, shared(shared(inner(inputs))))) == 3 * 16


def test_a_network_for_images_of_any_size_has_no_number():
    inputs = keras.Input((None, None, 3))
    assert multiply_adds(keras.Model(inputs, L.Conv2D(4, 3)(inputs))) is None


def test_an_identity_has_the_number_up_to_its_layer_and_keeps_it(tiny_network):
    def numbers():
        layers = ("conv_a", "conv_b", "hidden", "probabilities")
        return [Extractor(tiny_network, layers=layer).resolve().multiply_adds for layer in layers]

    conv_a = 14 * 14 * (9 * 3 * 4 + 4)
    conv_b = 6 * 6 * (9 * 4 * 6 + 6)
    hidden, last = 6 * 5 + 5, 5 * 3 + 3
    assert numbers() == [conv_a, conv_a + conv_b, conv_a + conv_b + hidden, conv_a + conv_b + hidden + last]
    assert numbers()[-1] == conv_a + conv_b + hidden + last  # from the cache


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "published"), [("ResNet50", 3.8e9), ("VGG16", 15.3e9), ("MobileNetV2", 0.3e9), ("EfficientNetB0", 0.39e9)]
)
def test_the_numbers_are_those_of_the_papers(name, published):
    """He et al. 2015 (ResNet, VGG), Sandler et al. 2018, Tan and Le 2019."""
    found = multiply_adds(getattr(keras.applications, name)(weights=None))
    assert found == pytest.approx(published, rel=0.1)
