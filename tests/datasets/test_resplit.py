"""A new split is stratified, divides no group or set of copies, and is saved as a file that can be read."""

import json
import os
import shutil

import numpy as np
import pytest
from made_pictures import picture
from PIL import Image

from hybrid import Dataset, InputError, load_dataset
from hybrid.classifiers.fold_groups import merge_groups
from hybrid.datasets import reopen
from hybrid.datasets.parts.split import make_split
from hybrid.datasets.resplit import save_split, split_dataset

THIRDS = (0.5, 0.25, 0.25)


def parts(data):
    """Each image's split, by its id."""
    return dict(zip(data.ids.tolist(), data.split.tolist(), strict=True))


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_class_is_divided_as_asked_and_the_given_split_is_replaced(pictures):
    data = split_dataset(load_dataset(pictures), THIRDS, seed=3)
    assert data.counts_by_split() == {"train": {"a": 8, "b": 8}, "val": {"a": 4, "b": 4}, "test": {"a": 4, "b": 4}}
    assert any(part != id_.split("/")[0] for id_, part in parts(data).items())
    assert parts(split_dataset(load_dataset(pictures), THIRDS, seed=3)) == parts(data)
    assert parts(split_dataset(load_dataset(pictures), THIRDS, seed=4)) != parts(data)


def test_copies_stay_together_nearly_identical_ones_on_request(pictures):
    for number in range(4):
        shutil.copy(pictures / f"train/a/{number}.png", pictures / f"test/a/copy{number}.png")
        with Image.open(pictures / f"train/b/{number}.png") as image:
            image.save(pictures / f"test/b/again{number}.jpg", quality=60)
    data = load_dataset(pictures)

    def divided(of, kind):
        found = parts(split_dataset(data, THIRDS, seed=1, together=kind))
        pairs = {"a": "test/a/copy{}.png", "b": "test/b/again{}.jpg"}
        return [number for number in range(4) if found[f"train/{of}/{number}.png"] != found[pairs[of].format(number)]]

    assert not divided("a", "duplicates")
    assert not divided("a", "near-duplicates")
    assert not divided("b", "near-duplicates")
    assert divided("a", "none")
    assert divided("b", "duplicates")
    notes = split_dataset(data, THIRDS, together="near-duplicates").notes
    assert any("8 sets of near-duplicates kept together" in note for note in notes)


def test_copies_stay_together_wherever_a_split_is_drawn(pictures, tmp_path):
    """One splitter: what `extract` draws is what `split` draws, and without copies what version 0.1.0 drew."""
    folder = tmp_path / "unsplit"
    for path in pictures.glob("*/*/*.png"):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parent.name / f"{path.parts[-3]}{path.name}")
    data = load_dataset(folder)
    assert parts(data) == parts(load_dataset(folder, together="none"))  # there are no copies
    assert data.split.tolist() == make_split(data.y, ids=data.ids).tolist()
    for number, path in enumerate(sorted(folder.glob("*/train*.png"))[:8]):  # same bytes, and same pixels
        shutil.copy(path, path.with_name(f"zz-{number}.png"))
        with Image.open(path) as image:
            image.save(path.with_name(f"zz-{number}.bmp"))
    data = load_dataset(folder)
    found = parts(data)
    copies = [number for number in range(8) if len({part for id_, part in found.items() if f"zz-{number}" in id_}) > 1]
    assert not copies
    assert any(note == "8 sets of duplicates kept together." for note in data.notes)
    assert not any("group" in note for note in data.notes)
    assert found == parts(split_dataset(load_dataset(folder, fractions=(1, 0, 0))))
    without = parts(load_dataset(folder, together="none"))
    assert any(without[id_] != without[id_.replace(".bmp", ".png")] for id_ in without if id_.endswith(".bmp"))


def test_copies_in_arrays_stay_together():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), np.uint8)
    pixels[40:] = pixels[:20]
    data = Dataset.from_arrays(pixels, ["a", "b"] * 30)
    assert (data.split[40:] == data.split[:20]).all()
    assert any(note == "20 sets of duplicates kept together." for note in data.notes)


def test_a_dataset_that_version_0_1_0_split_is_opened_with_that_split(pictures):
    shutil.rmtree(pictures / "test")
    for number in range(4):
        shutil.copy(pictures / f"train/a/{number}.png", pictures / f"train/a/copy{number}.png")
    before = load_dataset(pictures, together="none")
    arguments = {name: value for name, value in before.arguments.items() if name != "together"}
    assert parts(reopen(arguments)) == parts(before)


def test_a_new_split_does_not_speak_of_groups_that_do_not_exist(pictures):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    notes = split_dataset(load_dataset(pictures), THIRDS).notes
    assert "A new split was drawn: stratified, seed 0." in notes
    assert "1 set of duplicates kept together." in notes


def test_a_group_stays_together_with_the_copies_of_its_images():
    pixels = np.stack([np.asarray(picture(seed, 32)) for seed in range(60)])
    pixels[30] = pixels[0]
    groups = [f"p{number // 3}" for number in range(60)]
    data = Dataset.from_arrays(pixels, (["a"] * 3 + ["b"] * 3) * 10, groups=groups)
    found = split_dataset(data, THIRDS, seed=2)
    assert len({*found.split[:3].tolist(), *found.split[30:33].tolist()}) == 1
    for group in set(groups):
        assert len(set(found.split[np.array(groups) == group])) == 1
    assert len(np.unique(found.groups)) == 19


