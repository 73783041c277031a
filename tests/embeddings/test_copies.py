"""The groups of an embedding set's images in folds: their own groups, joined by copies that are known."""

import numpy as np
from made_sets import made_set_record
from PIL import Image

from hybrid.datasets.quality.known_copies import known_copies
from hybrid.datasets.quality.measure import measure
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.joined_set import join_sets
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource


def made(keys, groups=None, split=None):
    n = len(keys)
    return join_sets(
        EmbeddingSet(
            name="made",
            keys=keys,
            ids=np.array([f"image{i}" for i in range(n)]),
            y=np.arange(n) % 2,
            classes=np.arange(2),
            split=np.array(["train"] * n if split is None else split),
            groups=None if groups is None else np.array(groups),
            record=made_set_record(),
        )
    )


def keys_of(*numbers):
    return np.array([np.full(32, number, np.uint8) for number in numbers])


def test_identical_images_have_one_group_and_are_counted():
    found = made(keys_of(1, 2, 1, 3, 1))
    groups = found.part(np.zeros((5, 1)), "train").groups
    assert groups.tolist() == ["image0", "image1", "image0", "image3", "image0"]
    [note] = found.notes_on_copies
    assert "3 training images are copies of each other, in 1 set" in note


def test_copies_join_the_groups_of_two_patients():
    groups = made(keys_of(1, 2, 1, 3), ["p", "p", "q", "r"]).groups_with_copies
    assert groups.tolist() == ["p", "p", "p", "r"]


def test_without_copies_groups_are_as_they_were_given_and_nothing_is_said():
    found = made(keys_of(1, 2, 3, 3), split=["train", "train", "train", "test"])
    assert found.notes_on_copies == []
    assert made(keys_of(1, 2, 3)).groups_with_copies is None


def test_near_duplicates_stay_together_once_they_were_found(pictures):
    with Image.open(pictures / "train/a/0.png") as image:
        image.save(pictures / "train/a/again.jpg", quality=60)
    paths = np.array([str(pictures / "train/a" / name) for name in ("0.png", "1.png", "again.jpg")])
    keys = ImageSource(paths).digests(FileDigests())[0]
    assert len(set(known_copies(keys).tolist())) == 3
    measure(paths)
    found = made(keys)
    assert found.groups_with_copies.tolist() == ["image0", "image1", "image0"]
    assert "2 training images, identical or nearly identical, are copies" in found.notes_on_copies[0]
