"""Recipes: what they say, and that every mistake is named with its file and key, before anything is done."""

import re
import tomllib

import numpy as np
import pytest
from paths import ROOT

from hybrid.errors import InputError
from hybrid.recipes import read_recipe
from hybrid.recipes.section import RecipeTable

RECIPE = """\
title = "Chest X-rays"
seed = 3
[data]
source = "pictures"
split = "60/20/20"
[train.net]
arch = "resnet_small:width=8"
epochs = 2
augment = ["rotate=10", "flip"]
[features]
net = {network = "net"}
mobilenet = {backbone = "mobilenet:alpha=0.25", weights = "file.h5"}
both = ["net", "mobilenet"]
[heads]
use = ["svm", "softmax", "ensemble"]
tune = true
[protocol]
aim = "balanced"
"""


@pytest.fixture
def read(tmp_path):
    """Read a recipe's text from a file in a folder of its own."""

    def read(text=RECIPE, **options):
        folder = tmp_path / "recipes"
        folder.mkdir(exist_ok=True)
        (folder / "mine.toml").write_text(text)
        return read_recipe(folder / "mine.toml", **options)

    return read


def by_name(steps):
    return {step.name: step for step in steps}


def test_a_recipe_says_what_to_do(read, tmp_path):
    recipe = read()
    (data,) = recipe.data
    assert data.arguments["data"] == str(tmp_path / "recipes/pictures")
    assert data.arguments["fractions"] == (0.6, 0.2, 0.2)
    assert data.arguments["random_state"] == 3
    (network,) = recipe.train
    options = network.options
    assert (network.architecture.label, options.epochs, options.random_state) == ("resnet_small:width=8", 2, 3)
    assert network.options.augment == ("rotate=10", "flip")
    extractions = by_name(recipe.extract)
    assert extractions["net"].network == "net"
    assert extractions["mobilenet"].parameters["weights"] == str(tmp_path / "recipes/file.h5")
    assert {step.name: step.parts for step in recipe.features} == {
        "net": ("net",),
        "mobilenet": ("mobilenet",),
        "both": ("net", "mobilenet"),
    }
    heads = by_name(recipe.heads)
    options = heads["svm"].options
    assert (options.tune, options.aim, options.seed) == ("cv", "balanced", 3)
    assert heads["svm"].features == ("net", "mobilenet", "both")
    (ensemble,) = recipe.ensembles
    assert (ensemble.heads, ensemble.weights, ensemble.options.aim) == (("svm", "softmax"), "equal", "balanced")
    assert recipe.text.startswith(RECIPE)


def test_the_shortest_recipes(read):
    heads_only = read('[data]\nsource = "digits"\n[features]\nvgg = {backbone = "vgg16"}')
    assert {head.head for head in heads_only.heads} == {"svm", "forest", "xgboost", "softmax"}
    networks_only = read('[data]\nsource = "digits"\n[train.a]\narch = "convnet_small"')
    assert not networks_only.heads
    features_of_networks = read('[data]\nsource = "digits"\n[train.a]\narch = "convnet_small"\n[heads]\nuse = ["svm"]')
    assert [step.parts for step in features_of_networks.features] == [("a",)]


def test_layers_and_poolings_stand_for_a_feature_each(read):
    recipe = read("""
        [data]
        source = "digits"
        [features]
        vgg = {backbone = "vgg16", layers = ["fc1", ["block3_pool", "block4_pool"]], pooling = ["avg", "max"]}
        one = {backbone = "vgg16", layers = "fc2", pooling = "max"}
        pair = ["one", "vgg-fc1-avg"]
    """)
    cuts = {step.name: (step.parameters["layers"], step.parameters["pooling"]) for step in recipe.extract}
    assert cuts == {
        "vgg-fc1-avg": (["fc1"], "avg"),
        "vgg-fc1-max": (["fc1"], "max"),
        "vgg-block3_pool_block4_pool-avg": (["block3_pool", "block4_pool"], "avg"),
        "vgg-block3_pool_block4_pool-max": (["block3_pool", "block4_pool"], "max"),
        "one": (["fc2"], "max"),
    }
    assert len(recipe.features) == 6


