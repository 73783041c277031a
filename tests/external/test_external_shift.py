"""`validate` says whether images are like those that a model learnt from, and whether proportions explain scores."""

import shutil

import numpy as np
import pytest
from PIL import Image
from tables import read_rows

import hybrid as package
from hybrid import Dataset
from hybrid.external import shift
from hybrid.report.external import external_section
from hybrid.shift.result import compare_samples
from hybrid.workspace.external_record import external_records
from hybrid.workspace.workspace import Workspace

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

MODEL = "softmax-pictures-tiny"
SENTENCE = "A classifier can tell new images from training and validation images in"


def write_levels(folder, counts, *, darker=0, seed=0):
    """Write grey noise of two classes, dark and light, with a number of images for each split and class."""
    rng = np.random.default_rng(seed)
    for split, of_class in counts.items():
        for (label, level), count in zip((("a", 110), ("b", 135)), of_class, strict=True):
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.normal(level - darker, 25, (24, 24, 3)) + rng.normal(0, 14)
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(place / f"{number}.png")
    return folder


@pytest.fixture
def two_levels(hybrid, tmp_path, tiny_network):
    """A workspace with a model of dark and light images; the function writes other images and returns their folder."""
    write_levels(tmp_path / "pictures", {"train": (30, 30), "val": (12, 12), "test": (20, 20)})
    hybrid("extract", "pictures", "--backbone", tiny_network, "--no-shift")
    hybrid("fit", "softmax")

    def write(name, of_class, **how):
        write_levels(tmp_path / "made", {name: of_class}, seed=9, **how)
        return (tmp_path / "made" / name).rename(tmp_path / name)

    return write


def test_darker_images_are_stated_first(hybrid, two_levels, tmp_path):
    two_levels("darker", (25, 25), darker=60)
    printed = " ".join(hybrid("validate", MODEL, "darker").split())
    assert printed.index(SENTENCE) < printed.index("On darker (50 images)")
    assert "Do not expect validation scores on these images." in printed
    assert "New images are darker: median" in printed
    [record] = external_records(Workspace(tmp_path / "hybrid_runs"))
    assert record.sentences[0].startswith(SENTENCE)
    shift = record.shift
    assert (shift["images"]["images_reference"], shift["images"]["images_new"]) == (84, 50)
    [brightness] = [row for row in shift["properties"] if row["property"] == "brightness"]
    assert brightness["reference"] - brightness["new"] == pytest.approx(60, abs=12)
    page = (tmp_path / "hybrid_runs/external" / MODEL / "darker/report.html").read_text()
    assert f'<p class="answer"><bdi>{SENTENCE}' in page
    part = page[page.index("Are these images like those that the model learnt from?</h3>") :]
    assert part[: part.index("</section>")].count("<img src=") == len(shift["farthest"])


def test_images_from_the_same_source_are_not_told_apart(hybrid, two_levels):
    two_levels("same", (25, 25))
    found = hybrid.json("validate", MODEL, "same")["results"][0]
    assert not found["shift"]["images"]["found"]
    assert found["sentences"][0].startswith("A classifier cannot tell new images from")
    without = hybrid.json("validate", MODEL, "same", "--no-shift")["results"][0]
    assert without["shift"] is None
    assert without["sentences"][0].startswith("On same (50 images)")


def test_the_report_has_a_decision_curve_of_two_classes(hybrid, two_levels, tmp_path):
    two_levels("other", (25, 25))
    hybrid("validate", MODEL, "other", "--no-shift")
    folder = tmp_path / "hybrid_runs/external" / MODEL / "other"
    assert "Is it worth using?</" in (folder / "report.html").read_text()
    rows = read_rows(folder / "report-files/decision-curves.csv")
    assert {row["model"] for row in rows} == {MODEL}
    hybrid("compare")
    said = (folder / "../../../reports/report-files/pictures/model-card.md").resolve().read_text()
    assert "## On other data" in said
    assert "On other (50 images)" in said
    for row in rows:  # treating all is worth the positive images, less the others by the odds of the threshold
        odds = float(row["threshold"]) / (1 - float(row["threshold"]))
        assert float(row["treat_all"]) == pytest.approx(0.5 - 0.5 * odds, abs=1e-6)


