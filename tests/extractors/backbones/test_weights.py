"""Weights from files, ImageNet and random weights: fitting weights are loaded, others refused with the reason."""

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.backbones.load import load_network
from hybrid.extractors.backbones.parameters import RandomWeightsWarning
from hybrid.extractors.backbones.table import parse_backbone

pytestmark = pytest.mark.network

SPEC = parse_backbone("mobilenet:alpha=0.25")
SIZE = (32, 32)


def mobilenet(**options):
    return keras.applications.MobileNet(weights=None, alpha=0.25, input_shape=(32, 32, 3), **options)


def write_applications_file(network, path, root=""):
    """Write weights in the format of the files of Keras Applications (Keras 2's HDF5)."""
    with h5py.File(path, "w") as file:
        top = file.create_group(root) if root else file
        top.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group = top.create_group(layer.name)
            weights = layer.trainable_weights + layer.non_trainable_weights
            names = [f"{layer.name}/{weight.name}:0".encode() for weight in weights]
            group.attrs["weight_names"] = names
            for name, weight in zip(names, weights, strict=True):
                group[name.decode()] = keras.ops.convert_to_numpy(weight)


def load(path, spec=SPEC, size=SIZE, top=False):
    return load_network(spec, str(path), size, seed=0, top=top)


def assert_same_features(network, other):
    first = {weight.path: keras.ops.convert_to_numpy(weight) for weight in network.weights}
    both = [weight for weight in other.weights if weight.path in first]
    assert len(both) > 100
    for weight in both:
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), first[weight.path])


@pytest.mark.parametrize("root", ["", "model_weights"])
@pytest.mark.parametrize("options", [{"include_top": False}, {}, {"classes": 7}])
def test_applications_files_with_and_without_the_classes(tmp_path, options, root):
    source = mobilenet(**options)
    write_applications_file(source, tmp_path / "w.h5", root)
    assert_same_features(source, load(tmp_path / "w.h5"))


@pytest.mark.parametrize("include_top", [False, True])
def test_keras_3_weights_files(tmp_path, include_top):
    source = mobilenet(include_top=include_top)
    source.save_weights(tmp_path / "w.weights.h5")
    assert_same_features(source, load(tmp_path / "w.weights.h5"))


@pytest.mark.slow
def test_convnext_with_its_classes_is_cut_at_its_own_last_normalization(tmp_path):
    spec = parse_backbone("convnext_tiny")
    source = keras.applications.ConvNeXtTiny(weights=None, input_shape=(32, 32, 3))
    write_applications_file(source, tmp_path / "w.h5")
    identity = FeatureExtractor(spec.name, weights=tmp_path / "w.h5", size=32).resolve()
    assert identity.fields["layers"] == ["convnext_tiny_head_layernorm"]
    assert identity.width == 768


def test_a_file_of_another_network_names_the_first_layer_that_differs(tmp_path):
    other = keras.applications.MobileNet(weights=None, alpha=0.5, include_top=False, input_shape=(32, 32, 3))
    write_applications_file(other, tmp_path / "w.h5")
    with pytest.raises(InputError, match=r"w\.h5' does not fit .*layer 'conv1' has weights of 3×3×3×8.* 3×3×3×16"):
        load(tmp_path / "w.h5")
    other.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(InputError, match=r"w\.weights\.h5' does not fit .*conv1"):
        load(tmp_path / "w.weights.h5")


def test_a_file_with_too_few_layers_is_refused_with_the_missing_layer(tmp_path):
    source = mobilenet(include_top=False)
    part = keras.Model(source.inputs, source.get_layer("conv_pw_3_relu").output)
    write_applications_file(part, tmp_path / "w.h5")
    with pytest.raises(InputError, match="only the network has 'conv_dw_4'"):
        load(tmp_path / "w.h5")


def test_classes_asked_for_but_not_in_the_file(tmp_path):
    write_applications_file(mobilenet(include_top=False), tmp_path / "w.h5")
    with pytest.raises(InputError, match="only the network has 'conv_preds'"):
        load(tmp_path / "w.h5", top=True)


def test_a_file_whose_last_weight_is_a_single_number(tmp_path):
    inputs = keras.Input((4, 4, 3))
    write_applications_file(keras.Model(inputs, layers.Normalization()(inputs)), tmp_path / "w.h5")
    with pytest.raises(InputError, match="does not fit"):
        load(tmp_path / "w.h5")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"no HDF5", "expected an HDF5 file"), (b"", "expected an HDF5 file"), (None, "no weights file")],
)
def test_files_that_are_not_weights_files(tmp_path, content, reason):
    path = tmp_path / "w.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"{reason}"):
        load(path)


def test_hdf5_without_weights(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(InputError, match="contains no Keras weights"):
        load(tmp_path / "w.h5")


# --- ImageNet weights


def test_imagenet_weights_without_internet_access_give_one_sentence(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("URL fetch failure: [Errno -3] Temporary failure in name resolution")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", offline)
    with pytest.raises(InputError, match=r"could not be downloaded \(.*name resolution\).*--weights FILE"):
        load_network(SPEC, "imagenet", (224, 224), seed=0, top=False)


# --- random weights


@pytest.mark.parametrize("backbone", ["resnet_small", "mobilenet:alpha=0.25"])
def test_random_weights_give_a_warning_every_time(backbone):
    images = np.zeros((2, 32, 32, 3), np.uint8)
    for _ in range(2):  # the second time everything comes from the cache
        extractor = FeatureExtractor(backbone, weights="random", size=32)
        with pytest.warns(RandomWeightsWarning, match=r"RANDOM weights \(seed 0\)") as told:
            extractor.transform(images)
        assert sum(issubclass(item.category, RandomWeightsWarning) for item in told) == 1


# --- the user's own network


def save(network, path):
    network.save(path)
    return path


def plain_network():
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x))


