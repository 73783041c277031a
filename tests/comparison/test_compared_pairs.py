"""Which differences are tested: each model against the chosen one or a reference, all pairs, one or several metrics."""

import csv

import numpy as np
import pytest
from made_report import made_comparison, made_dataset, save_made_model

from hybrid.comparison import PairSettings
from hybrid.errors import InputError
from hybrid.run import compare_results
from hybrid.run.stated import stated
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.history import PLANNED, Event, History, Plan
from hybrid.workspace.workspace import Workspace

SKILLS = {"svm-made": 2.0, "forest-made": 1.5, "knn-made": 0.5, "guess-made": 0.0}
CLASSES = {"binary": ["cat", "dog"], "multiclass": ["cat", "dog", "fox"], "multilabel": ["cat", "dog", "fox"]}


@pytest.fixture(scope="module", params=CLASSES)
def made_records(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    data = made_dataset(320, CLASSES[request.param], multilabel=request.param == "multilabel")
    for seed, (name, skill) in enumerate(SKILLS.items()):
        save_made_model(folder, name, data, skill, seed, n_boot=0)
    return load_records(Workspace(folder))


def main_pairs(leaderboard):
    return [(test.first, test.second) for test in leaderboard.pairs if test.metric == leaderboard.metric]


def test_each_model_is_compared_with_the_chosen_one(made_records):
    (leaderboard,) = compare_results(made_records).leaderboards
    others = [name for name in leaderboard.names if name != leaderboard.chosen]
    assert main_pairs(leaderboard) == [(name, leaderboard.chosen) for name in others]
    assert {test.corrected_for for test in leaderboard.pairs} == {3}
    assert leaderboard.to_dict()["tested"] == {
        "pairs": "reference", "references": [], "reference": leaderboard.chosen, "primary": [leaderboard.metric],
        "margin": None,
    }  # fmt: skip
    (said,) = leaderboard.significance
    assert "(each model is compared with the chosen model; Holm's correction for 3 tests)" in said


def test_a_reference_may_be_named_also_without_the_suffix_that_all_names_share(made_records):
    for reference in ("knn-made", "knn"):
        (leaderboard,) = compare_results(made_records, tested=PairSettings.of(reference)).leaderboards
        assert set(main_pairs(leaderboard)) == {(name, "knn-made") for name in SKILLS if name != "knn-made"}
        (said,) = leaderboard.significance
        assert "each model is compared with the reference" in said
    with pytest.raises(InputError, match="Unknown model 'kn'.*given as the reference"):
        compare_results(made_records, tested=PairSettings.of("kn"))


def test_all_pairs_are_tested_on_request(made_records):
    (leaderboard,) = compare_results(made_records, tested=PairSettings.of(pairs="all")).leaderboards
    assert len(main_pairs(leaderboard)) == 6
    assert {test.corrected_for for test in leaderboard.pairs} == {6}
    assert "(all pairs are compared; Holm's correction for 6 tests)" in leaderboard.significance[0]
    with pytest.raises(InputError, match="leave out one of them"):
        PairSettings.of("knn", "all")
    with pytest.raises(InputError, match="Unknown choice of pairs 'every'"):
        PairSettings.of(pairs="every")


def test_several_primary_metrics_are_corrected_together(made_records):
    task = made_records[0].task
    other = {"binary": "f1", "multiclass": "f1_macro", "multilabel": "f1_macro"}[task]
    (leaderboard,) = compare_results(made_records, tested=PairSettings.of(primary=[other])).leaderboards
    assert leaderboard.metric == other  # without another --metric, the first primary one chooses
    main = compare_results(made_records).leaderboards[0].metric
    (leaderboard,) = compare_results(made_records, metric=main, tested=PairSettings.of(primary=other)).leaderboards
    assert leaderboard.primary == (main, other)
    corrected = {test.metric: test.corrected_for for test in leaderboard.pairs}
    assert {corrected.pop(main), corrected.pop(other)} == {6}
    assert set(corrected.values()) <= {3}
    # Holm's definition over both metrics at once
    family = sorted((t for t in leaderboard.pairs if t.metric in (main, other)), key=lambda test: test.p_value)
    running = np.maximum.accumulate([(6 - i) * test.p_value for i, test in enumerate(family)])
    assert [test.p_adjusted for test in family] == pytest.approx(np.minimum(running, 1))
    with pytest.raises(InputError, match="Unknown metric 'f2'"):
        compare_results(made_records, tested=PairSettings.of(primary="f2"))


def test_the_plan_is_stated_from_names_alone(made_records):
    main = compare_results(made_records).leaderboards[0].metric
    (said,) = stated(made_records, "test", None, PairSettings())
    assert said == f"Primary metric: {main}; each model is compared with the one that validation chooses"
    (said,) = stated(made_records, "test", None, PairSettings.of("knn", primary=[main, "f1_macro"]))
    assert said == (
        f"Primary metrics: {main} and f1_macro, with Holm's correction across both; "
        "each model is compared with the reference knn"
    )


def test_a_margin_is_tested_against_the_reference_and_said_in_words(made_records):
    (leaderboard,) = compare_results(made_records, tested=PairSettings.of(margin=0.3)).leaderboards
    tests = [test for test in leaderboard.pairs if test.metric == leaderboard.metric]
    assert {test.margin for test in tests} == {0.3}
    shown = {test.first for test in tests if test.not_inferior}
    assert "forest-made" in shown
    assert "guess-made" not in shown
    said = leaderboard.significance[1]
    assert said.startswith(f"Not inferior to {leaderboard.chosen} by {leaderboard.metric} with a margin of ")
    assert "guess-made" in said.partition("Not shown for ")[2]
    with pytest.raises(InputError, match="margin, 0.3, and all pairs were given"):
        PairSettings.of(pairs="all", margin=0.3)


def test_a_plan_is_followed_and_what_differs_from_it_is_said(tmp_path):
    data = made_dataset(160, ["cat", "dog"])
    for seed, (name, skill) in enumerate(SKILLS.items()):
        save_made_model(tmp_path, name, data, skill, seed, n_boot=0)
    workspace = Workspace(tmp_path)
    plan = Plan("roc_auc", reference="knn", margin=0.1, primary=("f1",))
    History(workspace).add(Event(PLANNED, plan=plan))
    given = load_records(workspace)
    (said,) = stated(given, "test", None, PairSettings())
    assert said.endswith(
        "each model is compared with the reference knn; non-inferiority is tested with a margin of 0.1"
    )
    (leaderboard,) = compare_results(given).leaderboards
    assert (leaderboard.reference, leaderboard.primary) == ("knn-made", ("roc_auc", "f1"))
    assert {test.margin for test in leaderboard.pairs if test.metric in leaderboard.primary} == {0.1}
    assert not any("plan" in remark for remark in leaderboard.remarks)
    tested = PairSettings.of("svm", primary=["accuracy", "mcc"], margin=0.2)
    (other,) = compare_results(given, metric="roc_auc", tested=tested).leaderboards
    assert other.remarks[-3:] == (
        "Not in the plan: the primary metrics accuracy, mcc.",
        "The plan names knn as the reference; here it is not.",
        "The plan has a margin of 0.1; this comparison has 0.2.",
    )


def test_a_reference_of_one_dataset_is_none_of_another(tmp_path):
    for dataset, names in (("x", ("svm-x", "knn-x")), ("y", ("svm-y", "tree-y"))):
        for seed, name in enumerate(names):
            data = made_dataset(160, ["cat", "dog"], seed=ord(dataset))
            save_made_model(tmp_path, name, data, 1.0, seed, n_boot=0, dataset_fingerprint=dataset * 64)
    comparison = compare_results(load_records(Workspace(tmp_path)), tested=PairSettings.of("knn-x"))
    x, y = comparison.leaderboards
    assert (x.reference, y.reference) == ("knn-x", y.chosen)
    assert "The reference, knn-x, is not among these models; each is compared with the chosen model." in y.remarks


@pytest.mark.medium
def test_the_command_states_the_plan_before_any_score_and_saves_what_was_tested(tmp_path, hybrid):
    made_comparison(tmp_path, made_dataset(160, ["cat", "dog"]), SKILLS, n_boot=0)
    printed = hybrid(
        "compare",
        "--reference",
        "knn",
        "--primary",
        "f1",
        "--metric",
        "roc_auc",
        "--margin",
        "0.3",
        "--varying-classes",
        "--workspace",
        tmp_path,
    )
    assert "Intervals hold for other images like these, in which the share of each class varies, too." in printed
    plan = printed.index("Primary metrics: roc_auc and f1, with Holm's correction across both; each model is compared")
    assert plan < printed.index("made, test: 40 images")
    assert "each model minus knn, the reference, by roc_auc" in printed
    assert "each model minus knn, the reference, by f1" in printed
    assert "adjusted for 6 tests" in printed
    with (tmp_path / "reports/pairs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["metric"], row["primary"], row["corrected_for"]) for row in rows} == {
        ("roc_auc", "True", "6"), ("f1", "True", "6"), ("accuracy", "False", "3"),
    }  # fmt: skip
    assert "leave out one" in hybrid("compare", "--all-pairs", "--reference", "knn", "--workspace", tmp_path, code=1)
    assert "not inferior" in printed
    assert "at worst" in printed


@pytest.mark.slow
def test_the_command_compares_all_pairs_on_request(tmp_path, hybrid):
    made_comparison(tmp_path, made_dataset(160, ["cat", "dog"]), SKILLS, n_boot=0)
    found = hybrid.json("compare", "--all-pairs", "--workspace", tmp_path)["groups"][0]
    assert len(found["pairs"]) == 2 * 6
