"""Leaving out one domain at a time: folds, scores of each domain, and the choice of a model by them."""

from dataclasses import replace

import numpy as np
import pytest
from made_report import made_comparison, made_dataset
from made_sets import MadeSet, made_set_record
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hybrid.cli.cross_validation import show_cross_validation
from hybrid.comparison.cross_validate import RefittableModel, cross_validate
from hybrid.comparison.domains import domain_folds
from hybrid.embeddings.joined_set import join_sets
from hybrid.errors import InputError
from hybrid.evaluation.subgroups.partition import make_partitions
from hybrid.pipelines import make_head_pipeline
from hybrid.report.parts.answer import answer
from hybrid.report.section import make_section
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace

SITES = np.array(["north", "south", "west"])


def made(n=240, *, X=None, columns=None, groups=None, multilabel=False):
    """Return a set of images of three sites, of which the last quarter is the test split."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (n, 2) if multilabel else n)
    return MadeSet(
        name="made",
        keys=rng.integers(0, 256, (n, 32), np.uint8),
        ids=np.array([f"{i}.png" for i in range(n)]),
        y=y,
        classes=np.arange(2),
        split=np.repeat(["train", "test"], [n * 3 // 4, n - n * 3 // 4]),
        groups=groups,
        record=made_set_record("multilabel" if multilabel else "binary"),
        columns={"site": SITES[np.arange(n) % 3]} if columns is None else columns,
        X=(rng.normal(size=(n, 6)) + (y[:, :1] if multilabel else y[:, None])).astype(np.float32) if X is None else X,
    )


def candidate(found, name="model", **params):
    return RefittableModel(name, join_sets(found), make_head_pipeline("softmax", **params), None)


def test_scores_are_those_of_scikit_learns_leave_one_group_out():
    found = made()
    result = cross_validate([candidate(found, C=0.5, class_weight=None)], domains="site")
    rows = found.split != "test"
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=1000))
    site = found.columns["site"][rows]
    given = {"groups": site, "cv": LeaveOneGroupOut(), "method": "predict_proba"}
    proba = cross_val_predict(model, found.X[rows], found.y[rows], **given)[:, 1]
    expected = [roc_auc_score(found.y[rows][site == name], proba[site == name]) for name in SITES]
    assert result.domains == tuple(SITES)
    assert result.domain_images == (60, 60, 60)
    assert result.models[0].scores["roc_auc"].ravel().tolist() == pytest.approx(expected, abs=2e-3)
    (row,) = result.rows
    assert (row["worst_domain"], row["worst"]) == (SITES[np.argmin(expected)], pytest.approx(min(expected), abs=2e-3))
    assert row["sd_seeds"] is None
    assert any("another site like these 3" in note for note in result.notes)
    assert result.to_dict()["domains"] == list(SITES)


def test_patients_of_the_domain_that_is_left_out_are_not_trained_on():
    [partition] = make_partitions({"site": ["a"] * 20 + ["b"] * 20})
    groups = np.arange(40) % 39  # patient 0 has an image in both
    found = domain_folds(partition, np.arange(40) % 2, groups)
    for train, test in found.folds:
        assert not np.intersect1d(groups[train], groups[test]).size
    assert [len(train) for train, _ in found.folds] == [19, 19]


def test_domains_that_cannot_be_left_out_are_named():
    y = np.arange(70) % 2
    site = np.array(["a"] * 20 + ["b"] * 20 + ["c"] * 20 + [""] * 5 + ["d"] * 5)
    y[40:60] = 1
    [partition] = make_partitions({"site": site})
    found = domain_folds(partition, y)
    assert found.names == ("a", "b")
    assert found.notes[:3] == (
        "site c is never left out, because all its images have the same label.",
        "site d is never left out, because it has 5 images.",
        "site not known is never left out, because which it is, is not known.",
    )
    with pytest.raises(InputError, match="'site' has 1 domain that can be left out; expected 2 or more"):
        domain_folds(make_partitions({"site": ["a"] * 65 + ["d"] * 5})[0], y)


def test_bins_of_numbers_are_domains_and_several_labels_have_them_too():
    columns = {"age": np.array([str(20 + i % 60) for i in range(240)])}
    result = cross_validate([candidate(made(columns=columns, multilabel=True))], domains="age:50")
    assert result.domains == ("< 50", "≥ 50")


def test_a_set_without_columns_says_what_to_do():
    with pytest.raises(InputError, match="has no columns. Run `hybrid extract` again"):
        cross_validate([candidate(made(columns={}))], domains="site")
    with pytest.raises(InputError, match="Unknown column 'ward'"):
        cross_validate([candidate(made())], domains="ward")


def test_the_model_that_is_best_elsewhere_is_chosen(tmp_path, capsys):
    """A shortcut that holds within each site, but not at another one, makes one model best on validation only."""
    n, rng = 480, np.random.default_rng(0)
    data = made_dataset(n, ["healthy", "ill"])
    data = replace(data, columns={"site": SITES[rng.integers(0, 3, n)]})
    made_comparison(tmp_path, data, {"shortcut-made": 3.0, "honest-made": 1.5}, with_set=True)
    records = load_records(Workspace(tmp_path))
    label = (data.y == "ill").astype(int)
    site = np.searchsorted(SITES, data.columns["site"])
    honest = rng.normal(size=(n, 4)) + 0.8 * label[:, None]
    shortcut = np.eye(6)[2 * site + label] + 0.1 * rng.normal(size=(n, 6))  # says the label in its own way at each site
    fingerprint = {"fingerprint": records[0].dataset_fingerprint}
    models = []
    for name, X in (("shortcut-made", shortcut), ("honest-made", honest)):
        found = made(n, X=X.astype(np.float32), columns=data.columns)
        record = replace(found.record, dataset=replace(found.record.dataset, **fingerprint))
        models.append(candidate(replace(found, y=label, split=data.split, record=record), name))
    result = cross_validate(models, domains="site")
    assert [model.name for model in result.models] == ["honest-made", "shortcut-made"]
    comparison = compare_results(records, split="val", choose="domains").cross_validated([result])
    (board,) = comparison.leaderboards
    assert board.chosen == "honest-made"
    assert "by leaving out each site in turn (north, south and west)" in board.choice.reason
    assert board.choice.weak
    assert "chosen by leaving out each site" in answer(board)
    assert compare_results(records, split="val").leaderboards[0].chosen == "shortcut-made"
    show_cross_validation(result)
    printed = capsys.readouterr().out
    assert "roc_auc on each site that was left out" in printed
    part = next(part for part in make_section("made", board).parts if part.key == "cross")
    assert "Each site was left out once" in part.lead[0]
    assert part.content["domains"].columns[1].title == "north"
    assert comparison.to_html(tmp_path / "report.html")


def test_options_that_contradict_each_other_are_refused(hybrid, tmp_path):
    assert "give one of them" in hybrid("compare", "--cv", "5", "--cv-domains", "site", code=2)
    assert "--cv-domains hospital" in hybrid("compare", "--choose", "domains", code=2)
