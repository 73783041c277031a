"""`hybrid extract` and `hybrid compare` say whether test images differ from those of train and validation."""

import json

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

DRAWN = {"train": 30, "val": 12, "test": 12}


@pytest.fixture
def two_cameras(tmp_path):
    """A function that writes pictures of two classes; those of test are darker by a number of grey levels."""

    def write(darker):
        rng = np.random.default_rng(0)
        for split, count in DRAWN.items():
            for label, level in (("a", 120), ("b", 150)):
                folder = tmp_path / "pictures" / split / label
                folder.mkdir(parents=True)
                for number in range(count):
                    pixels = rng.normal(level - darker * (split == "test"), 25, (24, 24, 3)) + rng.normal(0, 8)
                    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        return tmp_path / "pictures"

    return write


def test_darker_test_images_are_named_and_begin_the_report(hybrid, two_cameras, tiny_network, tmp_path):
    found = json.loads(hybrid("extract", two_cameras(60), "--backbone", tiny_network, "--json"))["shift"]
    assert found["images"]["found"]
    assert found["images"]["images_new"] == 24
    hybrid("fit", "softmax")
    shown = " ".join(hybrid("compare").split())
    sentence = "A classifier can tell test images from training and validation images in"
    assert sentence in shown
    group = json.loads(hybrid("compare", "--json"))["groups"][0]["shift"]
    [brightness] = [one for one in group["properties"] if one["property"] == "brightness"]
    assert brightness["found"]
    assert brightness["reference"] - brightness["new"] == pytest.approx(60, abs=8)
    report = (tmp_path / "hybrid_runs/reports/report.html").read_text()
    assert f'<p class="answer"><bdi>{sentence}' in report


def test_equal_images_are_not_told_apart_and_other_places_are_not_spoken_for(hybrid, two_cameras, tiny_network):
    data = two_cameras(0)
    shown = " ".join(hybrid("extract", data, "--backbone", tiny_network).split())
    assert "A classifier cannot tell test images from training and validation images" in shown
    assert "says nothing about images from another hospital or camera" in shown
    assert "A classifier" not in hybrid("extract", data, "--backbone", tiny_network, "--no-shift")


def test_hidden_test_has_its_shift_but_no_score(hybrid, two_cameras, tiny_network):
    hybrid("extract", two_cameras(60), "--backbone", tiny_network, "--no-shift")
    hybrid("fit", "softmax")
    group = json.loads(hybrid("compare", "--hide-test", "--json"))["groups"][0]
    assert group["shift"]["new"] == "test"
    assert group["test_history"] is None
