"""`hybrid doctor` passes sound extractors, and reports the fault of each kind of unsound extractor."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.doctor import examine
from hybrid.extractors.images.synthetic import synthetic_photographs

pytestmark = [
    pytest.mark.network,
    pytest.mark.filterwarnings("ignore::hybrid.extractors.backbones.parameters.RandomWeightsWarning"),
]


@pytest.fixture(scope="module")
def photographs():
    return synthetic_photographs(6, (16, 16), 3)


@pytest.fixture
def save_network_of(tmp_path):
    """Save a network whose features are a function of the scaled pixels, and return the file."""

    def save(features):
        inputs = keras.Input((16, 16, 3))
        outputs = features(layers.Rescaling(1 / 255)(inputs))
        path = tmp_path / "network.keras"
        keras.Model(inputs, outputs).save(path)
        return path

    return save


def statuses(findings):
    return {finding.check: finding.status for finding in findings}


def failed(findings):
    return {check for check, status in statuses(findings).items() if status == "failed"}


def conv(x):
    return layers.Conv2D(4, 3, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=1))(x)


def test_a_sound_network_passes_in_both_runtimes(tiny_network, photographs):
    found = statuses(examine(FeatureExtractor(tiny_network, "base/conv_b"), photographs))
    assert set(found.values()) <= {"passed", "info", "not run"}
    assert found["same in both runtimes"] == "passed"
    assert found["same alone or in a batch"] == "passed"
    assert found["preprocessing as in Keras"] == "not run"


@pytest.mark.slow
def test_a_network_of_keras_applications_is_compared_with_keras(photographs):
    extractor = FeatureExtractor("mobilenet:alpha=0.25", ["conv_pw_2_relu", "penultimate"], weights="random", size=32)
    found = statuses(examine(extractor, photographs))
    assert found["preprocessing as in Keras"] == "passed"
    assert found["trained weights"] == "warning"


def test_a_wrong_preprocessing_is_found(photographs, monkeypatch):
    extractor = FeatureExtractor("mobilenet:alpha=0.25", "conv_pw_2_relu", weights="random", size=32)
    examine(extractor, photographs)  # the graph is made, with Keras's preprocessing; the reference will have another
    monkeypatch.setattr(keras.applications.mobilenet, "preprocess_input", lambda pixels: pixels / 255)
    assert failed(examine(extractor, photographs)) == {"preprocessing as in Keras"}
    extractor.set_params(preprocessing="rescale", layers="conv_pw_1_relu")
    monkeypatch.undo()
    assert statuses(examine(extractor, photographs))["preprocessing as in Keras"] == "warning"  # it was asked for


def test_a_layer_hard_coded_to_training_mode(save_network_of, photographs):
    path = save_network_of(lambda x: layers.BatchNormalization(name="batch_norm")(conv(x), training=True))
    findings = examine(FeatureExtractor(path), photographs)
    assert failed(findings) == {"inference mode"}
    assert "batch_norm" in next(finding for finding in findings if finding.status == "failed").measured


def test_a_nested_model_called_in_training_mode(save_network_of, photographs):
    inner_input = keras.Input((16, 16, 3))
    inner = keras.Model(inner_input, layers.Dropout(0.5)(conv(inner_input)), name="inner")
    path = save_network_of(lambda x: conv(inner(x, training=True)))
    assert failed(examine(FeatureExtractor(path), photographs)) == {"inference mode"}


def test_an_embedding_that_depends_on_the_other_images(save_network_of, photographs):
    path = save_network_of(lambda x: x - ops.mean(x, axis=0, keepdims=True))
    assert "same alone or in a batch" in failed(examine(FeatureExtractor(path), photographs))


def test_an_embedding_that_depends_on_the_position_in_the_batch(save_network_of, photographs):
    path = save_network_of(lambda x: ops.cumsum(x, axis=0))
    assert failed(examine(FeatureExtractor(path), photographs)) >= {"same in any order", "same alone or in a batch"}


def test_constant_features(save_network_of, photographs):
    path = save_network_of(lambda x: x * 0.0 + 3.0)
    assert failed(examine(FeatureExtractor(path), photographs)) == {"no dead features"}
    path = save_network_of(lambda x: layers.Concatenate()([conv(x), conv(x) * 0.0, conv(x) * 0.0]))
    assert statuses(examine(FeatureExtractor(path), photographs))["no dead features"] == "warning"


def test_features_that_are_not_finite(save_network_of, photographs):
    path = save_network_of(lambda x: ops.sqrt(x - 0.5))
    findings = {finding.check: finding for finding in examine(FeatureExtractor(path), photographs)}
    assert findings["finite features"].status == "failed"
    assert findings["finite features"].value >= 1
    assert findings["same in both runtimes"].status == "warning"  # what cannot be compared is not exported


def test_one_image_is_not_enough(tiny_network, photographs):
    with pytest.raises(InputError, match="two or more"):
        examine(FeatureExtractor(tiny_network), photographs[:1])


def test_synthetic_photographs_are_smooth_varied_and_repeatable():
    pictures = synthetic_photographs(4, (64, 48), 3).astype(float)
    np.testing.assert_array_equal(pictures[:2], synthetic_photographs(2, (64, 48), 3))
    steps = np.abs(np.diff(pictures, axis=1)).mean()
    assert steps < 0.3 * pictures.std(axis=(1, 2)).mean()  # of pure noise it would be 1.1
    assert pictures.mean(axis=(1, 2)).std(axis=0).min() > 5


def test_the_command_prints_the_measurements_and_sets_the_exit_code(
    hybrid, save_network_of, image_folder, tiny_network
):
    record = hybrid.json("doctor", tiny_network, "--layer", "conv_b", "--images", image_folder)
    assert record["sound"]
    assert 2 <= record["examined"] <= 60
    assert {"check", "status", "measured", "value"} == set(record["findings"][0])
    ill = hybrid.result("doctor", save_network_of(lambda x: x * 0.0 + 3.0))
    assert ill.exit_code == 1
    assert "FAILED" in ill.output
    assert "no dead features" in ill.output
