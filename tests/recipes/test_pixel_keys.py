"""Keys of [data] about DICOM files and pixels of more than 8 bits: what they mean, and that mistakes are named."""

import pytest

from hybrid.datasets import load_dataset
from hybrid.errors import InputError
from hybrid.recipes import read_recipe


@pytest.fixture
def arguments(tmp_path):
    """Return the arguments of the dataset of a recipe with these lines in [data]."""

    def arguments(*lines):
        path = tmp_path / "mine.toml"
        path.write_text("\n".join(["[data]", 'source = "pictures"', *lines, "[features]", 'a = {backbone = "vgg16"}']))
        (data,) = read_recipe(path).data
        return data.arguments

    return arguments


@pytest.mark.parametrize("given", ["'40,400'", "[40, 400]", "[40.0, 400.0]"])
def test_a_window_is_text_or_two_numbers(arguments, given):
    found = arguments(f"window = {given}")
    data = load_dataset("digits", window=found["window"])
    assert data.reading.window == (40, 400)


def test_window_bit_depth_and_tags_reach_the_dataset(arguments):
    found = arguments("bit_depth = 12", 'window = "full"', 'dicom_tags = ["ViewPosition", "KVP"]', 'label = "Modality"')
    assert {key: found[key] for key in ("bit_depth", "window", "dicom_tags", "label")} == {
        "bit_depth": 12,
        "window": "full",
        "dicom_tags": ["ViewPosition", "KVP"],
        "label": "Modality",
    }
    assert not {"bit_depth", "window", "dicom_tags"} & set(arguments())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bit_depth = 0", r"bit_depth.*expected a number of bits from 1 to 32"),
        ("bit_depth = 12.5", "bit_depth"),
        ('window = "wide"', r"window.*expected 'file', 'full', or centre and width"),
        ("window = [40]", r"window.*expected 'file', 'full', or centre and width"),
        ("window = [40, 0]", "with a width above 0"),
        ("window = 40", "window"),
        ('dicom_tags = "KVP"', "dicom_tags"),
        ('dicom_tags = ["KPV"]', r"dicom_tags.*Unknown tag of DICOM files 'KPV'. Nearest: 'KVP'"),
        ('dicom_tags = ["PatientName"]', "dicom_tags.*The tag PatientName may identify a patient"),
        ("windows = [1, 2]", "windows"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key_before_data_are_read(arguments, line, words):
    with pytest.raises(InputError, match=rf"mine\.toml.*{words}"):
        arguments(line)
