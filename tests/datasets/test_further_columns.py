"""Further columns reach the dataset from every source, survive extraction, and leave out what may identify patients."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hybrid.datasets import Dataset, load_dataset
from hybrid.datasets.load import reopen
from hybrid.embeddings.embedding_set import load_set, save_set
from hybrid.embeddings.extract import extract_dataset
from hybrid.embeddings.joined_set import join_sets
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.workspace.workspace import Workspace

JPEG = b"\xff\xd8\xff\xe0 the rest is not looked at"


@pytest.fixture
def hospitals(tmp_path):
    """A folder of two classes with 20 images each, in the subfolders of two hospitals."""
    for label in ("cat", "dog"):
        for i in range(20):
            place = tmp_path / "pictures" / label / ("north" if i % 2 else "south")
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{label}{i}.jpg").write_bytes(JPEG + bytes([i]))
    return tmp_path / "pictures"


def written(path, table):
    table.to_csv(path, index=False)
    return path


def load(folder, **options):
    """The pictures, whose classes are the outer folders."""
    return load_dataset(folder, split_names="none", together="none", **options)


def manifest(folder):
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))
    return pd.DataFrame({
        "path": paths,
        "label": [path.split("/")[0] for path in paths],
        "sex": ["F", "M", "", "M"] * 10,
        "age": [20.0 + i / 2 for i in range(39)] + [np.nan],
        "name": [f"Ann {i}" for i in range(40)],
        "identifier": [100000 + i for i in range(40)],
    })  # fmt: skip


def test_a_manifest_gives_the_columns_that_form_subgroups_and_no_names_or_identifiers(hospitals):
    data = load_dataset(written(hospitals / "labels.csv", manifest(hospitals)), together="none")
    assert list(data.columns) == ["sex", "age"]
    assert data.columns["sex"].tolist() == ["F", "M", "", "M"] * 10
    assert data.columns["age"].tolist()[:2] == ["20", "20.5"]
    assert data.columns["age"].tolist()[-1] == ""
    assert any("not read unless --columns names them: 'name', 'identifier'" in note for note in data.notes)


def test_columns_are_chosen_by_name_and_reopened(hospitals):
    path = written(hospitals / "labels.csv", manifest(hospitals))
    data = load_dataset(path, columns="name,sex", together="none")
    assert list(reopen(data.arguments).columns) == list(data.columns) == ["name", "sex"]
    assert load_dataset(path, columns="none", together="none").columns == {}
    with pytest.raises(InputError, match="Unknown column 'sexx'. Nearest: 'sex'"):
        load_dataset(path, columns=["sexx"], together="none")


@pytest.mark.parametrize("key", ["path", "name", "stem"])
def test_a_folder_joins_a_table_by_path_or_file_name(hospitals, tmp_path, key):
    files = sorted(hospitals.rglob("*.jpg"), reverse=True)
    names = {"path": [f.relative_to(hospitals).as_posix() for f in files], "name": [f.name for f in files],
             "stem": [f.stem for f in files]}  # fmt: skip
    table = pd.DataFrame({"which": names[key], "number": [int(f.stem[3:]) for f in files]})
    data = load(hospitals, table=written(tmp_path / "more.csv", table.iloc[:30]))
    expected = {name: str(n) for name, n in zip(names["path"][:30], table["number"][:30], strict=True)}
    assert data.columns["number"].tolist() == [expected.get(name, "") for name in data.ids.tolist()]


def test_a_table_of_patients_is_joined_by_the_group(hospitals, tmp_path):
    patients = pd.DataFrame({"patient": [f"cat{i}" for i in range(20)], "sex": ["F", "M"] * 10})
    data = load(hospitals, table=written(tmp_path / "p.csv", patients), group_pattern=r"(cat\d+)")
    sex = dict(zip(data.ids.tolist(), data.columns["sex"].tolist(), strict=True))
    assert sex["cat/north/cat3.jpg"] == "M"
    assert sex["dog/north/dog3.jpg"] == ""


def test_a_table_that_names_no_image_or_contradicts_itself_is_refused(hospitals, tmp_path):
    table = pd.DataFrame({"file": ["x.jpg", "y.jpg"], "sex": ["F", "M"]})
    with pytest.raises(InputError, match="No cell of the table .* is the path"):
        load(hospitals, table=written(tmp_path / "t.csv", table))
    table = pd.DataFrame({"file": ["cat1.jpg", "cat1.jpg", "cat2.jpg", "cat3.jpg"], "sex": ["F", "M", "F", "M"]})
    with pytest.raises(InputError, match="Two rows of .* are of file 'cat1.jpg', with different values of 'sex'"):
        load(hospitals, table=written(tmp_path / "t.csv", table))
    with pytest.raises(InputError, match="There is no table"):
        load(hospitals, table=tmp_path / "none.csv")


def test_a_pattern_makes_a_column_of_a_part_of_the_path(hospitals):
    data = load(hospitals, column_patterns=["hospital=/(north|south)/"])
    assert data.columns["hospital"].tolist() == [name.split("/")[1] for name in data.ids.tolist()]
    assert reopen(data.arguments).columns.keys() == {"hospital"}
    for wrong, reason in (("hospital", "expected NAME=REGEX"), ("h=(x", "not a regular"), ("h=(zzz)", "matches no")):
        with pytest.raises(InputError, match=reason):
            load(hospitals, column_patterns=[wrong])


def test_arrays_of_an_npz_with_one_value_for_each_image_are_columns(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    train = {"train_images": images, "train_labels": np.arange(40) % 2, "train_sex": np.array(["F", "M"] * 20)}
    test = {"test_images": images[:10] // 2, "test_labels": np.arange(10) % 2}
    np.savez(tmp_path / "a.npz", **train, **test, train_masks=images)
    data = load_dataset(tmp_path / "a.npz", together="none")
    assert list(data.columns) == ["sex"]
    assert data.columns["sex"][data.split == "test"].tolist() == [""] * 10
    assert data.columns["sex"][data.ids == "train/1"].tolist() == ["M"]


@pytest.mark.filterwarnings("ignore::hybrid.extractors.RandomWeightsWarning")
def test_columns_of_arrays_survive_extraction_in_the_order_of_each_set(tmp_path):
    rng = np.random.default_rng(0)
    images, age = rng.integers(0, 256, (40, 16, 16), np.uint8), np.arange(40)
    frame = pd.DataFrame({"age/years": age, "site": ["a", None] * 20})
    data = Dataset.from_arrays(images, ["cat", "dog"] * 20, columns=frame)
    assert data.take(data.split == "test").columns["site"].shape == ((data.split == "test").sum(),)
    place, order = Workspace(tmp_path), rng.permutation(40)
    average, highest = (
        FeatureExtractor("convnet_small", size=16, pooling=pooling, cache=str(tmp_path / "cache"))
        for pooling in ("avg", "max")
    )
    save_set(extract_dataset(data, average), place, "first")
    loaded = load_set(place, "first")
    assert loaded.columns.keys() == {"age/years", "site"}
    assert loaded.columns["age/years"].tolist() == list(map(str, age))
    other = extract_dataset(data.take(order), highest)
    joined = join_sets([replace(loaded, columns={}), replace(other, name="other")])
    assert joined.columns["age/years"].tolist() == list(map(str, age))


def test_a_column_of_another_length_is_refused():
    images = np.zeros((4, 8, 8), np.uint8)
    with pytest.raises(InputError, match="The column 'sex' has 2 values, but there are 4 images"):
        Dataset.from_arrays(images, ["a", "b"] * 2, columns={"sex": ["F", "M"]})
