"""A labelled dataset as a saved model sees it: embeddings from the store, labels and predictions of the model."""

from pathlib import Path

import numpy as np
import pytest
from made_pictures import write_colours

from hybrid import Dataset, InputError, load_dataset, save_model
from hybrid.external import new_data
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.views import Views
from hybrid.pipelines import adjust, load_model, make_head_pipeline

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

COLOURS = {"blue": (40, 60, 200), "green": (60, 190, 50)}
VIEWS = Views(2, Augmentation((("rotate", 20),)), seed=4)


@pytest.fixture
def data(tmp_path):
    return load_dataset(str(write_colours(tmp_path / "pictures", COLOURS, {"train": 10, "val": 4, "test": 4})))


@pytest.fixture
def extractor(tiny_network):
    return FeatureExtractor(str(tiny_network), layers="hidden")


@pytest.fixture
def model(data, extractor, tmp_path):
    """A saved model whose threshold is not 0.5."""
    train = data.part("train")
    X = extractor.transform(train.X)
    head = adjust(make_head_pipeline("softmax").fit(X, train.y), X, train.y, aim="recall=1.0", validation=(X, train.y))
    return save_model(head, tmp_path / "model", extractor=extractor)


def test_it_is_what_the_model_predicts(model, data):
    new, pipeline = new_data(model, data.source), load_model(model)
    assert len(new) == len(data)
    assert new.ids.tolist() == data.ids.tolist()
    np.testing.assert_array_equal(new.y, data.y)
    np.testing.assert_array_equal(new.proba, pipeline.predict_proba(data.X))
    np.testing.assert_array_equal(new.predicted, pipeline.predict(data.X))
    np.testing.assert_array_equal(new.head.predict(new.X), new.predicted)
    assert new.keys.shape == (len(data), 32)
    assert len(np.unique(new.keys, axis=0)) == len(data)
    assert new.groups is None


def test_a_split_and_a_map(model, data, computed):
    other = Dataset.from_arrays(data.X, np.where(data.y == "blue", "Blau", "green"), data.split, ids=data.ids)
    new = new_data(model, other, split="test", class_map={"Blau": "blue"})
    np.testing.assert_array_equal(new.rows, np.flatnonzero(data.split == "test"))
    np.testing.assert_array_equal(new.y, data.part("test").y)
    assert sum(computed) == 8
    part = new.take(np.arange(3))
    assert len(part) == 3
    assert part.proba.shape == (3, 2)


def test_views_are_averaged(data, extractor, tmp_path):
    X = extractor.transform(data.X)
    head = make_head_pipeline("softmax").fit(X, data.y)
    model = save_model(head, tmp_path / "viewed", extractor=extractor, info={"views": VIEWS.fields()})
    new = new_data(model, data)
    np.testing.assert_array_equal(new.proba, load_model(model).predict_proba(data.X))
    np.testing.assert_array_equal(new.X, X)


def test_copies_are_one_group(model, data):
    twice = np.concatenate([data.X, data.X[:1]])
    other = Dataset.from_arrays(twice, [*data.y, data.y[0]], ["train"] * len(twice), ids=range(len(twice)))
    groups = new_data(model, other).groups
    assert groups[0] == groups[-1]
    assert len(set(groups)) == len(data)


def test_images_that_cannot_be_decoded_are_left_out_if_wanted(model, data, tmp_path):
    broken = data.X[3]
    with Path(broken).open("wb") as file:
        file.write(b"\x89PNG no picture")
    with pytest.raises(InputError, match="--on-bad skip"):
        new_data(model, data)
    new = new_data(model, data, on_bad="skip")
    assert list(new.skipped) == [data.ids[3]]
    assert 3 not in new.rows
    assert len(new) == len(data) - 1 == len(new.X) == len(new.keys)


def test_other_kinds_of_labels_are_refused(model, data):
    labels = np.stack([data.y == "blue", np.arange(len(data)) % 3 == 0], axis=1).astype(int)
    other = Dataset.from_arrays(data.X, labels, data.split, label_names=["blue", "green"])
    with pytest.raises(InputError, match="one class for each image, but arrays has several labels"):
        new_data(model, other)


def test_a_split_that_is_not_there_is_refused(model, data):
    other = Dataset.from_arrays(data.X, data.y, ["train"] * len(data), fractions=(1, 0, 0))
    with pytest.raises(InputError, match="no images of the split 'test', only of train"):
        new_data(model, other, split="test")