def test_several_datasets_and_networks_of_some_of_them(read):
    recipe = read("""
        [data.a]
        source = "digits"
        [data.b]
        source = "medmnist:organcmnist"
        [train.net]
        arch = "convnet_small"
        data = "a"
        [train.other]
        arch = "convnet_small"
        [features]
        net = {network = "net"}
        vgg = {backbone = "vgg16"}
        both = ["net", "vgg"]
        [heads]
        use = ["svm"]
    """)
    assert [step.name for step in recipe.data] == ["a", "b"]
    assert {step.name: step.data for step in recipe.train} == {"net": ("a",), "other": ("a", "b")}
    assert {step.name: step.data for step in recipe.features} == {"net": ("a",), "vgg": ("a", "b"), "both": ("a",)}


def test_a_network_is_described_in_the_recipe(read):
    mine = 'layers = ["conv 8", "flatten"]\nl2 = 0.01\nsize = [20, 30]\nlast = true'
    recipe = read(f'[data]\nsource = "digits"\n[train.mine]\n{mine}')
    (step,) = recipe.train
    assert step.architecture.lines((20, 30, 1)) == ("conv 8", "flatten")
    assert step.architecture.options == {"l2": 0.01}
    assert (step.size, step.last) == ((20, 30), True)


def test_several_seeds_of_a_network_are_networks_and_features_of_their_own(read):
    recipe = read("""
        seed = 5
        [data]
        source = "digits"
        [train.net]
        arch = "convnet_small"
        seeds = 3
        last = true
        [features]
        net = {network = "net"}
        one = {network = "net-seed6", layers = ["features", "conv_1"]}
        vgg = {backbone = "vgg16"}
        all = ["net", "vgg"]
        [heads]
        use = ["svm"]
        [protocol]
        choose = "network-net-seed7-last"
    """)
    names = ["net-seed5", "net-seed6", "net-seed7"]
    assert [(step.name, step.options.random_state) for step in recipe.train] == list(zip(names, (5, 6, 7), strict=True))
    features = {step.name: step.parts for step in recipe.features}
    assert features == {
        **{name: (name,) for name in names},
        "one-features": ("one-features",),
        "one-conv_1": ("one-conv_1",),
        "vgg": ("vgg",),
        "all": (*names, "vgg"),
    }
    assert [step.network for step in recipe.extract] == [*names, "net-seed6", "net-seed6", None]
    without = read('[data]\nsource = "digits"\n[train.a]\narch = "convnet_small"\nseeds = 2\n[heads]\nuse = ["svm"]')
    assert [step.parts for step in without.features] == [("a-seed0",), ("a-seed1",)]


def test_what_train_says_holds_for_every_network_that_does_not_say_otherwise(read):
    text = '[data]\nsource = "digits"\n[train]\narch = "convnet_bn"\nepochs = 3\nl2 = 0.01\n'
    steps = by_name(read(text + '[train.a]\n[train.b]\nepochs = 5\nl2 = 0.1\narch = "dense_128"').train)
    assert {name: (step.architecture.label, step.options.epochs) for name, step in steps.items()} == {
        "a": ("convnet_bn:l2=0.01", 3),
        "b": ("dense_128:l2=0.1", 5),
    }
    with pytest.raises(InputError, match=r"\[train\] arch: it belongs to no network\. Give a table \[train\.NAME\]"):
        read(text)
    with pytest.raises(InputError, match=r"\[train\.a\] epoch: Unknown key 'epoch'"):
        read(text + "[train.a]", changes=["train.epoch=1"])


def test_a_pretrained_network_is_fine_tuned(read, tmp_path):
    table = 'arch = "mobilenet:alpha=0.25"\nweights = "file.h5"\nunfreeze = 5\nhead_epochs = 0.5\ndropout = 0.3'
    recipe = read(f'[data]\nsource = "digits"\n[train.tuned]\n{table}')
    (step,) = recipe.train
    assert step.architecture.weights == str(tmp_path / "recipes/file.h5")
    assert step.architecture.dropout == 0.3
    assert (step.options.fine_tuning.unfreeze, step.options.fine_tuning.head_epochs) == (5, 0.5)
    with pytest.raises(InputError, match=r"\[train\.tuned\] unfreeze: Unknown layer 'conv_pw_14'\. Nearest: 'conv_pw"):
        read(recipe.text, changes=["train.tuned.unfreeze=conv_pw_14"])
    with pytest.raises(InputError, match=r"\[train\.net\] unfreeze: Unknown key"):
        read(changes=["train.net.unfreeze=5"])
    with pytest.raises(InputError, match=r"\[train\.tuned\]: head_epochs=2\.0 was given"):
        read(recipe.text, changes=["train.tuned.head_epochs=2"])


