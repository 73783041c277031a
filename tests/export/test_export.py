"""Saved models as one ONNX file: from pixels they say what the model says, or there is no file."""

import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from made_dicom import whole

from hybrid.datasets import load_dataset
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.images.views import Views
from hybrid.pipelines import load_model, make_pipeline, save_model

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = [
    pytest.mark.network,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*RANDOM weights"),
]

_translated = {}


@pytest.fixture(autouse=True)
def translate_each_network_once(monkeypatch):
    """Translating takes seconds; what comes of a network is the same for all heads on it."""
    from hybrid.export import assembling
    from hybrid.export.network import to_onnx

    def once(extractor):
        key = extractor.resolve().fingerprint
        if key not in _translated:
            _translated[key] = to_onnx(extractor).SerializeToString()
        return onnx.load_from_string(_translated[key])

    monkeypatch.setattr(assembling, "to_onnx", once)


@pytest.fixture
def grey_images():
    """Forty grey pictures of three classes, by their brightness."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 3
    return (rng.integers(0, 90, (40, 16, 16)) + 70 * y[:, None, None]).astype(np.uint8), np.array(["a", "b", "c"])[y]


@pytest.fixture
def image_model(tiny_network, grey_images, tmp_path):
    return save_model(make_pipeline(tiny_network, "svm").fit(*grey_images), tmp_path / "mine")


def export(*args, **kwargs):
    from hybrid.export import export_onnx

    return export_onnx(*args, **kwargs)


def run(path, *feeds):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    assert [one.name for one in session.get_outputs()] == ["probabilities", "label"]
    return session.run(None, dict(zip(names, feeds, strict=True)))


def test_the_file_says_what_the_model_says_of_any_number_of_images(image_model, grey_images, tmp_path, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *args: pytest.fail("a connection was opened"))
    X, _ = grey_images
    done = export(image_model, tmp_path / "out.onnx", check=X)
    pixels, pipeline = np.repeat(X[..., None], 3, axis=3), load_model(image_model)
    for rows in (slice(0, 1), slice(0, 40)):
        proba, label = run(done.path, pixels[rows])
        np.testing.assert_allclose(proba, pipeline.predict_proba(X[rows]), rtol=0, atol=1e-4)
        assert label.tolist() == pipeline.predict(X[rows]).tolist()
    assert (done.agreement.images, done.agreement.source) == (40, "the given images")
    assert done.agreement.largest_difference < 1e-4


def test_the_file_says_what_it_is(image_model, grey_images, tmp_path):
    done = export(image_model, tmp_path / "out.onnx", check=grey_images[0], images=5)
    graph = onnx.load(done.path)
    onnx.checker.check_model(graph, full_check=True)
    notes = {prop.key: prop.value for prop in graph.metadata_props}
    assert notes == done.notes
    assert json.loads(notes["classes"]) == ["a", "b", "c"]
    assert (notes["task"], notes["model"], notes["aim"]) == ("multiclass", "mine", "null")
    assert json.loads(notes["checked"])["images"] == 5
    [pixels] = graph.graph.input
    assert pixels.name == "pixels"
    assert [one.dim_param or one.dim_value for one in pixels.type.tensor_type.shape.dim] == ["N", 16, 16, 3]
    assert "RGB" in pixels.doc_string
    assert "bilinear" in pixels.doc_string
    assert str(tmp_path) not in str(graph)


def test_extractors_side_by_side_have_an_input_for_each_size(tiny_network, grey_images, tmp_path):
    X, y = grey_images
    extractors = [
        FeatureExtractor(tiny_network, layers=["conv_a", "hidden"], pooling="both"),
        FeatureExtractor("convnet_bn", size=(20, 24)),
        FeatureExtractor(tiny_network),
    ]
    model = save_model(make_pipeline(extractors, "softmax", pca=5).fit(X, y == "b"), tmp_path / "model")
    done = export(model, tmp_path / "out.onnx", check=X)
    assert done.agreement.largest_difference < 1e-4
    names = [one.name for one in onnx.load(done.path).graph.input]
    assert names == ["pixels_16x16x3_bilinear", "pixels_20x24x3_bilinear"]


@pytest.fixture
def dicom_files(tmp_path):
    """Twenty-four DICOM files of two classes; what tells them apart is far above their own window."""
    from made_dicom import dicom

    rng, paths = np.random.default_rng(0), []
    for number in range(24):
        values = rng.integers(0, 100, (16, 16)) + 3000 + 900 * (number % 2)
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(dicom(values.astype(np.uint16), bits=12, WindowCenter=300, WindowWidth=600))
    return [str(path) for path in paths], np.array(["a", "b"])[np.arange(24) % 2]


def test_a_saved_and_an_exported_model_keep_the_window(tiny_network, dicom_files, tmp_path):
    """Given the pixels that its description asks for, the graph says what the model says of the DICOM files."""
    X, y = dicom_files
    fitted = make_pipeline(FeatureExtractor(tiny_network, window=(3500, 1500)), "softmax").fit(X, y)
    loaded = load_model(save_model(fitted, tmp_path / "model"))
    assert loaded[0].reading == fitted[0].reading
    assert loaded.score(X, y) == 1
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    done = export(tmp_path / "model", tmp_path / "out.onnx", check=X)
    [described] = onnx.load(done.path).graph.input
    window = re.search(r"window (\S+)$", described.doc_string)[1]
    pixels = np.stack([whole(Path(path).read_bytes(), window=window) for path in X]).astype(np.uint8)
    proba, label = run(done.path, np.repeat(pixels[..., None], 3, axis=3))
    np.testing.assert_allclose(proba, fitted.predict_proba(X), rtol=0, atol=1e-4)
    assert label.tolist() == y.tolist()
    as_stated = make_pipeline(FeatureExtractor(tiny_network), "softmax").fit(X, y)  # all white in the files' own window
    assert np.ptp(as_stated.predict_proba(X)[:, 0]) < 1e-6


def test_extractors_with_different_windows_have_an_input_each(tiny_network):
    from hybrid.export.assembling import inputs_of

    windows = ("full", (3500, 1500), (-3500, 1500), (3.5, 15), (3, 5.15))
    inputs = inputs_of([FeatureExtractor(tiny_network, window=window) for window in windows])
    assert len({one.name for one in inputs}) == 5
    said = [one.describe().doc_string.rpartition("window ")[2] for one in inputs]
    assert said == ["full", "3500,1500", "-3500,1500", "3.5,15", "3,5.15"]


def test_a_networks_own_output(tiny_network, grey_images, tmp_path):
    from hybrid.classifiers import NetworkOutput

    extractor = FeatureExtractor(tiny_network, layers="probabilities")
    pipeline = make_pipeline(extractor, NetworkOutput(), scale=False).fit(*grey_images)
    done = export(save_model(pipeline, tmp_path / "model"), tmp_path / "out.onnx", check=grey_images[0])
    pixels = np.repeat(grey_images[0][..., None], 3, axis=3)
    np.testing.assert_allclose(run(done.path, pixels)[0], pipeline.predict_proba(grey_images[0]), rtol=0, atol=1e-5)


def normalised(x):
    import keras

    return keras.layers.Normalization(mean=[90.0], variance=[400.0])(x)


def centred(x):
    """As Keras's own preprocessing of ResNet50 and VGG does it: an operation with a tensor that is no weight."""
    import keras

    return keras.ops.add(x, keras.ops.convert_to_tensor(np.full((1, 1, 1, 1), -90.0, np.float32)))


