"""Build pipelines from images to labels, and check that a grid search runs each network once."""

import subprocess
import sys

import numpy as np
import pytest
from paths import ROOT
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import Normalizer

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.pipelines import make_head_pipeline, make_pipeline, tune

# Keras's TensorFlow backend meets NumPy 2 so when it reads its own variables.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def embeddings():
    rng = np.random.default_rng(0)
    X = rng.normal(5, 3, size=(60, 12)).astype(np.float32)
    return X, np.where(X[:, 0] + X[:, 1] > 10, "sick", "healthy")


def test_importing_the_package_imports_no_heavy_library():
    code = "import hybrid.pipelines, sys; print({'sklearn', 'keras', 'numpy', 'skops'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_steps_have_names_that_grids_can_use():
    pipeline = make_pipeline("resnet50", "svm", pca=0.9, C=0.5)
    assert list(pipeline.named_steps) == ["extractor", "scaler", "pca", "head"]
    assert pipeline.get_params()["head__C"] == 0.5
    assert pipeline.get_params()["extractor__backbone"] == "resnet50"
    assert list(make_head_pipeline("svm", scale=False).named_steps) == ["head"]


def test_a_scikit_learn_classifier_can_be_the_head(embeddings):
    pipeline = make_head_pipeline(LogisticRegression()).fit(*embeddings)
    assert pipeline.predict(embeddings[0][:3]).dtype.kind == "U"


def test_additional_steps_come_before_the_head(embeddings):
    pipeline = make_pipeline("resnet50", Normalizer(), Normalizer("l1"), "svm", pca=0.9, C=0.5)
    assert list(pipeline.named_steps) == ["extractor", "scaler", "pca", "normalizer", "normalizer-2", "head"]
    assert pipeline.get_params()["head__C"] == 0.5
    named = make_head_pipeline(PCA(3), head="softmax", scale=False)
    assert list(named.named_steps) == ["pca", "head"]
    assert named.fit(*embeddings)[-1].n_features_in_ == 3
    assert list(make_head_pipeline(PCA(3), "svm", pca=5).named_steps) == ["scaler", "pca", "pca-2", "head"]


@pytest.mark.parametrize("pca", [None, 3, 0.9])
def test_the_input_of_the_head_is_float32(embeddings, pca):
    pipeline = make_head_pipeline("softmax", pca=pca).fit(*embeddings)
    assert pipeline[:-1].transform(embeddings[0]).dtype == np.float32


def test_scaling_makes_the_scale_of_a_column_irrelevant(embeddings):
    X, y = embeddings
    far = X * np.float32(1024)
    same = [make_head_pipeline("softmax").fit(data, y).predict_proba(data) for data in (X, far)]
    np.testing.assert_allclose(*same, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mobilenet", "svn"), "Unknown head 'svn'. Nearest: 'svm'"),
        (("mobilenet", LogisticRegression), "expected a head's name or a scikit-learn classifier"),
        (("mobilenet",), "No head was given"),
        (
            ("mobilenet", "svm", "softmax"),
            "The step 'svm' was given before the head; expected a scikit-learn transformer",
        ),
        (("mobilenet", Normalizer, "svm"), "was given before the head; expected a scikit-learn transformer"),
        ((LogisticRegression(), "svm"), "The extractor is an object of type LogisticRegression"),
        ((FeatureExtractor("mobilenet", pooling="none"), "svm"), "pooling='none', which returns feature maps"),
    ],
)
def test_an_invalid_step_is_named(arguments, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        make_pipeline(*arguments)


@pytest.mark.parametrize("pca", [0, -1, 1.0, 1.5, True, "half"])
def test_pca_out_of_range_is_rejected(pca):
    with pytest.raises(InputError, match="number of components"):
        make_head_pipeline("svm", pca=pca)


def test_head_parameters_with_a_head_object_are_rejected():
    with pytest.raises(InputError, match="give the head by name"):
        make_head_pipeline(LogisticRegression(), C=1.0)


def test_a_grid_over_layers_and_heads_runs_each_image_through_each_network_once(tiny_network, dark_and_light, computed):
    X, y = dark_and_light
    grid = {"extractor__layers": ["base/conv_a", "pool", ["base/conv_a", "hidden"]], "head__C": [0.01, 0.1, 1.0]}
    search = GridSearchCV(make_pipeline(tiny_network, "softmax"), grid, cv=4, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.9
    assert sum(computed) == 3 * len(X)


def test_tuning_on_images_runs_each_image_once(tiny_network, dark_and_light, computed):
    X, y = dark_and_light
    search = tune(make_pipeline(tiny_network, "svm"), X, y, cv=3)
    assert set(search.best_params_) == {"head__C"}
    assert sum(computed) == len(X)


def test_paths_and_pixels_give_the_same_labels(tiny_network, dark_and_light, tmp_path):
    from PIL import Image

    X, y = dark_and_light
    paths = [tmp_path / f"{number}.png" for number in range(len(X))]
    for path, pixels in zip(paths, X, strict=True):
        Image.fromarray(pixels).save(path)
    pipeline = make_pipeline(tiny_network, "softmax").fit(X, y)
    np.testing.assert_array_equal(pipeline.predict_proba(paths), pipeline.predict_proba(X))


def test_several_extractors_are_concatenated_and_have_names_for_grids(tiny_network, dark_and_light, computed):
    X, y = dark_and_light
    extractors = [FeatureExtractor(tiny_network, layers=layer) for layer in ("base/conv_a", "hidden")]
    pipeline = make_pipeline(extractors, "softmax")
    assert [name for name, _ in pipeline[0].transformer_list] == ["tiny", "tiny-2"]
    expected = np.hstack([extractor.transform(X) for extractor in extractors])
    np.testing.assert_array_equal(pipeline[0].fit_transform(X), expected)
    assert expected.dtype == pipeline[0].transform(X).dtype == np.float32
    grid = {"extractor__tiny-2__layers": ["pool", "hidden"], "head__C": [0.01, 1.0]}
    assert GridSearchCV(pipeline, grid, cv=4, error_score="raise").fit(X, y).best_score_ > 0.9
    assert sum(computed) == 3 * len(X)


def test_a_list_of_one_extractor_is_accepted_and_an_empty_list_rejected():
    assert isinstance(make_pipeline(["resnet50"], "svm")[0], FeatureExtractor)
    with pytest.raises(InputError, match="No extractor was given"):
        make_pipeline([], "svm")
    with pytest.raises(InputError, match="pooling='none'"):
        make_pipeline(["resnet50", FeatureExtractor("mobilenet", pooling="none")], "svm")
