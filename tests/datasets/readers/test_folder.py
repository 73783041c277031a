import os

import pytest

from hybrid.datasets import load_dataset
from hybrid.errors import InputError

JPEG = b"\xff\xd8\xff\xe0 the rest is not looked at"


def fill(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG)


def classes_of(root, *folders, n=10):
    fill(root, *(f"{folder}/{i}.jpg" for folder in folders for i in range(n)))


def refused(root, **options):
    with pytest.raises(InputError) as caught:
        load_dataset(root, **options)
    return str(caught.value)


def test_class_folders_give_labels_and_a_split_is_made(tmp_path):
    classes_of(tmp_path, "NORMAL", "PNEUMONIA", n=20)
    fill(tmp_path, "NORMAL/deeper/still/x.png")
    data = load_dataset(tmp_path)
    assert data.y.tolist() == ["NORMAL"] * 21 + ["PNEUMONIA"] * 20
    assert data.ids.tolist() == sorted(data.ids)
    assert "NORMAL/deeper/still/x.png" in data.ids
    assert data.X[0] == str(tmp_path / "NORMAL" / "0.jpg")
    assert all(data.counts_by_split()[name]["NORMAL"] for name in ("train", "val", "test"))
    assert data.name == tmp_path.name


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "Validation", "TESTING"), ("train", "dev", "test")]
)
def test_split_folders_are_kept(tmp_path, names):
    for name in names:
        classes_of(tmp_path / name, "a", "b", n=3)
    data = load_dataset(tmp_path)
    assert data.counts_by_split() == {s: {"a": 3, "b": 3} for s in ("train", "val", "test")}
    assert data.part("test").ids[0] == f"{names[2]}/a/0.jpg"
    assert data.notes == ()


def test_val_and_test_are_drawn_from_a_train_folder_alone(tmp_path):
    classes_of(tmp_path / "train", "a", "b", n=20)
    data = load_dataset(tmp_path)
    assert data.counts_by_split()["test"] == {"a": 3, "b": 3}
    assert "No val and no test split was given" in data.notes[0]
    assert load_dataset(tmp_path / "train").classes.tolist() == ["a", "b"]


def test_a_class_may_be_called_train(tmp_path):
    classes_of(tmp_path, "car", "train")
    fill(tmp_path, "train/steam/1.jpg")
    assert load_dataset(tmp_path).classes.tolist() == ["car", "train"]


def test_junk_and_other_files_are_left_out_and_counted(tmp_path):
    classes_of(tmp_path, "a", "b")
    junk = (
        ".DS_Store",
        "a/Thumbs.db",
        "a/._0.jpg",
        "b/desktop.ini",
        "__MACOSX/a/0.jpg",
        ".git/x.jpg",
        "b/.hidden/x.jpg",
    )
    fill(tmp_path, *junk)
    (tmp_path / "b" / "readme.txt").write_text("text")
    fill(tmp_path, "loose.jpg")
    data = load_dataset(tmp_path)
    assert len(data) == 20
    assert data.counts == {"junk": 7, "other_files": 1, "links_out": 0, "unlabelled_files": 1}
    assert any(note.startswith("7 junk files or folders ignored") for note in data.notes)
    assert any("'b/readme.txt'" in note for note in data.notes)
    assert any("'loose.jpg'" in note for note in data.notes)


def test_images_without_a_known_suffix_are_recognised_by_content(tmp_path):
    classes_of(tmp_path, "a", "b")
    fill(tmp_path, "a/no suffix", "a/odd.dat")
    (tmp_path / "b" / "broken.JPG").write_bytes(b"")  # must fail loudly on decoding, not vanish here
    ids = load_dataset(tmp_path).ids.tolist()
    assert {"a/no suffix", "a/odd.dat", "b/broken.JPG"} <= set(ids)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_back_to_a_folder_above_is_not_followed(tmp_path):
    classes_of(tmp_path, "a", "b")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    assert len(load_dataset(tmp_path)) == 20


def test_groups_by_pattern_are_not_divided(tmp_path):
    fill(tmp_path, *(f"{c}/person{i}_{j}.jpg" for c in "ab" for i in range(20) for j in range(3)))
    data = load_dataset(tmp_path, group_pattern=r"(./person\d+)_")
    assert (data.counts["groups"], data.counts["divided_groups"]) == (40, 0)
    assert len({(g, s) for g, s in zip(data.groups, data.split, strict=True)}) == 40
    assert "none of 40 groups divided" in data.notes[-1]


