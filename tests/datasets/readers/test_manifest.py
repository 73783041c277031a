import sys
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hybrid.datasets import load_dataset
from hybrid.datasets.readers.table import read_parquet
from hybrid.errors import InputError, MissingExtraError

JPEG = b"\xff\xd8\xff\xe0 the rest is not looked at"


@pytest.fixture
def folder(tmp_path):
    """A folder with the images 0.jpg to 39.jpg."""
    for i in range(40):
        (tmp_path / f"{i}.jpg").write_bytes(JPEG)
    return tmp_path


def manifest(folder, header, row, n=40, name="labels.csv", encoding="utf-8", more=""):
    path = folder / name
    path.write_text("\n".join([header, *(row(i) for i in range(n))]) + "\n" + more, encoding=encoding)
    return path


def simple(folder, **options):
    return manifest(folder, "path,label", lambda i: f"{i}.jpg,{'cat' if i % 2 else 'dog'}", **options)


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        load_dataset(path, **options)
    return str(caught.value)


def test_rows_keep_their_order_and_labels(folder):
    data = load_dataset(simple(folder))
    assert data.ids.tolist() == [f"{i}.jpg" for i in range(40)]
    assert data.y.tolist() == ["dog", "cat"] * 20
    assert data.X[3] == str(folder / "3.jpg")
    assert data.notes[0] == "Columns: path 'path', label 'label'."


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_delimiter_bom_spaces_quotes_and_blank_lines(folder, mark):
    path = manifest(
        folder,
        mark.join(["File Name", '"Class"']),
        lambda i: mark.join([f' "{i}.jpg"', f'"{"a, b" if i % 2 else "c"}" ']) + "\n",
        encoding="utf-8-sig",
        name="labels.npz",
    )
    assert load_dataset(path).y.tolist() == ["c", "a, b"] * 20


@pytest.mark.parametrize(
    ("cells", "dtype"), [(("1", "2"), np.int64), (("001", "002"), np.str_), (("NA", "x"), np.str_)]
)
def test_labels_come_as_they_are(folder, cells, dtype):
    data = load_dataset(manifest(folder, "path,label", lambda i: f"{i}.jpg,{cells[i % 2]}"))
    assert data.classes.dtype.type is dtype
    assert data.classes.tolist() == [dtype(cell) for cell in cells]


def test_columns_of_0_and_1_are_several_labels(folder):
    path = manifest(folder, ",image,sea,sun", lambda i: f"{i},{i}.jpg,{i % 2},{1.0 if i % 3 else 0.0}")
    data = load_dataset(path)
    assert data.task == "multilabel"
    assert data.classes.tolist() == ["sea", "sun"]
    assert data.y[:4].tolist() == [[0, 0], [1, 1], [0, 1], [1, 0]]


def test_one_hot_columns_are_classes(folder):
    data = load_dataset(manifest(folder, "image,sea,sun", lambda i: f"{i}.jpg,{i % 2},{1 - i % 2}"))
    assert data.y.tolist() == ["sun", "sea"] * 20


def test_labels_can_be_chosen(folder):
    path = manifest(folder, "image,age,Sick,Old,label", lambda i: f"{i}.jpg,{i},{i % 2},{i % 3 % 2},{i % 5}")
    assert load_dataset(path).y[:6].tolist() == [0, 1, 2, 3, 4, 0]
    assert load_dataset(path, label="sick").y[:3].tolist() == [0, 1, 0]
    assert load_dataset(path, label="Sick, Old").classes.tolist() == ["Sick", "Old"]
    assert load_dataset(path, label=["Sick", "Old"]).task == "multilabel"
    assert "'age' of" in (text := refused(path, label="Sick,age"))
    assert "each may only contain 0 and 1" in text
    assert "Unknown column 'sik'. Nearest: 'Sick'" in refused(path, label="sik")


