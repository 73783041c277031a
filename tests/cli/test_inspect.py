"""`hybrid inspect` says how a model reads DICOM files, and which of their tags it was given."""

import numpy as np
import pytest
from made_dicom import BIRTH, NAME, dicom


@pytest.fixture
def dicom_folder(tmp_path):
    """A folder of two classes with eight patients each, who have two images each."""
    rng = np.random.default_rng(0)
    for place, label in enumerate("ab"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for number in range(16):
            values = (rng.integers(0, 2000, (16, 16)) + 1500 * place).astype(np.uint16)
            data = dicom(values, bits=12, patient=f"MRN-{label}{number // 2}", ViewPosition="AP")
            (tmp_path / "d" / label / f"{number}.dcm").write_bytes(data)
    return "d"


@pytest.mark.medium
def test_inspect_shows_window_and_tags_of_a_model_of_dicom_files(hybrid, dicom_folder, tiny_network):
    options = ("--window", "2000,3000.5", "--dicom-tag", "ViewPosition", "--bit-depth", "12")
    hybrid("extract", dicom_folder, "--backbone", tiny_network, "--name", "s", *options)
    hybrid("fit", "softmax")
    said = " ".join(hybrid("inspect", "softmax-s").split())
    assert "Model 'softmax-s'" in said
    assert "bit depth 12, window 2000,3000.5" in said
    assert "ViewPosition" in said
    assert NAME not in said
    assert BIRTH not in said
