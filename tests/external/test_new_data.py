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
def colours(tmp_path):
    return load_dataset(str(write_colours(tmp_path / "pictures", COLOURS, {"train": 10, "val": 4, "test": 4})))


@pytest.fixture
def tiny_extractor(tiny_network):
    return FeatureExtractor(str(tiny_network), layers="hidden")


@pytest.fixture
def kept_model(colours, tiny_extractor, tmp_path):
    """A saved model whose threshold is not 0.5."""
    train = colours.part("train")
    X = tiny_extractor.transform(train.X)
    head = adjust(make_head_pipeline("softmax").fit(X, train.y), X, train.y, aim="recall=1.0", validation=(X, train.y))
    return save_model(head, tmp_path / "model", extractor=tiny_extractor)


def test_it_is_what_the_model_predicts(kept_model, colours):
    new, pipeline = new_data(kept_model, colours.source), load_model(kept_model)
    assert len(new) == len(colours)
    assert new.ids.tolist() == colours.ids.tolist()
    np.testing.assert_array_equal(new.y, colours.y)
    np.testing.assert_array_equal(new.proba, pipeline.predict_proba(colours.X))
    np.testing.assert_array_equal(new.predicted, pipeline.predict(colours.X))
    np.testing.assert_array_equal(new.head.predict(new.X), new.predicted)
    assert new.keys.shape == (len(colours), 32)
    assert len(np.unique(new.keys, axis=0)) == len(colours)
    assert new.groups is None


def test_a_split_and_a_map(kept_model, colours, computed):
    y = np.where(colours.y == "blue", "Blau", "green")
    other = Dataset.from_arrays(colours.X, y, colours.split, ids=colours.ids)
    new = new_data(kept_model, other, split="test", class_map={"Blau": "blue"})
    np.testing.assert_array_equal(new.rows, np.flatnonzero(colours.split == "test"))
    np.testing.assert_array_equal(new.y, colours.part("test").y)
    assert sum(computed) == 8
    part = new.take(np.arange(3))
    assert len(part) == 3
    assert part.proba.shape == (3, 2)


def test_views_are_averaged(colours, tiny_extractor, tmp_path):
    X = tiny_extractor.transform(colours.X)
    head = make_head_pipeline("softmax").fit(X, colours.y)
    model = save_model(head, tmp_path / "viewed", extractor=tiny_extractor, info={"views": VIEWS.fields()})
    new = new_data(model, colours)
    np.testing.assert_array_equal(new.proba, load_model(model).predict_proba(colours.X))
    np.testing.assert_array_equal(new.X, X)


def test_copies_are_one_group(kept_model, colours):
    twice = np.concatenate([colours.X, colours.X[:1]])
    other = Dataset.from_arrays(twice, [*colours.y, colours.y[0]], ["train"] * len(twice), ids=range(len(twice)))
    groups = new_data(kept_model, other).groups
    assert groups[0] == groups[-1]
    assert len(set(groups)) == len(colours)


def test_images_that_cannot_be_decoded_are_left_out_if_wanted(kept_model, colours, tmp_path):
    broken = colours.X[3]
    with Path(broken).open("wb") as file:
        file.write(b"\x89PNG no picture")
    with pytest.raises(InputError, match="--on-bad skip"):
        new_data(kept_model, colours)
    new = new_data(kept_model, colours, on_bad="skip")
    assert list(new.skipped) == [colours.ids[3]]
    assert 3 not in new.rows
    assert len(new) == len(colours) - 1 == len(new.X) == len(new.keys)


def test_other_kinds_of_labels_are_refused(kept_model, colours):
    labels = np.stack([colours.y == "blue", np.arange(len(colours)) % 3 == 0], axis=1).astype(int)
    other = Dataset.from_arrays(colours.X, labels, colours.split, label_names=["blue", "green"])
    with pytest.raises(InputError, match="one class for each image, but arrays has several labels"):
        new_data(kept_model, other)


def test_a_split_that_is_not_there_is_refused(kept_model, colours):
    other = Dataset.from_arrays(colours.X, colours.y, ["train"] * len(colours), fractions=(1, 0, 0))
    with pytest.raises(InputError, match="no images of the split 'test', only of train"):
        new_data(kept_model, other, split="test")
