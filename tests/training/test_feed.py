"""What goes into a training: images and their order by seed and epoch alone, learning rates, losses."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hybrid.datasets import Dataset
from hybrid.errors import InputError
from hybrid.extractors.images.augment import Augmentation
from hybrid.training import TrainingOptions, images, losses
from hybrid.training.feed import Feed
from hybrid.training.images import Images
from hybrid.training.rates import best_epoch, is_over, learning_rate

AUGMENTATION = Augmentation.parse(["rotate=20", "shift=0.2"])


@pytest.fixture
def part():
    """Twenty-three images of 12×12, their numbers in their corners."""
    pixels = np.random.default_rng(0).integers(0, 256, (23, 12, 12), np.uint8)
    return Dataset.from_arrays(pixels, ["a", "b"] * 11 + ["a"], split=["train"] * 21 + ["val"] * 2).take(slice(None))


def together(batches):
    pixels, rows = zip(*batches, strict=True)
    return np.stack(pixels), np.stack(rows)


def test_an_epoch_has_every_image_and_whole_batches(part):
    feed = Feed(Images(part, (12, 12, 1)), 5)
    pixels, rows = together(feed.shuffled(epoch=0, steps=feed.steps))
    assert pixels.shape == (5, 5, 12, 12, 1)
    np.testing.assert_array_equal(pixels[..., 0], part.X[rows])
    assert set(rows.ravel()) == set(range(23))
    _, short = together(feed.shuffled(epoch=0, steps=2))
    np.testing.assert_array_equal(short, rows[:2])
    assert Feed(Images(part, (12, 12, 1)), 64).batch_size == 23


def test_order_and_augmentation_follow_from_seed_and_epoch(part):
    def epoch(number, seed=3, augmentation=AUGMENTATION):
        feed = Feed(Images(part, (12, 12, 1)), 23, augmentation, seed)
        return together(feed.shuffled(number, 1))

    (pixels, rows), (again, rows_again) = epoch(4), epoch(4)
    np.testing.assert_array_equal(rows, rows_again)
    np.testing.assert_array_equal(pixels, again)
    for other, other_rows in (epoch(5), epoch(4, seed=4)):
        assert not np.array_equal(rows, other_rows)
        assert not (pixels[0][np.argsort(rows[0])] == other[0][np.argsort(other_rows[0])]).all(axis=(1, 2, 3)).any()
    np.testing.assert_array_equal(epoch(4, augmentation=None)[1], rows)


def test_validation_images_come_in_order_and_as_they_are(part):
    pixels, rows = together(Feed(Images(part, (12, 12, 1)), 10).in_order())
    np.testing.assert_array_equal(rows.ravel()[:23], np.arange(23))
    np.testing.assert_array_equal(pixels.reshape(30, 12, 12)[:23], part.X)


def test_the_last_epochs_of_a_cosine_see_images_as_they_are(part):
    feed = Feed(Images(part, (12, 12, 1)), 23, AUGMENTATION)
    pixels, rows = together(feed.shuffled(9, 1, augment=False))
    np.testing.assert_array_equal(pixels[..., 0], part.X[rows])
    np.testing.assert_array_equal(rows, together(feed.shuffled(9, 1))[1])
    options = TrainingOptions(epochs=10, clean_epochs=0.2)
    assert [options.augments(epoch) for epoch in range(10)] == [True] * 8 + [False] * 2
    assert all(replace(options, schedule="plateau").augments(epoch) for epoch in range(10))
    assert options.augmentation is not None
    assert TrainingOptions(augment=("none",)).augmentation is None


def test_images_that_do_not_fit_into_memory_are_decoded_as_they_are_met(part, tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.png" for number in range(23)]
    for path, pixels in zip(paths, part.X, strict=True):
        Image.fromarray(pixels).save(path)
    files = Dataset.from_arrays(paths, part.y.tolist(), split=part.split.tolist())
    kept = Images(files, (12, 12, 1))
    monkeypatch.setattr(images, "MOST_BYTES", 1000)
    streamed = Images(files, (12, 12, 1))
    assert kept.in_memory
    assert not streamed.in_memory
    for one, other in zip(*(Feed(source, 6, AUGMENTATION).shuffled(0, 4) for source in (kept, streamed)), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    paths[7].write_bytes(b"no image")
    with pytest.raises(InputError, match=r"7\.png.* cannot be decoded"):
        list(Feed(streamed, 6).shuffled(0, 4))


def test_cosine_rises_then_falls_to_nothing():
    options = TrainingOptions(learning_rate=0.1, warmup=0.1)
    rates = [learning_rate(options, step, 100, []) for step in range(100)]
    assert rates[:10] == pytest.approx(np.linspace(0.01, 0.1, 10))
    assert max(rates) == 0.1
    assert (np.diff(rates[9:]) < 0).all()
    assert rates[54] == pytest.approx(0.05, abs=0.002)
    assert 0 < rates[-1] < 1e-4


def test_plateau_falls_when_the_loss_stalls_and_constant_never():
    losses_so_far = [1.0, 0.9, 0.95, 0.93, 0.91, 0.92, 0.8]
    plateau = TrainingOptions(schedule="plateau", learning_rate=1.0, patience=4)
    rates = [learning_rate(plateau, 0, 1, losses_so_far[:done]) for done in range(8)]
    assert rates == pytest.approx([1, 1, 1, 1, 0.3, 0.3, 0.09, 0.09])
    patient = TrainingOptions(schedule="plateau", learning_rate=1.0, patience=4, plateau_patience=3)
    assert [learning_rate(patient, 0, 1, losses_so_far[:done]) for done in range(8)] == pytest.approx(
        [1] * 5 + [0.3] * 3
    )
    constant = TrainingOptions(schedule="constant", learning_rate=1.0)
    assert learning_rate(constant, 50, 100, losses_so_far) == 1.0


def test_training_stops_when_validation_stalls_except_by_cosine():
    stalled = [1.0, 0.5, *[0.6] * 8]
    assert best_epoch(stalled) == 2
    assert is_over(TrainingOptions(schedule="plateau"), stalled)
    assert not is_over(TrainingOptions(schedule="plateau"), stalled[:-1])
    assert not is_over(TrainingOptions(schedule="cosine"), stalled * 9)
    assert is_over(TrainingOptions(schedule="cosine", patience=3), stalled)


def test_balanced_weights_are_scikit_learns(part):
    from sklearn.utils.class_weight import compute_class_weight

    expected = compute_class_weight("balanced", classes=part.classes, y=part.y)
    np.testing.assert_allclose(losses.balanced_weights(losses.targets(part, 2), is_softmax=True)[1], expected)
    np.testing.assert_allclose(losses.balanced_weights(losses.targets(part, 1), is_softmax=False)[:, 0], expected)


@pytest.mark.network
def test_the_loss_is_the_weighted_cross_entropy():
    outputs = np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]], np.float32)
    wanted = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    weights = np.array([[0.5, 1.0], [2.0, 3.0]])

    def loss(smoothing, wanted, outputs, is_softmax, weights=weights):
        return np.asarray(losses.cross_entropy(weights, is_softmax, smoothing)(wanted, outputs))

    plain = -np.log([0.9, 0.7, 0.4]) * [2, 3, 3]
    np.testing.assert_allclose(loss(0, wanted, outputs, True), plain, rtol=1e-5)
    smooth = -(wanted * 0.9 + 0.05) * np.log(outputs)
    np.testing.assert_allclose(loss(0.1, wanted, outputs, True), smooth.sum(axis=1) * [2, 3, 3], rtol=1e-5)
    labels = -np.where(wanted == 1, weights[1] * np.log(outputs), weights[0] * np.log(1 - outputs))
    np.testing.assert_allclose(loss(0, wanted, outputs, False), labels.mean(axis=1), rtol=1e-5)
    one = np.stack([weights[:, 1]], axis=1)
    np.testing.assert_allclose(
        loss(0, wanted[:, 1:], outputs[:, 1:], False, one), -np.log([0.9, 0.7, 0.4]) * [1, 3, 3], rtol=1e-5
    )
