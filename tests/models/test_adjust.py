"""`hybrid fit --aim --calibrate --class-weight`, `hybrid compare --cv`: what is chosen where, and recorded."""

import json
from dataclasses import replace

import numpy as np
import pytest
from command_line import CommandLine
from made_sets import made_set_record
from PIL import Image
from sklearn.metrics import recall_score

from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.joined_set import join_sets
from hybrid.models.adjust import choosing_split
from hybrid.pipelines import load_model, read_manifest
from hybrid.workspace.fitted_models import load_record, read_predictions
from hybrid.workspace.workspace import Workspace

# -- which images a threshold is chosen on ------------------------------------------------------------


def found(val_positives, val_negatives, backbone="resnet50", labels=1):
    train = 100
    y = np.r_[np.arange(train) % 2, np.repeat([1, 0], [val_positives, val_negatives])]
    keys = np.random.default_rng(0).integers(0, 256, (len(y), 32), np.uint8)
    return EmbeddingSet(
        name="made",
        keys=keys,
        ids=np.arange(len(y)).astype(str),
        y=y if labels == 1 else np.column_stack([y] * labels),
        classes=np.arange(max(labels, 2)),
        split=np.repeat(["train", "val"], [train, len(y) - train]),
        groups=None,
        record=made_set_record("binary" if labels == 1 else "multilabel", backbone=backbone),
    )


@pytest.mark.parametrize(
    ("positives", "negatives", "split", "words"),
    [
        (20, 80, "val", "Chosen on the 100 validation images"),
        (19, 200, "train", "is small (219 images, 19 of its rarest class); chosen by cross-validation"),
        (40, 50, "train", "(90 images, 40 of its rarest class)"),
        (0, 0, "train", "There is no validation split; chosen by cross-validation inside train"),
    ],
)
@pytest.mark.parametrize("labels", [1, 2])
def test_a_validation_split_of_100_images_and_20_of_a_class_chooses(positives, negatives, split, words, labels):
    where, note = choosing_split(join_sets(found(positives, negatives, labels=labels)))
    assert where == split
    assert words in note


def test_features_of_a_network_trained_on_train_are_chosen_by_on_validation(tmp_path):
    backbone = tmp_path / "network.keras"
    small = found(10, 30, backbone)
    small.keys.tofile(tmp_path / "training.keys")
    where, note = choosing_split(join_sets(small))
    assert where == "val"
    assert "chosen there nevertheless, because a network was trained on the training images" in note
    where, note = choosing_split(join_sets(found(0, 0, backbone)))
    assert where == "train"
    assert "although a network was trained on the training images, so its features are too good there" in note
    elsewhere = replace(small, keys=small.keys[::-1] ^ 1)
    assert choosing_split(join_sets(elsewhere))[0] == "train"


# -- the commands -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def overlapping_pictures(tmp_path_factory):
    """Two classes that overlap in brightness, 60 and 90 pictures."""
    rng = np.random.default_rng(4)
    folder = tmp_path_factory.mktemp("pictures")
    for name, base, number in (("normal", 60, 60), ("pneumonia", 75, 90)):
        (folder / name).mkdir()
        for picture in range(number):
            level = np.clip(base + rng.normal(scale=12) + rng.normal(scale=20, size=(16, 16, 3)), 0, 255)
            Image.fromarray(level.astype(np.uint8)).save(folder / name / f"{picture}.png")
    return folder


@pytest.fixture(scope="module")
def extracted(overlapping_pictures, tiny_network, tmp_path_factory):
    """A workspace with the tiny network's embeddings, beside its cache."""
    folder = tmp_path_factory.mktemp("project")
    env = {"HYBRID_CACHE": str(folder / "cache"), "HYBRID_WORKSPACE": str(folder / "runs")}
    result = CommandLine().result("extract", overlapping_pictures, "--backbone", tiny_network, env=env)
    assert result.exit_code == 0, result.output
    return Workspace(folder / "runs")


@pytest.fixture
def fit_workspace(extracted, cache, monkeypatch):
    """The same workspace, which the commands use."""
    monkeypatch.setenv("HYBRID_WORKSPACE", str(extracted.folder))
    monkeypatch.setenv("HYBRID_CACHE", str(extracted.folder.with_name("cache")))
    return extracted