def test_heads_of_their_own(read):
    text = RECIPE + '[heads.strict]\nhead = "svm"\nC = 0.001\npca = 0.9\nfeatures = ["net"]\ntune = false\naim = "f1"'
    heads = by_name(read(text, changes=["protocol.class_weight=none"]).heads)
    strict, plain = heads["strict"], heads["svm"]
    assert (strict.head, strict.features) == ("svm", ("net",))
    assert strict.options.params == {"C": 0.001, "class_weight": None}
    assert (strict.options.tune, strict.options.pca, strict.options.aim) == (None, 0.9, "f1")
    assert (plain.options.params, plain.options.tune) == ({"class_weight": None}, "cv")


def test_the_command_line_has_the_last_word(read, tmp_path, monkeypatch):
    here = tmp_path / "here"
    (here / "other").mkdir(parents=True)
    monkeypatch.chdir(here)
    recipe = read(
        data="other", changes=["data.val=0.2", "train.net.epochs=7", "protocol.choose=best", 'heads.use=["svm"]']
    )
    assert recipe.data[0].arguments["data"] == str(here / "other")
    assert recipe.data[0].arguments["val"] == 0.2
    assert recipe.train[0].options.epochs == 7
    assert recipe.protocol.choose == "best"
    assert recipe.protocol.fixed_classes
    assert not read(changes=["protocol.fixed_classes=false"]).protocol.fixed_classes
    assert [head.name for head in recipe.heads] == ["svm"]
    for said in ("other", "train.net.epochs=7"):  # the report shows with what the recipe was run
        assert said in recipe.text.removeprefix(RECIPE)
    tomllib.loads(recipe.text)


def test_findings_to_drop_are_taken_in_the_order_of_their_checks(read):
    text = '[data]\nsource = "digits"\ndrop = {}\n[train.net]\narch = "convnet_small"'
    assert read(text.format('["duplicates", "blank"]')).data[0].arguments["drop"] == ["blank", "duplicates"]
    assert read(text.format("[]")).data[0].arguments["drop"] is None
    with pytest.raises(InputError, match=r"\[data\] drop: Unknown finding to drop 'blanc'"):
        read(text.format('["blanc"]'))


def test_a_recipe_says_what_is_a_split_and_how_one_is_drawn(read):
    text = '[data]\nsource = "digits"\n{}\n[train.net]\narch = "convnet_small"'
    given = 'split_names = {fold1 = "train", fold2 = "test"}\nval_as_test = true\ntogether = "none"'
    arguments = read(text.format(given)).data[0].arguments
    assert arguments["split_names"] == {"fold1": "train", "fold2": "test"}
    assert (arguments["val_as_test"], arguments["together"]) == (True, "none")
    assert read(text.format("")).data[0].arguments["together"] == "duplicates"
    with pytest.raises(InputError, match=r"\[data\] together: Unknown value 'copies'"):
        read(text.format('together = "copies"'))
    with pytest.raises(InputError, match=r"\[data\] split_names: .* gives 'learn': expected NAME=train"):
        read(text.format('split_names = {fold1 = "learn"}'))


def test_data_given_for_one_of_several_datasets(read):
    text = '[data.a]\nsource = "x"\n[data.b]\nsource = "y"\n[features]\nvgg = {backbone = "vgg16"}'
    with pytest.raises(InputError, match=r"2 datasets\. Name one, as in --set data\.a\.source=digits"):
        read(text, data="digits")
    recipe = read(text, changes=["data.b.source=digits"])
    assert recipe.data[1].arguments["data"] == "digits"


def test_a_quick_run_does_less(read):
    text = RECIPE + '[quick]\ntrain.net.epochs = 1\nheads.use = ["svm"]\n'
    assert read(text).train[0].options.epochs == 2
    quick = read(text, quick=True)
    assert quick.train[0].options.epochs == 1
    assert quick.train[0].options.augment == ("rotate=10", "flip")
    assert [head.name for head in quick.heads] == ["svm"]
    with pytest.raises(InputError, match=r"--quick needs a table \[quick\]"):
        read(quick=True)


