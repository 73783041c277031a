import json
import subprocess
import sys

import numpy as np
import pytest

from hybrid.datasets import Dataset, load_dataset, reopen
from hybrid.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
WORDS = ["cat"] * 20 + ["dog"] * 20


def refused(*args, **kwargs):
    with pytest.raises(InputError) as caught:
        Dataset.from_arrays(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("multilabel", [False, True])
def test_classes_with_one_image_are_named(multilabel):
    y = np.array([*["cat"] * 20, *["dog"] * 20, "fox"])
    labels = (y[:, None] == ["cat", "dog", "fox"]).astype(np.uint8) if multilabel else y
    names = ["cat", "dog", "fox"] if multilabel else None
    data = Dataset.from_arrays(np.arange(41 * 16, dtype=np.uint8).reshape(41, 4, 4), labels, label_names=names)
    assert [note for note in data.notes if note.startswith("'fox' has only one image, so it cannot be both learnt")]
    assert not [note for note in data.notes if "'cat'" in note and "only one" in note]


def test_importing_datasets_loads_nothing_heavy():
    code = (
        "import sys, hybrid.datasets; print([m for m in ('keras', 'sklearn', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_arrays_become_a_dataset_with_a_noted_split():
    data = Dataset.from_arrays(PIXELS, WORDS, random_state=3)
    assert data.task == "binary"
    assert not data.of_files
    assert data.classes.tolist() == ["cat", "dog"]
    assert data.counts_by_split() == {
        "train": {"cat": 14, "dog": 14},
        "val": {"cat": 3, "dog": 3},
        "test": {"cat": 3, "dog": 3},
    }
    assert "No split was given" in data.notes[0]
    assert "seed 3" in data.notes[0]


def test_part_and_take_keep_rows_together():
    groups = [f"p{i // 2}" for i in range(40)]
    data = Dataset.from_arrays(PIXELS, WORDS, groups=groups)
    test = data.part("test")
    rows = [int(one) for one in test.ids]
    assert np.array_equal(test.X, PIXELS[rows])
    assert test.y.tolist() == [WORDS[i] for i in rows]
    assert test.groups.tolist() == [groups[i] for i in rows]
    assert set(test.split) == {"test"}
    assert test.classes.tolist() == ["cat", "dog"]
    assert data.take(np.array([5, 3])).ids.tolist() == ["5", "3"]


def test_a_missing_split_is_empty_and_an_unknown_one_is_refused():
    data = Dataset.from_arrays(PIXELS, WORDS, fractions=(0.8, 0, 0.2))
    assert len(data.part("val")) == 0
    with pytest.raises(InputError, match=r"Unknown split 'tset'\. Nearest: 'test'"):
        data.part("tset")


def test_a_given_split_is_kept_with_synonyms_and_names_the_images():
    split = (["Training"] * 14 + ["valid"] * 3 + ["TEST"] * 3) * 2
    data = Dataset.from_arrays(PIXELS, WORDS, split)
    assert data.split.tolist() == (["train"] * 14 + ["val"] * 3 + ["test"] * 3) * 2
    assert data.ids[[0, 14, 17, 20]].tolist() == ["train/0", "val/0", "test/0", "train/14"]
    assert data.notes == ()


def test_paths_are_made_absolute_and_named_below_their_common_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [f"images/{word}/{i}.png" for i, word in enumerate(WORDS)]
    data = Dataset.from_arrays(paths, WORDS)
    assert data.of_files
    assert data.X[0] == str(tmp_path / "images/cat/0.png")
    assert data.ids[0] == "cat/0.png"


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([3, 7] * 20, np.int64),
        (np.array([3, 7] * 20, np.uint8)[:, None], np.int64),
        (np.array([3.0, 7.0] * 20), np.int64),
        (np.array(["3", "7"] * 20, object), np.int64),
        (np.array(["03", "07"] * 20, object), np.str_),
    ],
)
def test_whole_numbers_are_integers_and_codes_are_names(y, expected):
    data = Dataset.from_arrays(PIXELS, y)
    assert data.y.dtype.type is expected
    assert data.classes.tolist() == ([3, 7] if expected is np.int64 else ["03", "07"])


