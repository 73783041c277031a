"""Blurred and enlarged pictures are found among sharp ones; pictures of one kind are not, however smooth."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from hybrid.datasets import Dataset
from hybrid.datasets.quality import examine

SIDE = 160


def pictures(number, smoothness):
    """Pictures whose contrast falls with the frequency as in photographs, and a little noise."""
    rng = np.random.default_rng(3)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)) + 1 / SIDE
    made = []
    for _ in range(number):
        smooth = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / frequency**smoothness).real
        made.append(np.clip(128 + 40 * smooth / smooth.std() + rng.normal(size=smooth.shape), 0, 255).astype(np.uint8))
    return np.stack(made)


def found_in(X, tmp_path):
    y = ["a", "b"] * (len(X) // 2)
    data = Dataset.from_arrays(X, y, ids=[str(number) for number in range(len(X))], fractions=(1, 0, 0))
    [finding] = [one for one in examine(data, cache=tmp_path)[0] if one.check == "blurred"]
    return [int(cluster.names[0]) for cluster in finding.clusters]


@pytest.mark.parametrize("smoothness", [0.8, 1.2])
def test_blurred_and_enlarged_pictures_are_found(tmp_path, smoothness):
    X = pictures(40, smoothness)
    X[7] = Image.fromarray(X[7]).filter(ImageFilter.GaussianBlur(2))
    X[21] = Image.fromarray(X[21]).resize((SIDE // 2, SIDE // 2)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    assert found_in(X, tmp_path) == [7, 21]


def test_sharp_pictures_and_blank_ones_are_not_found(tmp_path):
    X = pictures(40, 1.0)
    X[3] = 90
    assert found_in(X, tmp_path) == []
    assert found_in(np.stack([Image.fromarray(x).filter(ImageFilter.GaussianBlur(2)) for x in X]), tmp_path) == []