def test_columns_that_are_not_clear_are_listed(folder):
    text = refused(manifest(folder, "image,age,sex", lambda i: f"{i}.jpg,{i},m"))
    assert "'age', 'sex' with --label" in text
    text = refused(manifest(folder, "image,label,class", lambda i: f"{i}.jpg,a,b"))
    assert "'label', 'class' are possible" in text
    text = refused(manifest(folder, "what,label", lambda i: f"{i},{i % 2}"))
    assert "name one of 'what', 'label' with --path-column" in text


def test_an_unusual_path_column_is_recognised_by_its_cells_or_named(folder):
    path = manifest(folder, "photo,label", lambda i: f"{i}.jpg,{i % 2}")
    assert load_dataset(path).ids[0] == "0.jpg"
    assert load_dataset(path, path_column="PHOTO").ids[0] == "0.jpg"


def test_split_and_group_columns_are_honoured(folder):
    splits = ["training", "Train", "validation", "test"]
    path = manifest(folder, "path,label,Split,Patient ID", lambda i: f"{i}.jpg,{i // 4 % 2},{splits[i % 4]},{i % 4}")
    data = load_dataset(path)
    assert data.split[:4].tolist() == ["train", "train", "val", "test"]
    assert data.counts["groups"] == 4
    assert data.notes == ("Columns: path 'path', label 'label', split 'Split', group 'Patient ID'.",)


def test_groups_of_a_column_are_not_divided_and_a_blank_one_stands_alone(folder):
    path = manifest(folder, "path,label,patient", lambda i: f"{i}.jpg,{i // 2 % 2},{f'p{i // 2}' if i < 30 else ''}")
    data = load_dataset(path)
    assert data.counts["groups"] == 15 + 10
    assert data.counts["divided_groups"] == 0


def splits_of(path, **options):
    """The split of each row of a manifest, without those that are drawn."""
    return load_dataset(path, fractions=(1, 0, 0), **options).split.tolist()


def test_a_column_whose_name_promises_a_split_is_used_or_refused_but_never_ignored(folder):
    path = manifest(folder, "path,label,split", lambda i: f"{i}.jpg,{i % 2},{'tets' if i == 9 else 'train'}")
    assert "The column 'split'" in (text := refused(path))
    assert "contains 'tets'" in text
    assert "--split-names tets=" in text
    assert splits_of(path, split_names="tets=test") == ["train"] * 9 + ["test"] + ["train"] * 30
    assert splits_of(path, split_names="none") == ["train"] * 40


@pytest.mark.parametrize("name", ["split", "partition", "subset", "set", "Dataset_type", "fold", "cv_fold", "kfold"])
def test_numbers_in_a_split_column_are_refused_until_their_meaning_is_given(folder, name):
    path = manifest(folder, f"path,label,{name}", lambda i: f"{i}.jpg,{i // 4 % 2},{i % 3}")
    assert f"The column '{name}'" in (text := refused(path))
    assert f"--split-column {name} --split-names 0=train,1=val,2=test" in text
    assert "if it is not a split, --split-names none" in text
    expected = [("train", "val", "test")[i % 3] for i in range(40)]
    assert splits_of(path, split_names={"0": "train", "1": "val", "2": "test"}) == expected
    assert splits_of(path, split_column=name, split_names="0=train,1=val,2=test") == expected
    assert splits_of(path, split_names="none") == ["train"] * 40


@pytest.mark.parametrize("name", ["split", "subset", "Dataset_type", "Usage", "whatever"])
@pytest.mark.parametrize(
    "words",
    [
        ("TRAIN", "VAL", "TEST"),
        ("tr", "va", "te"),
        ("Training set", "Validation set", "Test set"),
        ("trn", "dev", "tst"),
    ],
)
def test_words_for_splits_are_read_whatever_the_column_is_called(folder, name, words):
    path = manifest(folder, f"path,label,{name}", lambda i: f"{i}.jpg,{i // 4 % 2},{words[i % 3]}")
    assert splits_of(path) == [("train", "val", "test")[i % 3] for i in range(40)]


