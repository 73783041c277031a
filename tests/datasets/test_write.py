"""Images in memory are written as files, and read back as the same dataset."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from hybrid.datasets import Dataset, load_dataset, write_images
from hybrid.datasets.cells.draw import draw_pictures
from hybrid.datasets.readers import cells
from hybrid.errors import InputError


@pytest.fixture(autouse=True)
def sixty_pictures(monkeypatch):
    """Draw 60 pictures, not 800, so that a test is quick."""
    monkeypatch.setattr(cells, "_drawn", drawn)


@cache
def drawn(kind):
    return draw_pictures(kind, 20, 3)


def content(data):
    """Return label, split, group and pixels of each image by its id."""
    pixels = [np.asarray(Image.open(image)) if data.of_files else image for image in data.X]
    assert all(image.dtype == np.uint8 for image in pixels)
    values = zip(data.y.tolist(), data.split, data.groups, (image.tobytes() for image in pixels), strict=True)
    return dict(zip(data.ids.tolist(), values, strict=True))


@pytest.mark.medium
@pytest.mark.parametrize("name", ["cells", "cells:types"])
def test_class_folders_and_manifest_are_read_back_with_the_same_split(tmp_path, name):
    data = load_dataset(name)
    manifest = write_images(data, tmp_path / "smears")
    from_folder = load_dataset(tmp_path / "smears", group_pattern=r"(patient\d+)")
    assert content(load_dataset(manifest)) == content(from_folder) == content(data)
    assert manifest.read_text().splitlines()[0] == "path,label,patient"
    assert any("--group-pattern" in note for note in load_dataset(tmp_path / "smears").notes)


def test_several_labels_are_columns_of_the_manifest(tmp_path):
    data = load_dataset("cells:labels")
    manifest = write_images(data, tmp_path / "smears")
    assert content(load_dataset(manifest)) == content(data)
    columns = manifest.read_text().splitlines()[0]
    assert columns == "path,parasites,platelet_clump,sickle_cell,white_cell,patient"


def test_grey_images_of_given_splits_remain_in_them(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    path = tmp_path / "shapes.npz"
    labels = np.arange(30) % 2
    np.savez(path, train_images=images[:30], train_labels=labels, test_images=images[30:], test_labels=labels)
    data = load_dataset(path)
    manifest = write_images(data, tmp_path / "shapes")
    for again in (load_dataset(tmp_path / "shapes"), load_dataset(manifest)):
        assert np.array_equal(again.classes, data.classes)
        in_test = {np.asarray(Image.open(image)).tobytes() for image in again.part("test").X}
        assert in_test == {image.tobytes() for image in images[30:]}


def test_writing_again_is_fine_but_other_files_are_not_touched(tmp_path):
    data = load_dataset("cells")
    first = write_images(data, tmp_path / "a").read_bytes()
    assert write_images(data, tmp_path / "a").read_bytes() == first
    with pytest.raises(InputError, match="contains other files"):
        write_images(load_dataset("cells:types"), tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="contains other files"):
        write_images(data, tmp_path / "b")
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("name", ["../up.png", "a//b.png", "/root.png", ".hidden.png", "a/b?.png", "..", "a\\b"])
def test_no_image_is_written_outside_the_folder(tmp_path, name):
    images = np.zeros((40, 4, 4), np.uint8)
    ids = [name, *(f"{i}.png" for i in range(39))]
    data = Dataset.from_arrays(images, ["a", "b"] * 20, ids=ids, together="none")
    with pytest.raises(InputError, match="cannot be the name"):
        write_images(data, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_files_are_not_written_again(tmp_path):
    data = load_dataset(write_images(load_dataset("cells"), tmp_path / "a"))
    with pytest.raises(InputError, match="are files already"):
        write_images(data, tmp_path / "b")


def test_the_command_writes_and_says_how_to_read(hybrid, tmp_path):
    text = hybrid("data", "cells", "--write", tmp_path / "a")
    assert f"hybrid data {tmp_path / 'a' / 'labels.csv'}" in text
    assert rf"hybrid data {tmp_path / 'a'}/ --group-pattern '(patient\d+)'" in text
    assert hybrid.json("data", "cells:labels", "--write", tmp_path / "b")["images"] == 60
    assert len(list((tmp_path / "b" / "images").iterdir())) == 60
