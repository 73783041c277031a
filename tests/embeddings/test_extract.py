"""Embedding sets of one layer or several, with views or without: extracted, saved, fitted and predicted with."""

import shutil

import numpy as np
import pytest
from PIL import Image
from tables import read_rows

from hybrid.datasets import load_dataset
from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.extract import extract_dataset, extract_sets
from hybrid.embeddings.joined_set import join_sets
from hybrid.errors import InputError
from hybrid.extractors import Extractor
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.views import MILD, Views
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.models.fit import fit_head
from hybrid.models.options import HeadOptions
from hybrid.pipelines import make_head_pipeline
from hybrid.workspace.records import as_json
from hybrid.workspace.workspace import Workspace

pytestmark = [pytest.mark.network, pytest.mark.usefixtures("exported_graph")]

AUGMENT = ["--augment", "rotate=30", "--augment", "brightness=0.4"]
VIEWS = Views(3, Augmentation.parse(["rotate=30", "brightness=0.4"]))


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "hybrid_runs")


# --- one set a layer


def test_each_layer_on_the_command_line_is_one_set_a_layer_of_one_pass(
    hybrid, image_folder, tiny_network, computed, workspace
):
    layers = ["--layer", "base/conv_a", "--layer", "penultimate"]
    found = hybrid.json("extract", image_folder, "--backbone", tiny_network, *layers, "--each-layer")["sets"]
    assert [one["set"] for one in found] == ["pictures-tiny-conv_a", "pictures-tiny"]
    assert [(one["new"], one["width"]) for one in found] == [(60, 4), (60, 5)]
    assert sum(computed) == 60
    assert load_set(workspace).name == "pictures-tiny"
    alone = hybrid.json("extract", image_folder, "--backbone", tiny_network, *layers[:2])
    assert (alone["set"], alone["new"], alone["cached"]) == ("pictures-tiny-conv_a", 0, 60)
    assert alone["extractor"] == found[0]["extractor"]
    assert "2 embedding sets are ready" in hybrid(
        "extract", image_folder, "--backbone", tiny_network, *layers, "--each-layer", "--name", "mine"
    )
    assert sum(computed) == 60
    assert load_set(workspace, "mine-base_conv_a").keys.shape == load_set(workspace, "mine-penultimate").keys.shape


def test_each_layer_of_one_layer_is_one_set(hybrid, image_folder, tiny_network):
    command = ["extract", image_folder, "--backbone", tiny_network, "--each-layer"]
    assert [one["set"] for one in hybrid.json(*command)["sets"]] == ["pictures-tiny"]
    assert [one["set"] for one in hybrid.json(*command, "--name", "n")["sets"]] == ["n-penultimate"]


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (["conv_a", "conv_c"], "Unknown layer 'conv_c'"),
        (["conv_a", "base/conv_a"], "'conv_a' and 'base/conv_a' are the same layer; name each layer once"),
    ],
)
def test_bad_layers_leave_no_set(hybrid, image_folder, tiny_network, workspace, layers, reason):
    options = [text for layer in layers for text in ("--layer", layer)]
    message = hybrid("extract", image_folder, "--backbone", tiny_network, *options, "--each-layer", code=1)
    assert reason in message
    assert not workspace.folder.exists()


def test_an_image_skipped_is_skipped_in_every_layer(image_folder, tiny_network):
    bad = image_folder / "normal" / "7.png"
    bad.write_bytes(bad.read_bytes()[:60])
    extractor = Extractor(tiny_network, ["conv_a", "hidden"])
    found = extract_sets(load_dataset(image_folder), extractor, each_layer=True, on_bad="skip", views=VIEWS)
    for one in found:
        assert len(one) == 59
        assert [skipped.id for skipped in one.record.skipped] == ["normal/7.png"]
        store = EmbeddingStore(Extractor().cache_folder, one.identity)
        assert store.contains(one.keys).all()
        train = one.split == "train"
        np.testing.assert_array_equal(one.view_keys[train], VIEWS.keys(one.keys[train]))