@pytest.mark.parametrize("preprocess", [normalised, centred])
def test_a_network_with_constants_of_its_own(grey_images, tmp_path, preprocess):
    import keras

    inputs = keras.Input((16, 16, 1))
    x = keras.layers.Conv2D(4, 5)(preprocess(inputs))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(x))
    keras.Model(inputs, outputs).save(tmp_path / "own.keras")
    X, y = grey_images
    model = save_model(make_pipeline(tmp_path / "own.keras", "softmax").fit(X, y), tmp_path / "model")
    done = export(model, tmp_path / "out.onnx", check=X)
    np.testing.assert_allclose(run(done.path, X[..., None])[0], load_model(model).predict_proba(X), rtol=0, atol=1e-4)


@pytest.mark.parametrize("there", [False, True])
def test_a_graph_that_differs_leaves_no_file(image_model, grey_images, tmp_path, monkeypatch, there):
    from hybrid.export import assembling
    from hybrid.export.heads import probabilities

    def wrong(graph, *args):
        return graph.add("Mul", probabilities(graph, *args), graph.constant(np.float64(0.999)))

    monkeypatch.setattr(assembling, "probabilities", wrong)
    path = tmp_path / "out" / "mine.onnx"
    if there:
        path.parent.mkdir()
        path.write_text("as it was")
    with pytest.raises(InputError, match=r"differ from the model's by up to \d.*Even for the same embeddings"):
        export(image_model, path, check=grey_images[0])
    assert path.read_text() == "as it was" if there else not path.parent.exists()
    with pytest.raises(InputError, match="Even for the same embeddings"):
        export(image_model, path, check=grey_images[0], tolerance=0.1)


