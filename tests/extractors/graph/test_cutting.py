"""Cutting networks of many architectures at named layers."""

import keras
import numpy as np
import pytest
from keras import layers

from hybrid.errors import InputError
from hybrid.extractors.graph.cutting import cut, layer_names, penultimate, resolve_layer

pytestmark = pytest.mark.network

X = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)


def conv_base(name="base"):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv_a")(inputs)
    return keras.Model(inputs, layers.Conv2D(5, 3, name="conv_b")(x), name=name)


def with_head(tensor_or_model, inputs=None):
    """Add pooling, dropout and three classes to a base."""
    inputs = keras.Input((8, 8, 3)) if inputs is None else inputs
    x = layers.GlobalAveragePooling2D(name="pool")(tensor_or_model(inputs))
    x = layers.Dropout(0.5, name="drop")(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="classes")(x))


def values(network, *names):
    found = cut(network, list(names))(X, training=False)
    found = found if isinstance(found, (list, tuple)) else [found]
    return [keras.ops.convert_to_numpy(value) for value in found]


def by_hand(network, name):
    """Return the output of a layer, computed by calling the layers one after the other."""
    x = X
    for layer in network.layers:
        if not isinstance(layer, layers.InputLayer):
            x = layer(x)
        if layer.name == name:
            return keras.ops.convert_to_numpy(x)
    raise AssertionError(name)


def test_a_layer_of_a_functional_network():
    network = conv_base()
    np.testing.assert_allclose(values(network, "conv_a")[0], by_hand(network, "conv_a"), rtol=1e-5)


def test_a_layer_of_a_sequential_network():
    network = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="first"), layers.Flatten(name="flat")])
    np.testing.assert_allclose(values(network, "first")[0], by_hand(network, "first"), rtol=1e-5)


def test_layers_of_nested_models_two_levels_down():
    middle_input = keras.Input((8, 8, 3))
    middle = keras.Model(middle_input, layers.ReLU(name="relu")(conv_base()(middle_input)), name="middle")
    network = with_head(middle)
    assert "middle/base/conv_a" in layer_names(network)
    assert resolve_layer(network, "conv_a") == "middle/base/conv_a"
    found = values(network, "conv_a", "middle/relu", "pool", "middle/base/conv_b")
    inner = conv_base_values(middle)
    np.testing.assert_allclose(found[0], inner["conv_a"], rtol=1e-5)
    np.testing.assert_allclose(found[3], inner["conv_b"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[1], np.maximum(found[3], 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[2], found[1].mean((1, 2)), rtol=1e-5, atol=1e-6)


def conv_base_values(middle):
    base = middle.get_layer("base")
    return {name: by_hand(base, name) for name in ("conv_a", "conv_b")}


def test_two_layers_of_one_nested_model_run_it_once():
    network = with_head(conv_base())
    part = cut(network, ["base/conv_a", "base/conv_b"])
    assert sum(isinstance(layer, keras.Model) for layer in part.layers) == 1


def test_a_nested_sequential_model():
    base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="inside")], name="base")
    network = with_head(base)
    np.testing.assert_allclose(values(network, "inside")[0], by_hand(base, "inside"), rtol=1e-5)
    outer = keras.Sequential([keras.Input((8, 8, 3)), base, layers.Flatten(name="flat")])
    np.testing.assert_allclose(values(outer, "base/inside")[0], by_hand(base, "inside"), rtol=1e-5)


def test_a_nested_model_with_two_inputs():
    left, right = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    difference = layers.Subtract(name="difference")([left, right])
    pair = keras.Model([left, right], layers.Flatten(name="flat")(difference), name="pair")
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, pair([layers.Rescaling(3.0)(inputs), inputs]))
    np.testing.assert_allclose(values(network, "difference")[0], 2 * X, rtol=1e-5)


def test_a_nested_model_of_which_two_outputs_are_used():
    inner_input = keras.Input((8, 8, 3))
    a = layers.Conv2D(2, 3, name="a")(inner_input)
    inner = keras.Model(inner_input, [a, layers.ReLU(name="b")(a)], name="inner")
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, layers.Concatenate(name="both")(inner(inputs)))
    np.testing.assert_allclose(values(network, "inner/a")[0], by_hand(inner, "a"), rtol=1e-5)
    with pytest.raises(InputError, match="'inner' computes 2 tensors"):
        cut(network, ["inner"])


def test_a_layer_that_other_networks_share():
    shared = layers.Conv2D(4, 3, name="shared")
    inputs, other = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    network = keras.Model(inputs, shared(layers.Rescaling(2.0)(inputs)))
    keras.Model(other, shared(other))
    np.testing.assert_allclose(values(network, "shared")[0], keras.ops.convert_to_numpy(shared(2 * X)), rtol=1e-5)


def test_a_layer_used_twice_in_the_network_is_refused():
    shared = layers.Dense(3, name="shared")
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, shared(shared(inputs)))
    with pytest.raises(InputError, match="'shared' computes 2 tensors"):
        cut(network, ["shared"])


def test_several_layers_come_in_the_order_asked_and_may_repeat():
    network = with_head(conv_base())
    shapes = [value.shape[1:] for value in values(network, "pool", "conv_a", "base/conv_b", "conv_a")]
    assert shapes == [(5,), (6, 6, 4), (4, 4, 5), (6, 6, 4)]


def test_dropout_and_batch_norm_are_in_inference_mode():
    inputs = keras.Input((8, 8, 3))
    x = layers.BatchNormalization(name="norm")(inputs)
    network = keras.Model(inputs, layers.Dropout(0.5, name="drop")(x))
    np.testing.assert_allclose(values(network, "drop")[0], X / np.sqrt(1.001), rtol=1e-5)


