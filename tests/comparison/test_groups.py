"""Groups of images, such as patients, from the embedding set to the comparison: what is counted, tested and said."""

import re
from dataclasses import replace

import numpy as np
import pytest
from made_report import THREE_SKILLS, made_comparison, made_dataset, save_made_model
from made_sets import made_set_record
from PIL import Image
from tables import read_rows

from hybrid.comparison.choice import choose
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.joined_set import join_sets
from hybrid.evaluation import compare_models, per_group
from hybrid.report.card import model_card
from hybrid.report.section import make_section
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records, read_predictions
from hybrid.workspace.workspace import Workspace

TWO = ["ill", "well"]


@pytest.fixture
def grouped(tmp_path):
    """A comparison of three models on 40 test images, four of each patient."""
    return made_comparison(tmp_path, made_dataset(160, TWO, of_each=4), THREE_SKILLS)


def test_a_comparison_tests_groups_and_says_so(grouped):
    (leaderboard,) = grouped.leaderboards
    part = leaderboard.predictions[0]
    assert len(np.unique(part.groups)) == 10
    expected = compare_models(
        part.y,
        {name: other.proba for name, other in zip(leaderboard.names, leaderboard.predictions, strict=True)},
        TWO,
        y_pred={name: other.predicted for name, other in zip(leaderboard.names, leaderboard.predictions, strict=True)},
        groups=part.groups,
        metrics=leaderboard.main_metrics,
    )
    p_values = {(frozenset({test.first, test.second}), test.metric): test.p_value for test in expected}
    for test in leaderboard.pairs:
        assert test.p_value == pytest.approx(p_values[frozenset({test.first, test.second}), test.metric])
    assert {test.test for test in leaderboard.pairs} == {"DeLong, clustered", "McNemar, clustered, exact"}
    assert all((row["n"], row["n_groups"]) == (40, 10) for row in leaderboard.rows)
    said = " ".join(leaderboard.notes)
    assert "on these 40 images of 10 groups" in said
    assert "for 10 groups, not for 40 independent images" in said
    assert "is chosen on the 40 validation images of 10 groups" in said
    assert "draws of whole groups" in said


def test_the_choice_on_validation_counts_groups(grouped, tmp_path, monkeypatch):
    (leaderboard,) = grouped.leaderboards
    validation = [predictions.part("val") for predictions in leaderboard.saved]
    seen = []

    def watched(*args, groups=None, **options):
        seen.append(groups)
        return compare_models(*args, groups=groups, **options)

    monkeypatch.setattr("hybrid.comparison.choice.compare_models", watched)
    choose(leaderboard.models, validation, leaderboard.metric)
    assert len(np.unique(seen[0])) == 10


def test_report_and_model_card_give_images_and_groups(grouped):
    (leaderboard,) = grouped.leaderboards
    section = make_section("made", leaderboard)
    assert "40 test images of 10 groups" in section.answer
    assert "40 test images of 10 groups" in section.intro
    card = model_card(leaderboard, section)
    assert "40 test images of 10 groups" in card
    assert card.count("whole groups") == 1
    assert "| 20 of 5 groups |" in card


def test_a_model_of_an_earlier_version_is_named_if_the_others_have_groups(tmp_path):
    dataset = made_dataset(160, TWO, of_each=4)
    save_made_model(tmp_path, "old", replace(dataset, groups=None), 1.0, 1)
    save_made_model(tmp_path, "new", dataset, 2.0, 2)
    (leaderboard,) = compare_results(load_records(Workspace(tmp_path))).leaderboards
    assert "Fitted before groups were kept, so with intervals for independent images: old." in leaderboard.notes
    assert {test.n_groups for test in leaderboard.pairs} == {10}


def test_without_groups_nothing_is_said_of_them(tmp_path):
    (leaderboard,) = made_comparison(tmp_path, made_dataset(80, TWO), THREE_SKILLS).leaderboards
    assert not any("group" in note for note in leaderboard.notes)
    assert "group" not in make_section("made", leaderboard).intro


def joined(keys, groups):
    n = len(keys)
    keys = np.repeat(np.array(keys, np.uint8)[:, None], 32, axis=1)
    y = np.resize(["a", "b"], n)
    rows = (keys, np.array([f"{i}.png" for i in range(n)]), y, np.array(["a", "b"]), np.full(n, "test"))
    return join_sets(EmbeddingSet("", *rows, None if groups is None else np.array(groups), made_set_record()))


def test_copies_are_in_the_group_of_their_original():
    assert joined([1, 2, 3], None).groups_with_copies is None
    assert joined([1, 2, 1, 3], None).groups_with_copies.tolist() == ["0.png", "1.png", "0.png", "3.png"]
    assert joined([1, 2, 3], ["p", "q", "p"]).groups_with_copies.tolist() == ["p", "q", "p"]
    # The second image of patient q is a copy of an image of patient p: both patients are one group.
    assert joined([1, 2, 1, 3], ["p", "q", "q", "r"]).groups_with_copies.tolist() == ["p", "p", "p", "r"]


