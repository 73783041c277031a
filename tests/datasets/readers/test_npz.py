import zipfile

import numpy as np
import pytest

from hybrid.datasets import load_dataset
from hybrid.errors import InputError

RNG = np.random.default_rng(0)


def arrays(n=40, shape=(8, 8), split="train"):
    return {
        f"{split}_images": RNG.integers(0, 256, (n, *shape), dtype=np.uint8),
        f"{split}_labels": (np.arange(n) % 2).astype(np.uint8)[:, None],
    }


def saved(tmp_path, name="set.npz", **members):
    path = tmp_path / name
    with path.open("wb") as file:
        np.savez(file, **members)
    return path


def refused(path):
    with pytest.raises(InputError) as caught:
        load_dataset(path)
    return str(caught.value)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
def test_the_splits_are_kept_with_every_row(tmp_path, shape):
    members = arrays(40, shape) | arrays(10, shape, "val") | arrays(6, shape, "test")
    data = load_dataset(saved(tmp_path, **members))
    assert data.X.shape == (56, *shape)
    for name in ("train", "val", "test"):
        assert np.array_equal(data.part(name).X, members[f"{name}_images"])
        assert np.array_equal(data.part(name).y, members[f"{name}_labels"][:, 0])
    assert data.part("val").ids[3] == "val/3"
    assert data.notes == ()


@pytest.mark.parametrize("split", ["valid", "validation", "extra", "Test"])
def test_a_split_of_another_name_is_refused_and_named(tmp_path, split):
    said = refused(saved(tmp_path, **arrays(), **arrays(10, split=split)))
    assert f"'{split}_images', '{split}_labels' besides train" in said


def test_missing_splits_are_drawn_from_train(tmp_path):
    data = load_dataset(saved(tmp_path, **arrays(100), **arrays(10, split="val")))
    assert [len(data.part(name)) for name in ("train", "val", "test")] == [85, 10, 15]
    assert "No test split was given" in data.notes[0]


def test_the_format_is_recognised_by_content(tmp_path):
    assert len(load_dataset(saved(tmp_path, "data.csv", **arrays()))) == 40


def test_several_labels(tmp_path):
    members = arrays() | {"train_labels": RNG.integers(0, 2, (40, 3))}
    data = load_dataset(saved(tmp_path, **members))
    assert data.task == "multilabel"
    assert data.classes.tolist() == ["0", "1", "2"]


def test_one_hot_over_the_whole_file_becomes_classes(tmp_path):
    members = arrays() | {"train_labels": np.eye(2, dtype=int)[np.arange(40) % 2]}
    data = load_dataset(saved(tmp_path, **members))
    assert data.task == "binary"
    assert data.y.tolist() == [0, 1] * 20


def test_missing_keys_are_named_with_those_found(tmp_path):
    text = refused(saved(tmp_path, x_train=np.zeros(3), y_train=np.zeros(3)))
    assert "lacks train_images, train_labels: it contains x_train, y_train" in text
    members = arrays() | {"test_images": np.zeros((2, 8, 8), np.uint8)}
    assert "lacks test_labels" in refused(saved(tmp_path, **members))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train_images": np.zeros((40, 8, 8))}, "float64"),
        ({"train_images": np.zeros((40, 8, 8, 8), np.uint8)}, "shape (40, 8, 8, 8)"),
        ({"train_labels": np.zeros(39, int)}, "40 train images but 39 train labels"),
        ({"train_labels": np.full((40, 3), 2)}, "values other than 0 and 1"),
        ({"train_labels": np.array(["a", None] * 20, object)}, "is pickled"),
        (arrays(6, (9, 9), "test"), "different shapes in different splits: train (8, 8), test (9, 9)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, change, says):
    assert says in refused(saved(tmp_path, **(arrays() | change)))


def test_a_damaged_archive_and_one_without_arrays_are_refused(tmp_path):
    path = saved(tmp_path, **arrays())
    path.write_bytes(path.read_bytes()[:-50])
    assert "damaged or incomplete archive" in refused(path)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"")
    assert "a zip archive without arrays ('a/1.jpg'): unpack it" in refused(tmp_path / "images.zip")


# --- archives from strangers


@pytest.mark.parametrize("says", [b"(99999999, 99999, 9)", b"(-4, -10, 8, 8)", b"(40, 8, 7)", b"(40, 8, 8, 999999)"])
def test_the_size_in_a_header_is_checked_before_memory_is_allocated(tmp_path, says):
    path = saved(tmp_path, **arrays())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    data = members["train_images.npy"]
    size = len(says) - len(b"(40, 8, 8)")
    members["train_images.npy"] = data.replace(b"(40, 8, 8)", says, 1).replace(b" " * max(size, 0) + b"\n", b"\n", 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    text = refused(path)
    assert f"the header of train_images gives the shape {says.decode()}, but it contains 2560 bytes" in text


def test_an_archive_that_unpacks_to_more_than_the_machine_has_is_refused(tmp_path, monkeypatch):
    path = saved(tmp_path, **arrays(400))
    monkeypatch.setattr("hybrid.datasets.readers.npz.physical_memory", lambda: 20_000.0)
    assert "this machine has 0.0 GiB: save the images as files" in refused(path)


def test_nothing_outside_is_written_whatever_members_are_called(tmp_path):
    path = saved(tmp_path, **arrays())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../outside.npy", b"x")
        archive.writestr("/absolute.npy", b"x")
    before = sorted(tmp_path.parent.rglob("*"))
    assert len(load_dataset(path)) == 40
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_an_encrypted_or_damaged_member_is_one_sentence(tmp_path):
    path = saved(tmp_path, **arrays())
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        data[at + place] |= 1
    path.write_bytes(data)
    assert "damaged or incomplete archive" in refused(path)
    path = saved(tmp_path, **arrays())
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(data)
    assert "damaged or incomplete archive (Bad CRC-32" in refused(path)
