"""Comparison: what is ranked together, in which order, and what is written."""

import csv
import json

import numpy as np
import pytest

from hybrid.comparison import compare, load_results
from hybrid.errors import InputError
from hybrid.evaluation import evaluate

HOSTILE = "<img src=x onerror=alert(1)>"


def binary(skill, n=60, seed=0, n_boot=100):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], n // 2)
    p = 1 / (1 + np.exp(-(rng.normal(size=n) + skill * (2 * y - 1))))
    return evaluate(np.array(["ill", "well"])[y], np.column_stack([1 - p, p]), ["ill", "well"], n_boot=n_boot)


def multilabel():
    rng = np.random.default_rng(0)
    return evaluate((rng.random((40, 3)) < 0.5).astype(int), rng.random((40, 3)), ["a", "b", "c"], n_boot=50)


def result(name, evaluation, dataset="xray", fingerprint="f1", splits=("train", "test")):
    return {
        "schema": 1,
        "model": name,
        "head": "svm",
        "backbone": "mobilenet:alpha=0.25",
        "layers": ["conv_1", "conv_2"],
        "pooling": "avg",
        "set": "set-1",
        "dataset": dataset,
        "dataset_fingerprint": fingerprint,
        "width": 256,
        "seconds": {"extract": None, "fit": 0.5, "predict": 0.1},
        "splits": dict.fromkeys(splits, evaluation),
    }


def save(folder, entry):
    path = folder / entry["model"] / "metrics.json"
    path.parent.mkdir(parents=True)
    splits = {name: evaluation.to_dict() for name, evaluation in entry["splits"].items()}
    path.write_text(json.dumps(entry | {"splits": splits}))
    return path


def test_models_are_ordered_best_first_by_the_main_metric():
    comparison = compare([result("poor", binary(0.1)), result("good", binary(2)), result("fair", binary(0.8))])
    assert [row["model"] for row in comparison.rows] == ["good", "fair", "poor"]
    assert [row["rank"] for row in comparison.rows] == [1, 2, 3]
    assert comparison.groups[0].metric == "roc_auc"
    assert comparison.rows[0]["layers"] == "conv_1+conv_2"


def test_a_loss_is_ordered_with_the_lowest_first():
    comparison = compare([result("poor", binary(0.1)), result("good", binary(2))], metric="log_loss")
    losses = [row["log_loss"] for row in comparison.rows]
    assert losses == sorted(losses)
    assert comparison.rows[0]["model"] == "good"


@pytest.mark.parametrize(
    "other",
    [
        result("b", binary(2), fingerprint="f2"),
        result("b", binary(2, n=58)),  # same data, but two images were skipped
        result("b", multilabel(), dataset="scenes", fingerprint="f3"),
    ],
)
def test_models_of_different_images_are_never_ranked_together(other):
    comparison = compare([result("a", binary(1)), other])
    assert [group.names for group in comparison.groups] == [["a"], ["b"]]
    assert [row["rank"] for row in comparison.rows] == [1, 1]
    assert "separate tables" in comparison.notes[0]


def test_overlapping_intervals_are_said_in_words():
    close = compare([result("a", binary(1.0)), result("b", binary(1.05)), result("c", binary(-3))])
    (note,) = close.groups[0].notes
    assert "do not read an order into them" in note
    assert "b, a overlap" in note
    nothing_to_resample = result("a", binary(9, n_boot=50))
    assert nothing_to_resample["splits"]["test"].metrics["roc_auc"].interval is None
    perfect = compare([nothing_to_resample, result("b", binary(9, seed=1))])
    assert "all 2 models overlap" in perfect.groups[0].notes[0]
    apart = compare([result("a", binary(3, n=400)), result("b", binary(0.1, n=400))])
    assert apart.groups[0].notes == ()


def test_a_model_without_the_split_is_left_out_and_named():
    comparison = compare([result("a", binary(1)), result("old", binary(1), splits=("train",))])
    assert [row["model"] for row in comparison.rows] == ["a"]
    assert "old" in comparison.notes[0]


def test_another_split_can_be_compared():
    comparison = compare([result("a", binary(1), splits=("train", "val"))], split="val")
    assert comparison.split == "val"
    assert len(comparison.rows) == 1