def test_predictive_values_are_those_of_bayes_rule_at_the_named_prevalence(hybrid, two_levels, tmp_path):
    two_levels("other", (25, 25), darker=8)
    command = ("validate", MODEL, "other", "--no-shift", "--prevalence")
    found = hybrid.json(*command, "0.05")["results"][0]
    sensitivity, specificity = (found["external"]["metrics"][name]["value"] for name in ("sensitivity", "specificity"))
    assert 0 < sensitivity < 1
    ppv = 0.05 * sensitivity / (0.05 * sensitivity + 0.95 * (1 - specificity))
    npv = 0.95 * specificity / (0.95 * specificity + 0.05 * (1 - sensitivity))
    [values] = found["predictive_values"]
    assert (values["ppv"]["value"], values["npv"]["value"]) == (pytest.approx(ppv), pytest.approx(npv))
    said = f"Where 0.05 of the images are “b”, the positive predictive value is {ppv:.3f} (95% interval"
    assert said in " ".join(found["sentences"])
    assert said in " ".join(hybrid(*command, "b=0.05").split())
    folder = tmp_path / "hybrid_runs/external" / MODEL / "other"
    assert said in (folder / "report.html").read_text()
    [row] = read_rows(folder / "report-files/predictive-values.csv")
    assert float(row["ppv"]) == pytest.approx(ppv)
    for row in read_rows(folder / "report-files/decision-curves.csv"):  # the curve is that of the named prevalence
        odds = float(row["threshold"]) / (1 - float(row["threshold"]))
        assert float(row["treat_all"]) == pytest.approx(0.05 - 0.95 * odds, abs=1e-6)
    [record] = external_records(Workspace(tmp_path / "hybrid_runs"))
    assert record.predictive_values[0].ppv.value == pytest.approx(ppv)
    assert "prevalence=5.0 was given" in hybrid(*command, "5", code=1)


def test_models_of_the_same_features_share_one_test_of_the_images(hybrid, two_levels, tmp_path, monkeypatch):
    two_levels("darker", (25, 25), darker=60)
    two_levels("again", (25, 25), darker=60)
    hybrid("fit", "knn")
    tests = []
    monkeypatch.setattr(shift, "compare_samples", lambda *x, **y: tests.append(1) or compare_samples(*x, **y))
    models = [MODEL, MODEL.replace("softmax", "knn")]
    first, _, second, _ = package.validate(models, [str(tmp_path / "darker"), str(tmp_path / "again")])
    assert len(tests) == 2  # one for each dataset, not for each model
    assert first.shift.images is second.shift.images
    assert first.model != second.model
    [alone] = package.validate(models[1], str(tmp_path / "darker"))
    assert alone.shift.to_dict() == second.shift.to_dict()


def test_other_proportions_are_separated_from_other_images(hybrid, two_levels):
    two_levels("rarer", (90, 10))
    two_levels("brighter", (90, 10), darker=-60)
    rarer, brighter = (
        hybrid.json("validate", MODEL, name, "--metric", "precision")["results"][0] for name in ("rarer", "brighter")
    )
    assert rarer["shift"]["class_shares"]["found"]
    assert rarer["shift"]["class_shares"]["new"] == pytest.approx([0.9, 0.1])
    assert not rarer["shift"]["images"]["found"]
    assert "could explain the precision" in " ".join(rarer["proportions"]["sentences"])
    assert "do not explain" in " ".join(brighter["proportions"]["sentences"])
    assert rarer["proportions"]["new"] == pytest.approx([0.9, 0.1])
    confusion = [one["proportions"]["estimates"]["bbse"] for one in (rarer, brighter)]
    assert [one["agrees"] for one in confusion] == [True, False]
    said = " ".join(brighter["proportions"]["sentences"])
    assert "of the images by expectation maximisation (EM)" in said
    assert "That by the confusion matrix (BBSE) is wrong, because the images of a class differ" in said
    assert "a correction for other class proportions would be misled" in said


def test_equal_proportions_are_stated_in_the_terminal_the_record_and_the_report(hybrid, two_levels, tmp_path):
    two_levels("darker", (25, 25), darker=60)
    for option in ("--shift", "--no-shift"):
        printed = " ".join(hybrid("validate", MODEL, "darker", option).split())
        said = (
            "The class proportions are those of the model's own test images, so that other proportions do not explain"
        )
        assert said in printed
        [record] = external_records(Workspace(tmp_path / "hybrid_runs"))
        assert record.proportions["new"] == record.proportions["own"] == [0.5, 0.5]
        assert set(record.proportions["estimates"]) == {"em", "bbse"}
        folder = tmp_path / "hybrid_runs/external" / MODEL / "darker"
        assert said.replace("'", "&#39;") in (folder / "report.html").read_text()
        rows = read_rows(folder / "report-files/proportions.csv")
        assert [float(row["new"]) for row in rows] == [0.5, 0.5]


