"""The recipes of the reference systems: each says what was published, and runs to a report with our own answer."""

import numpy as np
import pytest
from command_line import CommandLine
from paths import ROOT
from PIL import Image

from hybrid import load_dataset
from hybrid.recipes import read_recipe

RECIPES = ROOT / "recipes"
ANSWERS = {
    "medmnist_binary": "ensemble-both",
    "medmnist_multiclass": "ensemble-both",
    "several_labels": "ensemble-mobilenet",
    "chest_xray_features": "ensemble-mobilenet",
    "chest_xray_networks": "ensemble-mobilenet",
    "chest_xray_variants": "ensemble-mobilenet",
}
NETWORKS = {
    "medmnist_binary": {"sample", "dense", "custom", "own"},
    "medmnist_multiclass": {"sample", "dense", "custom", "own"},
    "several_labels": {"wide", "strided", "growing", "filters5x5", "double", "lstm", "dense_a", "dense_b",
                       "double_for_all"},
    "chest_xray_features": {"cnn"},
    "chest_xray_networks": {"one_layer", "three_layers", "convolutions", "pooled", "finetuned"},
    "chest_xray_variants": {"baseline", "l2", "dropout", "shear", "adam", "deeper", "whole", "whole_l2"},
}  # fmt: skip


def recipe(name, **options):
    return read_recipe(RECIPES / f"{name}.toml", **options)


def networks(name):
    return {step.name: step for step in recipe(name).train}


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
def test_each_has_the_published_networks_and_an_answer_fixed_in_advance(name, quick):
    found = recipe(name, quick=quick)
    assert {step.name for step in found.train} == NETWORKS[name]
    assert found.protocol.choose == ANSWERS[name]
    assert found.ensembles
    if quick:
        assert all(step.options.epochs == 1 for step in found.train)


@pytest.mark.network
@pytest.mark.parametrize(
    ("name", "network", "shape", "outputs", "parameters"),
    [
        ("medmnist_multiclass", "sample", (28, 28, 1), 11, 18_379),
        ("chest_xray_networks", "one_layer", (224, 224, 3), 2, 19_267_841),
        ("chest_xray_networks", "three_layers", (224, 224, 3), 2, 9_642_241),
        ("chest_xray_networks", "convolutions", (224, 224, 3), 2, 1_616_609),
        ("chest_xray_networks", "pooled", (224, 224, 3), 2, 23_981_249),
    ],
)
def test_networks_have_their_published_parameters_at_their_size(name, network, shape, outputs, parameters):
    step = networks(name)[network]
    assert step.size in (shape[0], None)
    assert step.architecture.build(shape, outputs).count_params() == parameters


def test_the_variants_differ_from_the_baseline_in_what_their_names_say():
    steps = networks("chest_xray_variants")
    base = steps["baseline"]
    assert (base.options.optimizer, base.options.steps_per_epoch * base.options.batch_size) == ("sgd", 960)
    changes = {}
    for name, step in steps.items():
        told = {key: value for key, value in vars(step.options).items() if value != vars(base.options)[key]}
        changes[name] = told | step.architecture.options
        assert (step.architecture.name == base.architecture.name) == (name != "deeper")
    assert changes == {
        "baseline": {},
        "l2": {"l2": 0.001},
        "dropout": {"dropout": 0.5},
        "shear": {"augment": ("shear=0.3",)},
        "adam": {"optimizer": "adam"},
        "deeper": {"optimizer": "adam"},
        "whole": {"optimizer": "adam", "steps_per_epoch": 1000},
        "whole_l2": {"optimizer": "adam", "steps_per_epoch": 1000, "l2": 0.001},
    }


def test_several_labels_have_a_network_each_and_one_for_all():
    steps = networks("several_labels")
    assert {name for name, step in steps.items() if not step.options.per_label} == {"double_for_all"}
    assert steps["double_for_all"].architecture == steps["double"].architecture


