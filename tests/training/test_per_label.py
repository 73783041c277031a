"""Several labels, a network for each: put side by side they are one network, with the outputs of each alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
from killed import Killed
from PIL import Image

from hybrid import FeatureExtractor
from hybrid.datasets import Dataset
from hybrid.errors import InputError
from hybrid.training import TrainingOptions, save_network, train_network

pytestmark = pytest.mark.network

OPTIONS = TrainingOptions(epochs=2, batch_size=8, augment=("flip",), per_label=True, random_state=3)
LINES = ("conv 4", "norm", "pool 2", "dropout 0.5", "flatten", "dense 5", "dropout 0.5", "output softmax")


def labelled(n=48):
    """Return images, and whether they are bright, have upright stripes, have level ones."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (n, 3)).astype(np.uint8)
    images = rng.integers(0, 80, (n, 12, 12)) + 60 * y[:, 0, None, None]
    images[:, :, ::4] += 60 * y[:, 1, None, None]
    images[:, ::4, :] += 60 * y[:, 2, None, None]
    return np.clip(images, 0, 255).astype(np.uint8), y


@pytest.fixture(scope="module")
def multilabel():
    images, y = labelled()
    split = ["train"] * 28 + ["val"] * 10 + ["test"] * 10
    return Dataset.from_arrays(images, y, split=split, label_names=["bright", "level", "upright"])


@pytest.fixture(scope="module")
def architecture():
    from hybrid.extractors.backbones.custom import Architecture

    return Architecture("mine", LINES)


@pytest.fixture(scope="module")
def together(multilabel, architecture):
    """The trained networks of the three labels, side by side."""
    return train_network(architecture, multilabel, OPTIONS)


def test_side_by_side_they_give_what_each_gives_alone(multilabel, architecture, together, tmp_path):
    assert set(together.history) == set(together.best_epoch) == {"bright", "level", "upright"}
    pixels = multilabel.X[..., None]
    proba, last = (one.predict(pixels, verbose=0) for one in (together.model, together.last))
    for k, label in enumerate(multilabel.classes):
        alone = replace(multilabel, y=multilabel.y[:, [k]], classes=multilabel.classes[[k]])
        trained = train_network(architecture, alone, replace(OPTIONS, per_label=False))
        assert together.history[label] == trained.history
        assert together.best_epoch[label] == trained.best_epoch
        np.testing.assert_allclose(proba[:, k], trained.model.predict(pixels, verbose=0)[:, 0], rtol=1e-5)
        np.testing.assert_allclose(last[:, k], trained.last.predict(pixels, verbose=0)[:, 0], rtol=1e-5)
    path = save_network(together, tmp_path / "networks/one", architecture, multilabel, OPTIONS)
    features = FeatureExtractor(path).fit_transform(multilabel.X)
    assert features.shape == (48, 15)  # five of each label's network
    kernel, bias = together.model.layers[-1].get_weights()
    np.testing.assert_allclose(1 / (1 + np.exp(-(features @ kernel + bias))), proba, rtol=1e-4, atol=1e-6)


def test_a_killed_one_goes_on_where_it_was(multilabel, architecture, together, tmp_path):
    seen = []

    def report(epoch):
        seen.append((epoch.label, epoch.number))
        if seen[-1] == ("level", 1):
            raise Killed

    state = tmp_path / "state.npz"
    with pytest.raises(Killed):
        train_network(architecture, multilabel, OPTIONS, report=report, state=state)
    assert seen == [("bright", 1), ("bright", 2), ("level", 1)]
    steps, said = [], []
    resumed = train_network(
        architecture, multilabel, OPTIONS, state=state, progress=lambda *step: steps.append(step), say=said.append
    )
    assert [text.split(" of at most")[0] for text in said] == [
        "bright, an interrupted training is resumed after epoch 2",
        "level, an interrupted training is resumed after epoch 1",
    ]
    assert resumed.resumed == 3
    assert resumed.history == together.history
    assert steps[-1] == (3 * 2 * 4, 3 * 2 * 4)
    for expected, found in zip(together.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_one_label_an_image_is_refused(multilabel):
    single = Dataset.from_arrays(multilabel.X, np.where(multilabel.y[:, 0], "a", "b"), split=multilabel.split)
    with pytest.raises(InputError, match="needs a multi-label dataset, but arrays is binary"):
        train_network("convnet_small", single, OPTIONS)


def test_the_command_evaluates_them_as_one_model(hybrid, tmp_path):
    images, y = labelled()
    rows = ["path,bright,level,upright,split"]
    for number, (image, labels) in enumerate(zip(images, y, strict=True)):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        rows.append(",".join(map(str, [f"{number}.png", *labels, ("train", "train", "val", "test")[number % 4]])))
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    shown = hybrid("train", "convnet_small", "labels.csv", "--per-label", "--epochs", 2, "--name", "each")
    assert "level, epoch   2" in shown
    folder = tmp_path / "hybrid_runs"
    record = json.loads((folder / "models/network-each/metrics.json").read_text())
    assert record["task"] == "multilabel"
    assert record["classes"] == ["bright", "level", "upright"]
    training = json.loads((folder / "networks/each/training.json").read_text())
    assert set(training["best_epoch"]) == {"bright", "level", "upright"}
    assert {path.name for path in (folder / "networks").iterdir()} == {"each"}
    report = hybrid("compare")
    assert "network-each" in report
    assert "one network per label" in (folder / "reports/report.html").read_text()