def test_a_set_is_found_in_the_cache_it_was_extracted_to_or_where_that_was_moved(
    hybrid, image_folder, tiny_network, tmp_path, cache
):
    hybrid("extract", image_folder, "--backbone", tiny_network, "--cache", tmp_path / "elsewhere")
    assert not (cache / "embeddings").exists()
    hybrid("fit", "softmax")
    shutil.rmtree(cache)
    (tmp_path / "elsewhere").rename(cache)  # which the environment names
    hybrid("fit", "softmax")


# --- views


def test_views_are_recorded_kept_and_never_computed_twice(hybrid, image_folder, tiny_network, computed, workspace):
    command = ["extract", image_folder, "--backbone", tiny_network, "--views", 3, *AUGMENT]
    text = hybrid(*command)
    assert "3 views of every training image (rotate ±30°, brightness ±40%; seed 0)" in text
    found = load_set(workspace, "pictures-tiny-views3")
    train = found.split == "train"
    views = 3 * int(train.sum())
    assert sum(computed) == 60 + views
    assert found.views == VIEWS
    assert not found.averages
    assert found.view_keys.shape == (60, 3, 32)
    np.testing.assert_array_equal(found.view_keys[train], VIEWS.keys(found.keys[train]))
    assert not found.view_keys[~train].any()
    again = hybrid.json(*command)
    assert (again["set"], again["new"], again["cached"]) == (found.name, 0, 60 + views)
    plain = hybrid.json("extract", image_folder, "--backbone", tiny_network)
    assert (plain["set"], plain["new"], plain["views"]) == ("pictures-tiny", 0, None)
    assert sum(computed) == 60 + views
    other = hybrid.json("extract", image_folder, "--backbone", tiny_network, "--views", 3)
    assert (other["set"], other["new"]) == ("pictures-tiny-views3-2", views)
    assert load_set(workspace, other["set"]).views == Views(3, MILD)


def test_a_head_learns_from_train_and_its_views_and_is_judged_on_images(hybrid, image_folder, tiny_network, workspace):
    hybrid("extract", image_folder, "--backbone", tiny_network, "--views", 3, *AUGMENT)
    record = hybrid.json("fit", "softmax")
    assert record["views"] == VIEWS.fields() | {"of": "train"}
    found = load_set(workspace)
    X, train = found.embeddings(), found.split == "train"
    views = found.view_embeddings(train).reshape(-1, X.shape[1])
    expected = make_head_pipeline("softmax").fit(
        np.concatenate([X[train], views]), np.concatenate([found.y[train], np.repeat(found.y[train], 3)])
    )
    rows = read_rows(workspace.models / record["model"] / "predictions.csv")
    assert [row["id"] for row in rows] == found.ids.tolist()
    probabilities = [float(row["p_pneumonia"]) for row in rows]
    np.testing.assert_allclose(probabilities, expected.predict_proba(X)[:, 1], rtol=1e-6)
    plain = make_head_pipeline("softmax").fit(X[train], found.y[train]).predict_proba(X)[:, 1]
    assert np.abs(probabilities - plain).max() > 1e-3
    assert record["splits"]["val"]["n"] == int((found.split == "val").sum())


@pytest.mark.parametrize("grouped", [True, False])
def test_the_views_of_an_image_are_of_one_group_with_it(image_folder, tiny_network, grouped):
    pattern = r"(\d)\d?\.png" if grouped else None
    found = extract_dataset(load_dataset(image_folder, group_pattern=pattern), Extractor(tiny_network), views=VIEWS)
    joined = join_sets(found)
    train = joined.part(X := joined.embeddings(), "train")
    n = int((found.split == "train").sum())
    assert len(train.X) == len(train.y) == len(train.groups) == 4 * n
    np.testing.assert_array_equal(train.X[:n], X[found.split == "train"])
    owner = np.repeat(np.arange(n), 3)
    np.testing.assert_array_equal(train.groups[n:], train.groups[:n][owner])
    np.testing.assert_array_equal(train.y[n:], train.y[:n][owner])
    if not grouped:
        assert len(np.unique(train.groups)) == n
    assert len(joined.part(X, "val").y) == int((found.split == "val").sum())


