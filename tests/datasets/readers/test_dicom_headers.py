"""Patients of DICOM files become groups that reveal nothing; tags become columns unless they identify somebody."""

import re

import numpy as np
import pytest
from made_dicom import dicom

from hybrid.datasets import load_dataset
from hybrid.datasets.dataset import Dataset
from hybrid.errors import InputError


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


def folder_with(path, headers, suffix=".dcm"):
    """A folder of two classes with one file for each header, in each class; headers are keywords of `dicom`."""
    rng = np.random.default_rng(1)
    for label in "ab":
        (path / label).mkdir(parents=True)
        for number, header in enumerate(headers):
            values = rng.integers(0, 256, (8, 8)).astype(np.uint8)
            (path / label / f"{number:02}{suffix}").write_bytes(dicom(values, **header))
    return path


def test_the_patient_is_the_group_also_in_files_with_the_suffix_of_another_format(tmp_path):
    data = load_dataset(folder_with(tmp_path, [{"patient": f"{number // 2}"} for number in range(12)], ".png"))
    assert len(np.unique(data.groups)) == 6


@pytest.mark.parametrize(
    "forms",
    [
        [{"patient": "P7 "}, {"patient": "p7"}],
        [{"patient": "P7"}, {"patient": "P7", "IssuerOfPatientID": "a hospital"}],
        [{"patient": "P7", "PatientName": "Doe^J"}, {"patient": "", "PatientName": "DOE^J^^"}],
        [
            {"patient": "P7", "PatientName": "A", "StudyInstanceUID": "1.2.7"},
            {"patient": "", "PatientName": "", "StudyInstanceUID": "1.2.7"},
        ],
    ],
    ids=["spaces and case", "issuer", "name without ID", "study without ID and name"],
)
def test_files_of_one_patient_are_one_group_although_their_headers_differ(tmp_path, forms):
    others = [{"patient": f"other {number}", "PatientName": f"B{number}"} for number in range(12)]
    data = load_dataset(folder_with(tmp_path, [*forms, *others]))
    of_forms = data.groups[[image_id[2:4] in ("00", "01") for image_id in data.ids]]
    assert len(of_forms) == 4
    assert len(set(of_forms)) == 1
    assert len(np.unique(data.groups)) == 13


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"StudyInstanceUID": "1.2"}, "state the same patient and the same study"),
        ({"patient": "", "PatientName": "", "StudyInstanceUID": ""}, "state no patient and no study"),
    ],
)
def test_files_that_tell_no_patients_apart_are_not_grouped_and_a_note_says_so(tmp_path, header, words):
    data = load_dataset(folder_with(tmp_path, [header] * 12))
    assert data.groups is None
    assert any(note.startswith("No groups: the 24 DICOM files") and words in note for note in data.notes)


def test_files_without_any_identity_are_counted(tmp_path):
    nobody = {"patient": "", "PatientName": "", "StudyInstanceUID": ""}
    data = load_dataset(folder_with(tmp_path, [nobody, *({"patient": f"{number}"} for number in range(9))]))
    assert any("9 patients of 20 DICOM files" in n and "2 files without a patient or study" in n for n in data.notes)
    assert len(np.unique(data.groups)) == 11


def test_a_tag_can_be_the_label_of_a_folder(tmp_path):
    root = folder_of(tmp_path / "d")
    data = load_dataset(root, label="ViewPosition")
    assert data.classes.tolist() == ["AP", "PA"]
    expected = ["AP" if int(re.search("im([0-9]+)", image_id)[1]) % 4 else "PA" for image_id in data.ids]
    np.testing.assert_array_equal(data.y, expected)
    assert_grouped_by_patient(data)
    again = load_dataset(**{name: value for name, value in data.arguments.items() if name != "seed"})
    np.testing.assert_array_equal(again.y, data.y)


def test_a_label_that_is_no_tag_of_the_files_is_refused(tmp_path):
    root = folder_of(tmp_path / "d")
    with pytest.raises(InputError, match="The tag PatientName may identify a patient"):
        load_dataset(root, label="PatientName")
    with pytest.raises(InputError, match="Unknown tag of DICOM files 'View'"):
        load_dataset(root, label="View")
    with pytest.raises(InputError, match="40 DICOM files lack the tag KVP"):
        load_dataset(root, label="KVP")
    (root / "a" / "other.dcm").write_bytes(dicom(np.zeros((8, 8), np.uint8)))
    with pytest.raises(InputError, match=r"1 DICOM file lacks .* 'a/other.dcm'; leave them out with --on-bad skip"):
        load_dataset(root, label="ViewPosition")
    assert len(load_dataset(root, label="ViewPosition", on_bad="skip")) == 40
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is a folder without DICOM files; give the label column"):
        load_dataset(tmp_path / "empty", label="ViewPosition")


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


@pytest.mark.parametrize("given", [{"bit_depth": 12}, {"window": "full"}])
def test_how_pixels_are_read_is_kept_with_the_dataset(tmp_path, given):
    from hybrid.datasets.load import reopen

    data = load_dataset(folder_of(tmp_path / "d"), **given)
    assert data.reading.fields() == given
    assert reopen(data.arguments).reading == data.reading
    assert data.part("train").reading == data.reading