def test_unknown_layers_get_suggestions():
    with pytest.raises(InputError, match="Unknown layer 'conv_c'.*Nearest: .*'conv_a'"):
        cut(with_head(conv_base()), ["conv_c"])


def test_ambiguous_layers_are_named_in_full():
    inputs = keras.Input((8, 8, 3))
    both = layers.Concatenate()([conv_base("left")(inputs), conv_base("right")(inputs)])
    network = keras.Model(inputs, both)
    with pytest.raises(InputError, match="'conv_a' is ambiguous; give one of left/conv_a, right/conv_a"):
        cut(network, ["conv_a"])
    np.testing.assert_allclose(
        values(network, "right/conv_a")[0], by_hand(network.get_layer("right"), "conv_a"), rtol=1e-5
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="subclassed")
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


@pytest.mark.parametrize("build", [Subclassed, lambda: keras.Sequential([layers.Dense(2)])])
def test_networks_without_a_graph_are_refused(build):
    with pytest.raises(InputError, match="cannot be cut: it is subclassed or not built"):
        cut(build(), ["dense"])


def test_a_subclassed_model_inside_does_not_stop_a_cut_outside_it():
    inputs = keras.Input((8, 8, 3))
    x = Subclassed()(layers.Conv2D(4, 3, name="conv")(inputs))
    network = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    assert values(network, "conv")[0].shape == (2, 6, 6, 4)
    assert penultimate(network) == "subclassed"


def test_networks_with_two_inputs_are_refused():
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    with pytest.raises(InputError, match="2 inputs"):
        cut(keras.Model(inputs, layers.Add()(inputs)), ["add"])


def test_networks_with_two_outputs_have_layers_but_no_penultimate():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    network = keras.Model(inputs, [layers.Dense(2)(x), layers.Dense(3)(x)])
    assert values(network, "conv")[0].shape == (2, 6, 6, 4)
    with pytest.raises(InputError, match="2 outputs"):
        penultimate(network)


# --- penultimate: the layer before the classification layer


def dense_softmax(x):
    return layers.Dense(3, activation="softmax")(x)


def dense_then_activation(x):
    return layers.Activation("softmax")(layers.Dense(3)(x))


def dense_then_layer(x):
    return layers.Softmax()(layers.Dense(3)(x))


def dense_then_operation(x):
    return keras.ops.softmax(layers.Dense(3)(x))


def logits_with_temperature(x):
    return layers.Dense(3)(x) / 2.0


def sigmoid_labels(x):
    return layers.Dense(3, activation="sigmoid")(x)


def two_dropouts(x):
    return layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(layers.Dropout(0.1)(x)))


def convolution_as_classifier(x):
    x = layers.Conv2D(3, 1)(layers.Dropout(0.1)(layers.Reshape((1, 1, -1), name="as_map")(x)))
    return layers.Activation("softmax")(layers.Flatten()(x))


def nested_head(x):
    head = keras.Sequential([keras.Input((5,)), layers.Dropout(0.3), layers.Dense(3, activation="softmax")])
    return head(x)


def nested_head_softmax_outside(x):
    head = keras.Sequential([keras.Input((5,)), layers.Reshape((1, 1, 5)), layers.Conv2D(3, 1), layers.Flatten()])
    return layers.Softmax()(head(x))


@pytest.mark.parametrize(
    ("classify", "expected"),
    [
        (dense_softmax, "pool"),
        (dense_then_activation, "pool"),
        (dense_then_layer, "pool"),
        (dense_then_operation, "pool"),
        (logits_with_temperature, "pool"),
        (sigmoid_labels, "pool"),
        (two_dropouts, "pool"),
        (convolution_as_classifier, "as_map"),
        (nested_head, "pool"),
    ],
)
def test_penultimate_is_the_layer_before_the_classes(classify, expected):
    inputs = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D(name="pool")(conv_base()(inputs))
    network = keras.Model(inputs, classify(x))
    assert penultimate(network) == expected
    assert values(network, "penultimate")[0].shape[-1] == 5


def test_penultimate_of_a_nested_convolution_whose_softmax_is_outside():
    inputs = keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D(name="pool")(conv_base()(inputs))
    network = keras.Model(inputs, nested_head_softmax_outside(x))
    assert penultimate(network).split("/")[-1].startswith("reshape")


def test_penultimate_inside_a_deeper_head():
    head = keras.Sequential(
        [keras.Input((5,)), layers.Dense(7, name="hidden"), layers.Dense(3, activation="softmax")], name="head"
    )
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, head(layers.GlobalAveragePooling2D()(conv_base()(inputs))))
    assert penultimate(network) == "head/hidden"


def test_penultimate_of_a_network_within_a_network():
    network = with_head(conv_base())
    inputs = keras.Input((8, 8, 3))
    wrapped = keras.Model(inputs, network(layers.Rescaling(1 / 255)(inputs)))
    assert penultimate(wrapped) == f"{network.name}/pool"


def test_penultimate_without_classes_is_the_output():
    assert penultimate(conv_base()) == "conv_b"
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, layers.GlobalAveragePooling2D(name="pool")(conv_base()(inputs)))
    assert penultimate(network) == "pool"
    assert penultimate(keras.Model(inputs, conv_base()(inputs))) == "base/conv_b"


def test_mobilenet_whose_classifier_is_a_convolution():
    network = keras.applications.MobileNet(weights=None, alpha=0.25, input_shape=(32, 32, 3))
    found = cut(network, [penultimate(network)]).outputs[0]
    assert found.shape[-1] == 256  # not 1000 classes
