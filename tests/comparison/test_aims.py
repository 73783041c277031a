"""Whether the aim of a threshold was reached on images that did not choose it, in words and as JSON values."""

import json

import numpy as np
import pytest
from command_line import CommandLine
from made_report import made_dataset, save_made_model
from statsmodels.stats.proportion import proportion_confint

from hybrid.comparison.aims import reached_aim
from hybrid.evaluation import evaluate
from hybrid.report.parts.answer import answer
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.model_record import Adjustment
from hybrid.workspace.workspace import Workspace


def evaluated(found, positives, negatives=100, alarms=10):
    """An evaluation in which so many of the positives are found, and so many of the negatives are taken for them."""
    y = np.repeat([1, 0], [positives, negatives])
    said = np.repeat([1, 0, 1, 0], [found, positives - found, alarms, negatives - alarms])
    return evaluate(y, np.column_stack([1 - said, said]), [0, 1], y_pred=said, n_boot=20)


def told(aim, result):
    return " ".join(reached_aim("m", aim, result).sentences("test images"))


def wilson(found, positives):
    return "{:.3f} to {:.3f}".format(*proportion_confint(found, positives, method="wilson"))


@pytest.mark.parametrize(
    ("aim", "found", "positives", "words", "certain"),
    [
        ("recall=0.9", 985, 1000, "was reached", True),
        ("sensitivity=0.98", 197, 200, "was reached", False),
        ("recall=0.98", 195, 200, "was not reached", False),
        ("recall=0.98", 900, 1000, "was not reached", True),
        ("recall=0.98", 49, 50, "was reached", False),  # equal to the level
    ],
)
def test_the_interval_says_whether_it_is_certain(aim, found, positives, words, certain):
    text = told(aim, evaluated(found, positives))
    level = aim.partition("=")[2]
    figures = f"{found / positives:.3f} (95% interval {wilson(found, positives)})"
    first = f"The aim, a recall of at least {level}, {words} on the test images: {figures}."
    assert text.startswith(first)
    low, high = proportion_confint(found, positives, method="wilson")
    assert certain == (not low < float(level) < high)
    open_one = (
        f" Whether it is reached on other images like these cannot be said, because the interval includes {level}."
    )
    assert text == first + ("" if certain else open_one)


def test_a_specificity_is_that_of_the_other_images_and_a_confidence_is_named():
    text = told("specificity=0.85@0.9", evaluated(50, 50, negatives=1000, alarms=40))
    words = "a specificity of at least 0.85 on new images with a confidence of 0.9, was reached on the test images"
    assert words in text
    assert f"0.960 (95% interval {wilson(960, 1000)})" in text


def test_a_score_just_below_the_level_is_not_shown_as_the_level():
    text = told("recall=0.98", evaluated(9799, 10_000))
    assert "was not reached on the test images: 0.9799 (" in text


def test_aims_without_a_level_have_no_sentence():
    assert reached_aim("m", "balanced", evaluated(9, 10)) is None
    assert reached_aim("m", None, evaluated(9, 10)) is None


def test_without_an_image_of_the_class_nothing_can_be_checked():
    result = evaluated(0, 0)
    assert "cannot be checked on the test images" in told("recall=0.9", result)
    (score,) = reached_aim("m", "recall=0.9", result).to_dict()["scores"]
    assert (score["reached"], score["certain"], score["value"]) == (None, False, None)


def test_without_intervals_nothing_is_certain():
    y = [0, 0, 1, 1]
    result = evaluate(y, np.column_stack([np.array([1, 1, 0, 0]), y]), [0, 1], n_boot=0)
    text = told("recall=0.9", result)
    assert "was reached on the test images: 1.000, without an interval." in text
    assert "because the score has no interval." in text


def test_labels_are_told_apart():
    of_labels = [(1000, 990), (1000, 600), (50, 46)]
    y, said = np.zeros((1000, 3), int), np.zeros((1000, 3), int)
    for column, (positives, found) in enumerate(of_labels):
        y[:positives, column], said[:found, column] = 1, 1
    result = evaluate(y, said.astype(float), ["a", "b", "c"], y_pred=said, n_boot=20)
    text = told("recall=0.9", result)
    assert "a recall of at least 0.9 for each label, was reached on the test images for 2 of 3 labels: a 0.990" in text
    assert f"It was not reached for b 0.600 (95% interval {wilson(600, 1000)})." in text
    assert "For c, it cannot be said whether it is reached on other images like these" in text
    assert [score.reached for score in reached_aim("m", "recall=0.9", result).scores] == [True, False, True]


def made_models(folder, **record):
    dataset = made_dataset(400, ["healthy", "sick"])
    for seed, (name, skill) in enumerate({"svm-made": 1.0, "forest-made": 4.0}.items()):
        save_made_model(folder, name, dataset, skill, seed, n_boot=20, threshold=0.5, **record)
    return load_records(Workspace(folder))


def test_a_comparison_says_it_of_all_models_and_the_answer_of_the_chosen_one(tmp_path):
    made_models(tmp_path, aim="recall=0.9", adjustment=Adjustment("val", 100))
    shown = CommandLine()("compare", "--workspace", tmp_path)
    board = compare_results(load_records(Workspace(tmp_path))).leaderboards[0]
    assert board.chosen == "forest-made"
    said = {name: [note for note in board.notes if f"aim of {name}" in note] for name in board.names}
    assert said["forest-made"] == []
    assert "The aim of svm-made, a recall of at least 0.9, was not reached on the test images" in said["svm-made"][0]
    recall = board.evaluations[0].metrics["recall"]
    words = f"The aim, a recall of at least 0.9, was reached on the test images: {recall.value:.3f} (95% interval"
    for text in (answer(board), " ".join(shown.split()), (tmp_path / "reports" / "report.html").read_text()):
        assert words in text
    saved = json.loads((tmp_path / "reports" / "comparison.json").read_text())["groups"][0]["aims"]
    assert [(row["model"], row["level"], row["scores"][0]["reached"]) for row in saved] == [
        ("forest-made", 0.9, True),
        ("svm-made", 0.9, False),
    ]
    assert saved[0]["scores"][0]["value"] == recall.value


@pytest.mark.parametrize(("on", "aims"), [("val", 0), ("train", 2)])
def test_images_that_chose_the_threshold_say_nothing_about_its_aim(tmp_path, on, aims):
    records = made_models(tmp_path, aim="recall=0.9", adjustment=Adjustment(on, 100))
    assert len(compare_results(records, split="val").leaderboards[0].aims) == aims
    assert not compare_results(records, split="train").leaderboards[0].aims
