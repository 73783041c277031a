"""Where networks are cut by default: before a classifier's last layer, and after an embedding."""

import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor, UnclearLayerWarning
from hybrid.extractors.graph.cutting import default_ending
from hybrid.pipelines import load_model, make_pipeline, save_model

pytestmark = pytest.mark.network


def network(*tail, shape=(8, 8, 3)):
    """Return a network with a convolution, pooling and the given layers or functions."""
    inputs = keras.Input(shape)
    x = L.GlobalAveragePooling2D(name="pool")(L.Conv2D(6, 3, name="conv")(inputs))
    for step in tail:
        x = step(x)
    return keras.Model(inputs, x)


def convolutional(*tail):
    """Return a network with a convolution and the given layers, without pooling between them."""
    inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(6, 3, name="conv")(inputs)
    for step in tail:
        x = step(x)
    return keras.Model(inputs, x)


def embed(units=5, **options):
    return L.Dense(units, name="embed", **options)


def normalized(x):
    return L.Rescaling(1.0, name="unit")(x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True)))


def excited(x):
    gate = L.Dense(6, activation="sigmoid", name="gate")(L.Dense(2, name="squeeze")(x))
    return L.Multiply(name="excited")([gate, x])


def added(x):
    return L.Add(name="sum")([L.Dense(5)(x), L.Dense(5)(x)])


def concatenated(x):
    return L.Concatenate(name="both")([L.Dense(4)(x), L.Dense(3)(x)])


@pytest.mark.parametrize(
    ("net", "output"),
    [
        (network(embed(), L.UnitNormalization(name="unit")), "unit"),
        (network(embed(activation="relu")), "embed"),
        (network(embed(activation="tanh")), "embed"),
        (network(embed(activation=L.LeakyReLU())), "embed"),
        (network(embed(), L.Activation("relu", name="relu")), "relu"),
        (network(embed(), L.LeakyReLU(name="leaky")), "leaky"),
        (network(embed(), L.PReLU(name="prelu")), "prelu"),
        (network(embed(), L.BatchNormalization(name="norm")), "norm"),
        (network(embed(), L.LayerNormalization(center=False, scale=False, name="norm")), "norm"),
        (network(embed(), L.Dropout(0.5, name="drop")), "drop"),
        (network(embed(), normalized), "unit"),
        (network(embed(), lambda x: L.Reshape((5,), name="last")(ops.normalize(x))), "last"),
        (network(embed(), L.UnitNormalization(), L.Activation("linear", dtype="float32", name="cast")), "cast"),
        (network(excited), "excited"),
        (network(added), "sum"),
        (network(concatenated), "both"),
        (convolutional(L.Conv2D(4, 1), L.BatchNormalization(), L.ReLU(), L.GlobalMaxPooling2D(name="out")), "out"),
        (convolutional(L.Conv2D(4, 3), L.GlobalAveragePooling2D(name="out")), "out"),
        (convolutional(L.Conv2D(4, 1), L.Flatten(name="flat")), "flat"),
        (convolutional(L.Dense(4), L.Flatten(name="flat")), "flat"),
    ],
)
def test_a_network_that_ends_in_an_embedding_is_not_cut(net, output):
    assert default_ending(net).layer == output
    assert default_ending(net).doubt == ""


@pytest.mark.parametrize(
    ("net", "before"),
    [
        (network(L.Dense(3, activation="softmax")), "pool"),
        (network(L.Dense(3, activation=L.Softmax())), "pool"),
        (network(L.Dense(3), L.Activation("softmax", dtype="float32")), "pool"),
        (network(L.Dense(3), L.Softmax(), L.Activation("linear", dtype="float32")), "pool"),
        (network(L.Dense(3), ops.log_softmax), "pool"),
        (network(L.Dense(3, activation="hard_sigmoid")), "pool"),
        (network(L.Dense(3), L.BatchNormalization(), L.Softmax()), "pool"),
        (network(L.Dense(3), lambda x: ops.clip(x, -5, 5), L.Activation("sigmoid")), "pool"),
        (network(embed(activation="relu"), L.Dropout(0.5), L.Dense(3, activation="softmax")), "embed"),
        (network(embed(), L.UnitNormalization(name="unit"), L.Dense(3, activation="softmax")), "unit"),
        (network(embed(activation="relu"), L.Dense(1)), "embed"),  # one value, of a regression or of two classes
        (network(L.Dense(1, activation="tanh")), "pool"),
        (network(lambda x: L.Concatenate()([L.Dense(1, activation="sigmoid")(x) for _ in range(3)])), "pool"),
        (network(lambda x: L.Average()([L.Dense(3, activation="softmax")(x) for _ in range(3)])), "pool"),
        (convolutional(L.Conv2D(3, 1), L.GlobalAveragePooling2D(), L.Softmax()), "conv"),
        (convolutional(L.Dropout(0.5), L.Conv2D(1, 1), L.GlobalAveragePooling2D()), "conv"),
    ],
)
def test_a_classifier_is_cut_before_its_last_layer(net, before):
    assert default_ending(net).layer == before
    assert default_ending(net).doubt == ""


