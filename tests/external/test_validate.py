"""`validate`: a saved model on other data, from the command line to the records, the history and the report."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from made_pictures import write_colours
from tables import read_rows

import hybrid as package
from hybrid import Dataset, InputError, evaluate, load_dataset
from hybrid.evaluation import unpaired_tests
from hybrid.workspace.external_record import ExternalRecord, external_records
from hybrid.workspace.fitted_models import load_record
from hybrid.workspace.history import SHOWN, History
from hybrid.workspace.workspace import Workspace

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

COLOURS = {"blue": (40, 60, 200), "green": (60, 190, 50)}
OTHER = {"blue": (70, 90, 150), "green": (80, 150, 90)}
MODEL = "softmax-pictures-tiny"


@pytest.fixture
def measured_place(hybrid, tmp_path, tiny_network):
    """A workspace with a model of two colours; `other` is a folder of duller pictures, with other names of classes."""
    write_colours(tmp_path / "pictures", COLOURS, {"train": 14, "val": 8, "test": 8})
    write_colours(tmp_path / "made", OTHER, {"train": 12})
    (tmp_path / "made" / "train").rename(tmp_path / "other")
    (tmp_path / "other" / "blue").rename(tmp_path / "other" / "Blau")
    hybrid("extract", tmp_path / "pictures", "--backbone", tiny_network)
    hybrid("fit", "softmax")
    return Workspace(tmp_path / "hybrid_runs")


def test_a_model_is_measured_on_other_data(hybrid, measured_place, tmp_path):
    printed = hybrid("validate", MODEL, "other", "--map", "Blau=blue")
    assert "On other (24 images)" in printed
    assert "own test images" in printed
    [record] = external_records(measured_place)
    folder = measured_place.external / MODEL / "other"
    assert {path.name for path in folder.iterdir()} == {
        "predictions.csv", "report-files", "report.html", "scores.csv", "validation.json"
    }  # fmt: skip
    assert (record.model, record.dataset, record.external.n, record.internal.n) == (MODEL, "other", 24, 16)
    assert record.class_map == {"Blau": "blue", "green": "green"}
    # the scores are those of the predictions that `hybrid predict` gives
    predicted = hybrid.json("predict", MODEL, tmp_path / "other")["predictions"]
    truth = ["blue" if "Blau" in row["image"] else "green" for row in predicted]
    proba = [[row["p_blue"], row["p_green"]] for row in predicted]
    expected = evaluate(truth, proba, ["blue", "green"], y_pred=[row["predicted"] for row in predicted])
    for name, metric in expected.metrics.items():
        found = record.external.metrics[name].value
        assert found is metric.value or found == pytest.approx(metric.value, abs=1e-8)
    # the internal scores are those that a comparison shows, and the differences are between the two
    own = load_record(measured_place, MODEL).splits["test"]
    assert record.internal.metrics == own.metrics
    for test, again in zip(record.differences, unpaired_tests(record.external, own), strict=False):
        assert test == again


def test_other_data_say_whether_the_aim_of_the_threshold_is_reached(hybrid, measured_place):
    hybrid("fit", "softmax", "--aim", "recall=0.8", "--name", "aimed")
    hybrid("validate", "aimed", "other", "--map", "Blau=blue")
    [record] = external_records(measured_place)
    recall = record.external.metrics["sensitivity"]
    reached = "was reached" if recall.value >= 0.8 else "was not reached"
    words = f"The aim, a recall of at least 0.8, {reached} on the images of other: {recall.value:.3f}"
    page = (measured_place.external / "aimed" / "other" / "report.html").read_text()
    assert words in page


def test_a_look_at_test_is_recorded_and_the_scores_unsealed(hybrid, measured_place):
    assert load_record(measured_place, MODEL).sealed == ("test",)
    hybrid("validate", MODEL, "other", "--map", "Blau=blue", "--hide-test")
    assert not [event for event in History(measured_place).events() if event.what == SHOWN]
    assert load_record(measured_place, MODEL).sealed == ("test",)
    hybrid("validate", MODEL, "other", "--map", "Blau=blue")
    [look] = [event for event in History(measured_place).events() if event.what == SHOWN]
    assert (look.by, list(look.models)) == ("hybrid validate", [MODEL])
    assert load_record(measured_place, MODEL).sealed == ()


def test_locked_test_scores_are_not_shown(hybrid, measured_place):
    hybrid("plan", "--lock-test")
    result = hybrid.json("validate", MODEL, "other", "--map", "Blau=blue")["results"][0]
    assert result["internal_split"] == "val"
    assert "locked" in " ".join(result["notes"])
    assert not [event for event in History(measured_place).events() if event.what == SHOWN]
    said = hybrid("validate", MODEL, "pictures", "--keep-known", code=1)
    assert "locked" in said


def test_images_that_the_model_knows_are_left_out(hybrid, measured_place, tmp_path):
    for number in range(3):
        shutil.copy(tmp_path / f"pictures/train/blue/{number}.png", tmp_path / f"other/Blau/copy{number}.png")
    shutil.copy(tmp_path / "pictures/test/green/0.png", tmp_path / "other/green/copy.png")
    left = hybrid.json("validate", MODEL, "other", "--map", "Blau=blue")["results"][0]
    kept = hybrid.json("validate", MODEL, "other", "--map", "Blau=blue", "--keep-known")["results"][0]
    assert (left["external"]["n"], kept["external"]["n"]) == (24, 28)
    assert {split: len(ids) for split, ids in left["overlap"]["of_split"].items()} == {"train": 3, "val": 0, "test": 1}
    assert "left out of all scores" in " ".join(left["notes"])
    assert "too optimistic" in " ".join(kept["notes"])
    assert "All 60 images" in hybrid("validate", MODEL, "pictures", code=1)


def test_a_model_outside_a_workspace_has_no_internal_scores(hybrid, measured_place, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", measured_place.models / MODEL / "model")
    result = hybrid.json("validate", archive, "other", "--map", "Blau=blue", "--workspace", "mine")["results"][0]
    assert result["internal"] is None
    assert result["differences"] == []
    notes = " ".join(result["notes"])
    assert "holds no predictions of its own" in notes
    assert "made with some of these images is not known" in notes


@pytest.mark.slow
def test_several_models_and_datasets_are_one_table(hybrid, measured_place, tmp_path):
    hybrid("fit", "knn")
    write_colours(tmp_path / "third", COLOURS, {"test": 5, "train": 5})
    models = (MODEL, "knn-pictures-tiny")
    found = hybrid.json("validate", *models, "other", "--also", "third", "--map", "Blau=blue")
    rows = [(row["model"], row["dataset"]) for row in found["table"]]
    assert rows == [(model, data) for model in models for data in ("other", "third")]
    assert all(row["p_adjusted"] is None or row["p_adjusted"] >= row["p_value"] for row in found["table"])
    looks = [event for event in History(measured_place).events() if event.what == SHOWN]
    assert [sorted(look.models) for look in looks] == [sorted(models)]
    printed = hybrid("validate", *models, "other", "--also", "third", "--map", "Blau=blue")
    assert "p adjusted" in printed
    page = measured_place.external / "summary.html"
    assert str(page.relative_to(tmp_path)) in "".join(printed.split())
    assert json.loads(page.with_suffix(".json").read_text())["table"] == found["table"]
    shown = read_rows(page.parent / "summary-files" / "scores.csv")
    for row, saved, one in zip(shown, read_rows(page.with_suffix(".csv")), found["table"], strict=True):
        for key in ("value", "difference", "p_adjusted"):
            expected = "" if one[key] is None else str(one[key])
            assert row[key] == saved[key] == expected, (one["model"], one["dataset"], key)
        report = page.parent / row["report"]
        assert report == page.parent / one["model"] / one["dataset"] / "report.html"
        assert report.is_file()
        assert f'<a href="{row["report"]}">' in page.read_text()
    text = page.read_text()
    assert "2 models on 2 datasets" in text
    assert "Do not choose the model by this table" in text
    assert "Are the images like those that the models learnt from?" in text


def test_python_writes_one_page_of_several_datasets(hybrid, measured_place, tmp_path):
    first, second = (load_dataset(tmp_path / "other", to_fit=False) for _ in range(2))
    how = {"class_map": {"Blau": "blue"}, "shift": False, "workspace": measured_place.folder}
    validation = package.validate(MODEL, [first, replace(second, name="again")], **how)
    page, *files = validation.to_html(tmp_path / "page.html")
    assert f"{MODEL} on 2 datasets" in page.read_text()
    assert "like those that the models learnt from" not in page.read_text()
    rows = read_rows(tmp_path / "page-files" / "scores.csv")
    assert [row["dataset"] for row in rows] == ["other", "again"]
    assert all("report" not in row for row in rows)
    assert tmp_path / "page-files" / "scores.csv" in files


def test_similar_names_are_proposed(hybrid, measured_place, tmp_path):
    (tmp_path / "other" / "Blau").rename(tmp_path / "other" / "Blue")
    assert '--map "Blue=blue"' in hybrid("validate", MODEL, "other", code=1)


@pytest.mark.medium
def test_python_gives_tables(hybrid, measured_place, tmp_path):
    data = load_dataset(tmp_path / "other", to_fit=False)
    validation = package.validate(MODEL, data, class_map={"Blau": "blue"}, level=0.9)
    [result] = validation
    table = result.table()
    assert table.loc["roc_auc", "external"] == result.evaluation.metrics["roc_auc"].value
    assert table.loc["roc_auc", "difference"] == pytest.approx(
        table.loc["roc_auc", "external"] - table.loc["roc_auc", "internal"]
    )
    assert validation.table()["dataset"].tolist() == ["other"]
    assert result.evaluation.level == result.internal.evaluation.level == 0.9
    assert load_record(measured_place, MODEL).splits["test"].level == 0.95
    paths = validation.save(measured_place.folder)
    assert paths[0].name == "report.html"
    page = paths[0].read_text()
    for words in ("on its own test images", "Curves and calibration", "calibration in the large", "Blau"):
        assert words in page
    record = ExternalRecord.read(result.folder_in(measured_place) / "validation.json")
    assert record.differences == result.differences
    assert record.sentences == result.sentences()


def test_a_level_that_is_none_is_refused(hybrid, measured_place):
    with pytest.raises(InputError, match="level=2"):
        package.validate(MODEL, "other", class_map={"Blau": "blue"}, level=2)


def test_classes_that_the_data_lack(hybrid, tmp_path, tiny_network):
    """Three classes, of which the other data have two: scores are compared on the images of those."""
    colours = COLOURS | {"red": (210, 50, 40)}
    write_colours(tmp_path / "pictures", colours, {"train": 12, "val": 6, "test": 6})
    write_colours(tmp_path / "third", OTHER, {"train": 9})
    hybrid("extract", "pictures", "--backbone", tiny_network)
    hybrid("fit", "softmax")
    result = hybrid.json("validate", MODEL, "third/train")["results"][0]
    assert result["missing"] == ["red"]
    assert (result["external"]["n"], result["internal"]["n"]) == (18, 12)
    assert "no image of the class 'red'" in " ".join(result["notes"])


def test_labels_that_the_data_lack(hybrid, tmp_path, tiny_network):
    """Three labels, of which the other data have two and a further one: the common two are measured."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (80, 16, 16, 3), np.uint8)
    labels = np.stack([images[..., k].mean(axis=(1, 2)) > 127 for k in range(3)], axis=1).astype(int)
    data = Dataset.from_arrays(images, labels, label_names=["r", "g", "b"])
    extractor = package.FeatureExtractor(str(tiny_network))
    comparison = package.compare(data, {"tiny": extractor}, ["softmax"], workspace=tmp_path / "runs")
    other = rng.integers(0, 256, (50, 16, 16, 3), np.uint8)
    theirs = np.stack([other[..., k].mean(axis=(1, 2)) > 127 for k in range(2)] + [np.arange(50) % 2], axis=1)
    there = Dataset.from_arrays(other, theirs.astype(int), label_names=["r", "g", "new"])
    name = comparison.leaderboards[0].names[0]
    [result] = package.validate(name, there, workspace=tmp_path / "runs")
    assert result.evaluation.classes == result.internal.evaluation.classes == ("r", "g")
    assert result.metric == "roc_auc_macro"
    assert result.difference("roc_auc_macro").difference is not None
    said = " ".join(result.notes)
    assert "'new'" in said
    assert "'b'" in said


def test_subgroups_of_other_data_are_scored(hybrid, measured_place, tmp_path):
    with pytest.raises(InputError, match="other has no columns that could divide its images by sex"):
        package.validate(MODEL, "other", class_map={"Blau": "blue"}, subgroups="sex", workspace=measured_place.folder)
    names = sorted(path.relative_to(tmp_path / "other").as_posix() for path in (tmp_path / "other").rglob("*.png"))
    rows = [f"{name},{'F' if number % 2 else 'M'}" for number, name in enumerate(names)]
    (tmp_path / "patients.csv").write_text("\n".join(["file,sex", *rows]))
    printed = hybrid("validate", MODEL, "other", "--map", "Blau=blue", "--table", "patients.csv", "--by", "sex")
    assert f"{MODEL} by sex" in printed
    report = measured_place.external / MODEL / "other" / "report.html"
    assert "How to read these figures" in report.read_text()
    found = hybrid.json("validate", MODEL, "other", "--map", "Blau=blue", "--table", "patients.csv", "--by", "sex")
    scores = found["results"][0]["subgroups"]["scores"]
    assert sum(row["images"] for row in scores if row["metric"] == "roc_auc") == 24
