"""Scores on validation images that also chose something are marked wherever they are shown."""

import json
import re
from dataclasses import replace

import pytest
from made_report import made_comparison, made_dataset, save_made_model

from hybrid.cli.compare import show_comparison
from hybrid.cli.fitted import print_scores
from hybrid.comparison import Leaderboard
from hybrid.models.evaluate_and_save import FittedModel
from hybrid.report.card import model_card
from hybrid.report.elements.inputs import collect
from hybrid.report.elements.tables import model_table
from hybrid.report.section import ReportSection
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.model_record import Adjustment, Tuning
from hybrid.workspace.validation_use import chosen_on_validation
from hybrid.workspace.workspace import Workspace

ON_VAL, IN_TRAIN = Adjustment("val", 40), Adjustment("train", 80, "5x1")
THRESHOLD = {"aim": "f1", "threshold": 0.3}
EPOCH = {"trained": {"own": 60.0}, "backbones": ("networks/own/network.keras",)}


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({}, ()),
        (THRESHOLD | {"adjustment": ON_VAL}, ("the threshold",)),
        (THRESHOLD | {"adjustment": IN_TRAIN}, ()),
        ({"calibration": "auto", "adjustment": ON_VAL}, ("the calibration",)),
        ({"calibration": "auto", "adjustment": IN_TRAIN}, ()),
        ({"calibration": "auto", "adjustment": ON_VAL, "threshold": 0.3}, ("the calibration",)),  # without an aim
        ({"tuning": Tuning("val", {"C": 1}, "roc_auc", 0.9, 7)}, ("the settings of the head",)),
        ({"tuning": Tuning("cv", {"C": 1}, "roc_auc", 0.9, 7)}, ()),
        ({"weights": "val"}, ("the weights of the ensemble",)),
        ({"weights": "cv"}, ()),
        (EPOCH, ("the epoch of the network",)),
        (EPOCH | {"backbones": ("networks/own/last.keras",)}, ("when to stop training the network",)),
        (EPOCH | THRESHOLD | {"adjustment": ON_VAL}, ("the epoch of the network", "the threshold")),
    ],
)
def test_what_validation_chose_follows_from_the_record(tmp_path, fields, chosen):
    save_made_model(tmp_path, "svm", made_dataset(80, ["cat", "dog"]), 2.0, 0, n_boot=20, **fields)
    (record,) = load_records(Workspace(tmp_path))
    assert chosen_on_validation(record) == chosen


def test_each_of_several_labels_has_a_threshold(tmp_path):
    fields = {"aim": "f1", "threshold": (0.3, 0.4), "adjustment": ON_VAL}
    data = made_dataset(80, ["a", "b"], multilabel=True)
    assert chosen_on_validation(save_made_model(tmp_path, "svm", data, 2.0, 0, n_boot=20, **fields)) == (
        "the thresholds",
    )


@pytest.fixture
def compared(tmp_path):
    """Return the comparison of two models on a split; the threshold of the first was chosen on validation."""
    data = made_dataset(160, ["cat", "dog"])
    save_made_model(tmp_path, "svm", data, 3.0, 0, n_boot=20, **THRESHOLD, adjustment=ON_VAL)
    save_made_model(tmp_path, "forest", data, 0.5, 1, n_boot=20)

    def compare(split="test", **options):
        return compare_results(load_records(Workspace(tmp_path)), split=split, **options)

    return compare


def board(comparison) -> Leaderboard:
    return comparison.leaderboards[0]


SAYS = "Too optimistic, because the validation images also chose the threshold and the model."


def test_the_table_of_compare_marks_the_score_on_validation(compared, capsys, tmp_path):
    show_comparison(compared(), [tmp_path] * 4)
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if "svm ←" in line and "¹" in line]
    assert re.search(r"\d\.\d{3}¹", row)
    assert f"¹ {SAYS}" in " ".join(shown.split())
    assert not any("¹" in line for line in shown.splitlines() if "forest" in line)


def test_on_validation_the_compared_scores_are_marked(compared, capsys, tmp_path):
    show_comparison(compared("val"), [tmp_path] * 4)
    assert f"¹ {SAYS}" in " ".join(capsys.readouterr().out.split())


def test_a_model_that_was_fixed_in_advance_was_not_chosen_by_validation(compared):
    leaderboard = board(compared(choose="forest"))
    chosen = {model.name: leaderboard.chosen_on_validation(model) for model in leaderboard.models}
    assert chosen == {"svm": ("the threshold",), "forest": ()}
    assert board(compared()).chosen_on_validation(board(compared()).models[0]) == ("the threshold", "the model")


def test_a_model_without_others_was_not_chosen(tmp_path):
    leaderboard = board(made_comparison(tmp_path, made_dataset(80, ["cat", "dog"]), {"svm": 2.0}, n_boot=20))
    assert leaderboard.chosen_on_validation(leaderboard.models[0]) == ()


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_report_the_card_and_the_files_say_it(compared, split):
    leaderboard = board(compared(split))
    table = model_table(leaderboard)
    assert any(SAYS in note for note in table.notes)
    marked = [cell.text for cells in table.rows for cell in cells if "¹" in cell.text]
    assert len(marked) == 1
    rows = {
        row["model"]: row["chosen_on_validation"] for row in json.loads(json.dumps(leaderboard.to_dict()))["models"]
    }
    assert rows == {"svm": "the threshold, the model", "forest": ""}
    section = ReportSection("made", "made", "", "", [], [], collect(leaderboard))
    assert "the validation images also chose the threshold and the model" in model_card(leaderboard, section)


def test_fit_marks_the_column_of_validation(tmp_path, capsys):
    record = save_made_model(
        tmp_path, "svm", made_dataset(80, ["cat", "dog"]), 2.0, 0, n_boot=20, **THRESHOLD, adjustment=ON_VAL
    )
    splits = {split: record.splits[split] for split in ("train", "val")}  # those of a new model
    print_scores("svm", FittedModel(None, replace(record, splits=splits), 80))
    shown = capsys.readouterr().out
    assert "val (n=20)¹" in shown
    assert "the validation images also chose the threshold." in " ".join(shown.split())
    assert "train (n=40)¹" not in shown