def pictures(n, side, classes, seed=0):
    """Return noisy images, the brighter the higher their class, and the classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    images = rng.integers(0, 120, (n, side, side)) + (120 // classes * labels)[:, None, None]
    return images.astype(np.uint8), labels


def npz(folder, classes):
    arrays = {}
    for seed, (split, n) in enumerate((("train", 40), ("val", 16), ("test", 16))):
        images, labels = pictures(n, 28, classes, seed)
        arrays |= {f"{split}_images": images, f"{split}_labels": labels[:, None]}
    np.savez(folder / "made.npz", **arrays)
    return folder / "made.npz"


def manifest(folder):
    """Sixty pictures with three labels, as the scenes have them: file names and a column a label."""
    images, labels = pictures(60, 40, 8)
    (folder / "images").mkdir()
    rows = ["Filenames,a,b,c"]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(np.stack([image] * 3, axis=-1)).save(folder / "images" / f"{number}.jpg")
        rows.append(f"{number}.jpg,{label & 1},{label >> 1 & 1},{label >> 2 & 1}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder / "labels.csv"


def chest_xray(folder, splits):
    for seed, (split, n) in enumerate(splits.items()):
        for number, (image, label) in enumerate(zip(*pictures(n, 64, 2, seed), strict=True)):
            place = folder / "chest_xray" / split / ("NORMAL", "PNEUMONIA")[label]
            place.mkdir(parents=True, exist_ok=True)
            name = f"person{seed}{number:02}_virus_1.jpeg" if label else f"IM-{seed}{number:02}-0001.jpeg"
            Image.fromarray(image).convert("RGB").save(place / name)
    return folder / "chest_xray"


def split_anew(folder):
    """Data that come with a test split, split 70/15/15 as the recipe's comment says; the manifest of that."""
    given = chest_xray(folder, {"train": 60, "test": 20})
    CommandLine()("split", given, "--group-pattern", r"(person\d+_|IM-\d+)", "--output", folder / "anew.csv")
    return folder / "anew.csv"


DATA = {
    "medmnist_binary": lambda folder: npz(folder, 2),
    "medmnist_multiclass": lambda folder: npz(folder, 4),
    "several_labels": manifest,
    "chest_xray_features": lambda folder: chest_xray(folder, {"train": 40, "val": 4, "test": 20}),
    "chest_xray_networks": lambda folder: chest_xray(folder, {"train": 40, "val": 4, "test": 20}),
    "chest_xray_variants": split_anew,
}


def test_the_variants_take_their_own_split_of_data_that_come_with_one(tmp_path):
    (step,) = recipe("chest_xray_variants", data=str(split_anew(tmp_path))).data
    data = load_dataset(**step.arguments)
    sizes = {name: len(data.part(name)) for name in ("train", "val", "test")}
    assert sizes == {"train": 56, "val": 12, "test": 12}
    of_test = {"train" if "/train/" in f"/{name}" else "test" for name in data.part("test").ids.tolist()}
    assert of_test == {"train", "test"}  # images of both given splits
    assert not any("in more than one of the given splits" in note for note in data.notes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hybrid.extractors.RandomWeightsWarning")
@pytest.mark.filterwarnings("ignore:OpenVINO cannot run:UserWarning")  # an LSTM
@pytest.mark.parametrize("name", ANSWERS)
def test_a_quick_run_ends_in_a_report_with_the_networks_and_our_own_answer(name, hybrid, tmp_path):
    data = DATA[name](tmp_path)
    (group,) = hybrid.json("run", RECIPES / f"{name}.toml", "--quick", "--data", data)["groups"]
    found = {model["model"] for model in group["models"]}
    place = group["choice"]["model"].removeprefix(ANSWERS[name])
    assert group["choice"]["model"] == f"{ANSWERS[name]}{place}"
    expected = {f"network-{network}{place}".replace("_", "-") for network in NETWORKS[name]}
    assert expected <= {model.replace("_", "-") for model in found}
    page = (tmp_path / f"hybrid_runs/reports/{name}/report.html").read_text()
    assert ANSWERS[name] in page
    if len(NETWORKS[name]) > 1:
        assert "Loss and accuracy of all networks on validation" in page
