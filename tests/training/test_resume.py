"""A training that was killed goes on to the same weights, and only its own state is taken up."""

from dataclasses import replace

import numpy as np
import pytest
from killed import Killed
from made_pictures import write_dots
from tiers import slow

from hybrid.datasets import Dataset
from hybrid.training import TrainingOptions, train_network

pytestmark = pytest.mark.network

OPTIONS = TrainingOptions(epochs=4, clean_epochs=0.25, batch_size=8, augment=("rotate=20", "flip"), random_state=5)


@pytest.fixture
def small_dataset():
    rng = np.random.default_rng(1)
    labels = np.array(["dark", "light"] * 20)
    pixels = rng.integers(0, 160, (40, 12, 12)) + np.where(labels == "light", 60, 0)[:, None, None]
    return Dataset.from_arrays(pixels.astype(np.uint8), labels, split=["train"] * 28 + ["val"] * 12)


def train(dataset, options, path, kill_after=None, said=None):
    """Train; `said` receives what is said and the number of each epoch."""

    def report(epoch):
        if said is not None:
            said.append(epoch.number)
        if epoch.number == kill_after:
            raise Killed

    say = None if said is None else said.append
    return train_network("convnet_bn", dataset, options, report=report, state=path, say=say)


@pytest.mark.parametrize("options", [OPTIONS, slow(replace(OPTIONS, optimizer="sgd", schedule="plateau", patience=2))])
def test_a_killed_training_ends_as_an_undisturbed_one(small_dataset, tmp_path, options):
    whole = train(small_dataset, options, None)
    path = tmp_path / "state.npz"
    with pytest.raises(Killed):
        train(small_dataset, options, path, kill_after=2)
    said = []
    resumed = train(small_dataset, options, path, said=said)
    assert said[0].startswith("an interrupted training is resumed after epoch 2 of at most 4: its weights, its scores")
    assert said[1:] == [3, 4]  # it is said before the first epoch
    assert (whole.resumed, resumed.resumed) == (0, 2)
    assert resumed.history == whole.history
    assert resumed.best_epoch == whole.best_epoch
    for one, other in ((whole.model, resumed.model), (whole.last, resumed.last)):
        for expected, found in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_state_of_another_training_or_a_damaged_one_is_not_taken_up(small_dataset, tmp_path):
    path = tmp_path / "state.npz"
    options = replace(OPTIONS, epochs=2)
    with pytest.raises(Killed):
        train(small_dataset, options, path, kill_after=1)
    said = []
    assert train(small_dataset, replace(options, learning_rate=0.002), path, said=said).resumed == 0
    assert said[0].startswith("an unfinished training is not resumed, and training starts anew")
    with pytest.raises(Killed):
        train(small_dataset, options, path, kill_after=1)
    other = replace(small_dataset, X=255 - small_dataset.X)
    assert train(other, options, path).resumed == 0
    path.write_bytes(path.read_bytes()[:5000])
    assert train(small_dataset, options, path).resumed == 0
    assert train(small_dataset, options, path).resumed == 2
    path.unlink()
    said = []
    train(small_dataset, options, path, said=said)
    assert said == [1, 2]  # nothing is said of a training that is the first


def test_the_command_says_that_it_resumes(hybrid, tmp_path, monkeypatch):
    def interrupt(epoch):
        raise RuntimeError("killed")

    write_dots(tmp_path)
    monkeypatch.setattr("hybrid.cli.train.print_epoch", interrupt)
    first, second = (hybrid.result("train", "convnet_bn", "dots.npz", "--epochs", 9) for _ in range(2))
    assert str(first.exception) == "killed"
    assert "resumed" not in first.output
    assert "an interrupted training is resumed after epoch 1 of at most 9" in second.stdout


def test_progress_is_reported_before_the_first_step_and_after_each(small_dataset):
    reported = []
    options = replace(OPTIONS, epochs=1)
    train_network("convnet_bn", small_dataset, options, progress=lambda done, total: reported.append((done, total)))
    assert reported == [(0, 3), (1, 3), (2, 3), (3, 3)]  # 28 images in whole batches of 8
