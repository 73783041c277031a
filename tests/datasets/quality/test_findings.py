"""What is wrong with a dataset is found, and nothing else; what was measured once is not measured again."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from made_pictures import picture
from PIL import Image

from hybrid import Dataset, load_dataset
from hybrid.datasets.quality import CHECKS, Cluster, Finding, examine
from hybrid.datasets.quality import measure as measuring_module
from hybrid.datasets.quality.embeddings import confirm
from hybrid.datasets.quality.measure import measure
from hybrid.datasets.quality.near_duplicates import close_hashes, near_duplicate_pairs
from hybrid.datasets.quality.outliers import is_outlier
from hybrid.datasets.summary import DatasetSummary, summarize
from hybrid.errors import InputError
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.workspace.records import from_json


def found(folder, **given):
    findings, _ = examine(load_dataset(folder, on_bad="skip", **given))
    assert [finding.check for finding in findings] == [check.name for check in CHECKS]
    return {finding.check: finding for finding in findings if finding.clusters}


def names(finding):
    return [cluster.names for cluster in finding.clusters]


def test_nothing_is_found_where_nothing_is_wrong(pictures):
    assert found(pictures) == {}


def test_the_same_file_in_two_splits_and_under_two_labels(pictures):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    shutil.copy(pictures / "train/a/1.png", pictures / "train/b/copy.png")
    (finding,) = found(pictures).values()
    assert finding.check == "byte_identical"
    assert names(finding) == [("test/a/copy.png", "train/a/0.png"), ("train/a/1.png", "train/b/copy.png")]
    assert [cluster.splits for cluster in finding.clusters] == [("test", "train"), ("train",)]
    assert [cluster.labels for cluster in finding.clusters] == [("a",), ("a", "b")]
    assert (finding.size, finding.in_several_splits, finding.under_several_labels) == (4, 1, 1)
    assert finding.groups == finding.clusters  # the former name


def test_the_same_pixels_in_another_file(pictures):
    with Image.open(pictures / "train/a/0.png") as image:
        image.save(pictures / "test/a/other.bmp")
    Image.fromarray(np.asarray(picture(99).convert("L"))).save(pictures / "train/a/grey.png")
    picture(99).convert("L").convert("RGB").save(pictures / "train/a/grey_rgb.png")
    (finding,) = found(pictures).values()
    assert finding.check == "pixel_identical"
    assert {frozenset(group) for group in names(finding)} == {
        frozenset({"train/a/0.png", "test/a/other.bmp"}),
        frozenset({"train/a/grey.png", "train/a/grey_rgb.png"}),
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda image, path: image.save(path.with_suffix(".jpg"), quality=50),
        lambda image, path: image.resize((64, 64), Image.Resampling.BILINEAR).save(path),
        lambda image, path: image.resize((160, 160), Image.Resampling.BICUBIC).save(path),
        lambda image, path: image.point(lambda level: int(20 + 0.85 * level)).save(path),
        lambda image, path: image.convert("L").save(path),
    ],
    ids=["JPEG", "smaller", "larger", "paler", "grey"],
)
def test_a_picture_that_was_saved_again_is_a_near_duplicate(pictures, change):
    with Image.open(pictures / "train/b/3.png") as image:
        change(image, pictures / "test" / "b" / "again.png")
    findings = found(pictures)
    (pair,) = names(findings["near_duplicates"])
    assert {name.split(".")[0] for name in pair} == {"train/b/3", "test/b/again"}
    assert findings.keys() <= {"near_duplicates", "size"}


def test_near_duplicates_come_with_all_their_identical_copies_and_only_once(pictures):
    with Image.open(pictures / "train/b/3.png") as image:
        image.save(pictures / "test/b/again.jpg", quality=60)
    shutil.copy(pictures / "train/b/3.png", pictures / "train/b/copy.png")
    (group,) = names(found(pictures)["near_duplicates"])
    assert set(group) == {"train/b/3.png", "train/b/copy.png", "test/b/again.jpg"}


def test_blank_dark_and_oddly_shaped_pictures(pictures):
    Image.new("RGB", (96, 96), (0, 0, 0)).save(pictures / "train/a/black.png")
    Image.new("L", (96, 96), 200).save(pictures / "train/a/grey.jpg")
    picture(101).point(lambda level: level // 8).save(pictures / "train/a/dark.png")
    picture(102).resize((200, 20)).save(pictures / "train/b/flat.png")
    findings = found(pictures)
    assert names(findings["blank"]) == [("train/a/black.png",), ("train/a/grey.jpg",)]
    assert names(findings["brightness"]) == [("train/a/dark.png",)]
    assert [(cluster.names, cluster.reason) for cluster in findings["size"].clusters] == [
        (("train/b/flat.png",), "200 × 20 pixels")
    ]
    assert findings.keys() == {"blank", "brightness", "size"}


def test_undecodable_files_are_named_with_the_reason(pictures):
    whole = (pictures / "train/a/0.png").read_bytes()
    (pictures / "train/a/cut.png").write_bytes(whole[: len(whole) // 2])
    (cluster,) = found(pictures)["undecodable"].clusters
    assert cluster.names == ("train/a/cut.png",)
    assert "cannot be decoded" in cluster.reason


def test_class_names_that_differ_only_by_case_or_width(pictures):
    labels = {"a": "caf\u00e9", "b": "\uff23AF\u00c9"}
    data = load_dataset(pictures)
    other = Dataset.from_arrays(data.X, [labels[label] for label in data.y] + [], data.split)
    (cluster,) = next(one for one in examine(other)[0] if one.check == "classes").clusters
    assert set(cluster.names) == set(labels.values())


def test_labels_without_files_files_without_labels_and_divided_groups(pictures):
    rows = [f"train/a/{number}.png,a,train,p{number}" for number in range(4)]
    rows += [f"train/b/{number}.png,b,test,p{number + 3}" for number in range(4)]
    rows += ["train/b/5.png,b,train,x", "train/a/gone.png,a,train,y"]
    (pictures / "labels.csv").write_text("\n".join(["path,label,split,patient", *rows]))
    findings = found(pictures / "labels.csv")
    assert names(findings["labels_without_files"]) == [("train/a/gone.png",)]
    assert {name for (name,) in names(findings["files_without_labels"])} == {
        *(f"train/a/{number}.png" for number in range(4, 8)),
        *(f"train/b/{number}.png" for number in (4, 6, 7)),
    }
    (cluster,) = findings["divided_groups"].clusters
    assert (cluster.reason, set(cluster.names)) == ("p3", {"train/a/3.png", "train/b/0.png"})


def test_images_in_arrays_are_examined_too():
    pixels = np.stack([np.asarray(picture(seed, 32)) for seed in range(20)])
    pixels[7] = pixels[2]
    pixels[9] = 0
    data = Dataset.from_arrays(pixels, ["a", "b"] * 10, ["train"] * 12 + ["test"] * 8)
    findings = {finding.check: finding for finding in examine(data)[0] if finding.clusters}
    assert names(findings["byte_identical"]) == [("train/2", "train/7")]
    assert names(findings["blank"]) == [("train/9",)]


def test_measurements_are_reused_by_content_unless_their_file_is_damaged(pictures, cache, monkeypatch):
    data = load_dataset(pictures)
    first = measure(data.X)
    moved = pictures.rename(pictures.with_name("moved"))
    with monkeypatch.context() as patch:
        patch.setattr(measuring_module, "decode_whole", lambda *given: pytest.fail("it was decoded again"))
        again = measure(load_dataset(moved).X)
    assert again.rows.tobytes() == first.rows.tobytes()
    (path,) = (cache / "measures").rglob("*.npy")
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    assert measure(load_dataset(moved).X).rows.tobytes() == first.rows.tobytes()


def test_hashes_that_differ_in_few_bits_are_paired_once():
    hashes = np.array([0, 0b111, 0xFFFF, 0, 2**63], np.uint64)
    assert sorted(map(tuple, np.concatenate([*close_hashes(hashes, 1)]).tolist())) == [(0, 3), (0, 4), (3, 4)]
    assert len(np.concatenate([*close_hashes(hashes, 3)])) == 5
    assert not list(close_hashes(hashes[:0]))


def test_cached_embeddings_confirm_pairs_that_are_nearer_than_usual_neighbours(cache):
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 256, (50, 32), np.uint8)
    rows = rng.normal(size=(50, 8)).astype(np.float32)
    rows[7] = 3 * rows[2] + 0.01
    pairs = np.array([[2, 7], [0, 1]])
    assert confirm(keys, pairs) is None
    store = EmbeddingStore(cache, Identity({"layers": ["made"]}, (8,)))
    store.append(keys[:49], rows[:49])
    assert confirm(keys, pairs) is None
    store.append(keys[49:], rows[49:])
    confirmation = confirm(keys, pairs)
    assert confirmation.confirmed.tolist() == [True, False]
    assert confirmation.cosines[0] > 0.99


def test_a_value_far_from_many_equal_ones_is_an_outlier():
    same = np.full(100, 5.0)
    assert not is_outlier(same).any()
    same[3] = 6
    assert np.flatnonzero(is_outlier(same)).tolist() == [3]
    assert not is_outlier(np.array([1.0, 2.0] * 50)).any()


def test_many_pictures_of_another_size_are_not_unusual_but_few_are(pictures):
    for number in range(12):
        picture(200 + number, 40).save(pictures / f"train/a/small{number}.png")
    picture(220, 16).save(pictures / "train/a/tiny.png")
    assert names(found(pictures)["size"]) == [("train/a/tiny.png",)]


@pytest.mark.medium
def test_the_command_shows_a_table_pictures_and_json(hybrid, pictures, tmp_path):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    shown = hybrid("data", pictures)
    assert "byte-identical images" in shown
    assert "'test/a/copy.png', 'train/a/0.png' (test and train)" in shown
    record = json.loads(hybrid("data", pictures, "--json"))
    by_check = {finding["check"]: finding for finding in record["findings"]}
    assert by_check["byte_identical"]["groups"][0]["splits"] == ["test", "train"]
    assert by_check["blank"]["found"] == 0
    assert record["sizes"] == [{"width": 96, "height": 96, "images": 33}]
    assert record["modes"] == {"RGB": 33}
    reports = tmp_path / "hybrid_runs" / "reports"
    assert DatasetSummary.read(reports / "findings-pictures.json").to_json() == record
    for name in ("data-pictures.png", "findings-pictures.png"):
        with Image.open(reports / name) as drawn:
            assert min(drawn.size) > 200
    quick = json.loads(hybrid("data", pictures, "--no-checks", "--json"))
    assert "findings" not in quick


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"found": 2', '"found": 3', "does not match its checksum"),
        ('"schema": 1', '"schema": 2', "reads up to schema 1"),
        ("{", "", "cannot be read as JSON"),
    ],
)
def test_a_damaged_file_of_findings_is_named_with_what_is_wrong(pictures, tmp_path, old, new, reason):
    shutil.copy(pictures / "train/a/0.png", pictures / "test/a/copy.png")
    data = load_dataset(pictures)
    path = tmp_path / "findings.json"
    summarize(data, *examine(data)).write(path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"findings\.json.*{reason}"):
        DatasetSummary.read(path)


def test_a_finding_whose_numbers_are_not_those_of_its_clusters_is_refused():
    value = {"check": "blank", "title": "blank images", "groups": [{"names": ["a.png"]}], "drop": None, "found": 1}
    assert from_json(Finding, value) == Finding("blank", "blank images", (Cluster(("a.png",)),))
    with pytest.raises(ValueError, match="'blank' has size = 2, but its clusters give 1"):
        from_json(Finding, value | {"found": 2})
    with pytest.raises(ValueError, match=r'"groups\[0\]\.names" is "a\.png"; expected a list'):
        from_json(Finding, value | {"groups": [{"names": "a.png"}]})


def test_several_labels_per_image_are_counted(hybrid, tmp_path):
    folder = tmp_path / "scenes"
    folder.mkdir()
    rows = ["path,sea,sunset,snow"]
    for number, flags in enumerate([(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (0, 0, 0)] * 6):
        picture(number).save(folder / f"{number}.png")
        rows.append(",".join(map(str, [f"{number}.png", *flags])))
    (folder / "labels.csv").write_text("\n".join(rows))
    record = json.loads(hybrid("data", folder / "labels.csv", "--json"))
    totals = {}
    for counts in record["labels_an_image"].values():
        for number, count in counts.items():
            totals[number] = totals.get(number, 0) + count
    assert totals == {"0": 6, "1": 18, "2": 6}
    assert record["imbalance"] == {"sea": 1.0, "sunset": 1.0, "snow": 2.0}


@pytest.mark.parametrize(
    ("imbalance", "words"),
    [
        ({"a": 1.0, "b": 1.0, "c": None}, "All labels are about equally frequent."),
        ({"a": 1.0, "b": 2.0}, "The most frequent label has 2.0 times as many images as the rarest, 'b'."),
    ],
)
def test_labels_that_are_equally_frequent_are_not_compared(imbalance, words):
    assert replace(summarize(load_dataset("digits")), imbalance=imbalance).in_words() == [words]


@pytest.mark.data
def test_near_duplicates_of_real_x_rays_are_found_without_false_ones(data_folder, tmp_path):
    paths = sorted((data_folder / "chest_xray/train/PNEUMONIA").glob("person1[1-4]*"))
    with Image.open(paths[0]) as image:
        image.resize((180, 180)).save(tmp_path / "again.jpg", quality=70)
    measures = measure(np.array([*map(str, paths), str(tmp_path / "again.jpg")]))
    assert near_duplicate_pairs(measures).pairs.tolist() == [[0, len(paths)]]
    digests = {path.name: path.read_bytes() for path in paths}
    assert digests["person1372_bacteria_3501.jpeg"] == digests["person1372_bacteria_3503.jpeg"]
    keys = dict(zip(digests, (key.tobytes() for key in measures.keys), strict=False))
    assert keys["person1372_bacteria_3501.jpeg"] == keys["person1372_bacteria_3503.jpeg"]
