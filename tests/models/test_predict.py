"""`hybrid predict` and the pipeline that `load_model` returns give the same labels and probabilities."""

import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline

from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.views import Views
from hybrid.models.predict import predict_images
from hybrid.pipelines import adjust, load_model, make_ensemble, make_head_pipeline, save_model
from hybrid.pipelines.views import ViewPipeline

VIEWS = Views(3, Augmentation((("rotate", 20), ("brightness", 0.3))), seed=4)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    paths = [str(folder / f"{number:02d}.png") for number in range(24)]
    for number, path in enumerate(paths):
        pixels = rng.integers(0, 120, (16, 16, 3)) + 100 * (number % 2) + 30 * (number % 3 == 0)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return paths


@pytest.fixture
def extractors(tiny_network, cache):
    return [FeatureExtractor(str(tiny_network), layers=layer, cache=cache) for layer in ("hidden", "conv_a")]


BINARY = np.where(np.arange(24) % 2, "bright", "dark")
LABELS = np.stack([np.arange(24) % 2, np.arange(24) % 3 == 0], axis=1).astype(int)


def embeddings(extractors, paths):
    return np.concatenate([extractor.transform(paths) for extractor in extractors], axis=1)


def saved(case, extractors, paths, folder):
    """A saved model of one kind."""
    if case not in ("several extractors", "ensemble"):
        extractors = extractors[:1]
    X, y = embeddings(extractors, paths), LABELS if "labels" in case else BINARY
    if case == "ensemble":
        widths = [extractor.resolve().width for extractor in extractors]
        head = Pipeline([("head", make_ensemble(widths, ["svm", "softmax"]))]).fit(X, y)
    else:
        head = make_head_pipeline("softmax").fit(X, y)
    if case == "threshold":
        head = adjust(head, X, y, aim="recall=1.0", validation=(X, y))
    info = {"views": VIEWS.fields()} if "views" in case else {}
    return save_model(head, folder, extractor=extractors, info=info)


CASES = ("one extractor", "several extractors", "ensemble", "threshold", "labels", "views", "views and labels")


@pytest.mark.parametrize("case", CASES)
def test_both_ways_predict_the_same(case, extractors, paths, tmp_path):
    model = saved(case, extractors, paths, tmp_path / "model")
    printed = predict_images(model, paths)
    pipeline = load_model(model)
    proba, labels = pipeline.predict_proba(paths), pipeline.predict(paths)
    assert [row[0] for row in printed.rows] == paths
    np.testing.assert_array_equal([row[2:] for row in printed.rows], np.round(proba, 9))
    names = [str(name) for name in pipeline.classes_]
    expected = ["|".join(n for n, on in zip(names, row, strict=True) if on) if np.ndim(row) else row for row in labels]
    assert [row[1] for row in printed.rows] == expected


@pytest.mark.parametrize("case", ["threshold", "labels"])
def test_the_thresholds_are_stated_where_they_give_another_label(case, extractors, paths, tmp_path, monkeypatch):
    model = saved(case, extractors, paths, tmp_path / "model")
    names = [str(name) for name in load_model(model).classes_]

    def note(probabilities, predicted):
        monkeypatch.setattr("hybrid.models.predict.predict_checked", lambda *args: (probabilities, predicted))
        return predict_images(model, paths[:2]).note

    if case == "threshold":
        proba, labels = np.array([[0.8, 0.2], [0.3, 0.7]]), load_model(model).classes_
        assert note(proba, labels[[0, 1]]) == ""
        said = note(proba, labels[[1, 1]])
        assert said.startswith(f"{names[1]} is predicted from a probability of ")
        assert said.endswith("1 of 2 images has another class than the most probable one.")
    else:
        proba = np.full((2, len(names)), 0.3)
        assert note(proba, np.zeros((2, len(names)), int)) == ""
        said = note(proba, np.ones((2, len(names)), int))
        assert said.startswith("Labels are predicted from these probabilities on: ")


def test_a_model_with_views_predicts_means_over_an_image_and_its_views(extractors, paths, tmp_path):
    pipeline = load_model(saved("views", extractors, paths, tmp_path / "model"))
    assert isinstance(pipeline, ViewPipeline)
    rows = pipeline[0].transform(pipeline.source(paths)).reshape(24, 4, -1)
    blocks = [pipeline[1:].predict_proba(rows[:, view]) for view in range(4)]
    np.testing.assert_allclose(blocks[0], pipeline[1:].predict_proba(pipeline[0].transform(paths)), rtol=1e-6)
    proba = pipeline.predict_proba(paths)
    np.testing.assert_allclose(proba, np.mean(blocks, axis=0), rtol=1e-6)
    assert np.abs(proba - blocks[0]).max() > 1e-4
    share = pipeline[-1].class_shares_[0]  # the threshold of a head with balanced class weights
    assert pipeline.predict(paths).tolist() == pipeline.classes_[(proba / share).argmax(axis=1)].tolist()
    np.testing.assert_array_equal(pipeline.predict_log_proba(paths), np.log(proba))
    assert pipeline.score(paths, BINARY) == accuracy_score(BINARY, pipeline.predict(paths))
    assert not hasattr(pipeline, "decision_function")
    assert type(pipeline[1:]) is Pipeline


def test_a_loaded_model_with_views_can_be_saved_again(extractors, paths, tmp_path):
    pipeline = load_model(saved("views", extractors, paths, tmp_path / "model"))
    again = load_model(save_model(pipeline, tmp_path / "again"))
    assert again.views == VIEWS
    np.testing.assert_array_equal(again.predict_proba(paths), pipeline.predict_proba(paths))


@pytest.mark.parametrize("case", ["one extractor", "several extractors", "views"])
def test_what_cannot_be_decoded_is_skipped_or_told(case, extractors, paths, tmp_path):
    model = saved(case, extractors, paths, tmp_path / "model")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG no image")
    with pytest.raises(InputError, match=r"broken\.png"):
        predict_images(model, [*paths[:2], str(broken), paths[2]])
    found = predict_images(model, [*paths[:2], str(broken), paths[2]], on_bad="skip")
    assert list(found.skipped) == [str(broken)]
    assert found.rows == predict_images(model, paths[:3]).rows
    with pytest.raises(InputError, match="None of the 1 images can be decoded"):
        predict_images(model, [str(broken)], on_bad="skip")


def test_a_zip_is_opened_and_checked_once(extractors, paths, tmp_path, monkeypatch):
    model = saved("one extractor", extractors, paths, tmp_path / "model")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "model")
    from hybrid.pipelines.saved import inspect as inspecting

    opened = []
    whole = inspecting._faults
    monkeypatch.setattr(inspecting, "_faults", lambda *given: opened.append(given) or whole(*given))
    found = predict_images(packed, paths)
    assert len(opened) == 1
    assert found.rows == predict_images(model, paths).rows
