"""Patients of DICOM files become groups that reveal nothing; tags become columns unless they identify somebody."""

import json
import re

import numpy as np
import pytest
from made_dicom import BIRTH, NAME, dicom

from hybrid.datasets import load_dataset
from hybrid.datasets.dataset import Dataset
from hybrid.errors import InputError

SECRETS = [NAME, NAME.split("^")[0], NAME.split("^")[1], BIRTH, "MRN-00"]


def folder_of(path, suffix="", **elements):
    """A folder of two classes with ten patients each, who have two images each."""
    rng = np.random.default_rng(0)
    for label in "ab":
        (path / label / "study").mkdir(parents=True)
        (path / label / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
        for number in range(20):
            values = rng.integers(0, 4096, (12, 12)).astype(np.uint16)
            patient = f"MRN-00{label}{number // 2}"
            data = dicom(values, bits=12, patient=patient, ViewPosition="AP" if number % 4 else "PA", **elements)
            (path / label / "study" / f"im{number}{suffix}").write_bytes(data)
    return path


def patients_of(data):
    return [f"{image_id[0]}{int(re.search('im([0-9]+)', image_id)[1]) // 2}" for image_id in data.ids]


def assert_grouped_by_patient(data):
    pairs = set(zip(patients_of(data), data.groups.tolist(), strict=True))
    assert len(pairs) == 20
    assert len({group for _, group in pairs}) == 20
    assert any("20 patients of 40 DICOM files, as salted hashes" in note for note in data.notes)
    assert all(len(set(data.split[data.groups == group])) == 1 for group in np.unique(data.groups))


def test_the_patient_is_the_group_in_a_folder_without_suffixes(tmp_path):
    data = load_dataset(folder_of(tmp_path / "d"))
    assert len(data) == 40
    assert_grouped_by_patient(data)
    assert data.left_out["other_files"] == ["a/DICOMDIR", "b/DICOMDIR"]
    again = load_dataset(tmp_path / "d")
    np.testing.assert_array_equal(again.groups, data.groups)


def test_the_patient_is_the_group_in_a_manifest_unless_a_group_is_given(tmp_path):
    root = folder_of(tmp_path / "d", ".dcm")
    paths = sorted(path.relative_to(tmp_path).as_posix() for path in root.rglob("*.dcm"))
    lines = [f"{path},{path.split('/')[1]},{number // 4}" for number, path in enumerate(paths)]
    (tmp_path / "plain.csv").write_text("\n".join(["path,label,site", *lines]))
    data = load_dataset(tmp_path / "plain.csv", label="label")
    assert len(np.unique(data.groups)) == 20
    given = load_dataset(tmp_path / "plain.csv", label="label", group_column="site")
    assert len(np.unique(given.groups)) == 10
    pattern = load_dataset(root, group_pattern=r"im(\d)")
    assert not any("patients" in note for note in pattern.notes)


def test_other_patients_have_other_hashes_in_another_dataset(tmp_path):
    first, second = (load_dataset(folder_of(tmp_path / name)) for name in "xy")
    assert not set(first.groups) & set(second.groups)


def test_files_of_one_removed_identifier_are_grouped_by_study(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(12):
            data = dicom(np.full((8, 8), number, np.uint8), patient="ANON", StudyInstanceUID=f"1.2.{number // 2}")
            (tmp_path / label / f"{number}.dcm").write_bytes(data)
    data = load_dataset(tmp_path)
    assert len(np.unique(data.groups)) == 6
    assert any("6 studies of 24 DICOM files" in note and "the same patient" in note for note in data.notes)


def test_tags_become_columns_unless_they_identify_somebody(tmp_path):
    root = folder_of(tmp_path / "d")
    data = load_dataset(root, dicom_tags=["ViewPosition", "PatientSex"])
    numbers = np.array([int(re.search("im([0-9]+)", image_id)[1]) for image_id in data.ids])
    np.testing.assert_array_equal(data.columns["ViewPosition"], np.where(numbers % 4, "AP", "PA"))
    assert set(data.columns["PatientSex"]) == {""}
    assert len(data.part("test").columns["ViewPosition"]) == len(data.part("test"))
    for tag in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber", "StudyDate"):
        with pytest.raises(InputError, match=f"The tag {tag} may identify a patient"):
            load_dataset(root, dicom_tags=[tag])
    with pytest.raises(InputError, match="Unknown tag of DICOM files 'ViewPositon'. Nearest: 'ViewPosition'"):
        load_dataset(root, dicom_tags=["ViewPositon"])
    with pytest.raises(InputError, match="has no DICOM files"):
        load_dataset("digits", dicom_tags=["ViewPosition"])


def test_arrays_have_no_columns():
    assert Dataset.from_arrays(np.zeros((8, 4, 4), np.uint8), list("aabb" * 2), fractions=(1, 0, 0)).columns == {}


@pytest.mark.network
@pytest.mark.slow
def test_nothing_that_is_written_or_printed_contains_the_patient(tmp_path, hybrid, cache, tiny_network, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "d")
    workspace = ("--workspace", "ws")
    said = [
        hybrid("data", "d", "--dicom-tag", "ViewPosition", "--json", *workspace),
        hybrid("split", "d", "--output", "split.csv"),
        hybrid("extract", "d", "--backbone", tiny_network, "--window", "2000,3000", "--name", "s", *workspace),
        hybrid("fit", "softmax", *workspace),
        hybrid("compare", *workspace),
        hybrid("predict", "softmax-s", "d/a/study/im0", "--output", "p.csv", *workspace),
    ]
    assert json.loads(said[0])["columns"]["ViewPosition"] == {"AP": 30, "PA": 10}
    files = [path for place in (tmp_path, cache) for path in place.rglob("*") if path.is_file()]
    written = [path for path in files if not path.is_relative_to(tmp_path / "d")]
    assert any(path.suffix == ".html" for path in written)
    for secret in SECRETS:
        assert not [text for text in said if secret in text]
        assert not [path for path in written if secret.encode() in path.read_bytes()], secret


@pytest.mark.parametrize("given", [{"bit_depth": 12}, {"window": "full"}])
def test_how_pixels_are_read_is_kept_with_the_dataset(tmp_path, given):
    from hybrid.datasets.load import reopen

    data = load_dataset(folder_of(tmp_path / "d"), **given)
    assert data.reading.fields() == given
    assert reopen(data.arguments).reading == data.reading
    assert data.part("train").reading == data.reading