def test_views_of_all_images_make_every_probability_a_mean(hybrid, image_folder, tiny_network, workspace, computed):
    hybrid("extract", image_folder, "--backbone", tiny_network, "--views", 3, *AUGMENT, "--views-of", "train+test")
    assert sum(computed) == 4 * 60
    found = load_set(workspace)
    assert found.averages
    record = hybrid.json("fit", "softmax")
    rows = read_rows(workspace.models / record["model"] / "predictions.csv")
    assert len(rows) == 60
    train = join_sets(found).part(X := found.embeddings(), "train")
    head = make_head_pipeline("softmax").fit(train.X, train.y)
    views = found.view_embeddings(np.ones(60, bool))
    expected = np.mean([head.predict_proba(block) for block in (X, *views.transpose(1, 0, 2))], axis=0)
    probabilities = np.array([[float(row["p_normal"]), float(row["p_pneumonia"])] for row in rows])
    np.testing.assert_allclose(probabilities, expected, rtol=1e-6)
    assert [row["predicted"] for row in rows] == found.classes[expected.argmax(axis=1)].tolist()

    # and so does the saved model, of the same files and of the same images as other files
    (image_folder / "copies").mkdir()
    for number in range(2):
        path = image_folder / found.ids[number]
        (image_folder / "copies" / f"{number}.png").write_bytes(path.read_bytes())
    predicted = hybrid.json("predict", record["model"], image_folder / "copies")["predictions"]
    for one, row in zip(predicted, rows[:2], strict=True):
        assert one["p_normal"] == pytest.approx(float(row["p_normal"]), abs=1e-6)
    assert sum(computed) == 4 * 60
    Image.new("RGB", (30, 30), (9, 90, 200)).save(image_folder / "copies" / "new.png")
    hybrid.json("predict", record["model"], image_folder / "copies")
    assert sum(computed) == 4 * 61


def test_views_go_with_layers_in_one_pass(hybrid, image_folder, tiny_network, computed, workspace):
    layers = ["--layer", "conv_a", "--layer", "penultimate", "--each-layer"]
    found = hybrid.json("extract", image_folder, "--backbone", tiny_network, *layers, "--views", 2)["sets"]
    assert [one["set"] for one in found] == ["pictures-tiny-conv_a-views2", "pictures-tiny-views2"]
    assert sum(computed) == 60 + 2 * int((load_set(workspace).split == "train").sum())
    sets = [load_set(workspace, one["set"]) for one in found]
    record = fit_head(sets, "softmax", HeadOptions(), workspace).record
    assert (record.width, as_json(record.views)) == (9, [found[0]["views"]] * 2)


def test_sets_with_other_views_are_not_put_side_by_side(image_folder, tiny_network, workspace):
    dataset = load_dataset(image_folder)
    found = [
        extract_dataset(dataset, Extractor(tiny_network, layer), views=views)
        for layer, views in (("conv_a", VIEWS), ("hidden", Views(3)))
    ]
    with pytest.raises(InputError, match="have different views.*--views, --augment"):
        fit_head(found, "softmax", HeadOptions(), workspace)


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--augment", "flip"], 2, "give --views K"),
        (["--views-of", "train+test"], 2, "give --views K"),
        (["--views", "0"], 2, "'--views': 0 is not in the range"),
        (["--views", "2", "--augment", "spin=3"], 1, "Unknown augmentation 'spin'"),
        (["--views", "2", "--views-of", "test"], 2, "'test' is not one of"),
    ],
)
def test_bad_views_are_refused_before_anything_is_done(
    hybrid, image_folder, tiny_network, cache, options, code, reason
):
    before = sorted(cache.rglob("*"))
    assert reason in hybrid("extract", image_folder, "--backbone", tiny_network, *options, code=code)
    assert sorted(cache.rglob("*")) == before


def test_unknown_views_of_in_python(image_folder, tiny_network):
    with pytest.raises(InputError, match=r"'test'.*train, train\+test"):
        extract_dataset(load_dataset(image_folder), Extractor(tiny_network), views=VIEWS, views_of="test")


def test_no_threshold_is_chosen_for_means_over_views(hybrid, image_folder, tiny_network):
    hybrid("extract", image_folder, "--backbone", tiny_network, "--views", 1, "--views-of", "train+test")
    assert "leave out --aim and --calibrate" in hybrid("fit", "softmax", "--aim", "f1", code=1)