def test_several_labels_stay_columns_of_0_and_1():
    y = np.random.default_rng(1).integers(0, 2, (40, 3)).astype(float)
    data = Dataset.from_arrays(PIXELS, y, label_names=["a", "b", "c"])
    assert data.task == "multilabel"
    assert data.y.dtype == np.uint8
    assert np.array_equal(data.y, y)
    assert data.classes.tolist() == ["a", "b", "c"]
    assert sum(counts["b"] for counts in data.counts_by_split().values()) == y[:, 1].sum()


def test_one_hot_labels_become_classes_with_a_note():
    y = np.eye(4, dtype=int)[np.arange(40) % 4]
    named = Dataset.from_arrays(PIXELS, y, label_names=["n", "e", "s", "w"])
    assert named.task == "multiclass"
    assert named.y.tolist() == ["n", "e", "s", "w"] * 10
    assert any("exactly one of the 4 labels" in note for note in named.notes)
    assert Dataset.from_arrays(PIXELS, y).y.tolist() == [0, 1, 2, 3] * 10


@pytest.mark.parametrize(
    ("X", "says"),
    [
        (PIXELS / 255, "float64: give file paths"),
        (PIXELS.astype(np.uint16), "uint8 pixels from 0 to 255"),
        (PIXELS.reshape(40, 64), "shape (40, 64)"),
        (np.zeros((40, 3, 8, 8), np.uint8), "channels come last"),
        (np.zeros((40, 8, 8, 4), np.uint8), "(n, h, w, 3)"),
        ([np.zeros((i, 2), np.uint8) for i in range(40)], "different shapes"),
    ],
)
def test_images_that_are_neither_paths_nor_uint8_are_refused(X, says):
    assert says in refused(X, WORDS)


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (WORDS[:-1], "40 images but 39 labels"),
        (["cat"] * 39 + [""], "1 image has no label ('39')"),
        (["cat"] * 38 + [None, None], "2 images have no label ('38', '39')"),
        (np.linspace(0, 1, 40), "The labels look like the target of a regression"),
        (["cat"] * 39 + [float("nan")], "1 image has no label ('39')"),
        (["cat"] * 39 + [" "], "1 image has no label ('39')"),
        ([1] * 39 + ["a"], "there are both"),
        ([0.0] * 39 + [1e300], "cannot hold exactly"),
        (np.array([1, "a"] * 20, object), "neither all strings nor all integers"),
        (np.arange(80).reshape(40, 2), "values other than 0 and 1"),
        (["cat"] * 40, "has only one class (cat)"),
    ],
)
def test_labels_that_cannot_be_learnt_are_refused(y, says):
    assert says in refused(PIXELS, y)


def test_classes_that_train_lacks_are_refused_by_name():
    y = ["cat"] * 20 + ["dog"] * 18 + ["owl"] * 2
    split = ["train"] * 38 + ["val", "test"]
    assert "'owl' of The dataset from arrays has no image in train, only in val and test" in refused(PIXELS, y, split)


def test_a_label_column_without_or_with_only_positives_is_refused():
    y = np.random.default_rng(1).integers(0, 2, (40, 3))
    assert "'1' of The dataset from arrays has no image in train or any other split" in refused(PIXELS, y * [1, 0, 1])
    assert "have the label '2', so there is nothing to learn" in refused(PIXELS, y | [0, 0, 1])


def test_other_unusable_arrays_are_refused():
    assert "contains 'tset'; expected only train, val, test" in refused(PIXELS, WORDS, ["train", "tset"] * 20)
    assert "has no train images, only images of test" in refused(PIXELS, WORDS, ["test"] * 40)
    assert "'a' occur more than once" in refused(PIXELS, WORDS, ids=["a", "a", *map(str, range(38))])
    assert "40 images but 1 group" in refused(PIXELS, WORDS, groups=["a"])
    assert "contains no images" in refused(PIXELS[:0], [])


