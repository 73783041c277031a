"""What `hybrid fit` keeps with a model, and what `hybrid predict` says with it."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from tables import read_rows

from hybrid import predict
from hybrid.pipelines import load_reference
from hybrid.pipelines.saved.load import open_model
from hybrid.workspace.fitted_models import load_record
from hybrid.workspace.workspace import Workspace

MODEL = "hybrid_runs/models/m/model"


@pytest.fixture
def fit_drawn(hybrid, tiny_network, tmp_path, monkeypatch):
    """Extract drawn images, fit a head to them and return the model; images are dark or light, of 60 patients."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)

    def made(*options, split="60/40/0", images=120, head="softmax"):
        for number in range(images):
            folder = tmp_path / "images" / ("light" if number % 2 else "dark")
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 120, (16, 16, 3)) + 100 * (number % 2)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"p{number // 2}_{number}.png")
        hybrid("extract", "images", "--backbone", tiny_network, "--split", split, "--group-pattern", r"(p\d+)_")
        hybrid("fit", head, "--name", "m", *options)
        return MODEL

    return made


def strange(folder, first=0):
    """Draw an image unlike all others, with green stripes from a column on; return its path."""
    path = folder / f"strange{first}.png"
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, first::2, 1] = 255
    Image.fromarray(pixels).save(path)
    return str(path)


def test_predict_flags_unlike_images_and_makes_sets(fit_drawn, hybrid, tmp_path):
    fit_drawn("--aim", "f1")
    images = sorted(map(str, (tmp_path / "images/dark").iterdir()))[:3]
    result = hybrid.result("predict", "m", *images, strange(tmp_path), "--coverage", "0.9", "--json")
    found = json.loads(result.stdout)
    rows = found["predictions"]
    assert [row["unfamiliar"] for row in rows] == [False, False, False, True]
    assert all(isinstance(row["typicality"], float) and isinstance(row["set"], list) for row in rows)
    assert rows[0]["set"] == ["dark"]
    assert "1 of 4 images is unlike the training images: " in result.stderr
    assert "48 validation images of 24 groups (dark 24 of 24, light 24 of 24)" in result.stderr
    assert "new groups are drawn like" in result.stderr
    assert found["notes"] == [line for line in result.stderr.split("\n") if line in found["notes"]]
    csv = hybrid("predict", "m", images[0], "--coverage", "0.9").splitlines()
    assert csv[0] == "image,predicted,p_dark,p_light,typicality,unfamiliar,set"
    assert csv[1].endswith(",False,dark")
    with pytest.warns(UserWarning, match="1 of 1 image is unlike the training images"):
        frame = predict("m", strange(tmp_path), coverage=0.8, per_class=True)
    assert list(frame.columns[-3:]) == ["typicality", "unfamiliar", "set"]
    assert "at least 99 groups of images" in hybrid("predict", "m", images[0], "--coverage", "0.99", code=1)
    assert "give --coverage with it" in hybrid.result("predict", "m", images[0], "--per-class").stderr
    reference = load_reference(MODEL)
    assert (len(reference.distances), reference.held_out_groups) == (72, 36)


def test_without_validation_images_the_sets_come_from_cross_validation(fit_drawn, hybrid):
    fit_drawn(split="100/0/0", images=60)
    scores = open_model(MODEL).calibration
    assert (scores.images, scores.n_groups) == (60, 30)
    assert scores.source.startswith("cross-validated predictions of 60 training images of 30 groups")
    assert "only approximately" in scores.source
    assert "cross-validated predictions" in " ".join(hybrid("inspect", "m").split())


def test_a_small_set_has_no_reference_and_says_so(fit_drawn, hybrid, tmp_path):
    fit_drawn(images=20)
    result = hybrid.result("predict", "m", str(tmp_path / "images/dark"), "--json")
    assert "cannot tell whether an image is unlike its training images: there are 12 embeddings" in result.stderr
    assert "typicality" not in json.loads(result.stdout)["predictions"][0]
    assert "needs at least 9 groups of images" in hybrid("predict", "m", "images", "--coverage", "0.9", code=1)


