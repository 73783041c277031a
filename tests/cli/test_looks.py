"""Looks at test from the command line: what `fit` says about them, also after images were added to the dataset."""

import json

import pytest
from made_pictures import write_colours
from PIL import Image

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph", "no_report")]


def test_fit_names_earlier_looks_at_its_test_images_and_a_plan_for_another_model(hybrid, tmp_path, tiny_network):
    pictures = write_colours(
        tmp_path / "pictures",
        {"green": (80, 150, 70), "red": (150, 80, 70)},
        {"train": 10, "val": 6, "test": 6},
    )
    extract = ("extract", pictures, "--backbone", tiny_network)
    hybrid(*extract)
    first = hybrid("fit", "softmax", "--name", "first")
    assert "had been shown" not in first
    assert "The plan" not in first
    hybrid("compare")
    for number in range(4):  # two new images in train, and two in test
        Image.new("RGB", (24, 20), (200, number, 0)).save(
            pictures / ["train", "test"][number % 2] / f"red/new-{number}.png"
        )
    hybrid(*extract)
    hybrid("plan", "--choose", "first")
    second = " ".join(hybrid("fit", "softmax", "--name", "second").split())
    assert "Of the 14 test images, 12 were among those that had been shown once before, first on 20" in second
    assert "the model's score on test will be too optimistic" in second
    assert "The plan of this workspace chooses first: this model will be compared with it, but not chosen." in second
    looks = hybrid.json("fit", "softmax", "--name", "first-again")["looks"]
    assert [text[:23] for text in looks] == ["Of the 14 test images, "]
    (group,) = hybrid.json("compare", "second")["groups"]
    seen = group["test_history"]
    assert (seen["looks"], seen["images"], seen["images_shown"]) == (1, 14, 12)
    assert seen["fitted_after"] == ["second"]

    events = hybrid.json("plan")["events"]
    assert [event["test_images"] for event in events if event["what"] == "fitted"] == [12, 14, 0]
    lines = [json.loads(line) for line in (tmp_path / "hybrid_runs/history.jsonl").read_text().splitlines()]
    assert [len(line["test_images"]) for line in lines if line["what"] == "fitted"] == [12, 14, 0]