@pytest.mark.usefixtures("no_report")
def test_a_recall_is_chosen_inside_train_and_recorded(hybrid, fit_workspace):
    model = hybrid.json("fit", "softmax", "--aim", "recall=0.9", "--calibrate")
    assert (model["aim"], model["calibration"], model["class_weight"]) == ("recall=0.9", "auto", "balanced")
    adjustment = model["adjustment"]
    assert (adjustment["on"], adjustment["cross_validation"]) == ("train", "5x1")
    choice = adjustment["choices"][0]
    assert choice["reached"] >= 0.9
    assert choice["positives"] + choice["negatives"] == adjustment["images"] == model["splits"]["train"]["n"]
    assert "recall=0.9 rests on" in adjustment["notes"][1]
    head = load_model(fit_workspace.models / model["model"] / "model")[-1]
    method = head.recalibration_.models_[0].method
    assert method in ("sigmoid", "temperature")
    assert adjustment["notes"][-1] == f"The calibration 'auto' used {method}."
    saved = read_predictions(load_record(fit_workspace, model["model"]))
    np.testing.assert_array_equal(saved.predicted == "pneumonia", saved.proba[:, 1] >= model["threshold"])
    (row,) = hybrid.json("compare", model["model"])["groups"][0]["models"]
    test = saved.part("test")
    assert row["sensitivity"] == recall_score(test.y, test.predicted, pos_label="pneumonia")
    assert head.thresholds_.tolist() == [model["threshold"]]


def test_an_aim_with_a_confidence_states_its_bound_and_its_limits(hybrid, fit_workspace):
    model = hybrid.json("fit", "softmax", "--aim", "recall=0.8@0.9")
    assert model["aim"] == "recall=0.8@0.9"
    rests, limits = model["adjustment"]["notes"][1:3]
    assert "with a confidence of 0.9 at least 0.8" in rests
    assert "only approximately, because the model is fitted to all of train after the cross-validation" in limits


def test_predict_decides_by_the_threshold(hybrid, fit_workspace, overlapping_pictures):
    name = hybrid.json("fit", "svm", "--aim", "specificity=0.95", "--name", "careful")["model"]
    written = read_predictions(load_record(fit_workspace, name))
    predicted = dict(zip(written.ids.tolist(), written.predicted.tolist(), strict=True))
    result = hybrid.result("predict", name, overlapping_pictures, "--json")
    rows = json.loads(result.stdout)["predictions"]
    assert [row["predicted"] for row in rows] == [predicted["/".join(row["image"].split("/")[-2:])] for row in rows]
    assert any((row["p_pneumonia"] > 0.5) != (row["predicted"] == "pneumonia") for row in rows)
    manifest = read_manifest(fit_workspace.models / name / "model")
    assert manifest.steps[-1].type == "AdjustedHead"
    rule = f"pneumonia is predicted from a probability of {load_record(fit_workspace, name).threshold:.3f} on"
    assert f"{rule} (the threshold for specificity=0.95)" in result.stderr
    others = sum((row["p_pneumonia"] > 0.5) != (row["predicted"] == "pneumonia") for row in rows)
    assert f"{others} of {len(rows)} images" in result.stderr
    shown = " ".join(hybrid("inspect", name).split())
    assert "specificity=0.95" in shown
    assert "pneumonia is predicted from a probability" in shown


def test_sensitivity_is_accepted_as_an_aim(hybrid, fit_workspace):
    named = hybrid.json("fit", "softmax", "--aim", "sensitivity=0.9")
    assert named["threshold"] == hybrid.json("fit", "softmax", "--aim", "recall=0.9")["threshold"]


def test_without_an_aim_the_frequency_of_the_class_decides_and_nothing_is_adjusted(hybrid, fit_workspace):
    model = hybrid.json("fit", "softmax")
    assert (model["aim"], model["threshold"], model["adjustment"]) == (None, None, {})
    assert (model["scale"], model["pca"], model["seed"]) == (True, None, 0)
    saved = read_predictions(load_record(fit_workspace, model["model"]))
    share = (saved.part("train").y == "pneumonia").mean()
    assert model["default_threshold"] == pytest.approx(share)
    assert model["frequencies"]["pneumonia"] == pytest.approx(share)
    np.testing.assert_array_equal(saved.predicted == "pneumonia", saved.proba[:, 1] >= share)
    unweighted = hybrid.json("fit", "softmax", "--class-weight", "none")
    assert unweighted["default_threshold"] == 0.5


