"""Runs of recipes: what they make, and that nothing is done twice."""

import json

import pytest
from made_pictures import write_dots

from hybrid import FeatureExtractor, compare, load_dataset
from hybrid.errors import InputError

RECIPE = """\
title = "Dots"
[data]
source = "dots.npz"
[train.net]
layers = ["conv 4", "globalpool"]
epochs = 1
[features]
net = {network = "net", layers = ["conv_1", "features"]}
raw = {backbone = "TINY"}
both = ["net-features", "raw"]
[heads]
use = ["svm", "softmax"]
[heads.ensemble]
network = true
[protocol]
aim = "balanced"
cv = "2x1"
"""
FEATURES = ("net-conv_1", "net-features", "raw", "both")
MODELS = {"network-net-dots"} | {f"{head}-{name}-dots" for head in ("svm", "softmax", "ensemble") for name in FEATURES}


@pytest.fixture
def dots_recipe(tmp_path, tiny_network, monkeypatch):
    """A recipe beside its data: two classes of noise, one of them brighter."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "recipes"
    folder.mkdir()
    write_dots(folder)
    (folder / "dots.toml").write_text(RECIPE.replace("TINY", str(tiny_network)))
    return folder / "dots.toml"


def models(done):
    return {model["model"]: model for group in done["groups"] for model in group["models"]}


@pytest.mark.slow
def test_a_recipe_makes_one_report_and_is_not_done_twice(hybrid, dots_recipe, tmp_path, computed, monkeypatch):
    first = hybrid.json("run", dots_recipe)
    assert set(models(first)) == MODELS
    assert sum(computed) == 2 * 80  # each image through each of the two networks once
    folder = tmp_path / "hybrid_runs"
    records = [json.loads(path.read_text()) for path in (folder / "models").glob("*/metrics.json")]
    assert all(record["aim"] == "balanced" and 0 < record["threshold"] < 1 for record in records)
    crossed = first["groups"][0]["cross_validation"]
    flattered = {row["model"]: row["flattered"] for row in crossed["models"]}
    own = {"network-net-dots", *(f"ensemble-{name}-dots" for name in FEATURES if name != "raw")}
    assert set(flattered) == MODELS - own  # a network would have to be trained anew
    assert {name for name, said in flattered.items() if not said} == {
        "svm-raw-dots",
        "softmax-raw-dots",
        "ensemble-raw-dots",
    }
    (said,) = (note for note in crossed["notes"] if note.startswith("Left out: "))
    assert "The output of a network cannot be cross-validated" in said
    assert all(name in said for name in own)
    report = (folder / "reports/dots/report.html").read_text()
    assert "Dots" in report
    assert "Cross-validation" in report
    stamps = {path: path.stat().st_mtime_ns for path in (folder / "models").glob("*/metrics.json")}

    def never(*args, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr("hybrid.run.steps.train_network", never)
    again = hybrid.json("run", dots_recipe)
    assert sum(computed) == 2 * 80
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert again["groups"][0]["models"] == first["groups"][0]["models"]
    assert again["groups"][0]["choice"] == first["groups"][0]["choice"]

    fixed = hybrid.json("run", dots_recipe, "--set", "protocol.choose=ensemble-both")["groups"][0]["choice"]
    assert (fixed["model"], fixed["fixed_by"]) == ("ensemble-both-dots", "the recipe")

    only = hybrid.json("run", dots_recipe, "--set", "heads.svm.C=0.5", "--set", "heads.ensemble.features=['raw']")
    changed = {path.parent.name for path in stamps if path.stat().st_mtime_ns != stamps[path]}
    assert changed == {f"svm-{name}-dots" for name in FEATURES} | {"ensemble-raw-dots"}
    assert set(models(only)) == {name for name in MODELS if not name.startswith("ensemble")} | {"ensemble-raw-dots"}


def test_a_mistake_is_one_sentence_and_nothing_is_made(hybrid, dots_recipe, tmp_path):
    said = hybrid("run", dots_recipe, "--set", "train.net.epoch=1", code=1)
    assert "dots.toml: [train.net] epoch: Unknown key 'epoch'. Nearest: 'epochs'" in " ".join(said.split())
    assert "Traceback" not in said
    assert not (tmp_path / "hybrid_runs").exists()


def test_in_python_one_call_compares(dots_recipe, tiny_network):
    dataset = load_dataset(dots_recipe.with_name("dots.npz"))
    one = FeatureExtractor(tiny_network)
    other = FeatureExtractor(tiny_network, layers="hidden")
    comparison = compare(dataset, {"tiny": one, "two": [one.but(layers="pool"), other]}, ["softmax", "ensemble"])
    assert set(comparison.table()["model"]) == {"softmax-tiny", "ensemble-tiny", "softmax-two", "ensemble-two"}
    assert comparison.chosen[0] in set(comparison.table()["model"])
    assert "softmax-tiny" in comparison._repr_html_()


@pytest.mark.parametrize(
    ("extractors", "heads", "sentence"),
    [
        ("vgg16", ["svn"], "Unknown head 'svn'. Nearest: 'svm'"),
        ("vgg16", {"svm": {"c": 1}}, "Unknown svm parameter 'c'"),
        ("vgg16", ["ensemble"], "No head to fit was given"),
        ([], ["svm"], "No extractor was given"),
        (["vgg16", "vgg16"], ["svm"], "Two extractors have the name 'vgg16'"),
    ],
)
def test_what_cannot_be_compared_is_said_at_once(extractors, heads, sentence):
    with pytest.raises(InputError, match=sentence):
        compare(load_dataset("digits"), extractors, heads)