def test_groups_across_given_splits_are_noted():
    split = ["train"] * 30 + ["val"] * 5 + ["test"] * 5
    data = Dataset.from_arrays(PIXELS, ["cat", "dog"] * 20, split, groups=np.arange(40) // 4)
    assert data.counts["divided_groups"] == 2  # images 28..31 and 32..35
    assert any("2 groups are in more than one" in note for note in data.notes)


def test_a_class_that_a_split_lacks_is_noted():
    data = Dataset.from_arrays(PIXELS, WORDS, ["train"] * 36 + ["val", "val", "test", "test"])
    assert "No image of 'cat' is in val." in data.notes


def test_load_dataset_returns_a_dataset_as_it_is():
    data = Dataset.from_arrays(PIXELS, WORDS)
    assert load_dataset(data) is data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("dgits", "no file, folder or dataset 'dgits'. Nearest name: 'digits'"),
        ("pneumoniamnist", "Nearest name: 'medmnist:pneumoniamnist'"),
        ("/nowhere/at all", "a folder of class folders"),
        (PIXELS, "cannot be loaded from ndarray: use Dataset.from_arrays"),
    ],
)
def test_missing_data_is_an_error_that_lists_what_is_expected(data, says):
    with pytest.raises(InputError) as caught:
        load_dataset(data)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty or cannot be read"),
        (b"\x89PNG\r\n\x1a\n....", "is a single image, not a dataset"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it starts with b'version https:/"),
        (b"\x00\x01\x02,\x03", "is not in a known format of datasets"),
    ],
)
def test_a_file_of_no_known_format_is_refused_whatever_its_name(tmp_path, content, says):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_dataset(path)
    assert says in str(caught.value)


def test_options_that_do_not_apply_are_refused(tmp_path):
    with pytest.raises(InputError, match="label, image_root can only be given for a CSV or Parquet manifest"):
        load_dataset("digits", label="target", image_root=tmp_path)
    with pytest.raises(InputError, match="Unknown on_bad 'ignore'"):
        load_dataset("digits", on_bad="ignore")
    with pytest.raises(InputError, match="expected three shares"):
        load_dataset("digits", fractions=(0.7, 0.7, 0.1))


def test_a_dataset_can_be_loaded_again_from_elsewhere(image_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(image_folder.parent)
    first = load_dataset("pictures", fractions=(0.5, 0.2, 0.3), val=0.3, random_state=7, group_pattern=r"(\d)\d*\.png")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    again = reopen(json.loads(json.dumps(first.arguments)))
    for name in ("X", "y", "split", "groups", "ids"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    assert reopen(load_dataset("digits").arguments).name == "digits"


def test_what_cannot_be_loaded_again_says_why(image_folder):
    arguments = load_dataset(image_folder).arguments
    image_folder.rename(image_folder.with_name("moved"))
    with pytest.raises(InputError, match="There is no file, folder or dataset"):
        reopen(arguments)
    with pytest.raises(InputError, match="arrays"):
        reopen(Dataset.from_arrays(PIXELS, WORDS).arguments)


def test_the_former_name_of_random_state_is_accepted_with_a_warning():
    with pytest.warns(FutureWarning, match="'seed' of Dataset.from_arrays is called 'random_state' now"):
        data = Dataset.from_arrays(PIXELS, WORDS, seed=3)
    assert data.split.tolist() == Dataset.from_arrays(PIXELS, WORDS, random_state=3).split.tolist()
    with pytest.warns(FutureWarning, match="'seed' of load_dataset is called 'random_state' now"):
        digits = load_dataset("digits", seed=2)
    assert digits.arguments["seed"] == 2  # records of embedding sets keep the name
    assert reopen(digits.arguments).split.tolist() == digits.split.tolist()
