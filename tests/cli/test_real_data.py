"""The main job on real data, by the README's commands; skipped where HYBRID_TEST_DATA is not set.

The floor of .95 is the AUC that a trial of the same features reached on other hospitals' images; on a held-out part of
the same images every head must do better.
"""

import pytest

pytestmark = [pytest.mark.data, pytest.mark.slow]
HEADS = ("svm", "forest", "xgboost", "softmax")
FLOOR = 0.95


def models_on_test(hybrid):
    (group,) = hybrid.json("compare")["groups"]
    assert len(group["models"]) == len(HEADS)
    return group["models"]


@pytest.fixture
def mobilenet(data_folder):
    weights = data_folder / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    return ("--backbone", "mobilenet:alpha=0.25", "--weights", weights)


def test_chest_xray_folder(hybrid, mobilenet, data_folder):
    folder = data_folder / "chest_xray"
    found = hybrid.json("extract", folder, *mobilenet, "--group-pattern", r"(person\d+_|IM-\d+)")
    assert found["images"] == 5216
    assert found["new"] + found["cached"] == 5216
    assert found["cached"] >= 26  # byte-identical copies
    for head in HEADS:
        hybrid.json("fit", head)
    assert all(model["roc_auc"] > FLOOR for model in models_on_test(hybrid))
    second = hybrid.json("extract", folder, *mobilenet, "--group-pattern", r"(person\d+_|IM-\d+)")
    assert (second["new"], second["set"]) == (0, found["set"])
    images = sorted((folder / "train" / "NORMAL").iterdir())[:20]
    predicted = hybrid.json("predict", f"svm-{found['set']}", *images)["predictions"]
    assert sum(row["predicted"] == "NORMAL" for row in predicted) >= 18


def test_pneumoniamnist_npz(hybrid, mobilenet, data_folder):
    found = hybrid.json("extract", data_folder / "pneumoniamnist" / "pneumoniamnist.npz", *mobilenet, "--size", "64")
    assert found["dataset"]["counts"]["val"] == {"0": 135, "1": 389}
    for head in HEADS:
        assert hybrid.json("fit", head)["splits"]["val"]["metrics"]["roc_auc"]["value"] > FLOOR


def test_scenes_with_several_labels(hybrid, mobilenet, data_folder):
    found = hybrid.json("extract", data_folder / "scenes" / "labels.csv", *mobilenet)
    assert found["images"] == 2000
    for head in HEADS:
        hybrid.json("fit", head)
    for model in models_on_test(hybrid):
        assert model["roc_auc_macro"] > 0.9
        assert model["hamming_loss"] < 0.25  # what "no label at all" would score
    row = hybrid.json("predict", f"svm-{found['set']}", data_folder / "scenes" / "images" / "1.jpg")["predictions"][0]
    assert row["p_desert"] > 0.5