def test_groups_joined_through_others_are_merged():
    assert merge_groups(np.array([0, 0, 1, 2, 3]), np.array([5, 1, 1, 2, 2])).tolist() == [0, 0, 0, 1, 1]


def test_given_images_of_test_stay_there_on_request(pictures):
    shutil.rmtree(pictures / "val")
    data = split_dataset(load_dataset(pictures, fractions=(1, 0, 0)), (0.75, 0.25, 0), keep=True)
    assert {id_ for id_, part in parts(data).items() if part == "test"} == {
        id_ for id_ in data.ids if id_.startswith("test/")
    }
    assert data.counts_by_split()["val"] == {"a": 2, "b": 2}


def test_the_manifest_is_read_as_the_same_split_and_no_image_is_touched(hybrid, pictures, tmp_path):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    before = contents(pictures)
    found = json.loads(hybrid("split", pictures, "--split", "50/25/25", "--json"))
    assert contents(pictures) == before
    path = tmp_path / "hybrid_runs/splits/pictures.csv"
    assert found["split"] == str(path.relative_to(tmp_path))
    assert str(tmp_path) not in path.read_text()
    data = load_dataset(path)
    assert data.counts_by_split() == found["counts_by_split"]
    assert "test/a/copy.png" in data.ids
    assert len(data) == 33
    assert len(np.unique(data.groups)) == 32
    assert "hybrid extract" in hybrid("split", pictures, "--output", "here.csv")
    assert load_dataset(tmp_path / "here.csv").ids[0].startswith("pictures/")


def test_images_that_cannot_be_decoded_are_left_out_of_the_split_on_request(hybrid, pictures):
    whole = sorted(load_dataset(pictures).ids)
    (pictures / "train/a/cut.png").write_bytes((pictures / "train/a/0.png").read_bytes()[:60])
    hybrid("split", pictures, "--output", "with.csv")
    shown = hybrid("split", pictures, "--on-bad", "skip", "--output", "without.csv")
    assert "train/a/cut.png" in shown
    assert len(load_dataset("with.csv")) == len(whole) + 1
    assert sorted(load_dataset("without.csv").ids) == [f"pictures/{name}" for name in whole]


def test_several_labels_are_stratified_and_written_as_columns(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "scenes"
    folder.mkdir()
    paths = []
    for number in range(80):
        picture(number, 24).save(folder / f"{number}.png")
        paths.append(str(folder / f"{number}.png"))
    y = rng.random((80, 3)) < [0.5, 0.3, 0.2]
    data = Dataset.from_arrays(paths, y.astype(int), label_names=["sea", "sun, set", "snow"])
    found = split_dataset(data, THIRDS)
    for name, share in zip(("train", "val", "test"), THIRDS, strict=True):
        np.testing.assert_allclose(found.part(name).y.sum(axis=0), share * y.sum(axis=0), atol=1.5)
    again = load_dataset(save_split(found, tmp_path / "scenes.csv"))
    assert again.classes.tolist() == ["sea", "sun, set", "snow"]
    assert again.y.tolist() == found.y.tolist()
    assert again.split.tolist() == found.split.tolist()


@pytest.mark.medium
def test_arrays_are_written_as_a_new_npz(hybrid, tmp_path):
    found = json.loads(hybrid("split", "digits", "--split", "60/20/20", "--json"))
    data = load_dataset(tmp_path / found["split"])
    assert found["split"].endswith("digits.npz")
    assert data.counts_by_split() == found["counts_by_split"]
    assert len(data) == 1797
    message = hybrid("split", "digits", "--output", "digits.csv", code=1)
    assert "the images are in an array: its split is a new array file, .npz" in message
    assert not (tmp_path / "digits.csv").exists()


def test_a_split_that_would_be_read_differently_is_an_error_and_leaves_no_file(pictures, tmp_path):
    data = load_dataset(pictures)
    y = np.column_stack([data.y == "a", np.arange(len(data)) % 2])
    named = Dataset.from_arrays(data.X, y, data.split, label_names=["a", "Patient"])
    with pytest.raises(InputError, match="The label 'Patient' would be read as another column"):
        save_split(named, tmp_path / "split.csv")
    joined = Dataset.from_arrays(data.X, [["x", "y", "x|y"][row % 3] for row in range(len(data))], data.split)
    with pytest.raises(InputError, match="would be read differently from the saved file"):
        save_split(joined, tmp_path / "split.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures"]


def test_a_planted_link_is_not_followed_and_a_link_to_the_manifest_stays(pictures, tmp_path):
    target = tmp_path / "target.csv"
    target.write_text("old")
    (tmp_path / f".split.{os.getpid()}.csv").symlink_to(target)
    save_split(load_dataset(pictures), tmp_path / "split.csv")
    assert target.read_text() == "old"
    (tmp_path / "link.csv").symlink_to(target)
    save_split(load_dataset(pictures), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert target.read_text() == (tmp_path / "split.csv").read_text()
