"""Scores of subgroups are those of their images; gaps have Holm's correction and respect patients."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from hybrid.errors import InputError
from hybrid.evaluation import by_subgroup, evaluate
from hybrid.evaluation.inputs import check_problem
from hybrid.evaluation.subgroups.shared_groups import correlations

QUICK = {"n_boot": 20}


def binary(n=400, seed=0):
    """Labels and probabilities of a model that is not perfect."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, 1 / (1 + np.exp(-(2 * y - 1 + rng.normal(size=n))))


def test_scores_are_those_of_evaluate_on_the_images_of_the_subgroup():
    y, p = binary()
    site = np.array(["a", "b", "c", "d"])[np.arange(400) % 4]
    scores = by_subgroup(y, p, columns={"site": site}, **QUICK)
    for subgroup in scores.subgroups:
        rows = site == subgroup.name
        expected = evaluate(y[rows], p[rows], [0, 1], **QUICK)
        assert subgroup.evaluation.metrics == expected.metrics
        assert subgroup.evaluation.n == rows.sum()
        assert subgroup.positives == y[rows].sum()


def test_the_gap_of_a_share_has_newcombes_interval():
    y, p = binary()
    y[:] = 1
    y[:20] = 0
    site = np.where(np.arange(400) % 3 == 0, "a", "b")
    scores = by_subgroup(y, p, columns={"site": site}, metrics=["sensitivity"], **QUICK)
    test = scores.subgroups[0].gaps["sensitivity"].test
    (x1, n1), (x2, n2) = (
        (int(((p >= 0.5) & rows).sum()), int(rows.sum())) for rows in ((y == 1) & (site == one) for one in "ab")
    )
    expected = confint_proportions_2indep(x1, n1, x2, n2, method="newcomb", compare="diff")
    assert (test.low, test.high) == pytest.approx(expected, abs=1e-9)


def test_gaps_in_a_metric_have_holms_correction_over_all_divisions():
    y, p = binary()
    columns = {"site": np.arange(400) % 4, "sex": np.where(np.arange(400) % 7 < 3, "F", "M")}
    scores = by_subgroup(y, p, columns=columns, metrics=["roc_auc", "accuracy"], **QUICK)
    for metric in scores.metrics:
        gaps = [subgroup.gaps[metric] for subgroup in scores.subgroups]
        assert gaps[4].test.p_value == pytest.approx(gaps[5].test.p_value)  # two subgroups have one gap
        assert gaps[4].test.difference == pytest.approx(-gaps[5].test.difference)
        expected = multipletests([gap.test.p_value for gap in gaps[:5]], method="holm")[1]
        assert [gap.p_adjusted for gap in gaps] == pytest.approx([*expected, expected[4]])
        assert {gap.corrected_for for gap in gaps} == {5}


def test_the_worst_subgroup_is_named_and_small_ones_are_not_compared():
    y, p = binary(600)
    site = np.array(["good", "bad"])[np.arange(600) % 2].astype(object)
    p = np.where(site == "bad", np.random.default_rng(1).random(600), p)
    site[:8] = None
    scores = by_subgroup(y, p, columns={"site": site}, metrics=["roc_auc"], **QUICK)
    assert scores.worst("site", "roc_auc").name == "bad"
    first, few = scores.sentences("roc_auc")
    assert first.startswith("Lowest roc_auc by site: site bad with 0.")
    assert first.endswith("which is more than chance.")
    assert "site not known" in few
    unknown = scores.of("site")[-1]
    assert unknown.evaluation.n == 8
    assert unknown.gaps["roc_auc"].verdict == "too few images: 8, and 10 are needed"
    table = scores.table().set_index("subgroup")
    assert table.loc["bad", "verdict"] == "worse"
    assert np.isnan(table.loc["not known", "p_adjusted"])


def test_of_losses_the_highest_is_the_worst():
    y, p = binary(600)
    site = np.array(["good", "bad"])[np.arange(600) % 2]
    p = np.where(site == "bad", np.random.default_rng(1).random(600), p)
    scores = by_subgroup(y, p, columns={"site": site}, metrics=["brier"], **QUICK)
    assert scores.worst("site", "brier").name == "bad"
    assert scores.of("site")[0].gaps["brier"].verdict == "worse"