def test_names_that_a_group_pattern_does_not_match_are_counted(tmp_path):
    ill = [f"ill/person{i}_{j}.jpg" for i in range(9) for j in range(3)]
    well = [f"well/IM-{i:04d}-{j}.jpg" for i in range(10) for j in range(2)]
    fill(tmp_path, *ill, *well)
    notes = load_dataset(tmp_path, group_pattern=r"(person\d+)").notes
    (note,) = [note for note in notes if "not match" in note]
    assert note.startswith("20 of 47 file names do not match")
    assert "All of them are of the class well." in note
    both = load_dataset(tmp_path, group_pattern=r"(person\d+)_|(IM-\d+)")
    assert both.counts["groups"] == 19
    assert not any("not match" in note for note in both.notes)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("(", "is not a regular expression"), (r"person\d+", "needs parentheses"), ("(q)", "matches no image's id")],
)
def test_an_invalid_group_pattern_is_refused(tmp_path, pattern, says):
    classes_of(tmp_path, "a", "b")
    assert says in refused(tmp_path, group_pattern=pattern)


def test_folders_without_labelled_images_are_refused(tmp_path):
    assert "contains no images and no class folders" in refused(tmp_path)
    fill(tmp_path, "1.jpg", "2.jpg")
    assert "contains 2 images and no class folders" in (text := refused(tmp_path))
    assert "or give a table of file names and labels" in text
    classes_of(tmp_path, "a")
    assert "only one class (a)" in refused(tmp_path)
    (tmp_path / "labels.csv").write_text("path,label\n")
    assert "contains 'labels.csv': give that file" in refused(tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").write_text("")
    assert "The class folder 'b'" in (text := refused(tmp_path))
    assert "contains no images, only 'notes.txt'" in text


def test_split_folders_that_do_not_fit_are_refused(tmp_path):
    classes_of(tmp_path / "test", "a", "b")
    assert "no train folder" in refused(tmp_path)
    classes_of(tmp_path / "train", "a")
    assert "'b'" in (text := refused(tmp_path))
    assert "has no image in train, only in test" in text
    classes_of(tmp_path / "training", "b")
    assert "two folders for the same split" in refused(tmp_path)


# --- symbolic links


def links(tmp_path):
    """A dataset with a link to an image elsewhere, one to a folder elsewhere, and one that stays inside."""
    root = tmp_path / "data"
    classes_of(root, "a", "b", n=20)
    fill(tmp_path / "elsewhere", "1.jpg", "2.jpg")
    (root / "a" / "linked.jpg").symlink_to(tmp_path / "elsewhere" / "1.jpg")
    (root / "b" / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "a" / "again.jpg").symlink_to(root / "a" / "0.jpg")
    return root


def test_links_that_lead_out_are_refused_unless_they_are_allowed(tmp_path):
    root = links(tmp_path)
    text = refused(root)
    assert "1 symbolic link leads out of" in text
    assert "'linked.jpg'" in text
    assert "--follow-links" in text
    data = load_dataset(root, follow_links=True)
    assert {"a/linked.jpg", "a/again.jpg", "b/more/1.jpg", "b/more/2.jpg"} <= set(data.ids)
    assert data.arguments["follow_links"] is True


def test_links_that_lead_out_are_left_out_and_counted_on_request(tmp_path):
    data = load_dataset(links(tmp_path), on_bad="skip")
    assert len(data) == 41
    assert "a/again.jpg" in data.ids
    assert data.counts["links_out"] == 2
    assert any(
        "2 symbolic links that lead out of the folder left out: 'a/linked.jpg', 'b/more'" in n for n in data.notes
    )


def test_a_class_folder_may_not_be_a_link_out_and_the_dataset_itself_may_be_a_link(tmp_path):
    classes_of(tmp_path / "elsewhere", "a", "b")
    (tmp_path / "data").mkdir()
    for name in "ab":
        (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere" / name, target_is_directory=True)
    assert "2 symbolic links lead out" in refused(tmp_path / "data")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert len(load_dataset(tmp_path / "link")) == 20


def test_a_link_to_itself_is_left_out_alone(tmp_path):
    classes_of(tmp_path, "a", "b")
    (tmp_path / "a" / "round").symlink_to(tmp_path / "a" / "round")
    (tmp_path / "a" / "up").symlink_to(tmp_path / "a", target_is_directory=True)
    assert len(load_dataset(tmp_path)) == 20


def test_a_split_folder_inside_itself_is_not_read_as_a_class(tmp_path):
    """As when train was unpacked once more into train: cat, dog and train/cat are all below it."""
    for split in ("train", "val", "train/train"):
        classes_of(tmp_path / split, "cat", "dog")
    text = refused(tmp_path)
    assert "'train/train'" in text
    assert "contains 'cat', 'dog', as 'train' does, and may be a copy of it: remove it" in text
    assert "--split-names train=train,val=" in text
    data = load_dataset(tmp_path, split_names="train=train,val=val")
    assert data.classes.tolist() == ["cat", "dog", "train"]