@pytest.mark.parametrize(
    ("name", "values", "splits"),
    [
        ("is_test", ("0", "1"), ("train", "test")),
        ("isTest", ("False", "True"), ("train", "test")),
        ("is_train", ("1", "0"), ("train", "test")),
        ("in_validation_set", ("no", "yes"), ("train", "val")),
    ],
)
def test_a_column_that_says_whether_an_image_is_in_a_split_is_read(folder, name, values, splits):
    path = manifest(folder, f"path,sea,sun,{name}", lambda i: f"{i}.jpg,{i // 2 % 2},{i // 4 % 2},{values[i % 2]}")
    assert splits_of(path) == [splits[i % 2] for i in range(40)]
    assert load_dataset(path).classes.tolist() == ["sea", "sun"]
    assert any(f"'{values[1]}' is {splits[1]}" in note for note in load_dataset(path).notes)


def test_several_such_columns_are_read_together(folder):
    path = manifest(
        folder, "path,label,is_val,is_test", lambda i: f"{i}.jpg,{i // 4 % 2},{int(i % 4 == 1)},{int(i % 4 == 2)}"
    )
    assert splits_of(path) == ["train", "val", "test", "train"] * 10
    path = manifest(folder, "path,label,is_val,is_test", lambda i: f"{i}.jpg,{i // 4 % 2},{i % 2},{i % 2}")
    assert "do not give every row one split" in refused(path)


def test_a_column_of_folds_beside_a_split_is_no_label_and_is_named(folder):
    path = manifest(
        folder,
        "path,sea,sun,split,fold",
        lambda i: f"{i}.jpg,{i % 2},{i // 2 % 2},{'train' if i < 30 else 'test'},{i // 4 % 2}",
    )
    data = load_dataset(path)
    assert data.classes.tolist() == ["sea", "sun"]
    assert any("'fold' was not read as a split" in note for note in data.notes)


def test_columns_with_different_splits_are_refused_unless_one_is_chosen(folder):
    path = manifest(
        folder,
        "path,label,split,subset",
        lambda i: f"{i}.jpg,{i // 2 % 2},{('train', 'test')[i % 2]},{('test', 'train')[i % 2]}",
    )
    assert "'split', 'subset'" in refused(path)
    assert splits_of(path, split_column="subset") == ["test", "train"] * 20


def test_columns_that_are_no_splits_are_not_taken_for_one(folder):
    path = manifest(
        folder,
        "path,label,phase,set,vehicle",
        lambda i: f"{i}.jpg,{i % 2},{('arterial', 'venous')[i % 2]},A,{('car', 'train')[i % 2]}",
    )
    assert splits_of(path) == ["train"] * 40
    path = manifest(folder, "path,car,train", lambda i: f"{i}.jpg,{i % 2},{i // 2 % 2}")
    assert load_dataset(path).classes.tolist() == ["car", "train"]


def test_rows_with_a_value_that_the_user_skips_are_left_out(folder):
    path = manifest(
        folder, "path,label,split", lambda i: f"{i}.jpg,{i // 4 % 2},{('train', 'test', 'unused', '')[i % 4]}"
    )
    assert "An empty cell is written as" in refused(path)
    data = load_dataset(path, split_names="unused=skip,=skip", fractions=(1, 0, 0))
    assert data.ids.tolist() == [f"{i}.jpg" for i in range(40) if i % 4 < 2]
    assert data.counts["skipped_rows"] == 20