@pytest.mark.parametrize(
    ("net", "before", "output"),
    [
        (network(embed()), "pool", "embed"),
        (network(L.Dropout(0.2), embed(), L.Activation("linear", dtype="float32", name="cast")), "pool", "cast"),
        (network(embed(), lambda x: L.Reshape((5,), name="same")(x / 2.0)), "pool", "same"),
        (convolutional(L.Conv2D(4, 1), L.GlobalAveragePooling2D(name="mean")), "conv", "mean"),
        (convolutional(L.Conv2D(4, 6), L.Flatten(name="flat")), "conv", "flat"),  # a map of one place
    ],
)
def test_linear_outputs_are_taken_for_logits_and_the_doubt_is_said(net, before, output):
    ending = default_ending(net)
    assert ending.layer == before
    assert f"cut before them, at '{before}'" in ending.doubt
    assert ending.doubt.endswith(f"give --layer {output} (layers={output!r}).")


def test_classifiers_on_different_features_are_named():
    inputs = keras.Input((8, 8, 3))
    heads = [
        L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D(name=name)(L.Conv2D(4, 3)(inputs)))
        for name in ("left", "right")
    ]
    ending = default_ending(keras.Model(inputs, L.Average()(heads)))
    assert ending.layer == "left"
    assert "--layer left --layer right" in ending.doubt


def test_an_embedding_inside_a_nested_model_is_not_cut():
    head = keras.Sequential([keras.Input((6,)), embed(), L.UnitNormalization(name="unit")], name="head")
    assert default_ending(network(head)).layer == "head/unit"
    assert default_ending(network(head, L.Dense(3, activation="softmax"))).layer == "head/unit"


@pytest.fixture
def logits(tmp_path):
    """A file of a network that ends in five linear outputs."""
    inputs = keras.Input((8, 8, 3))
    x = L.GlobalAveragePooling2D(name="pool")(L.Conv2D(6, 3)(L.Rescaling(1 / 255)(inputs)))
    path = tmp_path / "logits.keras"
    keras.Model(inputs, L.Dense(5, name="embed")(x)).save(path)
    return path


PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)


def test_the_doubt_is_a_warning_also_when_the_identity_is_known(logits):
    for _ in range(2):
        with pytest.warns(UnclearLayerWarning, match="give --layer embed"):
            assert FeatureExtractor(logits).resolve().width == 6
    assert FeatureExtractor(logits, "embed").resolve().width == 5  # no warning


def test_a_saved_model_keeps_the_layer_at_which_it_was_cut(logits, tmp_path, monkeypatch):
    """As when another version of hybrid cuts the network elsewhere by default."""
    with pytest.warns(UnclearLayerWarning):
        pipeline = make_pipeline(FeatureExtractor(logits), "softmax").fit(PIXELS, np.arange(12) % 2)
    with pytest.warns(UnclearLayerWarning):
        expected = pipeline.predict_proba(PIXELS)
    with pytest.warns(UnclearLayerWarning):
        folder = save_model(pipeline, tmp_path / "model")
    monkeypatch.setattr("hybrid.extractors.backbones.parameters.ENDING", 99)
    monkeypatch.setattr("hybrid.extractors.graph.ending._computes_logits", lambda place, n_values: False)
    assert FeatureExtractor(logits).resolve().width == 5
    np.testing.assert_allclose(load_model(folder).predict_proba(PIXELS), expected)  # without a warning


@pytest.mark.parametrize("shape", [(16, 12), (144,)])
def test_networks_without_an_axis_of_channels_take_grey_images(tmp_path, shape):
    inputs = keras.Input(shape)
    hidden = L.Dense(4, activation="relu")(L.Flatten()(L.Rescaling(1 / 255)(inputs)))
    keras.Model(inputs, L.Dense(3, activation="softmax")(hidden)).save(tmp_path / "grey.keras")
    height, width = shape if len(shape) == 2 else (12, 12)
    pixels = np.random.default_rng(1).integers(0, 256, (5, height, width), dtype=np.uint8)
    expected = keras.Model(inputs, hidden).predict(pixels.reshape(5, *shape), verbose=0)
    extractor = FeatureExtractor(tmp_path / "grey.keras")
    np.testing.assert_allclose(extractor.transform(pixels), expected, atol=1e-5)
    assert extractor.resolve().fields["channels"] == 1
    colour = np.stack([pixels] * 3, axis=-1)  # grey pictures that were saved in colour
    np.testing.assert_allclose(extractor.transform(colour), expected, atol=1e-2)


@pytest.mark.parametrize("shape", [(3072,), (150,), (784, 1), (196, 3), (28, 28, 2), (1, 28, 28), (4, 4, 4, 1)])
def test_inputs_that_are_no_image_are_refused(tmp_path, shape):
    inputs = keras.Input(shape)
    keras.Model(inputs, L.Dense(4, activation="relu")(L.Flatten()(L.Rescaling(1.0)(inputs)))).save(tmp_path / "x.keras")
    with pytest.raises(InputError, match=r"takes inputs of shape .*; expected images: \(height, width, 1 or 3\)"):
        FeatureExtractor(tmp_path / "x.keras").resolve()