def test_a_model_may_be_fixed_in_advance(read):
    text = RECIPE.replace("epochs = 2", "epochs = 2\nlast = true")
    for name in ("network-net", "network-net-last", "svm-both", "ensemble-mobilenet"):
        assert read(text, changes=[f"protocol.choose={name}"]).protocol.choose == name
    with pytest.raises(InputError, match="Unknown model 'network-net-last'"):
        read(changes=["protocol.choose=network-net-last"])


def test_paths_may_name_the_environment(read, monkeypatch):
    text = '[data]\nsource = "${PICTURES}/a"\n[features]\nvgg = {backbone = "vgg16"}'
    with pytest.raises(InputError, match=r"mine\.toml: \[data\] source: .* PICTURES, which is not set"):
        read(text)
    monkeypatch.setenv("PICTURES", "/srv/pictures")
    assert read(text).data[0].arguments["data"] == "/srv/pictures/a"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("titel=1", "titel: Unknown key 'titel'. Nearest: 'title'"),
        ("seed=true", "seed: True was given; expected a whole number"),
        ('data.split="70/20"', "[data] split: The split '70/20' was given"),
        ("data.val=15", "[data] val: val=15 was given; expected a share above 0 and below 1"),
        ("data.labels=1", "[data] labels: Unknown key 'labels'. Nearest: 'label'"),
        ("train.net.epoch=1", "[train.net] epoch: Unknown key 'epoch'. Nearest: 'epochs'"),
        ('train.net.epochs="two"', "[train.net] epochs: 'two' was given; expected a whole number"),
        ("train.net.epochs=0", "[train.net]: epochs=0 was given"),
        ('train.net.augment=["rotat=1"]', "[train.net]: Unknown augmentation 'rotat'. Nearest: 'rotate'"),
        ('train.net.augment="flip"', "[train.net] augment: 'flip' was given; expected a list of text"),
        ('train.net.arch="resnet"', "[train.net] arch: Unknown"),
        ('train.net.layers=["conv x"]', "[train.net] layers: Line 1 of the network, 'conv x', cannot be read"),
        ("train.net.size=[1]", "[train.net] size: [1] was given"),
        ("train.net.seeds=0", "[train.net] seeds: 0 was given; expected the number of seeds"),
        ('train.net.data="b"', "[train.net] data: Unknown dataset 'b'"),
        ("features.net.layer=1", "[features.net] layer: Unknown key 'layer'. Nearest: 'layers'"),
        ('features.net.network="nat"', "[features.net] network: Unknown network 'nat'. Nearest: 'net'"),
        ('features.net.augment=["flip"]', "[features.net] augment: it applies only to views"),
        ('features.mobilenet.backbone="mobilnet"', "[features.mobilenet] backbone: Unknown backbone 'mobilnet'"),
        ('features.mobilenet.pooling="mean"', "[features.mobilenet] pooling: Unknown pooling 'mean'"),
        ('features.both=["nett"]', "[features] both: Unknown feature 'nett'. Nearest: 'net'"),
        ("features.both=1", "[features] both: 1 was given; expected a table or a list of other features"),
        ('features.net.pooling=["avg", "max"]', "[features] both: 'net' stands for several features. Name one of"),
        ('heads.use=["svn"]', "[heads] use: Unknown head 'svn'. Nearest: 'svm'"),
        ("heads.svm.c=1", "[heads.svm]: Unknown svm parameter 'c'. Nearest: 'C'"),
        ('heads.tune="yes"', "[heads] tune: 'yes' was given; expected true, 'cv' or 'val'"),
        ('heads.svm.features=["x"]', "[heads.svm] features: Unknown feature 'x'"),
        ('heads.ensemble.heads=["forest"]', "[heads.ensemble] heads: Unknown head 'forest'"),
        ("heads.svm=1", "[heads] svm: 1 was given; expected a table"),
        ('heads.usee=["svm"]', "[heads] usee: Unknown key 'usee'. Nearest: 'use', 'tune'. Expected one of: aim, cal"),
        (
            "protocol.metrics=1",
            "[protocol] metrics: Unknown key 'metrics'. Nearest: 'metric'. Expected one of: aim, by, c",
        ),
        ('protocol.aim="recall"', "[protocol]: The aim 'recall' was given"),
        ('protocol.cv="many"', "[protocol] cv:"),
        ('protocol.class_weight="equal"', "[protocol] class_weight: Unknown value 'equal'"),
        ('heads.ensemble.weights="vall"', "[heads.ensemble] weights: Unknown value 'vall'. Nearest: 'val'"),
        ("heads.ensemble.C=1", "[heads.ensemble] C: Unknown key 'C'"),
        ('protocol.choose="svm-bot"', "[protocol] choose: Unknown model 'svm-bot'. Nearest: 'svm-both'"),
        ('protocol.metric="roc_auk"', "[protocol] metric: Unknown metric 'roc_auk'. Nearest: 'roc_auc'"),
        ('heads.metric="acuracy"', "[heads]: Unknown metric 'acuracy'. Nearest: 'accuracy'"),
        ("heads.svm.pca=0", "[heads.svm]: pca=0 was given; expected a number of components"),
        ("heads.pca=1.5", "[heads]: pca=1.5 was given; expected a number of components"),
        ("protocol.folds=1", "[protocol]: folds=1, repeats=1 were given; expected 2 folds or more"),
        ('heads.svm.C="big"', "[heads.svm]: C='big' was given for the svm head; expected a number, such as"),
        ("heads.svm.C=-1", "[heads.svm]: C=-1 was given for the svm head; expected a number above 0"),
        (
            'features.mobilenet.layers="conv_pw_14"',
            "[features.mobilenet] layers: Unknown layer 'conv_pw_14'. Nearest: 'c",
        ),
        ('features.net.layers="conv_9"', "[features.net] layers: Unknown layer 'conv_9'. Nearest: 'conv_1'"),
        ("features.mobilenet.size=8", "[features.mobilenet] size: size=8×8 was given; the backbone mobilenet takes"),
        ("features.net.size=-3", "[features.net] size: size=-3 was given; expected a number of pixels"),
        ("train.net.size=0", "[train.net] size: size=0 was given; expected a number of pixels"),
        (
            'features.mobilenet.backbone="mobilenet:alfa=1"',
            "[features.mobilenet] backbone: Unknown option",
        ),
        (
            'features.mobilenet.backbone="resnet_small:depth=1"',
            "[features.mobilenet] backbone: Unknown option",
        ),
        ('train.net.arch="mobilenet:alfa=1"', "[train.net] arch: Unknown option of mobilenet 'alfa'. Nearest: 'alpha'"),
        ('data.group_pattern="("', "[data] group_pattern: The group pattern '(' is not a regular expression"),
        ('data.label_separator=""', "[data] label_separator: it is empty; expected the text between two labels"),
        ("seed=-1", "seed: -1 was given; expected a whole number from 0"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(read, change, sentence):
    with pytest.raises(InputError) as caught:
        read(changes=[change])
    assert str(caught.value).startswith(f"mine.toml: {sentence}")
    _, expected, names = str(caught.value).partition("Expected one of: ")
    assert not expected or len(set(names.split(", "))) == len(names.split(", "))  # each name once


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[data]\nsource = digits\nseed = 1", r"it is not valid TOML: .*line 2"),
        ("[data\n", r"it is not valid TOML: .*line 1"),
        ("", r"\[data\] source: it is missing"),
        ('[data]\nsource = "digits"', "there is nothing to compare"),
        ('[data]\nsource = "digits"\n[train.a]\nepochs = 1', r"\[train\.a\] arch: it is missing; expected text"),
        (
            '[data]\nsource = "digits"\n[train.a]\narch = "convnet_small"\n[protocol]\ncv = "5x2"',
            r"\[protocol\] cv: there are no heads to cross-validate",
        ),
        ("[data.a]\n[features]\nvgg = {}", r"\[data\.a\] source: it is missing"),
    ],
)
def test_a_text_that_is_no_recipe(read, text, sentence):
    with pytest.raises(InputError, match=rf"^mine\.toml: {sentence}"):
        read(text)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read: No such file"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe4"')
    with pytest.raises(InputError, match=r"latin\.toml: it is not a text file in UTF-8"):
        read_recipe(tmp_path / "latin.toml")


