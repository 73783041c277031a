"""Whether models are worth using: decision curves and predictive values of a comparison, its report and its command."""

import csv
import json

import numpy as np
import pytest
from command_line import CommandLine
from made_report import THREE_SKILLS, made_dataset, save_made_model

from hybrid import InputError
from hybrid.evaluation import decision_curve, predictive_values
from hybrid.report.parts.worth import worth
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace

BINARY, SEVERAL = ["healthy", "sick"], ["a", "b", "c"]


def made_models(folder, classes, *, models=THREE_SKILLS, multilabel=False, **record):
    dataset = made_dataset(240, classes, multilabel=multilabel, of_each=None if multilabel else 2)
    for seed, (name, skill) in enumerate(models.items()):
        save_made_model(folder, name, dataset, skill, seed, n_boot=20, **record)
    return load_records(Workspace(folder))


def test_a_comparison_has_the_curve_of_each_model_at_its_threshold_and_at_the_prevalence(tmp_path):
    frequencies = {"healthy": 0.5, "sick": 0.5}
    records = made_models(tmp_path, BINARY, frequencies=frequencies, threshold=0.6, aim="f1")
    leaderboard = compare_results(records, prevalence=0.05).leaderboards[0]
    (several,) = leaderboard.useful.values()
    for one, model, part in zip(several, leaderboard.names, leaderboard.predictions, strict=True):
        odds = 0.6 / 0.4 * (0.05 / 0.95)
        assert one.model == model
        assert one.threshold == pytest.approx(odds / (1 + odds))
        given = {"prevalence": 0.05, "groups": part.groups}
        curve = decision_curve(part.y, part.proba, BINARY, thresholds=[one.threshold], proba_prevalence=0.5, **given)
        assert one.net_benefit.value == curve.net_benefit[0]
        assert one.values == predictive_values(part.y, part.predicted, BINARY, **given)
    saved = leaderboard.to_dict()["usefulness"]
    assert [row["model"] for row in saved] == leaderboard.names
    assert saved[0]["ppv"] == several[0].values.ppv.to_dict()
    json.dumps(saved, allow_nan=False)


def test_without_a_prevalence_it_is_that_of_the_images(tmp_path):
    leaderboard = compare_results(made_models(tmp_path, BINARY)).leaderboards[0]
    ((label, several),) = leaderboard.useful.items()
    assert label == "sick"
    assert several[0].values is None
    assert several[0].at_threshold.prevalence == pytest.approx(np.mean(leaderboard.truth == "sick"))
    assert compare_results(load_records(Workspace(tmp_path)), split="train").leaderboards[0].useful == {}


def test_each_label_has_a_curve_and_a_class_of_several_only_if_it_is_named(tmp_path):
    labels = compare_results(made_models(tmp_path / "labels", SEVERAL, multilabel=True), prevalence={"b": 0.1})
    useful = labels.leaderboards[0].useful
    assert list(useful) == SEVERAL
    assert useful["a"][0].values is None
    assert useful["b"][0].values.prevalence == 0.1
    records = made_models(tmp_path / "classes", SEVERAL)
    board = compare_results(records).leaderboards[0]
    assert board.useful == {}
    assert "name the class" in worth(board, 0).lead[0]
    board = compare_results(records, prevalence={"c": 0.1}).leaderboards[0]
    assert list(board.useful) == ["c"]
    assert board.useful["c"][0].threshold == 0.5


@pytest.mark.parametrize(
    ("classes", "given", "words"),
    [
        (BINARY, 5, "prevalence=5 was given; expected a share"),
        (BINARY, {"ill": 0.1}, "Unknown class 'ill'"),
        (SEVERAL, 0.1, r"made has 3 classes: name one, such as a=0\.1"),
    ],
)
def test_a_wrong_prevalence_gets_a_sentence(tmp_path, classes, given, words):
    with pytest.raises(InputError, match=words):
        compare_results(made_models(tmp_path, classes, models={"svm-made": 2.0}), prevalence=given)


def test_the_prevalence_of_the_other_class_is_that_of_the_positive_one(tmp_path):
    leaderboard = compare_results(made_models(tmp_path, BINARY), prevalence={"healthy": 0.9}).leaderboards[0]
    assert leaderboard.prevalence == {"sick": pytest.approx(0.1)}


def test_the_command_prints_them_and_the_report_draws_them(tmp_path):
    made_models(tmp_path, BINARY, frequencies={"healthy": 0.5, "sick": 0.5})
    shown = CommandLine()("compare", "--workspace", tmp_path, "--prevalence", "0.05")
    assert "Where 0.05 of the images are sick, with 95% intervals" in shown
    assert "PPV" in shown
    page = (tmp_path / "reports" / "report.html").read_text()
    assert "Is it worth using?" in page
    assert "The named prevalence (sick 0.05) is taken as known, and probabilities are converted" in page
    (table,) = (tmp_path / "reports").rglob("decision-curves.csv")
    with table.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 99 * len(THREE_SKILLS)
    assert float(rows[9]["threshold"]) == pytest.approx(0.1)
    (usefulness,) = (tmp_path / "reports").rglob("usefulness.json")
    assert {"ppv", "npv", "net_benefit", "treat_all"} <= json.loads(usefulness.read_text())[0].keys()


def test_wrong_shares_on_the_command_line_get_a_sentence(tmp_path):
    made_models(tmp_path, BINARY, models={"svm-made": 2.0})
    message = CommandLine()("compare", "--workspace", tmp_path, "--prevalence", "often", code=1)
    assert "--prevalence 'often' was given; expected a share" in message
