"""Whatever is done with DICOM files, nothing that is written or printed contains what identifies a patient."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
from made_dicom import BIRTH, NAME, dicom

OTHERS = {
    "OtherPatientNames": "Ermintrude^Quillfeather",
    "ReferringPhysicianName": "Dougal^Physician",
    "InstitutionName": "Roundabout Hospital",
    "AccessionNumber": "ACC-55512",
    "PatientComments": "Florence is her sister",
    "StudyDate": "20190714",
    "PatientAddress": "12 Garden Lane",
}
SECRETS = [NAME, *NAME.split("^"), BIRTH, "MRN-", *OTHERS.values(), "Ermintrude", "Dougal", "1.2.826.77."]


@pytest.fixture
def folder_of_patients(tmp_path):
    """DICOM files of two classes with ten patients each, who have two images each; and two that cannot be read."""
    rng = np.random.default_rng(0)
    for place, label in enumerate("ab"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for number in range(20):
            values = (rng.integers(0, 2000, (12, 12)) + 1500 * place).astype(np.uint16)
            data = dicom(
                values,
                bits=12,
                patient=f"MRN-{label}{number // 2}",
                StudyInstanceUID=f"1.2.826.77.{place}.{number // 2}",
                ViewPosition="AP" if number % 4 else "PA",
                **OTHERS,
            )
            # numbers that are none, of which pydicom would warn and quote them
            data = data.replace(b"\x10\x00\x20\x10LO", b"\x10\x00\x20\x10DS")
            (tmp_path / "d" / label / f"im{number}").write_bytes(data)
    whole = (tmp_path / "d" / "a" / "im0").read_bytes()
    (tmp_path / "d" / "a" / "cut").write_bytes(whole[:-100])
    place = whole.index(b"\x28\x00\x10\x00US") + 4  # the number of rows becomes a name
    rows = b"LO\x08\x00Zebedee "
    (tmp_path / "d" / "b" / "rows_of_text").write_bytes(whole[:place] + rows + whole[place + 6 :])
    return tmp_path / "d"


def contents(path):
    """Yield the bytes of a file, and of everything in it if it is an archive."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def holds(data, text):
    """Return whether data contain a text, also as an array of characters."""
    return any(text.encode(code) in data for code in ("utf-8", "utf-16-le", "utf-32-le"))


def assert_private(said, written):
    for secret in SECRETS:
        for text in said:
            assert secret not in text
        for path in written:
            assert secret not in path.name
            assert not [data for data in contents(path) if holds(data, secret)], (secret, path)


@pytest.fixture
def run_and_log(hybrid, caplog):
    """Run a command, and return all that it printed or logged."""

    def run(*arguments, code=0):
        result = hybrid.result(*arguments)
        assert result.exit_code == code, result.output
        return result.output + result.stderr + caplog.text

    return run


def files_below(*places, without):
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return [path for path in files if not path.is_relative_to(without)]


@pytest.mark.medium
def test_data_and_split_neither_print_nor_write_what_identifies_a_patient(
    tmp_path, folder_of_patients, run_and_log, cache
):
    said = [
        run_and_log("data", "d", "--dicom-tag", "ViewPosition", "--json"),
        run_and_log("data", "d", "--label", "ViewPosition"),
        run_and_log("split", "d", "--output", "split.csv", "--on-bad", "skip"),
        run_and_log("data", "d", "--dicom-tag", "PatientName", code=1),
    ]
    assert json.loads(said[0])["columns"]["ViewPosition"] == {"AP": 30, "PA": 12}
    written = files_below(tmp_path, cache, without=folder_of_patients)
    assert any(path.suffix == ".csv" for path in written)
    assert any(path.suffix == ".png" for path in written)
    assert_private(said, written)


RECIPE = """
[data]
source = "d"
window = "2000,4000"
dicom_tags = ["ViewPosition"]
on_bad = "skip"
[features]
tiny = {backbone = "tiny.keras"}
[heads]
use = ["softmax"]
"""


@pytest.mark.slow
def test_neither_a_recipe_nor_any_command_writes_what_identifies_a_patient(
    tmp_path, folder_of_patients, run_and_log, cache, tiny_network
):
    (tmp_path / "mine.toml").write_text(RECIPE)
    (tmp_path / "tiny.keras").write_bytes(tiny_network.read_bytes())
    refused = run_and_log("extract", "d", "--backbone", "tiny.keras", "--workspace", "ws", code=1)
    said = [
        refused,
        run_and_log("extract", "d", "--backbone", "tiny.keras", "--name", "s", "--workspace", "ws", "--on-bad", "skip"),
        run_and_log("fit", "softmax", "--workspace", "ws"),
        run_and_log("compare", "--workspace", "ws"),
        run_and_log("predict", "softmax-s", "d/a/im0", "--output", "p.csv", "--workspace", "ws"),
        run_and_log("predict", "softmax-s", "d/b/rows_of_text", "--workspace", "ws", code=1),
        run_and_log("inspect", "softmax-s", "--workspace", "ws"),
        run_and_log("run", "mine.toml", "--workspace", "recipe"),
    ]
    written = files_below(tmp_path, cache, without=folder_of_patients)
    pages = [path for path in written if path.suffix == ".html"]
    assert {path.relative_to(tmp_path).parts[0] for path in pages} == {"ws", "recipe"}
    assert_private(said, written)
    everything = b"".join(data for path in written for data in contents(path))
    patients = [f"MRN-{label}{number}" for label in "ab" for number in range(10)]
    unsalted = [kind(one.encode()).hexdigest()[:12] for one in patients for kind in (hashlib.sha256, hashlib.md5)]
    assert holds(everything, "patient-")
    assert not [one for one in unsalted if holds(everything, one)]
