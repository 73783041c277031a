"""16-bit images that use fewer bits are reported, with the option that reads them right."""

import numpy as np
import pytest
from PIL import Image

from hybrid.datasets import load_dataset
from hybrid.datasets.quality import examine
from hybrid.datasets.summary import summarize
from hybrid.datasets.unused_bits import unused_bits_note


def folder_of(path, most, suffix=".png"):
    rng = np.random.default_rng(0)
    for label in "ab":
        (path / label).mkdir(parents=True)
        for number in range(6):
            values = rng.integers(0, most + 1, (8, 8)).astype(np.uint16)
            values[0, 0] = most
            Image.fromarray(values).save(path / label / f"{number}{suffix}")
    return load_dataset(path, fractions=(1, 0, 0))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("most", "bits"), [(4095, 12), (3000, 12), (1023, 10), (255, 8), (16383, 14), (32767, 15)])
def test_unused_bits_are_reported_with_the_depth_to_give(tmp_path, most, bits, suffix):
    data = folder_of(tmp_path / "d", most, suffix)
    [note] = unused_bits_note(data)
    assert f"12 images with 16 bits stay below {2**bits:,}" in note
    assert f"--bit-depth {bits}" in note
    [listed] = [
        said for said in summarize(data, *examine(data, cache=tmp_path / "cache")).notes if "--bit-depth" in said
    ]
    assert listed == note
    assert not unused_bits_note(load_dataset(tmp_path / "d", fractions=(1, 0, 0), bit_depth=bits))


def test_full_depth_and_8_bits_are_not_reported(tmp_path):
    assert not unused_bits_note(folder_of(tmp_path / "deep", 65535))
    data = folder_of(tmp_path / "one", 4095)
    Image.fromarray(np.full((8, 8), 40000, np.uint16)).save(data.X[5])
    assert not unused_bits_note(data)
    for path in data.X:
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)
    assert not unused_bits_note(data)
