"""Comparison: what is ranked together, in which order, and what is written."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from hybrid.comparison.ordering import badness
from hybrid.errors import InputError
from hybrid.evaluation import evaluate
from hybrid.report.parts.answer import standing
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_records, read_predictions, save_record
from hybrid.workspace.model_record import ModelRecord, Seconds
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.workspace import Workspace

HOSTILE = "<img src=x onerror=alert(1)>"
SPLITS = ("train", "val", "test")


@pytest.fixture
def results(tmp_path):
    """Save models, each given as its options for `said`, as `fit` would; return what is read back, in that order."""

    def save(**models):
        folder = tmp_path / "models"
        for name, options in models.items():
            save_model(folder / name, **{"name": name} | options)
        return load_records(Workspace(tmp_path), models)

    return save


def save_model(
    folder, name, n=60, several=False, splits=SPLITS, skill=1.0, seed=0, n_boot=100, val_skill=None, **record
):
    """Write metrics.json and predictions.csv of a model that is right the more often the greater its skill."""
    parts = [said(skill if split != "val" or val_skill is None else val_skill, n, seed, several) for split in splits]
    y, predicted, proba = (np.concatenate(values) for values in zip(*parts, strict=True))
    split = np.repeat(splits, n)
    classes = np.array(["a", "b", "c"] if several else ["ill", "well"])
    ids = np.array([f"{part}/{i}" for part in splits for i in range(n)])
    evaluations = {
        part: evaluate(y[here], proba[here], classes.tolist(), y_pred=predicted[here], n_boot=100)
        for part in splits
        if (here := split == part).any()
    }
    entry = {
        "name": name,
        "head": "svm",
        "backbones": ("mobilenet:alpha=0.25",),
        "layers": ("conv_1", "conv_2"),
        "poolings": ("avg",),
        "sets": ("set-1",),
        "dataset": "xray",
        "dataset_fingerprint": "f1",
        "task": "multilabel" if several else "binary",
        "classes": tuple(classes.tolist()),
        "width": 256,
        "created": "2025-01-01T00:00:00+00:00",
        "seconds": Seconds(extract=2.0, fit=0.5, predict=0.1, measure="wall"),
        "processor": Seconds(extract=40.0, fit=5.0, predict=1.0, measure="processor"),
        "parameters": 1000,
        "splits": evaluations,
    }
    save_record(ModelRecord(**entry | record), Predictions(ids, split, y, predicted, proba, classes), folder)


def said(skill, n, seed, several):
    """Return labels, predictions and probabilities."""
    rng = np.random.default_rng(seed)
    if several:
        y = rng.integers(0, 2, (n, 3))
        proba = 1 / (1 + np.exp(-(rng.normal(size=(n, 3)) + skill * (2 * y - 1))))
        return y, (proba > 0.5).astype(int), proba
    y = np.repeat([0, 1], n // 2)
    p = 1 / (1 + np.exp(-(rng.normal(size=n) + skill * (2 * y - 1))))
    names = np.array(["ill", "well"])
    return names[y], names[(p > 0.5).astype(int)], np.column_stack([1 - p, p])


def test_models_are_ordered_best_first_by_the_main_metric(results):
    comparison = compare_results(results(poor={"skill": 0.1}, good={"skill": 2}, fair={"skill": 0.8}))
    assert [row["model"] for row in comparison.rows] == ["good", "fair", "poor"]
    assert [row["rank"] for row in comparison.rows] == [1, 2, 3]
    assert comparison.leaderboards[0].metric == "roc_auc"
    assert comparison.rows[0]["layers"] == "conv_1+conv_2"


def test_a_loss_is_ordered_with_the_lowest_first(results):
    comparison = compare_results(results(poor={"skill": 0.1}, good={"skill": 2}), metric="log_loss")
    losses = [row["log_loss"] for row in comparison.rows]
    assert losses == sorted(losses)
    assert comparison.rows[0]["model"] == "good"


@pytest.mark.parametrize(
    "other",
    [
        {"dataset_fingerprint": "f2"},
        {"n": 58},  # same data, but two images of each split were skipped
        {"several": True, "dataset": "scenes", "dataset_fingerprint": "f3"},
    ],
)
def test_models_of_different_images_are_never_ranked_together(results, other):
    comparison = compare_results(results(a={}, b=other))
    assert [leaderboard.names for leaderboard in comparison.leaderboards] == [["a"], ["b"]]
    assert [row["rank"] for row in comparison.rows] == [1, 1]
    assert "separate tables" in comparison.notes[0]


def test_predictions_of_a_group_are_of_the_same_images_in_the_same_order(results):
    a, b = results(a={"skill": 0.5}, b={"skill": 2, "seed": 1})
    reversed_rows = read_predictions(b).take(np.arange(3 * 60)[::-1])
    given = [a, save_record(b, reversed_rows, b.folder)]
    (leaderboard,) = compare_results(given).leaderboards
    assert leaderboard.names == ["b", "a"]
    for model, part in zip(leaderboard.models, leaderboard.predictions, strict=True):
        np.testing.assert_array_equal(part.ids, leaderboard.ids)
        np.testing.assert_array_equal(part.y, leaderboard.truth)
        accuracy = (part.predicted == leaderboard.truth).mean()
        assert model.splits["test"].metrics["accuracy"].value == pytest.approx(accuracy)


def test_the_models_that_differ_from_the_chosen_one_are_said_in_words(results):
    (leaderboard,) = compare_results(results(a={}, b={"seed": 1}, c={"skill": -3, "seed": 2})).leaderboards
    chosen = leaderboard.chosen
    assert {test.metric for test in leaderboard.pairs} == {"roc_auc", "accuracy"}
    apart = {test.first for test in leaderboard.pairs if test.metric == "roc_auc" and test.distinguishable}
    assert apart == {"c"}
    (alike,) = set(leaderboard.names) - {chosen, "c"}
    assert alike
    standing = f"{chosen} is better than c, and cannot be told apart from the other model by roc_auc on these 60 images"
    assert any(note.startswith(standing) for note in leaderboard.notes)
    (alone,) = compare_results(results(d={})[-1:]).leaderboards
    assert alone.pairs == ()


def test_two_equal_models_are_said_to_be_alike(results):
    (leaderboard,) = compare_results(results(a={}, b={})).leaderboards
    assert "a and b cannot be told apart by roc_auc on these 60 images." in leaderboard.notes


def test_the_model_is_chosen_on_validation_never_on_test(results):
    given = results(a={"skill": 0.2, "val_skill": 3}, b={"skill": 3, "val_skill": 0.2})
    (leaderboard,) = compare_results(given).leaderboards
    assert leaderboard.names == ["a", "b"]  # in the order of validation, although b is better on test
    assert leaderboard.chosen == "a"
    assert [row["chosen"] for row in leaderboard.rows] == [True, False]
    assert "a is chosen on the 60 validation images" in leaderboard.notes[0]
    on_val = {
        name: model.splits["val"].metrics["roc_auc"] for name, model in zip("ab", leaderboard.models, strict=True)
    }
    for row in leaderboard.rows:  # beside the score on test stands what models are chosen by
        by = on_val[row["model"]]
        assert (row["val_roc_auc"], row["val_roc_auc_low"]) == (by.value, by.low)


def test_of_models_within_noise_the_simplest_is_chosen_unless_asked(results):
    first = {"seed": 1, "parameters": 10}, {"seed": 2, "parameters": 9000}
    second = {"seed": 1, "parameters": 9000}, {"seed": 2, "parameters": 10}
    given = results(a1=first[0], b1=first[1], a2=second[0], b2=second[1])
    best = [compare_results(pair, choose="best").chosen[0] for pair in (given[:2], given[2:])]
    assert [name[0] for name in best] in (["a", "a"], ["b", "b"])
    simplest = [compare_results(pair) for pair in (given[:2], given[2:])]
    assert [comparison.chosen for comparison in simplest] == [("a1",), ("b2",)]
    reasons = [comparison.leaderboards[0].choice.reason for comparison in simplest]
    assert sum("within one standard error of" in reason for reason in reasons) == 1
    assert sum("the simplest of the 2 that are within one standard error" in reason for reason in reasons) == 1


def test_a_simple_model_that_is_clearly_worse_is_not_chosen(results):
    given = results(large={"skill": 3, "parameters": 9000}, tiny={"skill": 0, "seed": 1, "parameters": 10})
    assert compare_results(given).chosen == ("large",)


def test_a_model_that_was_fixed_in_advance_is_taken_and_what_validation_says_is_told(results):
    given = results(**{"a-x": {"skill": 0.2, "val_skill": 0.2}, "b-x": {"skill": 3, "val_skill": 3, "seed": 1}})
    for name in ("a-x", "a"):
        (leaderboard,) = compare_results(given, choose=name, split="train", fixed_by="the recipe").leaderboards
        assert (leaderboard.chosen, leaderboard.choice.fixed_by) == ("a-x", "the recipe")
        assert leaderboard.notes[0].startswith(
            "a-x is fixed in advance by the recipe; on the 60 validation images b-x would"
        )
    (leaderboard,) = compare_results(given, choose="b-x").leaderboards
    assert "it would also have been chosen" in leaderboard.notes[0]
    other = results(c={"dataset_fingerprint": "f2"})
    first, second = compare_results([*given, *other], choose=["a-x"]).leaderboards
    assert (first.chosen, second.chosen) == ("a-x", "c")
    assert "None of these models was fixed in advance by the caller, which fixed a-x." in second.notes
    with pytest.raises(InputError, match="give only one"):
        compare_results(given, choose=["a", "b"])


def test_a_fixed_model_needs_no_validation_split(results):
    given = results(a={"splits": ("train", "test")}, b={"splits": ("train", "test")})
    choice = compare_results(given, choose="b").leaderboards[0].choice
    assert (choice.model, choice.value) == ("b", None)
    assert choice.reason.startswith("b is fixed in advance by the caller. No test score had been shown")


def test_models_that_differ_in_the_threshold_only_are_called_so(results, tmp_path):
    results(a={}, b={})
    saved = read_predictions(load_records(Workspace(tmp_path), ["b"])[0])
    lower = np.where(saved.proba[:, 1] > 0.2, "well", "ill")
    changed = replace(saved, predicted=lower)
    save_record(load_records(Workspace(tmp_path), ["b"])[0], changed, tmp_path / "models/b")
    leaderboard = compare_results(load_records(Workspace(tmp_path), ["a", "b"])).leaderboards[0]
    assert leaderboard.same_probabilities == (("a", "b"),)
    said = " ".join(leaderboard.notes)
    assert "give all images the same probabilities and differ in the threshold only" in said
    assert "cannot be told apart by roc_auc" not in said
    assert standing(leaderboard, 0).startswith("the other model gives all images the same probabilities")


@pytest.mark.parametrize(("n", "weak"), [(120, False), (60, True), (30, True)])
def test_a_choice_on_few_validation_images_is_called_weak(results, n, weak):
    choice = compare_results(results(a={"n": n}, b={"n": n, "seed": 1})).leaderboards[0].choice
    assert (choice.weak, choice.images) == (weak, n)
    said = f"The choice is weak: there are only {n} validation images, {n // 2} of the rarest class."
    assert (said in choice.reason) == ("val = 0.4 under [data]" in choice.reason) == weak  # it is a third already
    alone = compare_results(results(c={"n": n})).leaderboards[-1].choice
    assert not alone.weak


def test_without_a_validation_split_no_model_is_chosen(results):
    comparison = compare_results(results(a={"splits": ("train", "test")}, b={"splits": ("train", "test")}))
    assert comparison.chosen == (None,)
    assert comparison.to_dict()["groups"][0]["choice"] is None


def test_a_model_without_the_split_is_left_out_and_named(results):
    comparison = compare_results(results(a={}, old={"splits": ("train",)}))
    assert [row["model"] for row in comparison.rows] == ["a"]
    assert "old" in comparison.notes[0]


def test_another_split_can_be_compared(results):
    comparison = compare_results(results(a={"splits": ("train", "val")}), split="val")
    assert comparison.split == "val"
    assert len(comparison.rows) == 1


def test_a_metric_that_one_task_lacks_is_replaced_there_and_said(results):
    given = results(a={}, b={"several": True, "dataset_fingerprint": "f3"})
    first, second = compare_results(given, metric="subset_accuracy").leaderboards
    assert (first.metric, second.metric) == ("roc_auc", "subset_accuracy")
    assert any("subset_accuracy does not exist" in note for note in first.notes)


def test_an_undefined_score_comes_last():
    nothing = evaluate(["ill"] * 60, [[0.9, 0.1]] * 60, ["ill", "well"], n_boot=20).metrics["roc_auc"]
    something = evaluate(["ill", "well"], [[0.2, 0.8], [0.3, 0.7]], ["ill", "well"], n_boot=0).metrics["roc_auc"]
    assert nothing.value is None
    assert badness(nothing, "roc_auc") > badness(something, "roc_auc")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"split": "tset"}, "Unknown split 'tset'. Nearest: 'test'"),
        ({"metric": "roc_acu"}, "Unknown metric 'roc_acu'. Nearest: 'roc_auc'"),
    ],
)
def test_bad_input_gets_a_sentence(results, options, sentence):
    with pytest.raises(InputError, match=sentence):
        compare_results(results(a={}), **options)
    with pytest.raises(InputError, match="no models to compare"):
        compare_results([])
    with pytest.raises(InputError, match="Unknown model 'nice'"):
        compare_results(results(b={}), choose="nice")


def test_models_that_differ_in_the_seed_alone_are_put_together(results):
    (leaderboard,) = compare_results(
        results(
            **{f"svm-net-seed{seed}-dots": {"seed": seed, "val_skill": 2} for seed in (0, 1, 12)},
            **{"svm-other-seed0-dots": {}, "svm-net-dots": {}, "svm-net-seed0+net-seed1-dots": {"seed": 4}},
        )
    ).leaderboards
    assert {spread.name for spread in leaderboard.seeds} == {"svm-net-dots"}
    (spread,) = (one for one in leaderboard.seeds if (one.metric, one.split) == ("roc_auc", "test"))
    values = [m.splits["test"].metrics["roc_auc"].value for m in leaderboard.models if m.name in spread.models]
    assert len(values) == 3
    assert (spread.mean, spread.sd) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert (spread.lowest, spread.highest) == (min(values), max(values))
    assert {(one.metric, one.split) for one in leaderboard.seeds} == {
        (metric, split) for metric in ("roc_auc", "accuracy") for split in ("val", "test")
    }


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["svm-net-a", "forest-net-a"], ["svm", "forest"]),
        (["network-a-net", "network-a-net-last", "svm-a-net-last"], ["network", "network-last", "svm-last"]),
        (["network-a-last", "svm-a-last"], ["network-last", "svm-last"]),
        (["svm-a", "svm-a-last", "svm-b"], ["svm-a", "svm-a-last", "svm-b"]),
        (["a", "a-last"], ["a", "a-last"]),
        (["x-a", "a"], ["x-a", "a"]),
    ],
)
def test_names_are_shortened_by_what_all_end_with(results, names, labels):
    models = {name: {"seed": number} for number, name in enumerate(names)}
    (leaderboard,) = compare_results(results(**models)).leaderboards
    assert dict(zip(leaderboard.names, leaderboard.labels, strict=True)) == dict(zip(names, labels, strict=True))


def test_a_network_whose_best_epoch_is_the_last_is_shown_once(results):
    """A recipe puts the name of the dataset behind `last`, `hybrid train` puts nothing there."""
    same = {
        "network-net-last-dots": {},
        "network-net-dots": {},
        "network-own": {"seed": 2},
        "network-own-last": {"seed": 2},
    }
    given = results(**same, **{"svm-net-last-dots": {"seed": 3}, "svm-net-dots": {"seed": 4}, "forest-last": {}})
    (leaderboard,) = compare_results(given).leaderboards
    shown = {"network-net-dots", "network-own", "svm-net-last-dots", "svm-net-dots", "forest-last"}
    assert set(leaderboard.names) == {row["model"] for row in leaderboard.rows} == shown
    assert len([pair for pair in leaderboard.pairs if pair.metric == "roc_auc"]) == 4
    (note,) = [text for text in leaderboard.notes if text.startswith("Shown once")]
    assert "network-net-last-dots is network-net-dots; network-own-last is network-own." in note
    fixed = compare_results(given, choose="network-own-last").leaderboards[0]
    assert (fixed.chosen, fixed.choice.fixed_by) == ("network-own", "the caller")
    alone = compare_results([record for record in given if record.name == "network-own-last"])
    assert alone.leaderboards[0].names == ["network-own-last"]


def test_the_spread_over_seeds_counts_a_network_that_is_shown_once(results):
    same = {"seed": 1}
    given = results(
        **{"network-net-seed0": same, "network-net-seed0-last": same},
        **{"network-net-seed1": {"seed": 2}, "network-net-seed1-last": {"seed": 3}},
    )
    spreads = compare_results(given).leaderboards[0].seeds
    assert {spread.name: len(spread.models) for spread in spreads} == {"network-net": 2, "network-net-last": 2}
    given = results(**{f"network-net-seed{n}{last}": {"seed": n} for n in (0, 1) for last in ("", "-last")})
    spreads = compare_results(given).leaderboards[0].seeds
    assert {spread.name for spread in spreads} == {"network-net"}


def test_results_are_read_back_whole(results, tmp_path):
    results(a={})
    save_model(tmp_path / "models/.half-written", ".half-written")
    (tmp_path / "models/no-model").mkdir()
    (loaded,) = load_records(Workspace(tmp_path))
    assert loaded.name == "a"
    assert loaded.folder == tmp_path / "models/a"
    assert loaded.splits["test"].n == 60


def test_an_empty_workspace_says_what_to_do(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match="hybrid fit"):
            load_records(Workspace(folder))


@pytest.mark.medium
def test_saved_tables_hold_the_same_numbers(results, tmp_path):
    comparison = compare_results(results(a={"skill": 0.4, "seconds": Seconds(extract=None, fit=1, predict=1)}, b={}))
    paths = comparison.save(tmp_path / "out")
    assert [path.name for path in paths[:4]] == ["report.html", "comparison.json", "comparison.csv", "pairs.csv"]
    assert set(paths) == {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    frame = comparison.table()
    with (tmp_path / "out/comparison.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    (leaderboard,) = json.loads((tmp_path / "out/comparison.json").read_text())["groups"]
    for i, name in enumerate(["b", "a"]):
        assert rows[i]["model"] == leaderboard["models"][i]["model"] == frame["model"][i] == name
        assert float(rows[i]["roc_auc_low"]) == leaderboard["models"][i]["roc_auc_low"] == frame["roc_auc_low"][i]
    assert rows[1]["seconds_extract"] == ""
    assert (
        leaderboard["models"][0]["evaluation"]["confusion"]
        == comparison.leaderboards[0].evaluations[0].confusion.tolist()
    )
    with (tmp_path / "out/pairs.csv").open(newline="") as stream:
        (by_auc, by_accuracy) = csv.DictReader(stream)
    assert float(by_auc["difference"]) == leaderboard["pairs"][0]["difference"]
    assert (by_auc["metric"], by_accuracy["metric"]) == ("roc_auc", "accuracy")


def test_scores_are_drawn_against_what_they_cost(results):
    comparison = compare_results(results(a={"parameters": 10}, b={"parameters": 1000}))
    for cost, ends, label in (
        ("parameters", (10, 1000), "parameters of the networks"),
        ("seconds", (2.6, 2.6), "wall-clock seconds to train"),
        (None, (46, 46), "processor seconds to train"),
    ):
        (axes,) = comparison.plot_cost(cost=cost).axes
        low, high = axes.get_xlim()
        assert low < ends[0] <= ends[1] < high
        assert axes.get_xlabel().startswith(label)
    with pytest.raises(InputError, match="Unknown cost 'euros'"):
        comparison.plot_cost(cost="euros")


def test_html_escapes_names_from_strangers(results):
    html = compare_results(results(a={"name": HOSTILE, "dataset": HOSTILE}))._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


def test_former_names_of_attributes_still_work_with_a_warning(results):
    comparison = compare_results(results(a={}, b={"seed": 1}))
    with pytest.warns(FutureWarning, match="'groups' is called 'leaderboards' now"):
        assert comparison.groups is comparison.leaderboards
    (leaderboard,) = comparison.leaderboards
    with pytest.warns(FutureWarning, match="'copies' is called 'leakage' now"):
        assert leaderboard.copies is leaderboard.leakage
    with pytest.warns(FutureWarning, match="'group' of Comparison.plot_bars is called 'leaderboard' now"):
        comparison.plot_bars(group=0)


def test_intervals_and_tests_hold_for_varying_shares_of_the_classes_if_asked(results):
    records = results(good={"skill": 0.8}, poor={"skill": 0.3, "seed": 1})
    fixed, varying = (compare_results(records, fixed_classes=value).leaderboards[0] for value in (True, False))
    for one, other in zip(fixed.evaluations, varying.evaluations, strict=True):
        assert one.metrics["precision"].value == other.metrics["precision"].value
        assert one.metrics["precision"].interval != other.metrics["precision"].interval
        assert "the share of each class varies, too" in other.population
    assert not varying.models[0].splits["val"].fixed_classes
    assert [test.low for test in varying.pairs] != [test.low for test in fixed.pairs]
    saved = load_records(Workspace(records[0].folder.parent.parent), ["good"])[0]
    assert saved.splits["test"].fixed_classes  # what is saved with the model is not changed


def test_a_comparison_is_shown_in_a_line_for_each_model(results):
    comparison = compare_results(results(a={}, b={"seed": 1}))
    first, title, *models = repr(comparison).splitlines()
    assert first == "Comparison on test"
    assert title.startswith("xray, 60 images: 2 models by ")
    assert sorted(line.split()[0] for line in models) == ["a", "b"]
    assert [line.split()[0] for line in models if "(chosen)" in line] == list(comparison.chosen)
    assert str(comparison) == repr(comparison)
    assert str(comparison.leaderboards[0].pairs[0]) == comparison.leaderboards[0].pairs[0].sentence()
