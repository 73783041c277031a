"""The differences in the report: which comparison was made, for how many tests it is corrected, and its figures."""

import csv
import re

import pytest
from made_report import made_comparison, made_dataset

from hybrid.comparison import PairSettings
from hybrid.report import write_report
from hybrid.report.elements.pair_tables import reference_table
from hybrid.report.parts.answer import answer
from hybrid.report.parts.differences import differences
from hybrid.run import compare_results
from hybrid.wording import joined
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace

SKILLS = {"svm-made": 2.2, "forest-made": 1.6, "knn-made": 0.9, "guess-made": 0.0}


@pytest.fixture(scope="module")
def four_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    made_comparison(folder, made_dataset(320, ["cat", "dog"]), SKILLS)
    return load_records(Workspace(folder))


def test_the_part_says_what_was_compared_and_for_how_many_tests_holm_corrected(four_models):
    (leaderboard,) = compare_results(four_models, tested=PairSettings.of("knn", primary=["f1"])).leaderboards
    part = differences(leaderboard)
    assert part.content["how"][0].startswith(
        "Primary metric: F1; each model is compared with the reference knn-made, on the same"
    )
    assert "Holm's correction for 3 tests" in part.content["how"][0]
    (table,) = part.tables
    assert table.caption.startswith("F1 of each model minus that of knn")
    assert [column.title for column in table.columns] == [
        "model", "difference", "95% interval", "adjusted for 3 tests", "adjusted p", "result",
    ]  # fmt: skip
    (leaderboard,) = compare_results(four_models, metric="roc_auc", tested=PairSettings.of(primary=["f1"])).leaderboards
    part = differences(leaderboard)
    assert "with Holm's correction across both" in part.content["how"][0]
    assert "Holm's correction for 6 tests" in part.content["how"][0]
    assert [table.name for table in part.tables] == ["differences", "differences-f1"]


def test_a_margin_adds_what_each_model_may_be_at_worst(four_models):
    (leaderboard,) = compare_results(four_models, tested=PairSettings.of("knn", margin=0.1)).leaderboards
    part = differences(leaderboard)
    assert (
        "not inferior to knn-made if it is shown to be worse by less than the margin of 0.1" in part.content["how"][-1]
    )
    (table,) = part.tables
    assert [column.title for column in table.columns[-3:]] == ["at worst", "adjusted p, one-sided", "margin 0.100"]
    tests = {test.first: test for test in leaderboard.pairs if test.metric == leaderboard.metric}
    for row in table.rows:
        test = tests[row[0].value]
        assert (row[-3].value, row[-1].value) == (test.at_worst, test.not_inferior)
        assert row[-1].text == ("not inferior" if test.not_inferior else "not shown")
    assert {row[-1].value for row in table.rows} == {True, False}


def test_the_answer_compares_the_chosen_model_with_a_named_reference(four_models):
    (leaderboard,) = compare_results(four_models, tested=PairSettings.of("guess", margin=0.1)).leaderboards
    said = "It is significantly better than the reference guess-made; with a margin of 0.1, it is not inferior to guess"
    assert said in answer(leaderboard)


@pytest.mark.parametrize("reference", ["knn", None])
def test_the_report_says_in_words_which_models_are_not_inferior(four_models, reference):
    (leaderboard,) = compare_results(four_models, tested=PairSettings.of(reference, margin=0.1)).leaderboards
    tests = [test for test in leaderboard.pairs if test.metric == leaderboard.metric]
    shown = [test.first.removesuffix("-made") for test in tests if test.not_inferior]
    others = [test.first.removesuffix("-made") for test in tests if not test.not_inferior]
    assert shown
    assert others
    (block,) = differences(leaderboard).content["blocks"]
    assert len(block.sentences) == 2
    assert block.sentences[-1] == (
        f"Not inferior to {leaderboard.reference.removesuffix('-made')} by ROC AUC with a margin of 0.100: "
        f"{joined(shown)}. Not shown for {joined(others)}."
    )


def test_the_answer_says_which_models_are_not_inferior_to_the_chosen_one(four_models):
    (leaderboard,) = compare_results(four_models, tested=PairSettings.of(margin=0.1)).leaderboards
    tests = [test for test in leaderboard.pairs if test.metric == leaderboard.metric]
    shown, others = ([test.first for test in tests if test.not_inferior is found] for found in (True, False))
    assert shown
    assert others
    verb = ["is" if len(names) == 1 else "are" for names in (shown, others)]
    said = f"{joined(shown)} {verb[0]} not inferior to it, and {joined(others)} {verb[1]} not shown to be."
    assert f"; with a margin of 0.1, {said}" in answer(leaderboard)


def test_the_answer_states_the_margin_for_two_models(four_models):
    two = [model for model in four_models if model.name in ("svm-made", "guess-made")]
    (leaderboard,) = compare_results(two, tested=PairSettings.of("guess", margin=0.1)).leaderboards
    chosen, other = leaderboard.chosen, leaderboard.reference
    assert (chosen, other) == ("svm-made", "guess-made")
    assert answer(leaderboard).endswith("; with a margin of 0.1, it is not inferior to guess-made.")


def test_the_table_holds_the_figures_of_the_tests(four_models):
    (leaderboard,) = compare_results(four_models, metric="accuracy").leaderboards
    tests = [test for test in leaderboard.pairs if test.metric == "accuracy"]
    table = reference_table(
        "differences", tests, dict(zip(leaderboard.names, leaderboard.labels, strict=True)), "accuracy"
    )
    assert table.caption.startswith("Accuracy of each model minus that of")
    assert ", in percentage points" in table.caption
    for row, test in zip(table.rows, tests, strict=True):
        assert float(row[1].text.replace("−", "-")) == pytest.approx(100 * test.difference, abs=0.05)
        low, high = (float(bound.replace("−", "-")) for bound in row[3].text.split(" to "))
        assert (low, high) == pytest.approx((100 * test.low_adjusted, 100 * test.high_adjusted), abs=0.051)
        assert row[-1].value == test.verdict


@pytest.mark.medium
def test_the_page_and_its_table_hold_the_comparison_with_the_chosen_model(four_models, tmp_path):
    comparison = compare_results(four_models, tested=PairSettings.of(primary=["roc_auc", "f1"]))
    page, *files = write_report(comparison, tmp_path / "report.html")
    (leaderboard,) = comparison.leaderboards
    text = page.read_text()
    part = text[text.index('id="d1-differences"') :]
    part = part[: part.index("</section>")]
    assert f"each model is compared with {leaderboard.chosen}" in re.sub("<[^>]*>", "", part)
    with next(path for path in files if path.name == "differences.csv").open(newline="") as stream:
        rows = {row["model"]: row for row in csv.DictReader(stream)}
    tests = [test for test in leaderboard.pairs if test.metric == leaderboard.metric]
    assert set(rows) == {test.first for test in tests}
    assert "F1 of each model minus that of" in part
    for test in tests:
        row = rows[test.first]
        assert (float(row["difference"]), float(row["low_adjusted"])) == (test.difference, test.low_adjusted)
        assert row["result"] == test.verdict
        assert part.count("▲ better") + part.count("▼ worse") == sum(
            test.distinguishable for test in leaderboard.pairs if test.metric in leaderboard.primary
        )