def test_a_metric_that_one_task_lacks_is_replaced_there_and_said():
    comparison = compare(
        [result("a", binary(1)), result("b", multilabel(), fingerprint="f3")], metric="subset_accuracy"
    )
    first, second = comparison.groups
    assert (first.metric, second.metric) == ("roc_auc", "subset_accuracy")
    assert "subset_accuracy does not exist" in first.notes[0]


def test_an_undefined_score_comes_last():
    nothing = evaluate(["ill"] * 60, [[0.9, 0.1]] * 60, ["ill", "well"], n_boot=20)
    something = evaluate(["ill"] * 60, [[0.2, 0.8]] * 60, ["ill", "well"], n_boot=20)
    comparison = compare([result("a", nothing), result("b", something)])
    assert [row["roc_auc"] for row in comparison.rows] == [None, None]
    by_accuracy = compare([result("b", something), result("a", nothing)], metric="accuracy")
    assert [row["model"] for row in by_accuracy.rows] == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "options", "sentence"),
    [
        ([], {}, "no models to compare"),
        ([result("a", binary(1))], {"split": "tset"}, "Unknown split 'tset'. Nearest: 'test'"),
        ([result("a", binary(1))], {"metric": "roc_acu"}, "Unknown metric 'roc_acu'. Nearest: 'roc_auc'"),
    ],
)
def test_bad_input_gets_a_sentence(given, options, sentence):
    with pytest.raises(InputError, match=sentence):
        compare(given, **options)


def test_results_are_read_back_whole(tmp_path):
    save(tmp_path, result("a", binary(1)))
    save(tmp_path, result(".half-written", binary(1)))
    (tmp_path / "no-model").mkdir()
    (loaded,) = load_results(tmp_path)
    assert loaded["model"] == "a"
    assert loaded["splits"]["test"].to_dict() == binary(1).to_dict()


def test_an_empty_workspace_says_what_to_do(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match="hybrid fit"):
            load_results(folder)


@pytest.mark.parametrize(
    "content", ['{"schema": 1, "model"', "[]", "{}", '{"schema": 1, "splits": {"test": {}}}', "\xff"]
)
def test_a_damaged_file_is_named(tmp_path, content):
    path = save(tmp_path, result("a", binary(1)))
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"metrics\.json is damaged"):
        load_results(tmp_path)


def test_another_schema_is_not_guessed_at(tmp_path):
    path = save(tmp_path, result("a", binary(1)))
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 9'))
    with pytest.raises(InputError, match="schema 9"):
        load_results(tmp_path)


def test_saved_tables_hold_the_same_numbers(tmp_path):
    comparison = compare([result("a", binary(0.4)), result("b", binary(1))])
    paths = comparison.save(tmp_path / "out")
    assert sorted(path.name for path in paths) == [
        "comparison.csv",
        "comparison.json",
        "xray-bars.png",
        "xray-confusion.png",
    ]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    frame = comparison.table()
    with (tmp_path / "out/comparison.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    saved = json.loads((tmp_path / "out/comparison.json").read_text())["groups"][0]["models"]
    for i, name in enumerate(["b", "a"]):
        assert rows[i]["model"] == saved[i]["model"] == frame["model"][i] == name
        assert float(rows[i]["roc_auc_low"]) == saved[i]["roc_auc_low"] == frame["roc_auc_low"][i]
        assert rows[i]["seconds_extract"] == ""
    assert saved[0]["evaluation"]["confusion"] == binary(1).confusion.tolist()


def test_each_set_of_images_gets_its_pictures_under_safe_names(tmp_path):
    entries = [result("a", binary(1), dataset="../../$evil$/x"), result("b", multilabel(), "../../$evil$/x", "f2")]
    paths = compare(entries).save(tmp_path)
    pictures = [path for path in paths if path.suffix == ".png"]
    assert len(set(pictures)) == 4
    assert all(path.parent == tmp_path and path.exists() for path in pictures)


def test_html_escapes_names_from_strangers():
    html = compare([result(HOSTILE, binary(1), dataset=HOSTILE)])._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html
