"""Saved models that take images: the network is saved with the model and verified when it is loaded."""

import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from made_models import rewrite
from paths import ROOT
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from hybrid.classifiers import make_head
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.pipelines import load_model, make_head_pipeline, make_pipeline, read_manifest, save_model

# Keras's TensorFlow backend meets NumPy 2 so when it reads its own variables; networks here are tiny and untrained.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*RANDOM weights"),
]


PREDICT = """
import sys
import numpy as np
from hybrid.pipelines import load_model

pipeline = load_model(sys.argv[1])
assert not {"keras", "tensorflow"} & set(sys.modules)
np.save(sys.argv[3], pipeline.predict_proba(np.load(sys.argv[2])))
"""


def test_a_model_predicts_without_the_cache_and_the_original_network(
    tiny_network, dark_and_light, tmp_path, monkeypatch
):
    X, y = dark_and_light
    mine = tmp_path / "mine.keras"
    mine.write_bytes(tiny_network.read_bytes())
    pipeline = make_pipeline(mine, "svm").fit(X, y)
    model = save_model(pipeline, tmp_path / "model")
    expected = pipeline.predict_proba(X)
    mine.unlink()
    moved = model.replace(tmp_path / "moved")
    np.save(tmp_path / "X.npy", X)
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "other cache"))
    arguments = [str(moved), str(tmp_path / "X.npy"), str(tmp_path / "proba.npy")]
    subprocess.run([sys.executable, "-c", PREDICT, *arguments], cwd=ROOT, check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "proba.npy"), expected)


def test_a_head_fitted_to_embeddings_is_saved_with_their_extractor(tiny_network, dark_and_light, tmp_path):
    X, y = dark_and_light
    extractor = FeatureExtractor(tiny_network)
    pipeline = make_head_pipeline("xgboost", n_estimators=5).fit(extractor.transform(X), y)
    model = save_model(pipeline, tmp_path / "model", extractor=extractor)
    loaded = load_model(model)
    assert list(loaded.named_steps) == ["extractor", "scaler", "head"]
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(extractor.transform(X)))
    (record,) = read_manifest(model).extractors
    assert record.fingerprint == extractor.resolve().fingerprint
    assert record.params["backbone"] == "network/network.keras"


def test_an_extractor_that_does_not_fit_is_rejected(tiny_network, dark_and_light, tmp_path):
    X, y = dark_and_light
    extractor = FeatureExtractor(tiny_network)
    pipeline = make_head_pipeline("softmax").fit(np.ones((len(y), 7)) * (y == "light")[:, None], y)
    with pytest.raises(InputError, match=r"embeddings of shape .5,., but the pipeline was fitted to 7"):
        save_model(pipeline, tmp_path / "model", extractor=extractor)
    with pytest.raises(InputError, match="already has an extractor"):
        save_model(make_pipeline(extractor, "softmax").fit(X, y), tmp_path / "model", extractor=extractor)


def test_a_replaced_network_is_rejected(tiny_network, other_network, dark_and_light, tmp_path):
    X, y = dark_and_light
    model = save_model(make_pipeline(tiny_network, "softmax").fit(X, y), tmp_path / "model")
    copy = model / "network" / "network.keras"
    copy.write_bytes(other_network.read_bytes())
    with pytest.raises(InputError, match=r"not as it was saved: network/network\.keras"):
        load_model(model)
    other = save_model(make_pipeline(other_network, "softmax").fit(X, y), tmp_path / "other")
    rewrite(model, files=read_manifest(model).to_dict()["files"] | {"network/network.keras": network_record(other)})
    with pytest.raises(InputError, match=r"expected .*\. Its weights or the version of Keras"):
        load_model(model).predict(X)


def test_a_network_outside_the_folder_is_rejected(tiny_network, dark_and_light, tmp_path):
    X, y = dark_and_light
    model = save_model(make_pipeline(tiny_network, "softmax").fit(X, y), tmp_path / "model")
    (record,) = read_manifest(model).extractors
    for parameter, value in (("backbone", str(tiny_network)), ("backbone", "../x.keras"), ("weights", "/etc/hostname")):
        rewrite(model, extractors=[asdict(record) | {"params": record.params | {parameter: value}}])
        with pytest.raises(InputError):
            load_model(model)


