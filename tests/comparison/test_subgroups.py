"""`compare --by`: subgroups by the columns of embedding sets, in the table, the JSON and the report."""

from dataclasses import replace

import numpy as np
import pytest
from made_report import made_comparison, made_dataset, save_made_set

from hybrid.errors import InputError
from hybrid.report.section import make_section
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace

SKILLS = {"svm-made": 2.0, "forest-made": 1.5}


def with_columns(dataset, **columns):
    return replace(dataset, columns={name: np.array(values, np.str_) for name, values in columns.items()})


@pytest.fixture
def surveyed(tmp_path):
    """A workspace with two models of images that have a sex and an age."""
    n = 480
    sex, age = ["F", "M", "M", "F", ""] * (n // 5), [str(20 + i % 70) for i in range(n)]
    data = with_columns(made_dataset(n, ["healthy", "ill"]), sex=sex, age=age)
    made_comparison(tmp_path, data, SKILLS, with_set=True)
    return tmp_path


def compared(workspace, by, **options):
    return compare_results(load_records(Workspace(workspace)), split="val", subgroups=by, **options)


def test_every_model_is_scored_on_every_subgroup(surveyed):
    comparison = compared(surveyed, ["sex", "age:50", "sex+age:50"])
    (board,) = comparison.leaderboards
    result = board.subgroups
    assert result.columns == ["sex", "age:50", "sex+age:50"]
    assert set(result.scores) == set(SKILLS)
    for scores in result.scores.values():
        assert sum(one.evaluation.n for one in scores.of("sex")) == len(board.ids)
        assert [one.name for one in scores.of("age:50")] == ["< 50", "≥ 50"]
    entry = comparison.to_dict()["groups"][0]["subgroups"]
    assert entry["by"] == ["sex", "age:50", "sex+age:50"]
    rows = entry["models"]["svm-made"]["scores"]
    assert {row["subgroup"] for row in rows if row["by"] == "sex"} == {"F", "M", "not known"}


def test_the_report_shows_tables_and_charts_and_saves_all_scores(surveyed, tmp_path):
    comparison = compared(surveyed, ["sex", "age"])
    section = make_section("made", comparison.leaderboards[0])
    part = next(part for part in section.parts if part.key == "subgroups")
    assert [table.name for table in part.tables] == ["subgroups-sex", "subgroups-age", "worst-subgroups"]
    assert [drawing.name for drawing in part.drawings] == ["subgroups-sex", "subgroups-age"]
    assert any("divided at its quartiles" in text for text in part.content["how"])
    written = comparison.to_html(tmp_path / "report.html")
    assert "How to read these figures" in written[0].read_text()
    assert any(path.name == "subgroups.csv" for path in written)


def test_bins_come_from_all_images_of_the_dataset(surveyed):
    (board,) = compared(surveyed, ["age"]).leaderboards
    edges = np.quantile([20 + i % 70 for i in range(480)], (0.25, 0.5, 0.75), method="nearest")
    assert (
        board.subgroups.of(None).notes[0] == f"age is divided at its quartiles: {', '.join(f'{e:g}' for e in edges)}."
    )


def test_a_set_without_the_column_says_what_to_do(surveyed, tmp_path):
    with pytest.raises(InputError, match="Unknown column 'view'.*has the columns 'sex', 'age'.*extract --columns"):
        compared(surveyed, ["view"])
    old = tmp_path / "old"
    data = made_dataset(80, ["healthy", "ill"])
    made_comparison(old, data, SKILLS, with_set=True)
    with pytest.raises(InputError, match="no embedding set of these models has any. Run `hybrid extract` again"):
        compared(old, ["sex"])
    save_made_set(old, with_columns(data, sex=["F", "M"] * 40))  # extracted again: the models are not fitted again
    assert compared(old, ["sex"]).leaderboards[0].subgroups.columns == ["sex"]


def test_several_labels_and_classes(tmp_path):
    for name, multilabel in (("labels", True), ("classes", False)):
        data = with_columns(made_dataset(240, ["a", "b", "c"], multilabel=multilabel), site=["x", "y"] * 120)
        made_comparison(tmp_path / name, data, SKILLS, with_set=True)
        comparison = compared(tmp_path / name, ["site"])
        assert comparison.leaderboards[0].subgroups.columns == ["site"]
        assert make_section("made", comparison.leaderboards[0]).parts


def test_the_command_prints_the_worst_subgroup(surveyed, hybrid):
    text = hybrid("compare", "--hide-test", "--by", "sex", "--by", "age:50", "--workspace", surveyed)
    assert "by sex" in text
    assert "worst subgroup of each model by roc_auc" in text
    assert "Lowest roc_auc by age:50" in text