@pytest.mark.parametrize("place", ["{}/{}", "set/{}_images/{}", "{{}}/cat/{}/{}", "a\\{}\\{}"])
def test_the_folders_of_the_paths_are_a_split(tmp_path, place):
    names = [place.format(("train", "test")[i % 2], f"{i}.jpg").format(tmp_path) for i in range(40)]
    for name in names:
        file = tmp_path / name.replace("\\", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(JPEG)
    path = manifest(tmp_path, "path,label", lambda i: f"{names[i]},{i // 2 % 2}")
    assert splits_of(path) == ["train", "test"] * 20
    assert any("The split was read from the folders of the paths" in note for note in load_dataset(path).notes)
    assert splits_of(path, split_names="none") == ["train"] * 40


def test_paths_of_which_only_some_are_in_split_folders_are_refused(tmp_path):
    for i in range(40):
        file = tmp_path / ("train", "test", "extra")[i % 3] / f"{i}.jpg"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(JPEG)
    path = manifest(tmp_path, "path,label", lambda i: f"{('train', 'test', 'extra')[i % 3]}/{i}.jpg,{i // 3 % 2}")
    assert "and in 'extra': say what these are, as in --split-names extra=test" in refused(path)
    assert splits_of(path, split_names="extra=val")[:3] == ["train", "test", "val"]
    assert len(splits_of(path, split_names="extra=skip")) == 27


@pytest.mark.parametrize("given", ["0", "0=learn", "", {"0": "learn"}, {}])
def test_split_names_that_are_not_understood_are_refused(folder, given):
    assert "expected NAME=train" in refused(simple(folder), split_names=given)


def test_files_are_found_in_images_in_image_root_and_without_suffix(folder):
    images = folder / "images"
    images.mkdir()
    for file in folder.glob("*.jpg"):
        file.rename(images / file.name)
    path = manifest(folder, "image_id,label", lambda i: f"{i},{i % 2}")
    data = load_dataset(path)
    assert data.X[7] == str(images / "7.jpg")
    assert data.ids[7] == "7.jpg"
    elsewhere = folder.parent / f"{folder.name}-elsewhere"
    images.rename(elsewhere)
    assert "are not in" in (text := refused(path))
    assert "'0', '1', '2' and 37 more; give their folder with --image-root." in text
    assert load_dataset(path, image_root=elsewhere).ids[7] == "7.jpg"
    (elsewhere / "7.jpg").rename(elsewhere / "7.png")
    path = manifest(folder, "image_id,label", lambda i: f"{i}.jpg,{i % 2}")
    assert "'7.jpg'; there is '7.png'; correct --image-root or the paths" in refused(path, image_root=elsewhere)


def test_files_in_unknown_folders_are_found_by_their_names_if_these_are_unique(folder):
    for i in range(40):
        inner = folder / f"images_{i // 20 + 1:03}" / "images"
        inner.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.jpg").rename(inner / f"{i}.jpg")
    for name in ("images_002/images/unlabelled.jpg", "figures/logo.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(JPEG)
    data = load_dataset(path := simple(folder))
    assert data.ids[[0, 39]].tolist() == ["images_001/images/0.jpg", "images_002/images/39.jpg"]
    assert any("found by their names" in note for note in data.notes)
    assert data.left_out["unlabelled_files"] == ["images_002/images/unlabelled.jpg"]
    (folder / "other").mkdir()
    (folder / "other" / "3.jpg").write_bytes(JPEG)
    assert "1 of the 40 images" in refused(path)


def test_names_in_other_case_are_found_and_noted_unless_several_files_could_be_meant(folder):
    (folder / "4.jpg").rename(folder / "4.JPG")
    data = load_dataset(path := simple(folder))
    assert data.ids[4] == "4.JPG"
    assert any("1 file has a name in other upper and lower case than in the table: '4.jpg'" in n for n in data.notes)
    (folder / "4.Jpg").write_bytes(JPEG)
    assert "1 of the 40 images" in refused(path)


def test_a_file_that_a_row_names_exactly_does_not_stand_for_a_name_in_other_case(folder):
    (folder / "a.jpg").write_bytes(JPEG)
    assert "'A.jpg'" in refused(simple(folder, more="a.jpg,cat\nA.jpg,cat\n"))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_another_unicode_form_are_found_and_the_form_on_disk_is_kept(folder, form):
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    for i in range(40):
        deep = folder / unicodedata.normalize(form, "dépôt")
        deep.mkdir(exist_ok=True)
        (folder / f"{i}.jpg").rename(deep / unicodedata.normalize(form, f"é{i}.jpg"))
    path = manifest(folder, "path,catégorie", lambda i: unicodedata.normalize(other, f"dépôt/é{i}.jpg,{i % 2}"))
    data = load_dataset(path, label=unicodedata.normalize("NFD", "catégorie"))
    assert data.ids[5] == unicodedata.normalize(form, "dépôt/é5.jpg")
    assert Path(data.X[5]).read_bytes() == JPEG


def test_labels_and_groups_in_two_unicode_forms_are_one(folder):
    def row(i):
        form = "NFC" if i < 20 else "NFD"
        split = "train" if i < 20 else "test"
        return unicodedata.normalize(form, f"{i}.jpg,{'café' if i % 2 else 'thé'},{split},Zoë{i % 4}")

    data = load_dataset(manifest(folder, "path,label,split,patient", row))
    assert data.classes.tolist() == ["café", "thé"]
    assert data.counts["groups"] == data.counts["divided_groups"] == 4


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_tables_in_other_encodings_are_read(folder, encoding):
    data = load_dataset(manifest(folder, "path;Äpfel", lambda i: f"{i}.jpg;{'grün' if i % 2 else 'rot'}",
                                 encoding=encoding))  # fmt: skip
    assert data.classes.tolist() == ["grün", "rot"]
    assert any("Windows-1252" in note for note in data.notes) == (encoding == "cp1252")


@pytest.mark.parametrize("encoding", ["cp1251", "shift-jis", "gbk"])
def test_tables_in_unknown_encodings_are_refused(folder, encoding):
    word = "кот" if encoding == "cp1251" else "こねこ"
    path = manifest(folder, "path,label", lambda i: f"{i}.jpg,{word if i % 2 else 'dog'}", encoding=encoding)
    assert "is neither UTF-8, UTF-16 nor Windows-1252 text" in refused(path)


def test_a_line_that_names_the_delimiter_is_obeyed(folder):
    data = load_dataset(manifest(folder, "sep=;\npath;label", lambda i: f"{i}.jpg;{'a, b' if i % 2 else 'c'}"))
    assert data.classes.tolist() == ["a, b", "c"]


def test_the_delimiter_divides_all_lines(folder):
    path = manifest(folder, "path;label;size, cm", lambda i: f"{i}.jpg;{i % 2};3,5")
    assert load_dataset(path).classes.tolist() == [0, 1]


def test_a_workbook_is_called_by_its_name(folder):
    with zipfile.ZipFile(folder / "labels.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "")
    assert "save its table as a CSV file" in refused(folder / "labels.xlsx")


def test_absolute_and_windows_paths_are_read(folder):
    (folder / "deep").mkdir()
    for i in range(20):
        (folder / f"{i}.jpg").rename(folder / "deep" / f"{i}.jpg")
    path = manifest(
        folder, "path,label", lambda i: f"{f'deep{chr(92)}{i}.jpg' if i < 20 else folder / f'{i}.jpg'},{i % 2}"
    )
    assert load_dataset(path).ids[[0, 39]].tolist() == ["deep/0.jpg", "39.jpg"]


def test_labels_without_files_stop_or_are_skipped_without_shifting_labels(folder):
    path = simple(folder)
    (folder / "4.jpg").unlink()
    (folder / "5.jpg").unlink()
    text = refused(path)
    assert "2 of the 40 images" in text
    assert "'4.jpg', '5.jpg'" in text
    data = load_dataset(path, on_bad="skip")
    assert data.counts["missing_files"] == 2
    assert dict(zip(data.ids, data.y, strict=True)) == {
        f"{i}.jpg": "cat" if i % 2 else "dog" for i in range(40) if i not in (4, 5)
    }


def test_files_without_labels_are_noted(folder):
    data = load_dataset(simple(folder, n=30))
    assert len(data) == 30
    assert data.counts["unlabelled_files"] == 10
    assert any(note.startswith("10 images that no row names left out: '30.jpg'") for note in data.notes)


def test_repeated_rows_collapse_and_contradictions_are_refused(folder):
    data = load_dataset(simple(folder, more="1.jpg,cat\n./2.jpg,dog\n"))
    assert len(data) == 40
    assert data.counts["duplicate_rows"] == 2
    assert "1.jpg' disagree: ('cat',) and ('dog',)" in refused(simple(folder, more="1.jpg,dog\n"))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("40.jpg\n", "Line 42 of"),
        (",cat\n", "1 row has no path"),
    ],
)
def test_rows_that_do_not_fit_are_refused(folder, more, says):
    assert says in refused(simple(folder, more=more))


def test_empty_labels_and_tables_are_refused(folder):
    path = manifest(folder, "path,label", lambda i: f"{i}.jpg,{'' if i in (3, 8) else i % 2}")
    assert "2 images have no label ('3.jpg', '8.jpg')" in refused(path)
    assert "has no rows" in refused(simple(folder, n=0))
    assert "names an image: add a line with the column names above it" in refused(
        manifest(folder, "0.jpg,cat", lambda i: f"{i}.jpg,dog")
    )
    assert "the column 'label' more than once" in refused(
        manifest(folder, "path,label,label", lambda i: f"{i}.jpg,1,1")
    )


def test_parquet_is_recognised_by_content_and_keeps_types(folder):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"path": [f"{i}.jpg" for i in range(40)], "label": [i % 2 for i in range(40)]}
    parquet.write_table(arrow.table(columns), folder / "labels.csv")
    data = load_dataset(folder / "labels.csv")
    assert data.y.tolist() == columns["label"]
    columns["label"] = [f"{i % 2:03}" for i in range(40)]
    parquet.write_table(arrow.table(columns), folder / "labels.csv")
    assert load_dataset(folder / "labels.csv").classes.tolist() == ["000", "001"]