@pytest.mark.network
@pytest.mark.usefixtures("exported_graph")
def test_groups_go_from_file_names_to_the_comparison(hybrid, tiny_network, tmp_path):
    rng = np.random.default_rng(0)
    for label, colour in (("red", 0), ("green", 1)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for patient in range(12):
            for number in range(3):
                pixels = rng.integers(0, 120, (8, 8, 3), np.uint8)
                pixels[..., colour] += 60
                Image.fromarray(pixels).save(tmp_path / f"data/{label}/person{12 * colour + patient}_{number}.png")
    hint = "File names suggest".lower()
    extract = ("extract", tmp_path / "data", "--backbone", tiny_network)
    assert hint in hybrid(*extract, "--name", "unknown").replace("\n", " ").lower()
    assert hint not in hybrid(*extract, "--name", "known", "--group-pattern", r"(person\d+)_").lower()
    record = hybrid.json("fit", "softmax", "--set", "known")
    (saved,) = load_records(Workspace(tmp_path / "hybrid_runs"))
    part = read_predictions(saved).part("test")
    images, groups = len(part), len(np.unique(part.groups))
    assert images == 3 * groups > 3
    assert saved.splits["val"].n == 3 * saved.splits["val"].n_groups
    assert f"val (n={record['splits']['val']['n']} of " in hybrid("fit", "svm", "--set", "known")
    rows = read_rows(tmp_path / "hybrid_runs/models" / record["model"] / "predictions.csv")
    assert all(re.search(r"(person\d+)_", row["id"])[1] == row["group"] for row in rows)
    assert len(read_predictions(saved).groups) == 72
    shown = hybrid("compare")
    assert f"test: {images} images of {groups} groups" in shown
    crossed = hybrid.json("compare", "--cv", "2")["groups"][0]["cross_validation"]
    assert crossed["images"] == 3 * crossed["groups"]


@pytest.mark.parametrize("classes", [TWO, ["a", "b", "c"]])
def test_results_per_group_stand_beside_those_of_images(classes, tmp_path):
    made_comparison(tmp_path, made_dataset(60 * len(classes), classes, of_each=3), THREE_SKILLS)
    comparison = compare_results(load_records(Workspace(tmp_path)), per_group="mean")
    (leaderboard,) = comparison.leaderboards
    found = leaderboard.per_group
    n = len(np.unique(leaderboard.groups))
    assert (found.groups, found.left_out, list(found.scores)) == (n, 0, leaderboard.names)
    part = leaderboard.predictions[0]
    expected = np.array([part.proba[part.groups == group].mean(axis=0) for group in np.unique(part.groups)])
    y = [part.y[part.groups == group][0] for group in np.unique(part.groups)]
    right = np.mean(part.classes[expected.argmax(axis=1)] == y)
    assert found.scores[leaderboard.names[0]].metrics["accuracy"].value == pytest.approx(right)
    assert leaderboard.evaluations[0].n == len(part)  # those of images stay
    said = f"Each of the {n} groups is one case, predicted by the mean probability of its images."
    assert found.sentence() == said
    assert said in [text for part in make_section("made", leaderboard).parts for text in part.lead]
    saved = comparison.to_dict()["groups"][0]["per_group"]
    assert saved["groups"] == n
    cases = {
        model.name: per_group(of.y, of.proba, classes, groups=of.groups, y_pred=of.predicted, threshold=model.threshold)
        for model, of in zip(leaderboard.models, leaderboard.predictions, strict=True)
    }
    tests = compare_models(
        cases[leaderboard.chosen].y_true,
        {name: one.proba for name, one in cases.items()},
        classes,
        y_pred={name: one.y_pred for name, one in cases.items()},
        metrics=leaderboard.main_metrics,
        reference=leaderboard.reference,
        primary=leaderboard.primary,
    )
    assert [replace(test, unit="group") for test in tests] == list(leaderboard.pairs_per_group)
    assert saved["pairs"][0]["unit"] == "group"
    assert f"on these {n} groups" in " ".join(leaderboard.significance_per_group)
    tables = next(part for part in make_section("made", leaderboard).parts if part.key == "per-group").tables
    assert [table.name for table in tables] == ["per-group", f"per-group-differences-{leaderboard.metric}"]


def test_results_per_group_of_several_labels(tmp_path):
    made_comparison(tmp_path, made_dataset(80, ["a", "b"], multilabel=True, of_each=2), THREE_SKILLS)
    (leaderboard,) = compare_results(load_records(Workspace(tmp_path)), per_group="vote").leaderboards
    assert leaderboard.per_group.scores["svm-made"].n == len(np.unique(leaderboard.groups))


def test_results_per_group_need_groups(tmp_path, hybrid):
    made_comparison(tmp_path / "hybrid_runs", made_dataset(80, TWO), THREE_SKILLS)
    assert "need groups, and none are known" in hybrid("compare", "--per-group", "max", code=1)


@pytest.mark.medium
def test_the_command_shows_results_per_group(tmp_path, hybrid):
    made_comparison(tmp_path / "hybrid_runs", made_dataset(160, TWO, of_each=4), THREE_SKILLS)
    shown = hybrid("compare", "--per-group", "vote")
    assert "per group: 10 groups" in shown
    assert "predicted by the votes of its images" in shown.replace("\n", " ")
    assert "per group" in next(
        line for line in shown.splitlines() if "each model minus" in line and "per group" in line
    )
    assert "on these 10 groups" in shown.replace("\n", " ")
    page = (tmp_path / "hybrid_runs/reports/report.html").read_text()
    assert "Results per group" in page
    assert page.count("of each model minus that of") >= 2  # once for images, once for groups