def test_patients_in_both_parts_correlate_their_scores():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(100), 4)
    y, hard = np.repeat(rng.integers(0, 2, 100), 4), np.repeat(rng.random(100) < 0.5, 4)
    predicted = np.where(rng.random(400) < np.where(hard, 0.5, 0.02), 1 - y, y)
    view = np.arange(400) % 2 == 0
    problem = check_problem(y, None, [0, 1], predicted, groups=patient)
    found = correlations(problem, view, ["accuracy"])["accuracy"]
    # The variance of a ratio of sums over patients (Cochran 1977) has the same correlation.
    right = (predicted == y).astype(float)
    sums = [np.bincount(patient[side], right[side] - right[side].mean(), 100) for side in (view, ~view)]
    assert found == pytest.approx(np.corrcoef(*sums)[0, 1], abs=0.02)
    assert found > 0.3
    assert correlations(problem, patient < 50, ["accuracy"]) == {}
    scores = by_subgroup(y, predicted, columns={"view": view}, groups=patient, metrics=["accuracy"], **QUICK)
    alone = by_subgroup(y, predicted, columns={"view": view}, metrics=["accuracy"], **QUICK)
    assert scores.subgroups[0].evaluation.n_groups == 100
    widths = [one.subgroups[0].gaps["accuracy"].test for one in (scores, alone)]
    assert widths[0].high - widths[0].low < widths[1].high - widths[1].low + 0.1


def test_groups_are_counted_where_there_are_several_images_of_a_patient():
    y, p = binary()
    site, patient = np.where(np.arange(400) < 40, "small", "large"), np.arange(400) // 8
    y = y[patient * 8]
    scores = by_subgroup(y, p, columns={"site": site}, groups=patient, metrics=["accuracy"], **QUICK)
    assert scores.of("site")[1].gaps["accuracy"].verdict == "too few groups: 5, and 10 are needed"
    assert scores.of("site")[1].images == "40 images of 5 groups"


def test_several_classes_and_several_labels():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    proba = rng.dirichlet(np.ones(3), 300) + 0.5 * np.eye(3)[y]
    proba /= proba.sum(axis=1, keepdims=True)
    sex = np.where(np.arange(300) % 2 == 0, "F", "M")
    several = by_subgroup(y, proba, [0, 1, 2], columns={"sex": sex}, **QUICK)
    assert several.metrics == ("accuracy", "roc_auc_macro")
    assert several.subgroups[0].positives is None
    labels = (rng.random((300, 2)) < 0.4).astype(int)
    marks = labels * 0.2 + rng.random((300, 2)) * 0.8
    many = by_subgroup(labels, marks, ["x", "y"], columns={"sex": sex}, **QUICK)
    assert many.metrics == ("roc_auc_macro", "average_precision_macro")
    assert all(one.gaps["roc_auc_macro"].test.p_value is not None for one in many.subgroups)


def test_predicted_labels_alone_have_no_roc_auc():
    y, p = binary()
    sex = np.where(np.arange(400) % 2 == 0, "F", "M")
    scores = by_subgroup(y, (p >= 0.5).astype(int), columns={"sex": sex}, **QUICK)
    assert scores.metrics == ("sensitivity", "specificity")


def test_a_single_subgroup_and_a_missing_class_are_no_error():
    y, p = binary()
    scores = by_subgroup(y, p, columns={"site": ["a"] * 400}, **QUICK)
    assert scores.subgroups[0].gaps["roc_auc"].verdict == "all images are of this subgroup"
    assert scores.worst("site", "roc_auc") is None
    by_label = by_subgroup(y, p, columns={"label": y}, metrics=["roc_auc"], **QUICK)
    assert all("too few images: 0 images" in one.gaps["roc_auc"].verdict for one in by_label.subgroups)
    assert by_label.subgroups[0].metric("roc_auc").value is None


def test_a_note_says_that_shares_differ_where_a_metric_depends_on_them():
    y, p = binary()
    site = np.where(y == 1, "a", "b").astype(object)
    site[::3] = "a"
    scores = by_subgroup(y, p, columns={"site": site}, metrics=["accuracy"], **QUICK)
    assert any("accuracy depend on it" in note or "accuracy depends on it" in note for note in scores.notes)
    assert by_subgroup(y, p, columns={"site": site}, metrics=["roc_auc"], **QUICK).notes == ()


def test_unknown_metrics_are_refused():
    y, p = binary()
    with pytest.raises(InputError, match="Unknown metric 'auc'"):
        by_subgroup(y, p, columns={"sex": y}, metrics=["auc"], **QUICK)
