"""`adapt` and `hybrid adapt`: from a model and pictures of another site to a new model that names its parent."""

import json
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from made_pictures import write_colours

from hybrid import InputError, adapt, load_dataset, load_model
from hybrid.embeddings.embedding_set import save_set
from hybrid.embeddings.extract import extract_dataset
from hybrid.extractors import FeatureExtractor
from hybrid.files import file_digest
from hybrid.models.fit import fit_head
from hybrid.models.options import HeadOptions
from hybrid.pipelines import read_manifest
from hybrid.pipelines.adapted import AdaptedHead
from hybrid.run import compare_results
from hybrid.workspace.fitted_models import load_record, load_records
from hybrid.workspace.workspace import Workspace

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

HERE = {"blue": (40, 60, 200), "green": (60, 190, 50)}
THERE = {"blue": (90, 100, 160), "green": (110, 150, 100)}  # paler


@pytest.fixture
def place(tmp_path, tiny_network):
    """A workspace with a model of pictures here."""
    data = load_dataset(str(write_colours(tmp_path / "here", HERE, {"train": 12, "val": 6, "test": 6})))
    workspace = Workspace(tmp_path / "runs")
    embeddings = save_set(extract_dataset(data, FeatureExtractor(str(tiny_network), layers="hidden")), workspace)
    fit_head(embeddings, "softmax", HeadOptions(), workspace, name="parent")
    return workspace


@pytest.fixture
def there(tmp_path):
    return str(write_colours(tmp_path / "there", THERE, {"train": 20, "test": 20}))


def adapted(place, there, **settings):
    given = {"images": 20, "draws": 2, "workspace": place.folder, "name": "child"} | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return adapt("parent", there, **given)


def test_the_adapted_model_names_its_parent_and_is_a_model_like_others(place, there):
    result = adapted(place, there, method="calibration")
    assert (result.model, result.method, result.judging) == ("child", "calibration", 60)
    child = load_model(place.models / "child" / "model")
    assert isinstance(child[-1], AdaptedHead)
    origin = read_manifest(place.models / "child" / "model").adapted
    assert origin == load_record(place, "child").adapted == result.ancestry
    assert origin.parent == "parent"
    assert origin.parent_sha256 == file_digest(place.models / "parent" / "model" / "manifest.json")
    assert len(set(origin.digests)) == 20
    data = load_dataset(there, to_fit=False)
    digests = {file_digest(path): path for path in map(type(place.folder), data.X)}
    judged = [str(path) for digest, path in digests.items() if digest not in origin.digests]
    truth = dict(zip(data.X, data.y, strict=True))
    accuracy = np.mean(child.predict(np.array(judged)) == [truth[path] for path in judged])
    assert result.evaluations["adapted"].metrics["balanced_accuracy"].value == pytest.approx(accuracy, abs=0.04)
    assert result.evaluations["adapted"].n == len(judged) == 60


@pytest.mark.parametrize("method", ["threshold", "intercept", "refit", "auto"])
def test_every_method_gives_a_model_that_predicts_what_was_judged(place, there, method):
    result = adapted(place, there, method=method, curve=False)
    assert result.curve is None
    if result.model is None:
        assert (method, result.method) == ("auto", "none")
        return
    assert result.tests[0].metric == "balanced_accuracy"
    again = adapted(place, there, method=method, curve=False)
    assert again.to_dict()["evaluations"] == result.to_dict()["evaluations"]


def test_a_split_is_adapted_to_and_the_others_judge(place, there):
    result = adapted(place, there, images=None, split="train", method="intercept")
    assert (result.ancestry.images, result.ancestry.split, result.judging) == (40, "train", 40)
    assert result.curve.judging == (40, 40)
    assert result.curve.sizes == (20, 40)