def test_parquet_is_read_in_batches_whose_equal_texts_are_one_object(folder, monkeypatch):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("hybrid.datasets.readers.table._BATCH", 7)
    monkeypatch.setattr("hybrid.datasets.readers.table._MOST_SHARED", 20)
    labels = [None if i == 3 else ["cat", "dog"][i % 2] for i in range(40)]
    columns = {"path": [f"{i}.jpg" for i in range(40)], "label": labels, "age": [i / 2 for i in range(40)]}
    parquet.write_table(arrow.table(columns), folder / "labels.parquet")
    read = read_parquet(str(folder / "labels.parquet"))
    assert read == columns
    assert len({id(cell) for cell in read["label"][7:]}) == 2


def test_parquet_without_pyarrow_or_broken_says_what_to_do(folder, monkeypatch):
    (folder / "labels.parquet").write_bytes(b"PAR1 and no more")
    if pytest.importorskip("pyarrow.parquet"):
        assert "damaged or incomplete Parquet file" in refused(folder / "labels.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hybrid-features\[parquet\]'"):
        load_dataset(folder / "labels.parquet")


# --- symbolic links


@pytest.fixture
def linked(tmp_path):
    """A table whose rows name files, links out by a file, by a folder, by a hidden name, and a path elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    names = [f"{number}.png" for number in range(20)]
    for path in (*(root / "images" / name for name in names), tmp_path / "elsewhere" / "x.png"):
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "images" / "out.png").symlink_to(tmp_path / "elsewhere" / "x.png")
    (root / "images" / ".hidden").symlink_to(tmp_path / "elsewhere" / "x.png")
    (root / "folder").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    rows = [*(f"images/{name}" for name in names), "images/out.png", "images/.hidden", "folder/x.png"]
    text = "path,label\n" + "".join(f"{name},{'ab'[number % 2]}\n" for number, name in enumerate(rows))
    (root / "table.csv").write_text(text + f"{tmp_path}/elsewhere/x.png,a\n")
    return root / "table.csv"


def test_rows_that_are_links_out_of_the_folder_are_refused_left_out_or_followed(linked):
    with pytest.raises(InputError, match=r"3 symbolic links lead out of '.*set': 'images/out.png', .*--follow-links"):
        load_dataset(linked)
    data = load_dataset(linked, on_bad="skip")
    assert len(data) == 21  # a path that says itself that it is elsewhere is no link
    assert data.counts["links_out"] == 3
    assert len(load_dataset(linked, follow_links=True)) == 24