def test_a_model_without_its_embeddings_says_so_in_one_sentence(hybrid, two_levels, tmp_path):
    two_levels("other", (20, 20))
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", tmp_path / "hybrid_runs/models" / MODEL / "model")
    alone = hybrid.json("validate", archive, "other", "--workspace", "mine")["results"][0]
    assert alone["shift"] is None
    assert alone["proportions"]["sentences"][0].startswith(
        "Whether other class proportions alone explain the scores is"
    )
    assert sum("like those that the model learnt from was not tested" in note for note in alone["notes"]) == 1
    for path in Workspace(tmp_path / "hybrid_runs").sets.glob("*.json"):
        path.unlink()
    gone = hybrid.json("validate", MODEL, "other")["results"][0]
    assert gone["shift"] is None
    assert gone["internal"] is not None
    assert sum("its embedding set is no longer in its workspace" in note for note in gone["notes"]) == 1


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_several_classes_and_labels(hybrid, tmp_path, tiny_network, task):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 200, (240, 16, 16, 3), np.uint8)
    numbers = images.mean(axis=(1, 2)).argmax(axis=1)
    labels = np.array(["red", "green", "blue"])[numbers]
    if task == "multilabel":
        labels = (images.mean(axis=(1, 2)) > 99).astype(int)
    names = {"label_names": ["r", "g", "b"]} if task == "multilabel" else {}
    first = Dataset.from_arrays(images[:160], labels[:160], **names)
    extractor = package.FeatureExtractor(str(tiny_network))
    comparison = package.compare(first, {"tiny": extractor}, ["softmax"], workspace=tmp_path / "runs")
    brighter = Dataset.from_arrays(images[160:] + np.uint8(50), labels[160:], **names)
    [result] = package.validate(comparison.leaderboards[0].names[0], brighter, workspace=tmp_path / "runs")
    assert result.evaluation.task == task
    assert result.shift.images.found
    assert result.shift.images.images.by_class
    assert result.shift.images.shares.classes == tuple(result.evaluation.classes)
    assert result.sentences()[0] == result.shift.sentence
    found = result.record().proportions
    assert found["classes"] == list(result.evaluation.classes)
    truth = result.external.predictions.y
    truth = truth if truth.ndim == 2 else truth[:, None] == result.external.predictions.classes
    assert found["new"] == pytest.approx(truth.mean(axis=0))
    assert [len(one["shares"]) for one in found["estimates"].values()] == [3, 3]
    assert len(found["sentences"]) == 2
    what = "classes" if task == "multiclass" else "labels"
    [part] = [part for part in external_section("e1", result).parts if part.key == "worth"]
    assert f"so there is no decision curve of several {what} together" in part.lead[0]
    assert not part.drawings


def test_a_network_that_was_trained_on_the_images_is_compared_on_validation_alone(hybrid, two_levels):
    two_levels("other", (25, 25), darker=60)
    hybrid("train", "convnet_small", "pictures", "--size", "16", "--epochs", "1", "--name", "own")
    hybrid("extract", "pictures", "--backbone", "hybrid_runs/networks/own/network.keras", "--no-shift")
    model = hybrid.json("fit", "softmax")["model"]
    shift = hybrid.json("validate", model, "other")["results"][0]["shift"]
    assert shift["reference"] == ["val"]
    assert "learnt from the training images" in " ".join(shift["notes"])


def test_a_second_run_imports_neither_keras_nor_tensorflow(hybrid, two_levels, python):
    two_levels("other", (20, 20), darker=60)
    hybrid("validate", MODEL, "other")
    code = """
import sys
from hybrid.cli.main import main
try:
    main(["validate", sys.argv[1], "other"])
except SystemExit:
    pass
print("imported:", {"keras", "tensorflow"} & set(sys.modules))
"""
    printed = python(code, MODEL)
    assert SENTENCE in " ".join(printed.split())
    assert "imported: set()" in printed