@pytest.mark.parametrize("text", ["epochs", "=5", "a..b=1"])
def test_a_change_without_a_key(read, text):
    with pytest.raises(InputError, match="expected KEY=VALUE"):
        read(changes=[text])


def recipes_of(page):
    blocks = re.findall(r"^```toml\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    return blocks


@pytest.mark.parametrize("page", ["README.md", "docs/guides/recipes.md"])
def test_the_recipes_of_the_documentation_can_be_run(read, page):
    recipes = [read(block, quick="[quick]" in block) for block in recipes_of(page)]
    assert all(recipe.heads for recipe in recipes)
    assert recipes[-1].ensembles


def test_every_key_is_documented(read, monkeypatch):
    keys = set()
    take = RecipeTable.take

    def recorded(table, key, *arguments):
        keys.add(key)
        return take(table, key, *arguments)

    monkeypatch.setattr(RecipeTable, "take", recorded)
    read(recipes_of("docs/guides/recipes.md")[-1])
    assert {"epochs", "views_of", "per_group", "network", "dicom_tags"} <= keys
    page = (ROOT / "docs/reference/recipes.md").read_text()
    own = {"resnet", "mine", "tuned", "mobilenet", "both", "strict"}  # names in that recipe
    assert [key for key in sorted(keys - own) if f"`{key}`" not in page and f"`[{key}" not in page] == []


@pytest.mark.parametrize("value", ["[" * 5000, "{a=" * 3000, "9" * 5000], ids=["brackets", "tables", "digits"])
def test_what_no_parser_takes_is_one_sentence(tmp_path, value):
    (tmp_path / "recipe.toml").write_text(f"title = {value}")
    with pytest.raises(InputError, match=r"recipe\.toml: it is not valid TOML"):
        read_recipe(tmp_path / "recipe.toml")
    (tmp_path / "recipe.toml").write_text("[data]\nsource = 'digits'")
    with pytest.raises(InputError, match="seed: .* was given; expected a whole number") as error:
        read_recipe(tmp_path / "recipe.toml", changes=[f"seed={value}"])
    assert len(str(error.value)) < 500


def test_knn_and_logistic_are_heads_where_they_are_named(read):
    text = "data = {source = 'digits'}\n[features]\na = {backbone = 'mobilenet'}\n"
    named = read(text + "[heads]\nuse = ['knn', 'logistic']\nknn = {n_neighbors = 5}\n")
    assert [(step.head, step.options.params) for step in named.heads] == [("knn", {"n_neighbors": 5}), ("logistic", {})]
    assert {"knn", "logistic"}.isdisjoint(step.head for step in read(text).heads)


@pytest.mark.medium
def test_mistakes_in_a_recipe_are_reported_before_keras_is_imported(python, tmp_path):
    np.savez(
        tmp_path / "set.npz",
        train_images=np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8),
        train_labels=np.arange(40) % 2,
    )
    text = '[data]\nsource = "set.npz"\n[features]\nnet = {backbone = "mobilenet"}\n[heads]\nuse = ["svm"]\n'
    (tmp_path / "mine.toml").write_text(text)
    changes = {
        "data.source=sett.npz": "[data] source: There is no file or folder",
        "data.source=digts": "Nearest name: 'digits'",
        "data.group_pattern=x(y)": "matches no image's id",
        "protocol.positive=sick": "[protocol] positive: The positive class 'sick' was given; expected one of 0, 1",
        "features.net.layers=conv_pw_14": "[features.net] layers: Unknown layer 'conv_pw_14'",
        "features.net.weights=none.h5": "[features.net]: There is no weights file",
    }
    code = """
import sys
from hybrid.cli.main import main
for change in sys.argv[1:]:
    try:
        main(["run", "mine.toml", "--set", change])
    except SystemExit:
        print("imported:", {"keras", "tensorflow"} & set(sys.modules))
"""
    done = python(code, *changes, check=False)
    assert [line for line in done.stdout.splitlines() if "imported:" in line] == ["imported: set()"] * len(changes)
    for said in changes.values():
        assert said in done.stderr
