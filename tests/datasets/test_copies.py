"""Datasets at an address: the dataset of the same files on disk, copied once, and again only if an object changes.

The server is moto's, in this process: a stand-in for Amazon S3.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from object_server import BUCKET, KEY, SECRET
from PIL import Image

from hybrid.datasets import load_dataset
from hybrid.datasets.load import reopen
from hybrid.errors import InputError
from hybrid.extractors.images.decoding import bytes_digest
from hybrid.files.object_store import ObjectEntry, ObjectStore

ADDRESS = f"s3://{BUCKET}/clinic/pictures"


def upload(server, folder, prefix="clinic/pictures"):
    client = server.client()
    for path in folder.rglob("*"):
        if path.is_file():
            name = f"{prefix}/{path.relative_to(folder).as_posix()}"
            client.put_object(Bucket=BUCKET, Key=name, Body=path.read_bytes())


@pytest.fixture
def uploaded(object_server, image_folder):
    """The folder of two classes, on disk and at the address."""
    upload(object_server, image_folder)
    object_server.client().put_object(Bucket=BUCKET, Key="clinic/pictures/normal/", Body=b"")  # marks a folder
    return image_folder


@pytest.fixture
def table(uploaded, object_server):
    """A manifest of every second image, at the address; the pandas table of it."""
    paths = sorted(path.relative_to(uploaded).as_posix() for path in uploaded.rglob("*.png"))[::2]
    frame = pd.DataFrame({"path": paths, "label": [path.split("/")[0] for path in paths]})
    put_table(object_server, frame)
    return frame


def put_table(server, frame, name="labels.csv"):
    body = frame.to_csv(index=False).encode() if name.endswith(".csv") else frame.to_parquet(index=False)
    server.client().put_object(Bucket=BUCKET, Key=f"clinic/pictures/{name}", Body=body)


def digests(dataset):
    return [bytes_digest(Path(path).read_bytes()) for path in dataset.X]


def reads(server, names):
    """Return a block in which no request fails, and which adds the names of the files that are read to a list."""

    def note(method, path):
        if method == "GET" and "." in path.rpartition("/")[2]:
            names.append(path.rpartition("/")[2])

    return server.failing(note)


def test_a_folder_is_the_dataset_of_the_same_files(uploaded, object_server):
    here, there = load_dataset(uploaded), load_dataset(ADDRESS)
    np.testing.assert_array_equal(here.ids, there.ids)
    np.testing.assert_array_equal(here.y, there.y)
    np.testing.assert_array_equal(here.split, there.split)
    assert digests(here) == digests(there)
    assert there.name == here.name == "pictures"
    assert there.source == there.arguments["data"] == ADDRESS
    np.testing.assert_array_equal(reopen(there.arguments).ids, here.ids)


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_a_manifest_copies_only_the_images_that_it_names(table, object_server, name):
    put_table(object_server, table, name)
    read = []
    with reads(object_server, read):
        dataset = load_dataset(f"{ADDRESS}/{name}")
    assert sorted(dataset.ids) == sorted(table.path)
    images = [one for one in read if one.endswith(".png")]
    wanted = {path.rpartition("/")[2] for path in table.path}
    assert set(images) == wanted
    assert dataset.arguments["data"] == f"{ADDRESS}/{name}"


def test_a_local_manifest_with_images_at_an_address(table, tmp_path):
    (tmp_path / "mine").mkdir()
    table.to_csv(tmp_path / "mine" / "labels.csv", index=False)
    dataset = load_dataset(tmp_path / "mine" / "labels.csv", image_root=ADDRESS)
    assert sorted(dataset.ids) == sorted(table.path)
    assert dataset.arguments["image_root"] == ADDRESS


def test_files_are_copied_once_and_again_if_an_object_changes(uploaded, object_server):
    first = load_dataset(ADDRESS)
    read = []
    with reads(object_server, read):
        load_dataset(ADDRESS)
    assert not read
    changed = uploaded / "normal" / "0.png"
    size = changed.stat().st_size
    Image.fromarray(np.full((40, 40, 3), 9, np.uint8)).save(changed)
    changed.write_bytes(changed.read_bytes().ljust(size, b"\0"))  # of the same size, so only the stamp tells
    upload(object_server, changed.parent, "clinic/pictures/normal")
    object_server.client().delete_object(Bucket=BUCKET, Key="clinic/pictures/pneumonia/7.png")
    with reads(object_server, read):
        second = load_dataset(ADDRESS)
    assert read == ["0.png"]
    assert set(first.ids) - set(second.ids) == {"pneumonia/7.png"}
    row = second.ids.tolist().index("normal/0.png")
    assert digests(second)[row] == bytes_digest(changed.read_bytes())


@pytest.mark.parametrize("harm", ["lose", "change"])
def test_a_copy_that_was_changed_on_this_machine_is_made_again(uploaded, harm):
    dataset = load_dataset(ADDRESS)
    before = digests(dataset)
    path = Path(dataset.X[0])
    if harm == "lose":
        path.unlink()
    else:
        path.write_bytes(b"something else".ljust(path.stat().st_size, b"\0"))
    assert digests(load_dataset(ADDRESS)) == before


def test_an_interrupted_copy_goes_on(uploaded, object_server):
    with (
        object_server.failing(lambda method, path: "403 Forbidden" if path.endswith("/normal/29.png") else None),
        pytest.raises(InputError, match="access was denied") as caught,
    ):
        load_dataset(ADDRESS)
    assert SECRET not in str(caught.value)
    assert KEY not in str(caught.value)
    read = []
    with reads(object_server, read):
        assert len(load_dataset(ADDRESS)) == 60
    assert "29.png" in read
    assert len(read) < 60


def test_throttling_and_answers_that_end_early_change_nothing(uploaded, object_server):
    requests = itertools.count()
    faults = {3: "503 Slow Down", 7: "cut", 11: "500 Internal Server Error"}
    with object_server.failing(lambda method, path: faults.get(next(requests) % 13)):
        assert digests(load_dataset(ADDRESS)) == digests(load_dataset(uploaded))


def test_missing_objects_and_addresses_are_one_sentence(table, object_server):
    object_server.client().delete_object(Bucket=BUCKET, Key=f"clinic/pictures/{table.path[0]}")
    with pytest.raises(
        InputError, match=f"1 of the 30 images that '{ADDRESS}/labels.csv' lists are not in '{ADDRESS}'"
    ):
        load_dataset(f"{ADDRESS}/labels.csv")
    assert len(load_dataset(f"{ADDRESS}/labels.csv", on_bad="skip")) == 29
    with pytest.raises(InputError, match="There is nothing at 's3://pictures/else'"):
        load_dataset(f"s3://{BUCKET}/else")
    with pytest.raises(InputError, match="There is no object 's3://pictures/clinic/pictures/no.csv'"):
        load_dataset(f"{ADDRESS}/no.csv")
    with pytest.raises(InputError, match="no such bucket"):
        load_dataset("s3://nobody-has-this/x")


def test_names_that_lead_out_of_the_folder_are_refused(uploaded, object_server, monkeypatch):
    monkeypatch.setattr(ObjectStore, "list", lambda self, prefix="": {"normal/../../x.png": ObjectEntry(1, "1")})
    with pytest.raises(InputError, match="has a name that no file may have"):
        load_dataset(ADDRESS)


@pytest.mark.network
def test_features_belong_to_the_content_wherever_it_is(hybrid, uploaded, tiny_network, tmp_path):
    assert hybrid.json("extract", uploaded, "--backbone", tiny_network)["new"] == 60
    done = hybrid.json("extract", ADDRESS, "--backbone", tiny_network)
    assert (done["new"], done["cached"]) == (0, 60)
    assert hybrid.json("fit", "svm")["splits"]
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'[data]\nsource = "{ADDRESS}"\n[features.tiny]\nbackbone = "{tiny_network}"\n[heads.svm]\nhead = "svm"\n'
    )
    assert "svm" in hybrid("run", recipe)
