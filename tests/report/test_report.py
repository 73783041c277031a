"""The report: its figures are those of metrics.json and of scikit-learn, its sentences true, its files whole."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from made_report import HOSTILE, THREE_SKILLS, made_comparison, made_dataset, save_made_set
from sklearn import metrics as sk
from tables import read_rows

from hybrid.cli.compare import show_comparison
from hybrid.report import write_report
from hybrid.report.elements.inputs import collect
from hybrid.workspace.fitted_models import read_predictions, read_record

pytestmark = pytest.mark.medium  # draws reports

ENDS = ("value", "low", "high")
CLASSES = ("cat", "dog")


def saved_tables(paths):
    return {path.stem: json.loads(path.read_text()) for path in paths if path.suffix == ".json"}


@pytest.mark.parametrize("classes", [CLASSES, ("a", "b", "c")])
def test_the_figures_are_those_of_metrics_json_and_of_scikit_learn(drawn, classes):
    runs, comparison, _, paths = drawn(*classes)
    tables = saved_tables(paths)
    assert {row["model"] for row in tables["models"]} == set(THREE_SKILLS)
    for row in tables["models"]:
        folder = runs / "runs" / "models" / row["model"]
        saved = json.loads((folder / "metrics.json").read_text())["splits"]["test"]["metrics"]
        for name in saved.keys() & row.keys():
            assert [row[name], row[f"{name}_low"], row[f"{name}_high"]] == [saved[name][k] for k in ENDS]
        test = read_predictions(read_record(folder)).part("test")
        assert row["accuracy"] == pytest.approx(sk.accuracy_score(test.y, test.predicted))
        if len(classes) == 2:
            assert row["roc_auc"] == pytest.approx(sk.roc_auc_score(test.y == "dog", test.proba[:, 1]))
            assert row["sensitivity"] == pytest.approx(sk.recall_score(test.y, test.predicted, pos_label="dog"))
        else:
            assert row["f1_macro"] == pytest.approx(sk.f1_score(test.y, test.predicted, average="macro"))
    leaderboard = comparison.leaderboards[0]
    for number, name in enumerate(leaderboard.names, start=1):
        test = read_predictions(read_record(runs / "runs" / "models" / name)).part("test")
        counts = [list(row.values())[1:] for row in tables[f"confusion-{number}"]]
        np.testing.assert_array_equal(counts, sk.confusion_matrix(test.y, test.predicted, labels=classes))


def test_the_page_shows_what_the_tables_hold(drawn):
    report = drawn(*CLASSES)
    page = report.page
    for row in saved_tables(report.paths)["models"]:
        assert f'data-value="{row["roc_auc"]}"><bdi>{row["roc_auc"]:.3f}</bdi>' in page
        assert f"{row['roc_auc_low']:.3f}–{row['roc_auc_high']:.3f}" in page


@pytest.mark.parametrize(
    ("dogs", "reason"),
    [(1, "no interval: one of the two sides is a single image"), (0, "the split has no image of this class")],
)
def test_a_missing_interval_is_explained_wherever_the_score_is(tmp_path, capsys, dogs, reason):
    """The test split has a single dog, so that no resampling varies it, or none."""
    dataset = made_dataset(64, CLASSES)
    in_test = np.flatnonzero((dataset.split == "test") & (dataset.y == "dog"))
    dataset.y[in_test[dogs:]] = "cat"
    comparison = made_comparison(tmp_path / "runs", dataset, {"svm-made": 2.0})
    paths = comparison.save(tmp_path / "out")
    files = {path.name: path.read_text() for path in paths if path.suffix in (".html", ".md")}
    page, card = files["report.html"], files["model-card.md"]
    what = "no interval" if dogs else "not defined"
    assert re.search(f'<span class="sub">{what} [¹²³⁴⁵]</span>', page)
    # Below the table of models and that of classes.
    assert len(re.findall(f'<p class="below">[¹²³⁴⁵] {reason}', page)) == 2
    (row,) = read_rows(tmp_path / "out/comparison.csv")
    saved = saved_tables(paths)
    for found in (row, saved["models"][0], comparison.table().iloc[0]):
        assert found["roc_auc_reason"].startswith(reason)
        assert "accuracy_reason" not in found
    assert saved["classes"][1]["roc_auc_reason"].startswith(reason)
    line = next(line for line in card.splitlines() if line.startswith("| ROC AUC |"))
    assert reason in line.split("|")[2]
    of_class = next(line for line in card.splitlines() if line.startswith("| dog |"))
    assert "(" in of_class.split("|")[4]  # the recall has its interval, or the reason
    show_comparison(comparison, paths)
    printed = capsys.readouterr().out
    assert re.search(r"svm-made ← +\S+ +(1\.000|0\.\d+|–)¹", printed)
    assert f"  ¹ {reason}" in printed


def test_csv_and_json_hold_the_same(drawn):
    paths = drawn(*CLASSES).paths
    tables = saved_tables(paths)
    assert {"models", "differences", "paired-tests", "classes", "data", "confusion-1"} <= tables.keys()
    for path in paths:
        if path.suffix == ".csv":
            wanted = [{k: "" if v is None else str(v) for k, v in row.items()} for row in tables[path.stem]]
            assert read_rows(path) == wanted


def test_every_figure_is_there_as_svg_with_text_and_as_png(drawn):
    paths = drawn(*CLASSES).paths
    stems = {path.stem for path in paths if path.suffix == ".svg"}
    assert {"scores", "cost", "roc", "precision-recall", "reliability"} <= stems
    assert stems == {path.stem for path in paths if path.suffix == ".png"}
    for path in paths:
        if path.suffix == ".svg":
            assert ElementTree.parse(path).findall(".//{http://www.w3.org/2000/svg}text")
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")


def test_the_files_of_an_earlier_report_do_not_stay(drawn, tmp_path):
    old = tmp_path / "report-files" / "made" / "old.csv"
    old.parent.mkdir(parents=True)
    old.touch()
    paths = write_report(drawn(*CLASSES).comparison, tmp_path / "report.html")
    assert not old.exists()
    assert sorted(path for path in (tmp_path / "report-files").rglob("*") if path.is_file()) == sorted(paths[2:])


def test_the_same_comparison_gives_the_same_page(drawn, tmp_path):
    first = drawn(*CLASSES, pictures=True)
    again, *_ = write_report(first.comparison, tmp_path / "again.html", dataset=first.dataset)
    pages = [first.page, again.read_text()]
    assert len({re.sub(r"\d{4}-\d\d-\d\dT[\d:+]+", "", page) for page in pages}) == 1


def test_pictures_are_shown_where_there_are_data_and_missed_in_words_where_not(drawn):
    assert drawn(*CLASSES, pictures=True).page.count('src="data:image/png;base64,') > 10
    page = drawn(*CLASSES).page
    assert "data:image" not in page
    assert "There are no pictures: " in page
    assert "The map cannot be drawn: the embedding set is no longer in the workspace." in page


def test_data_that_are_others_give_no_pictures(drawn, tmp_path):
    _, comparison, dataset, _ = drawn(*CLASSES)
    other = replace(dataset, ids=np.char.add("other ", dataset.ids))
    assert "There are no pictures: " in write_report(comparison, tmp_path / "a.html", dataset=other)[0].read_text()


def test_given_data_give_no_pictures_once_the_set_of_the_models_is_gone(drawn, tmp_path):
    _, comparison, dataset, _ = drawn(*CLASSES)
    page = write_report(comparison, tmp_path / "a.html", dataset=dataset)[0].read_text()
    assert "data:image" not in page
    gone = "There are no pictures: The embedding set that the models were fitted to is no longer in the workspace."
    assert page.count(gone) == 2


@pytest.mark.parametrize(
    ("replaced", "pictures"), [({}, True), ({"dataset": "0" * 64}, False), ({"extractor": "0" * 64}, False)]
)
def test_a_set_that_was_replaced_under_its_name_is_not_that_of_the_model(tmp_path, replaced, pictures):
    dataset = made_dataset(96, CLASSES)
    saved = save_made_set(tmp_path / "runs", dataset, fingerprint=replaced.get("dataset", "f" * 64))
    fitted = {"extractor_fingerprints": (replaced.get("extractor", saved.fingerprint),)}
    [leaderboard] = made_comparison(tmp_path / "runs", dataset, {"svm-made": 2.0}, **fitted).leaderboards
    found = collect(leaderboard)
    assert (list(found.sets) == ["made-set"]) is pictures
    assert bool(found.sets_of(leaderboard.models[0])) is pictures


def test_several_datasets_are_a_section_each_with_ids_of_their_own(drawn, tmp_path):
    first = drawn(*CLASSES).comparison
    both = replace(first, leaderboards=(*first.leaderboards, *first.leaderboards))
    paths = write_report(both, tmp_path / "report.html")
    page = paths[0].read_text()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page.count('<section id="d') == 2
    assert {path.parent.name for path in paths[2:]} == {"made", "made-2"}


def test_the_size_stays_small_for_ten_models_and_ten_thousand_images(tmp_path):
    dataset = made_dataset(10_200, ["cat", "dog"], shape=(28, 28))
    dataset = replace(dataset, split=np.array(["train", "val", *["test"] * 100])[np.arange(len(dataset)) // 2 % 102])
    skills = {f"model-{i}": 1 + 0.2 * i for i in range(10)}
    comparison = made_comparison(tmp_path / "runs", dataset, skills, with_set=True, n_boot=0)
    path = write_report(comparison, tmp_path / "report.html", dataset=dataset)[0]
    assert path.stat().st_size < 5e6


def test_the_model_card_says_what_it_is_and_how_to_use_it(drawn):
    report = drawn(*CLASSES)
    card = report.file("model-card.md").read_text()
    leaderboard = report.comparison.leaderboards[0]
    model = leaderboard.models[leaderboard.names.index(leaderboard.chosen)]
    assert f"hybrid predict {leaderboard.chosen} IMAGES" in card
    metric = model.splits["test"].metrics["roc_auc"]
    assert f"| ROC AUC | {metric.value:.3f} ({metric.low:.3f}–{metric.high:.3f}) |" in card
    assert "- Threshold: 0.5" in card
    assert leaderboard.fingerprint in card
    assert "| score | test | val |" in card
    assert "\n¹ Too optimistic, because the validation images also chose the model." in card
    assert "\\" not in card  # none of these names and sentences needs one
    assert f"load_model('runs/models/{leaderboard.chosen}/model')" in card


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_model_card_says_what_is_predicted_for_unknown_images(tmp_path, multilabel):
    dataset = made_dataset(96, ["a", "b", "c"], multilabel=multilabel)
    paths = write_report(made_comparison(tmp_path / "runs", dataset, {"svm-made": 2.0}), tmp_path / "report.html")
    card = next(path for path in paths if path.name == "model-card.md").read_text()
    assert ("always predicts one of its classes" in card) is not multilabel
    assert ("predicts labels for every image" in card) is multilabel


def test_names_are_only_text_in_the_model_card(tmp_path):
    comparison = made_comparison(tmp_path / "runs", made_dataset(96, HOSTILE), {"svm-made": 2.0})
    paths = write_report(comparison, tmp_path / "report.html")
    card = next(path for path in paths if path.name == "model-card.md").read_text()
    body = re.sub(r"^```.*?^```", "", card, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"(?<!\\)<", body)
    assert not re.search(r"(?<!\\)\]\(javascript", body)
    assert "49" not in re.findall(r"Classes: (.*)", body)[0]


def test_the_words_of_the_page_are_explained_in_it(drawn):
    page = drawn(*CLASSES).page
    words = page[page.index("What the words of this page mean") :]
    for word in ("ROC AUC", "F1", "Brier score", "Calibration error", "Interval", "Adjusted p", "t-SNE map"):
        assert f"<dt><bdi>{word}</bdi></dt>" in words
    titles = dict(re.findall(r'<th scope="col"[^>]*? title="([^"]+)"><button type="button"><bdi>([^<]+)</bdi>', page))
    assert {"ROC AUC", "accuracy", "Brier score", "adjusted p"} <= set(titles.values())


def test_the_page_says_that_no_patient_is_in_two_splits(tmp_path):
    dataset = made_dataset(96, CLASSES, of_each=2)
    comparison = made_comparison(tmp_path / "runs", dataset, {"svm-made": 2.0}, with_set=True)
    page = write_report(comparison, tmp_path / "report.html")[0].read_text()
    said = "No group, such as a patient, is in two splits: train has 48 images of 24 groups, val 24 images of 12 groups"
    assert said in page
