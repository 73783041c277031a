"""Heads and ensembles on several embedding sets, through the command line, and what is recorded of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_pictures import write_colours
from sklearn.metrics import accuracy_score
from tables import read_rows
from ticking import ticking_clock

from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.joined_set import join_sets
from hybrid.embeddings.set_names import joined_name
from hybrid.errors import InputError
from hybrid.pipelines import load_model
from hybrid.workspace.workspace import Workspace

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

HIDDEN, CONV = "pictures-tiny-hidden", "pictures-tiny-conv_a"


@pytest.fixture
def red_and_green(tmp_path):
    """A folder of two classes and three splits."""
    colours = {"green": (80, 150, 70), "red": (150, 80, 70)}
    return write_colours(tmp_path / "pictures", colours, {"train": 20, "val": 8, "test": 8})


@pytest.fixture
def sets(hybrid, red_and_green, tiny_network):
    """Two sets of the same pictures."""
    for layer in ("hidden", "conv_a"):
        hybrid("extract", red_and_green, "--backbone", tiny_network, "--layer", layer)
    return ("--set", HIDDEN, "--set", CONV)


def test_a_head_on_two_sets_goes_from_fit_to_prediction(hybrid, sets, red_and_green, tmp_path):
    record = hybrid.json("fit", "softmax", *sets)
    assert record["model"] == "softmax-pictures-tiny-hidden+conv_a"
    assert (record["set"], record["width"]) == ([HIDDEN, CONV], 9)
    assert record["layers"] == ["hidden", "base/conv_a"]
    assert len(record["extractor_fingerprint"]) == len(record["backbone"]) == 2
    saved = {row["id"]: row for row in read_rows(tmp_path / "hybrid_runs/models" / record["model"] / "predictions.csv")}
    result = hybrid.json("predict", record["model"], red_and_green / "test")
    assert len(result["predictions"]) == 16
    for row in result["predictions"]:
        before = saved[row["image"].split("/pictures/")[1]]
        assert row["predicted"] == before["predicted"]
        assert row["p_red"] == pytest.approx(float(before["p_red"]), abs=1e-6)


def test_the_cost_is_recorded(hybrid, sets, tmp_path, monkeypatch):
    """With a clock that moves on by one second, and three processor seconds, whenever it is read."""
    monkeypatch.setattr("hybrid.progress.read_clocks", ticking_clock())
    one = hybrid.json("fit", "softmax", *sets[:2])
    both = hybrid.json("fit", "softmax", *sets)
    for record in (one, both):
        folder = tmp_path / "hybrid_runs/models" / record["model"] / "model"
        assert (record["trained"], record["seconds"]["train"]) == ({}, 0)  # nothing was trained here
        assert record["bytes"] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        parts = {"train", "extract", "fit", "predict", "measure"}
        assert set(record["seconds"]) == set(record["processor"]) == parts
        assert (record["seconds"]["measure"], record["processor"]["measure"]) == ("wall", "processor")
        for part in ("fit", "predict"):
            assert record["processor"][part] == 3 * record["seconds"][part] > 0
    assert both["parameters"] > one["parameters"] > 0
    assert one["set"] == HIDDEN
    assert both["seconds"]["extract"] > one["seconds"]["extract"]
    members = hybrid.json("fit", "ensemble", "--member", one["model"], "--member", both["model"])
    for measure in ("seconds", "processor"):
        assert members[measure]["extract"] == both[measure]["extract"]  # the set that both have is paid once
        assert members[measure]["fit"] > one[measure]["fit"] + both[measure]["fit"]


def test_the_seed_reaches_the_head_and_is_recorded(hybrid, sets):
    first, again = (hybrid.json("fit", "forest", *sets, "--seed", "3") for _ in range(2))
    other = hybrid.json("fit", "forest", *sets, "--seed", "4")
    assert (first["seed"], first["params"]["random_state"]) == (3, 3)
    assert first["splits"] == again["splits"] != other["splits"]


def test_an_ensemble_is_the_mean_of_its_heads(hybrid, sets, tmp_path):
    record = hybrid.json("fit", "ensemble", *sets, "--heads", "svm,softmax")
    assert record["model"] == "ensemble-svm+softmax-pictures-tiny-hidden+conv_a"
    assert [(one["head"], one["of"], one["weight"]) for one in record["members"]] == [
        (head, name, 0.25) for name in (HIDDEN, CONV) for head in ("svm", "softmax")
    ]
    models = tmp_path / "hybrid_runs/models"
    alone = []
    for name in (HIDDEN, CONV):
        for head in ("svm", "softmax"):
            hybrid("fit", head, "--set", name)
            alone.append([float(row["p_red"]) for row in read_rows(models / f"{head}-{name}" / "predictions.csv")])
    rows = read_rows(models / record["model"] / "predictions.csv")
    np.testing.assert_allclose([float(row["p_red"]) for row in rows], np.mean(alone, axis=0), rtol=1e-9)
    test = [row for row in rows if row["split"] == "test"]
    expected = accuracy_score([row["label"] for row in test], [row["predicted"] for row in test])
    assert set(record["splits"]) == {"train", "val"}
    hybrid("compare", record["model"])
    saved = json.loads((models / record["model"] / "metrics.json").read_text())
    assert saved["splits"]["test"]["metrics"]["accuracy"]["value"] == pytest.approx(expected)


def test_the_default_ensemble_has_every_head_and_is_the_same_twice(hybrid, sets, red_and_green, tmp_path):
    path = tmp_path / "hybrid_runs/models/ensemble-pictures-tiny-hidden+conv_a"
    texts = []
    for _ in range(2):
        record = hybrid.json("fit", "ensemble", *sets)
        texts.append((path / "predictions.csv").read_text())
    assert texts[0] == texts[1]
    assert [one["head"] for one in record["members"]] == ["svm", "forest", "xgboost", "softmax"] * 2
    assert len(list((path / "model" / "boosters").iterdir())) == 2
    saved = {row["id"]: row for row in read_rows(path / "predictions.csv")}
    for row in hybrid.json("predict", record["model"], red_and_green / "val")["predictions"]:
        assert row["p_red"] == pytest.approx(float(saved[row["image"].split("/pictures/")[1]]["p_red"]), abs=1e-6)


@pytest.mark.parametrize("weights", ["val", "cv"])
def test_weights_do_not_depend_on_the_test_images(hybrid, sets, weights, tmp_path, monkeypatch):
    options = ("fit", "ensemble", *sets, "--heads", "svm,softmax", "--weights", weights)
    record = hybrid.json(*options)
    rows = tmp_path / "hybrid_runs/models" / record["model"] / "predictions.csv"
    before = read_rows(rows)
    assert record["weights"] == weights
    assert sum(one["weight"] for one in record["members"]) == pytest.approx(1, abs=1e-4)

    def other_test_labels(workspace, name=None):
        found = load_set(workspace, name)
        y, test = found.y.copy(), found.split == "test"
        y[test] = np.where(y[test] == "red", "green", "red")
        return replace(found, y=y)

    monkeypatch.setattr("hybrid.embeddings.embedding_set.load_set", other_test_labels)
    changed = hybrid.json(*options)
    assert changed["members"] == record["members"]
    assert changed["splits"] == record["splits"]  # nothing of test is in there
    assert read_rows(rows) != before


def test_fitted_models_are_members_as_they_are(hybrid, sets, tmp_path):
    hybrid("fit", "svm", *sets, "--param", "C=0.5", "--name", "mine")
    record = hybrid.json("fit", "ensemble", "--member", "mine", "--set", HIDDEN, "--heads", "softmax")
    assert [one["name"] for one in record["members"]] == ["softmax-pictures-tiny-hidden", "mine"]
    assert record["set"] == [HIDDEN, CONV]
    hybrid("fit", "softmax", "--set", HIDDEN)
    models = tmp_path / "hybrid_runs/models"
    names = ("mine", f"softmax-{HIDDEN}")
    parts = [[float(row["p_red"]) for row in read_rows(models / name / "predictions.csv")] for name in names]
    rows = read_rows(models / record["model"] / "predictions.csv")
    np.testing.assert_allclose([float(row["p_red"]) for row in rows], np.mean(parts, axis=0), rtol=1e-9)
    only = hybrid.json("fit", "ensemble", "--member", "mine", "--name", "only")
    assert [one["weight"] for one in only["members"]] == [1.0]


@pytest.mark.usefixtures("no_report")
def test_a_network_of_its_own_can_be_a_member(hybrid, red_and_green, tmp_path):
    hybrid("train", "convnet_small", red_and_green, "--size", "16", "--epochs", "1", "--name", "own")
    name = hybrid.json("extract", red_and_green)["set"]
    record = hybrid.json("fit", "ensemble", "--set", name, "--heads", "softmax", "--member", "network-own")
    assert [one["head"] for one in record["members"]] == ["softmax", "network"]
    trained = json.loads((tmp_path / "hybrid_runs/networks/own/training.json").read_text())
    assert record["trained"] == {"own": trained["seconds"]}  # one network, whatever hangs on it
    assert record["seconds"]["train"] == trained["seconds"] > 0
    assert record["trained_processor"] == {"own": trained["processor"]}
    assert record["processor"]["train"] == trained["processor"] > 0
    rows = hybrid.json("compare")["groups"][0]["models"]
    prices = {row["model"]: row["seconds_train"] for row in rows}
    assert prices == dict.fromkeys([record["model"], "network-own"], trained["seconds"])  # the last epoch is the best
    hybrid("fit", "softmax", "--set", name)
    found = [
        [row["p_red"] for row in hybrid.json("predict", model, red_and_green / "test")["predictions"]]
        for model in (record["model"], f"softmax-{name}", "network-own")
    ]
    np.testing.assert_allclose(found[0], np.mean(found[1:], axis=0), atol=1e-6)
    for members in (("--set", name, "--heads", "softmax"), ("--member", "network-own")):
        message = hybrid("fit", "ensemble", *members, "--weights", "cv", code=1)
        assert "trained on" in message
        assert "--weights val or equal" in message


def test_sets_of_other_images_are_refused(hybrid, sets, red_and_green, tiny_network):
    other = red_and_green.with_name("others")
    red_and_green.rename(other)
    (other / "train" / "red" / "0.png").unlink()
    hybrid("extract", other, "--backbone", tiny_network)
    message = hybrid("fit", "svm", "--set", HIDDEN, "--set", "others-tiny", code=1)
    assert "differ in images, labels or splits" in message
    hybrid("fit", "softmax", "--set", "others-tiny")
    message = hybrid("fit", "ensemble", "--set", HIDDEN, "--member", "softmax-others-tiny", code=1)
    assert "differ in images, labels or splits" in message


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("svm", "--set", HIDDEN, "--set", HIDDEN), 1, "given twice"),
        (("svm", "--weights", "val"), 2, "hybrid fit ensemble"),
        (("ensemble", "--heads", "svm,svn"), 1, "Unknown head 'svn'"),
        (("ensemble", "--heads", "svm,svm"), 1, "'svm' was given twice"),
        (("ensemble", "--param", "C=1"), 1, "add the fitted model to the ensemble"),
        (("ensemble", "--member", "nothing"), 1, "Unknown model 'nothing'"),
    ],
)
def test_wrong_requests_are_one_sentence_and_leave_nothing(hybrid, sets, options, code, message, tmp_path):
    assert message in hybrid("fit", *options, code=code)
    models = tmp_path / "hybrid_runs/models"
    assert not models.exists() or not list(models.iterdir())


def test_rows_are_matched_by_content_in_whatever_order(hybrid, sets):
    workspace = Workspace("hybrid_runs")
    first, second = load_set(workspace, HIDDEN), load_set(workspace, CONV)
    order = np.random.default_rng(0).permutation(len(second))
    names = ("keys", "ids", "y", "split")
    shuffled = replace(second, **{name: getattr(second, name)[order] for name in names})
    expected, found = join_sets([first, second]), join_sets([first, shuffled])
    np.testing.assert_array_equal(found.embeddings(), expected.embeddings())
    np.testing.assert_array_equal(found.sets[1].ids, expected.sets[0].ids)
    grouped = replace(first, groups=first.ids), replace(second, groups=second.ids[::-1])
    with pytest.raises(InputError, match="different groups"):
        join_sets(grouped)
    with pytest.raises(InputError, match="No embedding set"):
        join_sets([])


def test_an_ensemble_that_is_loaded_can_be_fitted_anew(hybrid, sets, tmp_path):
    record = hybrid.json("fit", "ensemble", *sets, "--heads", "softmax,xgboost")
    pipeline = load_model(tmp_path / "hybrid_runs/models" / record["model"] / "model")[1:]
    found = join_sets([load_set(Workspace("hybrid_runs"), name) for name in (HIDDEN, CONV)])
    X = found.embeddings()
    before, train = pipeline.predict_proba(X), found.part(X, "train")
    np.testing.assert_array_equal(pipeline.fit(train.X, train.y).predict_proba(X), before)


def test_long_names_are_shortened_and_stay_apart():
    names = [f"scenes-{'x' * 60}{number}" for number in range(4)]
    assert len(joined_name(names)) <= 100
    assert joined_name(names) != joined_name([*names[:3], "scenes-other"])