def test_a_prevalence_is_recorded_and_said_and_changes_no_label(hybrid, fit_workspace):
    plain, other = hybrid.json("fit", "softmax"), hybrid.json("fit", "softmax", "--prevalence", "0.02")
    before, after = (read_predictions(load_record(fit_workspace, model["model"])) for model in (plain, other))
    assert (other["prevalence"], other["frequencies"]["pneumonia"]) == (0.02, pytest.approx(0.02))
    np.testing.assert_array_equal(before.predicted, after.predicted)
    assert (after.proba[:, 1] < before.proba[:, 1]).all()
    shown = hybrid("fit", "softmax", "--prevalence", "pneumonia=0.02", "--name", "rare")
    assert "probabilities refer to the given class frequencies: pneumonia 2.0%" in shown
    assert "pneumonia is predicted from a probability of 0.020 on, which follows from the class weights" in shown
    assert "expected a share such as 0.08" in hybrid("fit", "softmax", "--prevalence", "rare", code=1)


def test_class_weights_are_recorded_and_said(hybrid, fit_workspace):
    result = hybrid.result("fit", "softmax", "--class-weight", "none")
    assert "classes: as the data are" in result.stdout
    assert "softmax-unweighted" in result.stdout
    model = hybrid.json("fit", "softmax", "--class-weight", "none")
    assert model["class_weight"] is model["params"]["class_weight"] is None
    assert "all count as much (balanced)" in hybrid.result("fit", "softmax", "--aim", "balanced").stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--aim", "recal=0.9"), "Unknown aim 'recal'"),
        (("--aim", "recall=2"), "expected a level above 0 and up to 1"),
        (("--aim", "recall=0.99@0.95"), "299 positive images, all recognised, would be needed"),
        (("--calibrate", "platt"), "Unknown calibration 'platt'"),
        (("--cv", "five"), "expected folds x repeats, such as 5x2"),
        (("--class-weight", "none", "--param", "class_weight=None"), "The class weight was given twice"),
    ],
)
def test_an_option_that_is_none_says_what_there_is(hybrid, fit_workspace, options, message):
    result = hybrid.result("fit", "svm", *options, "--name", "wrong")
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (fit_workspace.models / "wrong").exists()


def test_the_same_command_twice_gives_the_same_numbers(hybrid, fit_workspace):
    command = ("fit", "forest", "--param", "n_estimators=20", "--aim", "f1", "--calibrate", "--cv", "3x2", "--seed", 3)
    first, second = (hybrid.json(*command, "--name", name) for name in ("one", "two"))
    for model in (first, second):
        for key in (
            "model",
            "created",
            "seconds",
            "processor",
            "bytes",
        ):  # skops writes the numbers of objects in memory
            del model[key]
    assert first == second
    written = [(fit_workspace.models / name / "predictions.csv").read_bytes() for name in ("one", "two")]
    assert written[0] == written[1]


@pytest.mark.usefixtures("no_report")
def test_compare_cross_validates_what_the_workspace_holds(hybrid, fit_workspace):
    hybrid("fit", "softmax", "--name", "plain")
    hybrid("fit", "softmax", "--name", "aimed", "--aim", "recall=0.97")
    for path in fit_workspace.models.iterdir():
        if path.name not in ("plain", "aimed"):
            path.rename(path.with_name(f".{path.name}"))
    printed = hybrid.result("compare", "--cv", "3x2")
    assert printed.exit_code == 0, printed.output
    assert "3 folds × 2 of train and validation" in printed.stdout
    crossed = hybrid.json("compare", "--cv", "3x2")["groups"][0]["cross_validation"]
    saved = json.loads((fit_workspace.reports / "comparison.json").read_text())["groups"][0]["cross_validation"]
    for result in (crossed, saved):
        for row in result["models"]:
            del row["seconds"]
    assert crossed == saved
    plain, aimed = sorted(crossed["models"], key=lambda row: row["model"], reverse=True)
    assert plain["scores"]["roc_auc"] == aimed["scores"]["roc_auc"]
    assert plain["sensitivity"] < aimed["sensitivity"]
    assert crossed["images"] == 127
    assert hybrid.result("compare", "--cv", "1").exit_code == 1
