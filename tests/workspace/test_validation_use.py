"""Scores on validation images that also chose something are marked wherever they are shown."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from made_report import made_comparison, made_dataset, save_made_model
from scipy.special import softmax

from hybrid.classifiers.calibration import Recalibration
from hybrid.cli.compare import show_comparison
from hybrid.cli.fitted import print_scores
from hybrid.comparison import Leaderboard
from hybrid.evaluation import evaluate
from hybrid.evaluation.metrics import METRICS
from hybrid.models.evaluate_and_save import FittedModel
from hybrid.report.card import model_card
from hybrid.report.elements.inputs import collect
from hybrid.report.elements.tables import model_table
from hybrid.report.section import ReportSection
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.model_record import Adjustment, ModelRecord, Tuning
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


def made_record(task, **fields):
    about = {"name": "m", "head": "svm", "dataset": "d", "dataset_fingerprint": "f", "classes": (0, 1, 2), "splits": {}}
    return ModelRecord(task=task, adjustment=ON_VAL, **about, **fields)


def scores(task, proba, y, y_pred=None):
    classes = list(range(proba.shape[1]))
    if y_pred is None:
        y_pred = (proba >= 0.5).astype(int) if task == "multilabel" else proba.argmax(axis=1)
    result = evaluate(y, proba, classes, y_pred=y_pred, pos_label=1 if task == "binary" else None, n_boot=0)
    return {name: metric.value for name, metric in result.metrics.items()}


@pytest.mark.parametrize("method", ["sigmoid", "temperature", "isotonic"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_a_calibration_is_named_exactly_for_the_metrics_that_it_changes(task, method):
    rng = np.random.default_rng(1)
    y = rng.random((400, 3)) < 0.3 if task == "multilabel" else rng.integers(0, 2 if task == "binary" else 3, 400)
    truth = y if task == "multilabel" else np.eye(2 if task == "binary" else 3)[y]
    logits = 3 * (truth + rng.normal(size=truth.shape)) - [2.0, 1.0, 0.0][: truth.shape[1]]
    proba = 1 / (1 + np.exp(-logits)) if task == "multilabel" else softmax(logits, axis=1)
    codes = y.astype(int)
    new = Recalibration(method).fit(proba, codes, np.ones(codes.shape)).transform(proba)
    before, after = scores(task, proba, codes), scores(task, new, codes)
    record = made_record(task, calibration=method)
    named = {name for name in before if chosen_on_validation(record, name)}
    changed = {name for name in before if abs(before[name] - after[name]) > 1e-9}
    assert changed <= named
    # One factor moves no probability across one half: it could change decisions only of several calibrators.
    exact = METRICS if method != "temperature" else [name for name in METRICS if METRICS[name].needs != "decisions"]
    assert named & set(exact) == changed & set(exact)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_a_threshold_is_named_exactly_for_the_metrics_of_predicted_labels(task):
    rng = np.random.default_rng(2)
    y = rng.random((200, 3)) < 0.4 if task == "multilabel" else rng.integers(0, 2 if task == "binary" else 3, 200)
    y = y.astype(int)
    proba = rng.random((200, 3 if task != "binary" else 2))
    proba = proba if task == "multilabel" else proba / proba.sum(axis=1, keepdims=True)
    other = (proba >= 0.2).astype(int) if task == "multilabel" else (proba[:, -1] >= 0.2).astype(int)
    before, after = scores(task, proba, y), scores(task, proba, y, other)
    named = {name for name in before if chosen_on_validation(made_record(task, **THRESHOLD), name)}
    assert named == {name for name in before if before[name] != after[name]}
    # With a calibration before it, the threshold moves with the probabilities, and the labels stay as they are.
    both = made_record(task, **THRESHOLD, calibration="sigmoid")
    if task != "multiclass":
        assert chosen_on_validation(both, "f1_macro") == ("the threshold",)


def test_what_changes_the_model_changes_every_metric():
    record = made_record("binary", tuning=Tuning("val", {"C": 1}, "roc_auc", 0.9, 7), **THRESHOLD)
    assert chosen_on_validation(record, "roc_auc") == ("the settings of the head",)
    assert chosen_on_validation(record, "f1") == ("the settings of the head", "the threshold")


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
OF_RANKS = "Too optimistic, because the validation images also chose the model."


@pytest.mark.parametrize(("metric", "says"), [("roc_auc", OF_RANKS), ("accuracy", SAYS)])
def test_the_table_of_compare_marks_the_score_on_validation(compared, capsys, tmp_path, metric, says):
    show_comparison(compared(metric=metric), [tmp_path] * 4)
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if "svm ←" in line and "¹" in line]
    assert re.search(r"\d\.\d{3}¹", row)
    assert f"¹ {says}" in " ".join(shown.split())
    assert not any("¹" in line for line in shown.splitlines() if "forest" in line)


def test_on_validation_each_compared_score_is_marked_by_what_changes_it(compared, capsys, tmp_path):
    show_comparison(compared("val"), [tmp_path] * 4)
    shown = capsys.readouterr().out
    assert f"¹ {OF_RANKS}" in " ".join(shown.split())
    assert f"² {SAYS}" in " ".join(shown.split())
    row = next(line for line in shown.splitlines() if "svm ←" in line)
    assert re.search(r"svm ← +\d\.\d{3} \[[^]]+\]¹ ", row)  # roc_auc, by which the models are ordered
    assert row.count("²") >= 2  # balanced accuracy and others of predicted labels


def test_a_chosen_threshold_alone_marks_no_roc_auc(compared, capsys, tmp_path):
    leaderboard = board(compared("val", choose="forest", metric="roc_auc"))
    (svm,) = [model for model in leaderboard.models if model.name == "svm"]
    assert leaderboard.validation_note(svm, "roc_auc") == leaderboard.validation_note(svm, "log_loss") == ""
    assert leaderboard.validation_note(svm, "f1") == SAYS.replace(" and the model", "")
    row = next(row for row in leaderboard.rows if row["model"] == "svm")
    marked = set(row["too_optimistic_on_validation"].split(", "))
    assert marked == {name for name in svm.splits["val"].metrics if METRICS[name].needs == "decisions"}
    assert not any("¹" in line for line in printed(compared(choose="forest"), capsys, tmp_path) if "svm" in line)


def printed(comparison, capsys, folder):
    show_comparison(comparison, [folder] * 4)
    return capsys.readouterr().out.splitlines()


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
    table, best = model_table(leaderboard), leaderboard.chosen_number
    assert any(OF_RANKS in note for note in table.notes)
    text = {column.key: cells for column, *cells in zip(table.columns, *table.rows, strict=True)}
    on_val = {key for key in text if key != "model" and (split == "val" or key.startswith("val_"))}
    lines = dict(note.split(" ", 1) for note in table.notes)
    for key in on_val:
        name = key.removeprefix("val_")
        says = SAYS if METRICS[name].needs == "decisions" else OF_RANKS
        for cell in text[key]:
            mark = re.search("[¹²³⁴]?$", cell.text)[0]
            assert lines.get(mark, "") == (says if cell is text[key][best] else "")
    rows = {
        row["model"]: row["chosen_on_validation"] for row in json.loads(json.dumps(leaderboard.to_dict()))["models"]
    }
    assert rows == {"svm": "the threshold, the model", "forest": ""}
    section = ReportSection("made", "made", "", "", [], [], collect(leaderboard))
    card = model_card(leaderboard, section)
    (auc,) = [line for line in card.splitlines() if line.startswith("| ROC AUC |")]
    (f1,) = [line for line in card.splitlines() if line.startswith("| F1 |")]
    marks = {line[0]: line[2:] for line in card.splitlines() if line[:1] in "¹²" and line}
    assert marks[re.search("[¹²]", auc)[0]] == OF_RANKS
    assert marks[re.search("[¹²]", f1)[0]] == SAYS


def test_fit_marks_the_column_of_validation(tmp_path, capsys):
    record = save_made_model(
        tmp_path, "svm", made_dataset(80, ["cat", "dog"]), 2.0, 0, n_boot=20, **THRESHOLD, adjustment=ON_VAL
    )
    splits = {split: record.splits[split] for split in ("train", "val")}  # those of a new model
    print_scores("svm", FittedModel(None, replace(record, splits=splits), 80))
    shown = capsys.readouterr().out
    assert "the validation images also chose the threshold." in " ".join(shown.split())
    rows = {line.split()[0]: line for line in shown.splitlines() if line.split()}
    mark = re.search("([¹²³]) Too optimistic", shown)[1]
    assert rows["f1"].rstrip().endswith(mark)
    assert rows["f1"].count(mark) == 1  # not on train
    assert mark not in rows["roc_auc"] + rows["log_loss"]