def test_an_ensemble_of_two_sets_knows_unlike_images_and_makes_sets(fit_drawn, hybrid, tmp_path, tiny_network):
    fit_drawn()
    hybrid("extract", "images", "--backbone", tiny_network, "--layer", "base/conv_b", "--split", "60/40/0",
           "--group-pattern", r"(p\d+)_", "--name", "other")  # fmt: skip
    [first] = load_record(Workspace("hybrid_runs"), "m").sets
    hybrid("fit", "ensemble", "--set", first, "--set", "other", "--heads", "softmax,svm", "--name", "both")
    hybrid("fit", "ensemble", "--set", "other", "--heads", "softmax", "--member", "m", "--weights", "val",
           "--name", "weighted")  # fmt: skip
    images = sorted(map(str, (tmp_path / "images/dark").iterdir()))[:3]
    for name in ("both", "weighted"):
        result = hybrid.result("predict", name, *images, strange(tmp_path), "--coverage", "0.9", "--json")
        rows = json.loads(result.stdout)["predictions"]
        assert [row["unfamiliar"] for row in rows] == [False, False, False, True], name
        assert all(row["set"] == ["dark"] for row in rows[:3]), name
        assert "48 validation images of 24 groups" in result.stderr, name
        assert ("which also chose the weights of the ensemble" in result.stderr) == (name == "weighted"), name
        alone = json.loads(hybrid.result("predict", name, images[0], "--coverage", "0.9", "--json").stdout)
        assert alone["predictions"] == rows[:1], f"{name} depends on the other images"
    scores = open_model("hybrid_runs/models/both/model").calibration
    table = read_rows(tmp_path / "hybrid_runs/models/both/predictions.csv")
    assert scores.images == sum(row["split"] == "val" for row in table)


def test_predictions_that_average_views_have_sets_of_these_averages(fit_drawn, hybrid, tmp_path, tiny_network):
    fit_drawn()
    views = ("--views", "2", "--views-of", "train+test", "--augment", "flip", "--augment", "brightness=0.1")
    groups = ("--split", "60/40/0", "--group-pattern", r"(p\d+)_")
    hybrid("extract", "images", "--backbone", tiny_network, *views, *groups, "--name", "v")
    hybrid("fit", "softmax", "--set", "v", "--name", "views")
    hybrid("fit", "ensemble", "--set", "v", "--heads", "softmax,svm", "--name", "several")
    images = sorted(map(str, (tmp_path / "images/dark").iterdir()))[:20]
    for name in ("views", "several"):
        result = hybrid.result("predict", name, *images, strange(tmp_path), "--coverage", "0.9", "--json")
        rows = json.loads(result.stdout)["predictions"]
        assert rows[-1]["unfamiliar"], name
        assert sum(row["unfamiliar"] for row in rows[:20]) <= 2, name
        opened = open_model(f"hybrid_runs/models/{name}/model")
        proba = np.array([[row["p_dark"], row["p_light"]] for row in rows])  # means over the image and its views
        inside = opened.calibration.sets(proba, 0.9)
        assert [row["set"] for row in rows] == [np.array(["dark", "light"])[one].tolist() for one in inside], name
        assert sum("dark" in row["set"] for row in rows[:20]) >= 15, name  # 18 are expected


def test_the_report_says_how_many_test_images_are_unfamiliar(hybrid, tiny_network, tmp_path):
    rng = np.random.default_rng(0)
    rows = ["path,label,split"]
    for number in range(160):
        pixels = rng.integers(0, 120, (16, 16, 3)) + 100 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{number}.png")
        split = ("train", "train", "val", "test")[number // 40]
        rows.append(f"{number}.png,{'light' if number % 2 else 'dark'},{split}")
    for first in range(3):
        strange(tmp_path, first)
        rows.append(f"strange{first}.png,dark,test")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    hybrid("extract", "labels.csv", "--backbone", tiny_network)
    hybrid("fit", "softmax", "--name", "m")
    hybrid("compare")
    page = (tmp_path / "hybrid_runs/reports/report.html").read_text()
    text = " ".join(page.split())
    assert re.search(r"m finds [3-6] of 43 test images unfamiliar \([\d.]+%\); of images like those", text)
    assert text.count("(unfamiliar)") >= 3
    assert len(re.findall(r"strange[0-2]\.png", page)) >= 3
