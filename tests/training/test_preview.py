"""`hybrid data --augment`: the originals beside what training would make of them."""

import numpy as np
import pytest
from PIL import Image

from hybrid.datasets import Dataset
from hybrid.extractors.images.augment import Augmentation
from hybrid.training.preview import preview


@pytest.fixture
def cats_and_dogs():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 12, 12), np.uint8)
    return Dataset.from_arrays(pixels, ["cat", "dog"] * 20, split=["train"] * 20 + ["val"] * 10 + ["test"] * 10)


def test_each_operation_alone_then_all_together_on_images_of_train(cats_and_dogs):
    augmentation = Augmentation.parse(["flip=1", "brightness=0.5"])
    rows = preview(cats_and_dogs, augmentation, seed=3)
    assert [name for name, _ in rows] == [
        "flip with probability 1", "brightness ±50%", "all together", "",
    ]  # fmt: skip
    train = {pixels.tobytes() for pixels in cats_and_dogs.part("train").X}
    assert all(images[0].tobytes() in train for _, images in rows)
    assert rows[2][1][0].tobytes() != rows[3][1][0].tobytes()
    original, *flipped = rows[0][1]
    for image in flipped:
        np.testing.assert_array_equal(image, original[:, ::-1])
    assert len({image.tobytes() for image in rows[1][1]}) > 3
    assert len(preview(cats_and_dogs, Augmentation.parse(["flip"]))) == 1


@pytest.mark.medium
def test_the_command_draws_them(hybrid, tmp_path):
    augment = ("--augment", "rotate=15,zoom=0.2", "--augment", "flip")
    path = tmp_path / "reports" / "augment-digits.png"
    assert hybrid.json("data", "digits", *augment, "--workspace", tmp_path)["augmentations"] == str(path)
    with Image.open(path) as picture:
        assert min(picture.size) > 500
    assert "Nearest: 'rotate'" in hybrid("data", "digits", "--augment", "rotat=15", "--workspace", tmp_path, code=1)