def test_embeddings_that_differ_are_told_from_a_head_that_does(image_model, grey_images, tmp_path, monkeypatch):
    from hybrid.export import assembling

    whole = assembling.to_onnx

    def off(extractor):
        network = whole(extractor)
        [last] = [node for node in network.graph.node if network.graph.output[0].name in node.output]
        last.output[:] = ["before"]
        network.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1.01), "off"))
        network.graph.node.append(onnx.helper.make_node("Mul", ["before", "off"], [network.graph.output[0].name]))
        return network

    monkeypatch.setattr(assembling, "to_onnx", off)
    with pytest.raises(InputError, match="For the same embeddings they agree to .*larger tolerance"):
        export(image_model, tmp_path / "out.onnx", check=grey_images[0])
    assert not (tmp_path / "out.onnx").exists()
    done = export(image_model, tmp_path / "out.onnx", check=grey_images[0], tolerance=0.2)
    assert done.agreement.largest_difference > 1e-4 > done.agreement.of_the_same_embeddings


def test_what_cannot_be_exported_is_refused_and_says_why(tiny_network, grey_images, tmp_path):
    from hybrid.pipelines import make_head_pipeline

    X, y = grey_images
    path = tmp_path / "out.onnx"
    alone = save_model(make_head_pipeline("softmax").fit(X[:, 0], y), tmp_path / "alone")
    with pytest.raises(InputError, match="takes embeddings, not images"):
        export(alone, path)
    fitted = make_pipeline(tiny_network, "softmax").fit(X, y)
    views = save_model(fitted, tmp_path / "views", info={"views": Views(2).fields()})
    with pytest.raises(InputError, match="averages its predictions over random views"):
        export(views, path)
    low = make_pipeline(FeatureExtractor(tiny_network, precision="bfloat16", runtime="keras"), "softmax").fit(X, y)
    with pytest.raises(InputError, match="computed in bfloat16"):
        export(save_model(low, tmp_path / "low"), path, check=X)
    assert not path.exists()


@pytest.mark.parametrize("package", ["onnx", "skl2onnx"])
def test_a_missing_package_is_one_sentence_with_the_command(hybrid, image_model, monkeypatch, package):
    from hybrid.export import export as module

    find = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == package else find(name))
    said = hybrid("export", image_model, code=1)
    assert f"needs the package '{package}'" in said
    assert "pip install 'hybrid-features[onnx]'" in said


def test_on_the_command_line_its_own_dataset_is_the_check(hybrid, tiny_network, tmp_path):
    from made_pictures import write_dots

    write_dots(tmp_path)
    dataset = load_dataset(tmp_path / "dots.npz")
    info = {"model": "svm on dots", "dataset": {"name": "dots", "arguments": dataset.arguments}}
    save_model(make_pipeline(tiny_network, "svm").fit(dataset.X, dataset.y), tmp_path / "model", info=info)
    said = hybrid("export", "model", "--format", "onnx", "--images", 50)
    assert "Wrote svm_on_dots.onnx" in said
    assert "50 images (dots)" in said
    (tmp_path / "dots.npz").unlink()
    found = json.loads(hybrid("export", "model", "--output", "other.onnx", "--json"))
    assert found["agreement"]["source"] == "synthetic images"
    assert found["agreement"] == json.loads(found["notes"]["checked"])
    assert (tmp_path / "other.onnx").exists()


def test_on_the_command_line_a_folder_is_the_check_and_broken_images_are_passed_over(hybrid, image_model, image_files):
    folder = image_files[0].parent
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    assert "12 images (the given images)" in hybrid("export", image_model, "--check", folder)
    for path in image_files:
        path.unlink()
    assert "None of the 1 images" in hybrid("export", image_model, "--check", folder, "--output", "x.onnx", code=1)


@pytest.mark.data
@pytest.mark.slow
def test_real_images_through_a_real_network(data_folder, tmp_path):
    dataset = load_dataset(data_folder / "pneumoniamnist" / "pneumoniamnist.npz")
    weights = data_folder / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    train, val = dataset.part("train"), dataset.part("val")
    extractor = FeatureExtractor("mobilenet:alpha=0.25", weights=weights, size=64)
    for head, params in (("svm", {}), ("softmax", {}), ("xgboost", {}), ("forest", {"n_estimators": 50})):
        pipeline = make_pipeline(extractor, head, **params).fit(train.X[:400], train.y[:400])
        tolerance = 0.05 if head == "forest" else 1e-4  # a tree's split may lie within the last digits of an embedding
        path = tmp_path / f"{head}.onnx"
        done = export(save_model(pipeline, tmp_path / head), path, check=val.X, tolerance=tolerance).agreement
        assert done.images == 256
        assert done.largest_difference <= tolerance
        assert done.of_the_same_embeddings < 1e-5