@pytest.mark.network
def test_random_weights_are_not_saved_but_rebuilt_and_checked(dark_and_light, tmp_path):
    X, y = dark_and_light
    pipeline = make_pipeline(FeatureExtractor("convnet_small", size=16, random_state=3), "softmax").fit(X, y)
    model = save_model(pipeline, tmp_path / "model")
    assert set(read_manifest(model).files) == {"head.skops"}
    np.testing.assert_array_equal(load_model(model).predict_proba(X), pipeline.predict_proba(X))
    (record,) = read_manifest(model).extractors
    rewrite(model, extractors=[asdict(record) | {"params": record.params | {"seed": 4}}])
    with pytest.raises(InputError, match="gives an extractor with the fingerprint"):
        load_model(model).predict(X)


@pytest.mark.network
def test_a_weights_file_is_saved_with_the_model(tmp_path):
    size, path = 32, tmp_path / "alpha.weights.h5"
    save_random_weights(path)
    X = np.random.default_rng(0).integers(0, 256, (8, size, size, 3), dtype=np.uint8)
    extractor = FeatureExtractor("mobilenet:alpha=0.25", weights=path, size=(size, size))
    pipeline = make_pipeline(extractor, "softmax").fit(X, np.repeat(["a", "b"], 4))
    model, expected = save_model(pipeline, tmp_path / "model"), pipeline.predict_proba(X)
    path.unlink()
    assert read_manifest(model).extractors[0].params["weights"] == "network/network.weights.h5"
    np.testing.assert_array_equal(load_model(model).predict_proba(X), expected)


def test_each_of_several_extractors_is_loaded_with_its_own_network(
    tiny_network, other_network, dark_and_light, tmp_path, monkeypatch
):
    X, y = dark_and_light
    mine, weights = tmp_path / "mine.keras", tmp_path / "b.weights.h5"
    mine.write_bytes(tiny_network.read_bytes())
    save_random_weights(weights)
    extractors = [
        FeatureExtractor(mine, layers="conv_a"),
        FeatureExtractor(other_network),
        FeatureExtractor(mine, layers="hidden"),
        FeatureExtractor("mobilenet:alpha=0.25", weights=weights, size=32),
    ]
    pipeline = make_pipeline(extractors, "xgboost", n_estimators=5).fit(X, y)
    model, expected = save_model(pipeline, tmp_path / "model"), pipeline.predict_proba(X)
    copies = ["network/network-2.keras", "network/network-3.weights.h5", "network/network.keras"]
    manifest = read_manifest(model)
    assert sorted(name for name in manifest.files if name.startswith("network/")) == copies
    assert [record.backbone for record in manifest.extractors] == [
        "network/network.keras",
        "network/network-2.keras",
        "network/network.keras",
        "mobilenet:alpha=0.25",
    ]
    mine.unlink()
    weights.unlink()
    np.save(tmp_path / "X.npy", X)
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "other cache"))
    arguments = [str(model.replace(tmp_path / "moved")), str(tmp_path / "X.npy"), str(tmp_path / "proba.npy")]
    subprocess.run([sys.executable, "-c", PREDICT, *arguments], cwd=ROOT, check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "proba.npy"), expected)


def test_a_head_fitted_to_several_embeddings_is_saved_with_all_extractors(
    tiny_network, other_network, dark_and_light, tmp_path
):
    X, y = dark_and_light
    extractors = [FeatureExtractor(tiny_network), FeatureExtractor(other_network, layers=["conv_a", "hidden"])]
    embeddings = np.hstack([extractor.transform(X) for extractor in extractors])
    pipeline = make_head_pipeline("softmax").fit(embeddings, y)
    loaded = load_model(save_model(pipeline, tmp_path / "model", extractor=extractors))
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(embeddings))
    with pytest.raises(InputError, match=r"shape .5,., but the pipeline was fitted to 14 columns"):
        save_model(pipeline, tmp_path / "model", extractor=extractors[:1])


def test_a_union_with_another_transformer_is_not_saved(tiny_network, dark_and_light, tmp_path):
    X, y = dark_and_light
    union = FeatureUnion([("deep", FeatureExtractor(tiny_network)), ("flat", FunctionTransformer(flatten))])
    with pytest.raises(InputError, match=r"which cannot be loaded safely"):
        save_model(Pipeline([("features", union), ("head", make_head("softmax"))]).fit(X, y), tmp_path / "model")


def flatten(X):
    return X.reshape(len(X), -1)


def save_random_weights(path):
    import keras

    keras.utils.set_random_seed(0)
    keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None).save_weights(path)


def network_record(folder):
    return read_manifest(folder).to_dict()["files"]["network/network.keras"]
