"""Groups are called after their column, such as patients, wherever it is known."""

import re
from dataclasses import replace

import numpy as np
import pytest
from command_line import CommandLine
from made_pictures import write_colours
from made_report import THREE_SKILLS, made_dataset, save_made_model

from hybrid import load_dataset
from hybrid.evaluation import Evaluation, PairedTest, evaluate
from hybrid.pipelines.saved.adapted_from import AdaptedFrom
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace


def named_models(folder):
    """Models whose scores were saved with the name of the groups."""
    dataset = made_dataset(240, ["healthy", "sick"], of_each=2)
    for seed, (name, skill) in enumerate(THREE_SKILLS.items()):
        record = save_made_model(folder, name, dataset, skill, seed, n_boot=20)
        named = {split: replace(result, group_name="patient") for split, result in record.splits.items()}
        record = replace(record, splits=named)
        record.write(record.folder / "metrics.json")
    return load_records(Workspace(folder))


def test_an_evaluation_calls_groups_by_their_name_and_keeps_it():
    y = np.repeat([0, 1], 20)
    result = evaluate(y, np.column_stack([1 - y, y]), [0, 1], groups=np.arange(40) // 2, n_boot=20)
    named = replace(result, group_name="patient")
    assert result.images == "40 images of 20 groups"
    assert named.images == "40 images of 20 patients"
    assert "other patients like these" in named.population
    assert named.group_note.startswith("Images of one patient resemble each other, so the intervals are those for 20")
    assert Evaluation.from_dict(named.to_dict()).group_name == "patient"
    assert "group_name" not in result.to_dict()
    assert Evaluation.from_dict(result.to_dict()).group_name == "group"


def test_a_comparison_and_its_report_speak_of_patients(tmp_path):
    records = named_models(tmp_path)
    board = compare_results(records, per_group="mean").leaderboards[0]
    assert "patients is one case" in board.per_group.sentence()
    assert all("of 30 patients" in text for text in board.significance)
    shown = " ".join(CommandLine()("compare", "--workspace", tmp_path, "--per-group", "mean").split())
    page = (tmp_path / "reports" / "report.html").read_text()
    for text in (shown, page):
        assert "of 30 patients" in text
        assert "of 30 groups" not in text
    assert "per patient: 30 patients" in shown
    assert "Results per patient" in page
    varying = compare_results(records, fixed_classes=False).leaderboards[0].evaluations[0]
    assert varying.group_name == "patient"


@pytest.fixture
def table_of_patients(tmp_path):
    folder = write_colours(tmp_path / "pictures", {"blue": (40, 60, 200), "green": (60, 190, 50)}, {"train": 24})
    rows = [
        f"{path.relative_to(tmp_path)},{path.parent.name},p{number // 2}"
        for number, path in enumerate(sorted(folder.rglob("*.png")))
    ]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["path,label,Patient_ID", *rows]))
    return table


def test_a_dataset_keeps_the_column_that_it_found(table_of_patients):
    assert load_dataset(table_of_patients).arguments["group_column"] == "Patient_ID"
    pattern = load_dataset(table_of_patients, group_pattern=r"(\d)\.png").arguments
    assert pattern["group_pattern"]


@pytest.mark.network
def test_fit_names_the_patients(hybrid, table_of_patients, tiny_network):
    assert "No patient is in two splits" in hybrid("extract", table_of_patients, "--backbone", tiny_network)
    assert "patients)" in hybrid("fit", "svm")
    hybrid("fit", "forest", "--param", "n_estimators=5")
    shown = hybrid("compare")
    assert "patients" in shown
    assert not re.search(r"images of \d+ groups", shown)


@pytest.mark.network
def test_every_command_names_the_patients(hybrid, table_of_patients, tiny_network):
    hybrid("extract", table_of_patients, "--backbone", tiny_network)
    hybrid("fit", "softmax", "--name", "model")
    crossed = hybrid("compare", "--cv", "3x1")
    named = {
        "cross-validation": crossed[crossed.index("3 folds") :],
        "validate": hybrid("validate", "model", table_of_patients, "--keep-known"),
        "stress": hybrid("stress", "model", table_of_patients),
        "curve": hybrid("curve", "model", "--repeats", 3, "--sizes", 2),
    }
    for name, shown in named.items():
        assert "patients" in shown, name
        assert not re.search(r"images of \d+ groups\b|  groups\b", shown), (name, shown)


def test_a_test_between_two_models_names_the_patients():
    test = PairedTest("svm", "forest", "f1", 0.03, -0.01, 0.07, 0.16, 0.16, "bootstrap", 99, n_groups=33)
    assert "on these 99 images of 33 groups" in test.sentence()
    assert "on these 99 images of 33 patients" in replace(test, group_name="patient").sentence()
    per_case = replace(test, n=33, n_groups=None, unit="group", group_name="patient")
    assert "on these 33 patients" in per_case.sentence()


def test_an_adapted_model_of_an_earlier_version_is_read():
    origin = AdaptedFrom("svm", "ab", "refit", "clinic", 30, groups=10, group_name="patient")
    assert "30 labelled images of 10 patients" in origin.sentence()
    assert AdaptedFrom.from_info(origin.to_info()) == origin
    earlier = {name: value for name, value in origin.to_info().items() if name != "group_name"}
    assert "30 labelled images of 10 groups" in AdaptedFrom.from_info(earlier).sentence()