def test_a_network_without_rescaling_needs_a_preprocessing(tmp_path):
    path = save(plain_network(), tmp_path / "plain.keras")
    with pytest.raises(InputError, match="no Rescaling or Normalization layer.*--preprocessing none|rescale"):
        FeatureExtractor(path).resolve()
    assert FeatureExtractor(path, preprocessing="tf").resolve().fields["preprocessing"] == "tf"


def test_rescaling_in_other_forms_is_recognised(tmp_path):
    inputs = keras.Input((16, 16, 3))
    convolution = layers.Conv2D(4, 3, name="conv")
    nested = keras.Sequential([keras.Input((16, 16, 3)), layers.RandomFlip(), layers.Rescaling(1 / 255)])
    scaled = {
        "arithmetic": inputs / 255.0,
        "normalization": layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0])(inputs),
        "nested": nested(inputs),
    }
    for name, x in scaled.items():
        path = save(keras.Model(inputs, layers.Flatten()(convolution(x))), tmp_path / f"{name}.keras")
        assert FeatureExtractor(path).resolve().fields["preprocessing"] == "none"
    late = keras.Model(inputs, layers.Flatten()(layers.Rescaling(2.0)(convolution(inputs))))
    with pytest.raises(InputError, match="no Rescaling"):
        FeatureExtractor(save(late, tmp_path / "late.keras")).resolve()


def test_code_in_a_network_file_is_not_run(tmp_path):
    inputs = keras.Input((16, 16, 3))
    network = keras.Model(inputs, layers.Lambda(lambda x: x / 255)(inputs))
    path = save(network, tmp_path / "lambda.keras")
    with pytest.raises(InputError, match=r"lambda\.keras' cannot be loaded .* in safe mode: .*[Ll]ambda"):
        FeatureExtractor(path).resolve()


def test_files_that_are_not_network_files(tmp_path):
    (tmp_path / "x.keras").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match=r"x\.keras' cannot be loaded as a Keras network"):
        FeatureExtractor(tmp_path / "x.keras").resolve()


def test_networks_that_take_no_images_are_refused(tmp_path):
    inputs = keras.Input((16,))
    path = save(keras.Model(inputs, layers.Dense(2)(layers.Rescaling(2.0)(inputs))), tmp_path / "rows.keras")
    with pytest.raises(InputError, match=r"inputs of shape \(16,\); expected images"):
        FeatureExtractor(path).resolve()


def test_the_size_must_be_the_networks(tmp_path, tiny_network):
    with pytest.raises(InputError, match="takes images of 16×16, so size=32"):
        FeatureExtractor(tiny_network, size=32).resolve()
    assert FeatureExtractor(tiny_network, size=16).resolve() == FeatureExtractor(tiny_network).resolve()
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, name="conv")(layers.Rescaling(1 / 255)(inputs))
    path = save(keras.Model(inputs, layers.GlobalAveragePooling2D()(x)), tmp_path / "any.keras")
    with pytest.raises(InputError, match="any size. Give one with --size"):
        FeatureExtractor(path).resolve()
    assert FeatureExtractor(path, size=(20, 24)).resolve().size == (20, 24)


@pytest.mark.parametrize(
    ("backbone", "weights", "reason"),
    [
        ("resnet_small", "imagenet", "hybrid train"),
        ("mobilenet", "missing.h5", "expected 'imagenet', 'random' or a file"),
        (None, "imagenet", "has its own weights; leave it out"),
    ],
)
def test_weights_that_do_not_go_with_the_backbone(backbone, weights, reason, tiny_network):
    with pytest.raises(InputError, match=reason):
        FeatureExtractor(backbone or tiny_network, weights=weights).resolve()


# --- real weights


@pytest.mark.data
def test_both_files_of_mobilenet_give_the_same_embedding(data_folder, pixels):
    files = [data_folder / "weights" / f"mobilenet_2_5_224_tf{end}.h5" for end in ("", "_no_top")]
    options = {"size": 64}
    with_top, without = (FeatureExtractor("mobilenet:alpha=0.25", weights=file, **options) for file in files)
    assert with_top.resolve() == without.resolve()
    np.testing.assert_array_equal(with_top.transform(pixels), without.transform(pixels))


@pytest.mark.data
def test_layers_among_the_classes_need_the_file_that_has_them(data_folder):
    files = [data_folder / "weights" / f"mobilenet_2_5_224_tf{end}.h5" for end in ("", "_no_top")]
    assert FeatureExtractor("mobilenet:alpha=0.25", "conv_preds", weights=files[0]).resolve().width == 1000
    with pytest.raises(InputError, match="only the network has 'conv_preds'"):
        FeatureExtractor("mobilenet:alpha=0.25", "conv_preds", weights=files[1]).resolve()
