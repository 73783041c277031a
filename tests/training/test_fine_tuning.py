"""Fine-tuning of a pretrained backbone: what learns when, and that its network is one like any other."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from killed import Killed
from tiers import slow

from hybrid import FeatureExtractor
from hybrid.datasets import Dataset
from hybrid.errors import InputError
from hybrid.extractors import find_backbone
from hybrid.extractors.backbones.load import load_keras_file
from hybrid.extractors.backbones.new_output import build_pretrained
from hybrid.extractors.backbones.pretrained import Pretrained, parse_trainable
from hybrid.training import FineTuning, TrainingOptions, train_network
from hybrid.training.fine_tuning import upper_layers

pytestmark = pytest.mark.network

ARCH = "mobilenet:alpha=0.25"
FINE = FineTuning(head_epochs=0.5, unfreeze=3)
OPTIONS = TrainingOptions(epochs=4, batch_size=8, augment=("flip",), fine_tuning=FINE, random_state=2)
SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def dark_or_light():
    """Twenty-eight images, dark and light in turn, in three splits."""
    rng = np.random.default_rng(1)
    labels = np.array(["dark", "light"] * 14)
    pixels = rng.integers(0, 160, (28, 32, 32)) + np.where(labels == "light", 60, 0)[:, None, None]
    split = ["train"] * 16 + ["val"] * 6 + ["test"] * 6
    return Dataset.from_arrays(pixels.astype(np.uint8), labels, split=split)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    """A backbone whose weights let signals through, in a file: those that Keras draws do not, in inference mode."""
    keras.utils.set_random_seed(0)
    backbone = keras.applications.MobileNet(weights=None, include_top=False, alpha=0.25, input_shape=SHAPE)
    for layer in backbone.layers:
        if "kernel" in [weight.name for weight in layer.weights]:
            kernel = layer.kernel
            inputs = np.prod(kernel.shape[:2] if "dw" in layer.name else kernel.shape[:3])
            layer.set_weights([np.random.default_rng(0).normal(0, (2 / inputs) ** 0.5, kernel.shape)])
    path = tmp_path_factory.mktemp("weights") / "made.weights.h5"
    backbone.save_weights(path)
    return Pretrained(ARCH, str(path))


def train(network, dataset, path=None, kill_after=None, options=OPTIONS):
    def report(epoch):
        if epoch.number == kill_after:
            raise Killed

    return train_network(network, dataset, options, size=32, report=report, state=path)


@pytest.fixture(scope="module")
def undisturbed(pretrained, dark_or_light):
    """A whole fine-tuning, both stages of it."""
    return train(pretrained, dark_or_light)


def weights_by_layer(network):
    backbone = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    return {layer.name: layer.get_weights() for layer in [*backbone.layers, network.layers[-1]] if layer.weights}


def changed(before, after):
    return {name for name, values in before.items() if not all(map(np.array_equal, values, after[name]))}


def test_first_the_output_learns_then_the_upper_layers_and_batch_norm_never(pretrained, dark_or_light, undisturbed):
    head_only = replace(FINE, unfreeze=0)
    one = train(pretrained, dark_or_light, options=replace(OPTIONS, fine_tuning=head_only, epochs=2))
    both = undisturbed
    start = weights_by_layer(pretrained.build(SHAPE, 2))
    del start["probabilities"]  # it begins as the training's seed says
    assert changed(start, weights_by_layer(one.last)) == set()
    assert changed(start, weights_by_layer(both.last)) == {"conv_pw_12", "conv_dw_13", "conv_pw_13"}
    rates = both.history["learning_rate"]
    assert max(rates[2:]) <= 0.1 * 1e-3 < max(rates[:2])
    assert changed(weights_by_layer(one.last), weights_by_layer(both.last)) >= {"probabilities"}


@pytest.mark.slow
def test_mixed_precision_fine_tunes_to_a_network_of_float32(pretrained, dark_or_light, tmp_path):
    pretrained, mixed = replace(pretrained, given={"dropout": 0.0}), replace(OPTIONS, mixed_precision=True)
    whole = train(pretrained, dark_or_light, options=mixed)  # no dropout: its masks are others in float16
    assert changed(weights_by_layer(pretrained.build(SHAPE, 2)), weights_by_layer(whole.last)) == {
        "conv_pw_12",
        "conv_dw_13",
        "conv_pw_13",
        "probabilities",
    }
    assert {layer.compute_dtype for layer in whole.model.layers} == {"float32"}
    exact = train(pretrained, dark_or_light)
    for name in ("loss", "val_loss"):  # float16 holds three digits
        np.testing.assert_allclose(whole.history[name], exact.history[name], rtol=0.05)
    path = tmp_path / "state.npz"
    with pytest.raises(Killed):
        train(pretrained, dark_or_light, path, 3, mixed)
    resumed = train(pretrained, dark_or_light, path, options=mixed)
    assert resumed.history == whole.history
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(  # in the first stage, between both, in the second
    "kill_after", [slow(1), 2, slow(3)]
)
def test_a_killed_fine_tuning_ends_as_an_undisturbed_one(pretrained, dark_or_light, undisturbed, tmp_path, kill_after):
    path = tmp_path / "state.npz"
    with pytest.raises(Killed):
        train(pretrained, dark_or_light, path, kill_after)
    resumed = train(pretrained, dark_or_light, path)
    assert resumed.resumed == kill_after
    assert resumed.history == undisturbed.history
    for expected, found in zip(undisturbed.last.get_weights(), resumed.last.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_before_training_its_features_are_those_of_the_backbone(pretrained, dark_or_light, tmp_path):
    path = tmp_path / "new.keras"
    pretrained.build(SHAPE, 2).save(path)
    for layer in ("penultimate", "conv_pw_6_relu"):
        expected = FeatureExtractor(ARCH, layer, weights=pretrained.weights, size=32).fit_transform(dark_or_light.X)
        found = FeatureExtractor(path, layer).fit_transform(dark_or_light.X)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["mobilenet", "vgg16", "densenet121", "efficientnet_b0"])
def test_each_preprocessing_is_kept_in_the_saved_network(name, monkeypatch, tmp_path):
    """One backbone of each kind: to -1…1, BGR less the mean, standardised, none."""
    inputs = keras.Input((4, 4, 3))
    mirror = keras.Model(inputs, keras.layers.Identity()(inputs))
    monkeypatch.setattr("hybrid.extractors.backbones.new_output.load_network", lambda *given, **more: mirror)
    spec = Pretrained(name, "random").spec
    build_pretrained(spec, "random", (4, 4, 3), 2).save(tmp_path / "network.keras")
    loaded = load_keras_file(tmp_path / "network.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3)).astype(np.float32)
    seen = keras.Model(loaded.inputs[0], loaded.get_layer("features").output)(pixels)
    own = getattr(keras.applications, find_backbone(name).module).preprocess_input(pixels.copy())
    np.testing.assert_allclose(seen, own.mean(axis=(1, 2)), rtol=1e-4, atol=1e-4)


def test_upper_layers_are_counted_without_batch_norm_or_begin_at_a_name(pretrained):
    built = pretrained.build(SHAPE, 2)
    names = lambda wanted: [layer.name for layer in upper_layers(built, wanted)]  # noqa: E731
    assert names(2) == ["conv_dw_13", "conv_pw_13"]
    assert names("conv_dw_12_relu") == ["conv_pw_12", "conv_dw_13", "conv_pw_13"]
    assert names("all") == names(1000)
    assert len(names("all")) == 27
    with pytest.raises(InputError, match="Unknown layer 'conv_pw_14'. Nearest: 'conv_pw_"):
        upper_layers(built, "conv_pw_14")
    with pytest.raises(InputError, match="no layer with weights at or above 'conv_pw_13_bn'"):
        upper_layers(built, "conv_pw_13_bn")


def test_what_does_not_go_together_is_said(dark_or_light, tmp_path):
    with pytest.raises(InputError, match="fine-tuning were given, but convnet_small is trained from scratch"):
        train_network("convnet_small", dark_or_light, OPTIONS)
    with pytest.raises(InputError, match="weights='imagenet' was given for convnet_bn, which is trained from scratch"):
        parse_trainable("convnet_bn", "imagenet")
    with pytest.raises(InputError, match="There is no weights file"):
        train_network(Pretrained(ARCH, str(tmp_path / "none.h5")), dark_or_light, OPTIONS)
    with pytest.raises(InputError, match="Unknown option of mobilenet 'rate'"):
        Pretrained("mobilenet", given={"rate": 0.1})
    for given, said in (({"head_epochs": 1.0}, "head_epochs=1.0"), ({"unfreeze": -1}, "unfreeze=-1"),
                        ({"unfreeze_rate": 0.0}, "unfreeze_rate=0.0")):  # fmt: skip
        with pytest.raises(InputError, match=f"{said} was given; expected"):
            FineTuning(**given)


def test_the_command_fine_tunes_and_its_network_is_one_like_any_other(hybrid, pretrained, dark_or_light, tmp_path):
    train_, val, test = (dark_or_light.part(name) for name in ("train", "val", "test"))
    arrays = {}
    for name, part in (("train", train_), ("val", val), ("test", test)):
        arrays |= {f"{name}_images": part.X, f"{name}_labels": (part.y == "light").astype(np.uint8)}
    np.savez(tmp_path / "light.npz", **arrays)
    options = ("--size", 32, "--epochs", 2, "--unfreeze", "conv_pw_12", "--name", "tuned")
    assert "% of it waiting for images" in hybrid("train", ARCH, "light.npz", "--weights", pretrained.weights, *options)
    record = json.loads((tmp_path / "hybrid_runs/networks/tuned/training.json").read_text())
    assert record["options"]["fine_tuning"]["unfreeze"] == "conv_pw_12"
    assert record["arch"] == ARCH
    assert json.loads(hybrid("extract", "light.npz", "--json"))["width"] == 256
    hybrid("fit", "svm")
    said = hybrid("train", "convnet_small", "light.npz", "--unfreeze", 3, code=1)
    assert "--unfreeze was given, but convnet_small is trained from scratch" in " ".join(said.split())


@pytest.mark.data
def test_with_a_weights_file_it_learns_from_there(data_folder, dark_or_light):
    file = data_folder / "weights/mobilenet_2_5_224_tf_no_top.h5"
    network = Pretrained(ARCH, str(file))
    trained = train_network(network, dark_or_light, replace(OPTIONS, epochs=2), size=32)
    reference = keras.applications.MobileNet(weights=str(file), include_top=False, alpha=0.25, input_shape=SHAPE)
    before = {layer.name: layer.get_weights() for layer in reference.layers if layer.weights}
    assert changed(before, weights_by_layer(trained.last)) == {"conv_pw_12", "conv_dw_13", "conv_pw_13"}
