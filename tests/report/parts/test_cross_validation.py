"""The cross-validation in the report: its page, its tables and the model card hold the figures of the result."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from made_report import made_comparison, made_dataset

from hybrid.comparison import PairSettings
from hybrid.comparison.cross_validation_result import CrossValidation, ModelScores
from hybrid.report import write_report
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace

pytestmark = pytest.mark.medium  # draws reports


@pytest.fixture(scope="module")
def crossed_report(drawn):
    """Return a comparison whose svm and forest are cross-validated, and what was written: the page, files by name."""
    folder, comparison, *_ = drawn("cat", "dog")
    rng = np.random.default_rng(0)
    models = tuple(
        ModelScores(name, {"roc_auc": rng.normal(mean, 0.01, (2, 5)), "accuracy": np.full((2, 5), 0.8)}, 1.5, seen)
        for name, mean, seen in (("svm-made", 0.95, True), ("forest-made", 0.85, False))
    )
    notes = ("xgboost-made is left out. It would have to be trained in every fold.",)
    leaderboard = comparison.leaderboards[0]
    crossed = CrossValidation("made", leaderboard.fingerprint, "binary", "roc_auc", models, 120, 5, 2, 0, 0.25, notes)
    comparison = comparison.cross_validated([replace(crossed, fingerprint="other"), crossed])
    page, *files = write_report(comparison, folder / "crossed.html")
    return comparison, page.read_text(), {path.name: path for path in files}


def test_the_tables_hold_mean_and_both_spreads(crossed_report):
    comparison, page, files = crossed_report
    found = comparison.leaderboards[0].crossed
    rows = json.loads(files["cross-validation.json"].read_text())
    assert [row["model"] for row in rows] == ["svm-made", "forest-made"]
    for row, model in zip(rows, found.models, strict=True):
        auc = model.scores["roc_auc"]
        assert row["roc_auc"] == pytest.approx(auc.mean())
        assert row["sd_folds"] == pytest.approx(np.sqrt(auc.var(axis=1, ddof=1).mean()))
        assert row["sd_seeds"] == pytest.approx(auc.mean(axis=1).std(ddof=1))
        assert row["flattered"] is model.flattered
        for value in (row["roc_auc"], row["sd_folds"], row["sd_seeds"]):
            assert f"<bdi>{value:.3f}</bdi>" in page
    with files["cross-validation-tests.csv"].open(newline="") as stream:
        (test,) = csv.DictReader(stream)
    assert float(test["p_adjusted"]) == found.pairs[0].p_adjusted


def test_the_page_says_in_words_what_can_be_told_apart_and_what_is_flattered(crossed_report):
    _, page, _ = crossed_report
    part = page[page.index('id="d1-cross"') :]
    part = part[: part.index("</section>")]
    assert "forest is worse than svm by ROC AUC on these 120 images." in part
    assert "Holm" in part
    assert "xgboost-made is left out." in part
    row = part[part.index('<th scope="row"><bdi title="svm-made">svm</bdi>') :]
    assert row[: row.index("</th>")].endswith("flattered</span>")


def test_the_model_card_gives_the_chosen_models_cross_validation(crossed_report):
    comparison, _, files = crossed_report
    leaderboard = comparison.leaderboards[0]
    card = files["model-card.md"].read_text()
    found = re.search(r"Cross-validated, 5 folds × 2 of the 120 images.*: ROC AUC ([\d.]+)", card)
    crossed = {row["model"]: row for row in leaderboard.crossed.rows}
    assert bool(found) == (leaderboard.chosen in crossed)
    if found:
        assert float(found[1]) == pytest.approx(crossed[leaderboard.chosen]["mean"], abs=5e-4)


def test_all_pairs_are_one_sentence_one_figure_and_a_folded_table_of_signs(tmp_path):
    skills = {f"model{number}-made": 2.0 for number in range(8)} | {"poor-made": -1.0}
    made_comparison(tmp_path / "runs", made_dataset(160, ["cat", "dog"]), skills)
    comparison = compare_results(load_records(Workspace(tmp_path / "runs")), tested=PairSettings.of(pairs="all"))
    page, *files = write_report(comparison, tmp_path / "report.html")
    part = page.read_text()
    part = part[part.index('id="d1-differences"') :]
    part = part[: part.index("</section>")]
    leaderboard = comparison.leaderboards[0]
    apart = [test for test in leaderboard.pairs if test.metric == leaderboard.metric and test.distinguishable]
    assert apart
    assert part.count("<bdi>▲</bdi>") == part.count("<bdi>▼</bdi>") == len(apart)
    assert part.count("<bdi>≈</bdi>") == 2 * (36 - len(apart))
    shown, _, folded = part.partition("<details>")
    assert f"{len(apart)} of the 36 pairs of models differ significantly by ROC AUC" in shown
    assert shown.count("<svg") == 1
    assert "<table" not in shown
    assert "<table" in folded
    assert "≈ cannot be told apart" in folded
    rows = json.loads(next(path for path in files if path.name == "differences.json").read_text())
    assert {value for row in rows for key, value in row.items() if key != "model"} <= {
        None, "better", "worse", "cannot be told apart",
    }  # fmt: skip


def test_seeds_of_one_network_are_a_table_of_mean_and_spread(tmp_path):
    skills = {"network-net-seed0-made": 2.0, "network-net-seed1-made": 1.5, "svm-made": 2.2}
    comparison = made_comparison(tmp_path / "runs", made_dataset(160, ["cat", "dog"]), skills)
    page, *files = write_report(comparison, tmp_path / "report.html")
    (row,) = json.loads(next(path for path in files if path.name == "seeds.json").read_text())
    values = [
        model.splits["test"].metrics["roc_auc"].value
        for model in comparison.leaderboards[0].models
        if model.name != "svm-made"
    ]
    assert (row["model"], row["seeds"]) == ("network-net-made", 2)
    assert (row["roc_auc_test"], row["roc_auc_test_sd"]) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert f"SD {np.std(values, ddof=1):.3f}, {min(values):.3f}–{max(values):.3f}" in page.read_text()


def test_without_a_cross_validation_there_is_no_word_of_it(drawn):
    report = drawn("cat", "dog")
    assert "ross-valid" not in report.page
    assert not [path for path in report.paths if path.name.startswith("cross")]
    assert report.comparison.to_dict()["groups"][0]["cross_validation"] is None