def test_images_that_the_parent_has_seen_are_left_out(place, there, tmp_path):
    seen = tmp_path / "here" / "test" / "blue"
    target = tmp_path / "there" / "train" / "blue"
    for number, path in enumerate(sorted(seen.iterdir())):
        (target / f"copy{number}{path.suffix}").write_bytes(path.read_bytes())
    with pytest.warns(UserWarning, match=r"6 images of there are left out.*it was tested on 6\."):
        result = adapt("parent", there, images=20, curve=False, workspace=place.folder, method="intercept", name="one")
    assert result.available == 80
    with pytest.warns(UserWarning, match="it was tested on 6 and adapted to 20"):
        again = adapt("one", there, images=20, curve=False, workspace=place.folder, method="intercept", name="two")
    assert not set(again.ancestry.digests) & set(result.ancestry.digests)
    assert again.ancestry.parent == "one"
    with pytest.raises(InputError, match="of 0: at least half"), pytest.warns(UserWarning, match="left out"):
        adapt("parent", str(tmp_path / "here"), images=20, workspace=place.folder)


def test_a_comparison_says_that_it_used_other_images(place, there):
    adapted(place, there, method="refit", curve=False)
    comparison = compare_results(load_records(place, ["parent", "child"]), split="val")
    said = " ".join(comparison.leaderboards[0].notes)
    assert "child was adapted from parent by refit with 20 labelled images of there (drawn with seed 0" in said
    assert "It has used other images than the other models" in said


def test_a_saved_folder_can_be_adapted_but_not_refitted(place, there, tmp_path):
    folder = (place.models / "parent" / "model").rename(tmp_path / "alone")
    message = "cannot adapt this model: it is not a model"
    with pytest.raises(InputError, match=message), pytest.warns(UserWarning, match="not known"):
        adapt(folder, there, images=20, workspace=place.folder, method="refit")
    with pytest.warns(UserWarning, match="has seen some of these images is not known"):
        result = adapt(folder, there, images=20, workspace=place.folder, method="intercept", draws=1)
    assert "no record" in result.notes[0]
    assert load_model(result.folder)[-1].update == "intercept"
    assert "refit" not in result.curve.methods


def test_bad_input_is_refused_before_anything_is_written(place, there):
    for settings, message in (
        ({"images": None}, "either a number of images to adapt to, or a split"),
        ({"split": "train"}, "and not both"),
        ({"images": 41}, "Ask for at most 40"),
        ({"images": None, "split": "other"}, "Unknown split 'other'"),
        ({"method": "platt"}, "Unknown method 'platt'"),
        ({"metric": "aucc"}, "Unknown metric 'aucc'"),
        ({"aim": "recal=0.9"}, "Unknown aim 'recal'"),
        ({"name": "parent", "method": "intercept"}, "cannot have the name of its parent"),
        ({"name": "a/b", "method": "intercept"}, "expected letters, digits"),
    ):
        with pytest.raises(InputError, match=message):
            adapted(place, there, **settings)
    assert [path.name for path in place.models.iterdir()] == ["parent"]


def test_the_command(place, there, hybrid):
    options = ("--with", 20, "--method", "calibration", "--workspace", place.folder, "--name", "child", "--draws", 2)
    said = " ".join(hybrid("adapt", "parent", there, *options).split())
    assert "child was adapted from parent by calibration with 20 labelled images of there" in said
    assert "balanced_accuracy by labelled images" in said
    found = json.loads(hybrid("adapt", "parent", there, *options, "--json"))
    assert found["adapted"]["parent"] == "parent"
    assert {point["method"] for point in found["curve"]["points"]} >= {"none", "refit", "auto"}
    page = (place.reports / "adapt-child.html").read_text()
    assert "parent, adapted to there" in page
    assert "How many labelled images" in page
    assert re.search(r": 20 to adapt to, and \d+ (others|of other \w+) to judge on\.", page)
    inspected = " ".join(hybrid("inspect", "child", "--workspace", place.folder).split())
    assert "adapted from parent by calibration" in inspected
    image = next((place.folder.parent / "there" / "test" / "blue").iterdir())
    assert "blue" in hybrid("predict", "child", image, "--workspace", place.folder)


def test_with_cached_embeddings_keras_is_not_imported(place, there):
    adapted(place, there, curve=False)
    code = (
        "import sys, warnings, hybrid; warnings.simplefilter('ignore');"
        f"hybrid.adapt('parent', {there!r}, images=20, draws=1, workspace={str(place.folder)!r});"
        "assert 'keras' not in sys.modules, 'keras was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
