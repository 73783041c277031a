"""`hybrid compare`: the answer comes first, and comparing again loses no earlier report."""

import json

import pytest
from made_report import made_dataset, save_made_model


@pytest.fixture
def reports(tmp_path):
    """Save three models in the default workspace and return the folder of its reports."""
    dataset = made_dataset(240, ["ill", "well"])
    for number, (name, skill) in enumerate({"forest": 2.0, "knn": 0.5, "svm": 1.9}.items()):
        save_made_model(tmp_path / "hybrid_runs", name, dataset, skill, seed=number)
    return tmp_path / "hybrid_runs/reports"


def models_of(folder):
    (group,) = json.loads((folder / "comparison.json").read_text())["groups"]
    return {row["model"] for row in group["models"]}


@pytest.mark.medium
def test_the_report_of_other_models_is_kept_with_its_files(hybrid, reports):
    hybrid("compare", "forest", "knn")
    before = {path.relative_to(reports): path.read_bytes() for path in reports.rglob("*") if path.is_file()}
    printed = hybrid("compare", "svm", "knn")
    assert models_of(reports) == {"svm", "knn"}
    (earlier,) = (reports / "earlier").iterdir()
    after = {path.relative_to(earlier): path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    assert after == before
    assert str(earlier.relative_to(reports.parent.parent)) in printed


@pytest.mark.usefixtures("no_report")
def test_only_another_comparison_moves_the_earlier_one(hybrid, reports):
    hybrid("compare", "forest", "knn")
    assert "moved" not in hybrid("compare", "forest", "knn")  # although test was shown once more
    assert not (reports / "earlier").exists()
    changes = (["--metric", "f1"], ["--all-pairs"], ["--varying-classes"], ["--choose", "knn"])
    for moves, options in enumerate(changes, start=1):
        assert "was moved to" in hybrid("compare", "forest", "knn", *options)
        assert len(list((reports / "earlier").iterdir())) == moves  # also within one second
    result = hybrid.result("compare", "--json")
    assert "was moved to" in result.stderr
    assert len(json.loads(result.stdout)["groups"][0]["models"]) == 3


@pytest.mark.usefixtures("no_report")
def test_the_answer_comes_first_and_the_costs_last(hybrid, reports):
    printed = hybrid("compare")
    order = ["forest, chosen on only 60 validation images, scores", "best roc_auc on val first", "costs: ", "Report: "]
    places = [printed.index(text) for text in order]
    assert places == sorted(places)
    assert "be told apart" not in printed[places[2] :]  # no conclusion comes after the costs
