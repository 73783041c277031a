"""Embeddings equal Keras's own: `keras.applications` preprocessing and `Model.predict` on the same pixels."""

import shutil

import keras
import numpy as np
import pytest
from keras import layers
from tiers import one_of_each, slow

from hybrid.extractors import FeatureExtractor
from hybrid.extractors.backbones.table import BACKBONES

pytestmark = pytest.mark.network

TOLERANCE = 1e-4  # of the largest value of the reference


@pytest.fixture(scope="module")
def photos():
    """Eight RGB images of shape (8, 75, 75, 3) that differ in colour and texture like photographs."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 40, (8, 75, 75, 3)) + rng.uniform(40, 210, (8, 1, 1, 3))
    noise += np.linspace(-60, 60, 75)[:, None] * rng.normal(0, 1, (8, 1, 1, 1))
    return noise.clip(0, 255).astype(np.uint8)


def enliven(network, module, pixels):
    """Set a network's weights and batch norm statistics as if it had been trained on these images.

    Without it activations vanish or explode through the layers, and rounding with them: against a float64 run, Keras
    in float32 was then wrong by 5e-4 itself.
    """
    rng = np.random.default_rng(0)
    for layer in network.layers:
        values = layer.get_weights()
        if isinstance(layer, layers.BatchNormalization):
            values = [rng.uniform(0.7, 1.3, value.shape) for value in values]
            layer.momentum = 0.0  # a pass in training mode leaves the statistics of its batch
        elif values and not isinstance(layer, layers.Normalization):
            fan_in = np.prod(values[0].shape[:-1]) if values[0].shape[-1] > 1 else 9
            values = [rng.normal(0, np.sqrt(2 / fan_in), value.shape) for value in values]
        layer.set_weights(values)
    network(getattr(keras.applications, module).preprocess_input(pixels.astype(np.float32)), training=True)


@pytest.fixture(scope="module")
def made_mobilenet(photos, tmp_path_factory):
    """A MobileNet of a quarter of the width, as if it were trained, and its weights in a file."""
    network = keras.applications.MobileNet(weights=None, alpha=0.25, include_top=False, input_shape=(75, 75, 3))
    enliven(network, "mobilenet", photos)
    path = tmp_path_factory.mktemp("mobilenet") / "w.weights.h5"
    network.save_weights(path)
    return network, path


def reference(network, module, pixels):
    preprocess = getattr(keras.applications, module).preprocess_input
    return network.predict(preprocess(pixels.astype(np.float32)), verbose=0)


def assert_close(found, expected):
    scale = np.abs(expected).max()
    assert expected.std(axis=0).max() > 0.01 * scale  # the images differ: zeros would be close to zeros
    assert np.abs(found - expected).max() <= TOLERANCE * scale


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "constructor", "module"),
    [
        ("mobilenet", "MobileNet", "mobilenet"),
        ("mobilenet_v3_small", "MobileNetV3Small", "mobilenet_v3"),
        ("resnet50", "ResNet50", "resnet"),
        ("densenet121", "DenseNet121", "densenet"),
        ("efficientnet_b0", "EfficientNetB0", "efficientnet"),
    ],
)
def test_pretrained_networks(name, constructor, module, photos, tmp_path):
    build = getattr(keras.applications, constructor)
    network = build(weights=None, include_top=False, input_shape=(75, 75, 3))
    enliven(network, module, photos)
    network.save_weights(tmp_path / "w.weights.h5")
    maps = reference(network, module, photos)
    found = FeatureExtractor(name, weights=tmp_path / "w.weights.h5", size=75, batch_size=3).transform(photos)
    assert_close(found, maps.mean((1, 2)))
    other = "mobilenet" if module in ("resnet", "densenet") else "resnet"
    wrong = reference(network, other, photos).mean((1, 2))  # the preprocessing of another network shows
    assert np.abs(found - wrong).max() > 10 * TOLERANCE * np.abs(wrong).max()


@pytest.mark.parametrize(
    ("pooling", "by_numpy"),
    [
        slow("avg", lambda maps: maps.mean((1, 2))),
        slow("max", lambda maps: maps.max((1, 2))),
        ("both", lambda maps: np.hstack([maps.mean((1, 2)), maps.max((1, 2))])),
        slow("flatten", lambda maps: maps.reshape(len(maps), -1)),
        ("none", lambda maps: maps),
    ],
)
def test_poolings_and_an_inner_layer(pooling, by_numpy, photos, made_mobilenet):
    network, weights = made_mobilenet
    inner = keras.Model(network.inputs[0], network.get_layer("conv_pw_6_relu").output)
    expected = by_numpy(reference(inner, "mobilenet", photos))
    options = {"weights": weights, "size": 75, "pooling": pooling}
    found = FeatureExtractor("mobilenet:alpha=0.25", "conv_pw_6_relu", **options).transform(photos)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    assert_close(found.reshape(8, -1), expected.reshape(8, -1))


def test_batch_size_order_and_other_images_do_not_matter(photos, made_mobilenet, cache):
    network, weights = made_mobilenet
    expected = reference(network, "mobilenet", photos).mean((1, 2))

    def embed(images, batch_size):
        shutil.rmtree(cache / "embeddings", ignore_errors=True)  # the exported graph stays
        options = {"weights": weights, "size": 75, "batch_size": batch_size}
        return FeatureExtractor("mobilenet:alpha=0.25", **options).transform(images)

    assert_close(embed(photos, 1), expected)
    assert_close(embed(photos, 32), expected)
    assert_close(embed(photos[::-1], 3)[::-1], expected)
    alone = np.vstack([embed(photos[[number]], 32) for number in range(3)])
    assert np.abs(alone - expected[:3]).max() <= TOLERANCE * np.abs(expected).max()


def test_an_embedding_equals_one_computed_by_hand(tmp_path):
    inputs = keras.Input((2, 2, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(2, 1, activation="relu", name="conv")(x)
    network = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))
    network.get_layer("conv").set_weights([np.array([[[[2.0, -1.0]]]]), np.array([-0.4, 0.8])])
    network.save(tmp_path / "hand.keras")
    pixels = np.array([[[0, 51], [102, 255]]], np.uint8)  # 0, .2, .4, 1
    # first channel: max(0, 2x - .4) = 0, 0, .4, 1.6; second: max(0, .8 - x) = .8, .6, .4, 0
    avg = FeatureExtractor(tmp_path / "hand.keras", "conv").transform(pixels)
    np.testing.assert_allclose(avg, [[0.5, 0.45]], rtol=1e-6)
    both = FeatureExtractor(tmp_path / "hand.keras", "conv", pooling="both").transform(pixels)
    np.testing.assert_allclose(both, [[0.5, 0.45, 1.6, 0.8]], rtol=1e-6)
    rows = FeatureExtractor(tmp_path / "hand.keras").transform(pixels)  # penultimate: the flattened map
    np.testing.assert_allclose(rows, [[0, 0.8, 0, 0.6, 0.4, 0.4, 1.6, 0]], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("preprocessing", "scaled"),
    [
        ("none", lambda p: p),
        ("rescale", lambda p: p / 255),
        ("tf", lambda p: p / 127.5 - 1),
        ("torch", lambda p: (p / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
        ("caffe", lambda p: p[..., ::-1] - [103.939, 116.779, 123.68]),
    ],
)
def test_preprocessing_by_name(preprocessing, scaled, pixels, tmp_path):
    inputs = keras.Input((16, 16, 3))
    network = keras.Model(inputs, layers.Activation("linear", name="same")(inputs))
    network.save(tmp_path / "same.keras")
    found = FeatureExtractor(tmp_path / "same.keras", preprocessing=preprocessing, pooling="flatten").transform(pixels)
    expected = scaled(pixels.astype(np.float64)).reshape(len(pixels), -1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_sequences_are_pooled_over_their_length(tmp_path, pixels):
    inputs = keras.Input((16, 16, 3))
    x = layers.Reshape((256, 3), name="sequence")(layers.Rescaling(1.0)(inputs))
    keras.Model(inputs, x).save(tmp_path / "sequence.keras")
    found = FeatureExtractor(tmp_path / "sequence.keras", pooling="both").transform(pixels)
    flat = pixels.reshape(len(pixels), 256, 3).astype(np.float64)
    np.testing.assert_allclose(found, np.hstack([flat.mean(1), flat.max(1)]), rtol=1e-5)


@pytest.mark.filterwarnings("ignore::hybrid.extractors.backbones.parameters.RandomWeightsWarning")
@pytest.mark.parametrize(
    "name",
    one_of_each(
        ["mobilenet", "convnet_small", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_v2_b0", "vgg16",
         "nasnet_mobile", "resnet50_v2", "convnet_bn", "resnet_small"],
        lambda name: BACKBONES[name].kind,
    ),
)  # fmt: skip
def test_rows_of_the_table_from_images_to_embedding(name, pixels):
    extractor = FeatureExtractor(name, weights="random", size=32)
    found = extractor.transform(pixels[:2])
    assert found.shape == (2, extractor.resolve().width)
    assert np.isfinite(found).all()
    assert (found[0] != found[1]).any()


@pytest.mark.data
def test_mobilenet_with_its_real_weights(data_folder):
    paths = sorted((data_folder / "chest_xray" / "train").glob("*/*.jpeg"))[::700]
    file = data_folder / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    network = keras.applications.MobileNet(weights=file, alpha=0.25, include_top=False, input_shape=(224, 224, 3))
    pixels = np.stack([keras.utils.img_to_array(keras.utils.load_img(path)) for path in paths])
    assert pixels.shape[1:] == (224, 224, 3)
    expected = reference(network, "mobilenet", pixels).mean((1, 2))
    for size, order in ((1, slice(None)), (32, slice(None, None, -1))):
        extractor = FeatureExtractor("mobilenet:alpha=0.25", weights=file, batch_size=size)
        assert_close(extractor.transform(paths[order]), expected[order])
