"""`hybrid plan`, and comparisons that follow the plan or hide the scores on test."""

import json

import pytest
from made_report import made_dataset, save_made_model

pytestmark = pytest.mark.usefixtures("no_report")


@pytest.fixture
def two_models(tmp_path):
    """Save two models in the default workspace and return its folder."""
    dataset = made_dataset(240, ["ill", "well"])
    for number, (name, skill) in enumerate({"good": 2.0, "poor": 0.5}.items()):
        save_made_model(tmp_path / "hybrid_runs", name, dataset, skill, seed=number)
    return tmp_path / "hybrid_runs"


def test_a_comparison_follows_the_plan(hybrid, two_models):
    assert "There is no plan" in hybrid("plan")
    printed = hybrid("plan", "--metric", "f1", "--choose", "poor")
    assert "made before any look at test: primary metric f1, choice poor" in printed
    (group,) = hybrid.json("compare")["groups"]
    assert (group["metric"], group["choice"]["model"], group["choice"]["fixed_by"]) == ("f1", "poor", "the plan")
    shown = hybrid("plan")
    assert "looks at test: 1" in shown
    assert "hybrid compare" in shown
    late = hybrid("plan", "--metric", "accuracy")
    assert "made after 1 look at test: primary metric accuracy, choice simplest" in late


def test_locked_scores_are_not_shown_by_accident(hybrid, two_models):
    hybrid("plan", "--lock-test")
    assert "unlock them with hybrid plan --unlock-test" in hybrid("compare", code=1)
    hidden = hybrid("compare", "--hide-test")
    assert "val: 60 images" in hidden
    assert "test: 60 images" not in hidden
    assert not (two_models / "reports/report.html").exists()
    state = hybrid.json("plan")
    assert (state["locked"], [event["what"] for event in state["events"]]) == (True, ["locked"])
    hybrid("plan", "--unlock-test")
    assert "test: 60 images" in hybrid("compare")


def test_hiding_test_computes_no_score_on_it(hybrid, two_models):
    for name in ("good", "poor"):
        path = two_models / "models" / name / "metrics.json"
        record = json.loads(path.read_text())
        del record["splits"]["test"], record["seal"]
        path.write_text(json.dumps({**record, "schema": 1, "sealed": ["test"]}))
    assert set(hybrid.json("compare", "--hide-test")["groups"][0]["models"][0]["evaluation"]) >= {"metrics"}
    assert "test" not in json.loads((two_models / "models/good/metrics.json").read_text())["splits"]
    hybrid("compare")
    saved = json.loads((two_models / "models/good/metrics.json").read_text())
    assert saved["splits"]["test"]["n"] == 60
    assert saved["sealed"] == []


def test_an_unknown_metric_is_refused_and_nothing_is_planned(hybrid, two_models):
    assert "roc_auc" in hybrid("plan", "--metric", "roc_au", code=1)
    assert not (two_models / "history.jsonl").exists()
