"""A report is sent to others: nothing in it says where things lie on the machine that wrote it."""

import json
from dataclasses import replace

import pytest
from made_report import made_comparison, made_dataset

from hybrid.workspace.private_paths import place_name, without_places


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('source = "/home/me/my data"', 'source = "…/my data"'),
        ("of '/a/b.npz', and more", "of '…/b.npz', and more"),
        (r'weights = "C:\data\x.h5"', 'weights = "…/x.h5"'),
        ("weights = '~/x.h5'", "weights = '…/x.h5'"),
        ("lies in /srv/data/birds.", "lies in …/birds."),
        ("--set data.image_root=/srv/images", "--set data.image_root=…/images"),
        ("the share 1/2 of ROC/PR, see https://a.b/c", "the share 1/2 of ROC/PR, see https://a.b/c"),
        ('group_pattern = "/(person\\\\d+)_"', 'group_pattern = "/(person\\\\d+)_"'),
        ('source = "../data/birds"', 'source = "../data/birds"'),
    ],
)
def test_a_text_names_things_without_their_places(text, shown):
    assert without_places(text) == shown


def test_what_is_no_absolute_path_keeps_its_name():
    for value in ("digits", "data/birds", "medmnist:pneumoniamnist", 3, None, ""):
        assert place_name(value) == value


@pytest.mark.medium
def test_no_file_of_a_report_holds_a_path_of_this_machine(tmp_path):
    home = str(tmp_path)
    dataset = made_dataset(160, ["cat", "dog"])
    dataset = replace(dataset, ids=[f"{home}/far/{number}.png" for number in range(160)])
    record = {
        "backbones": (f"{home}/runs/networks/net-made/network.keras", "mobilenet"),
        "warnings": (f"The images of '{home}/data/made' are in two splits.",),
        "params": {"file": f"{home}/x.h5"},
    }
    comparison = made_comparison(tmp_path / "runs", dataset, {"svm-made": 2.0, "forest-made": 1.5}, **record)
    notes = (f"The models were not cross-validated: '{home}/runs/sets/made.json' cannot be read.",)
    recipe = f'[data]\nsource = "{home}/data/made"\n# run with --data {home}/other\n'
    comparison = replace(comparison, notes=notes, recipe=recipe)
    files = comparison.save(tmp_path / "out")
    assert {path.suffix for path in files} >= {".html", ".json", ".csv", ".md", ".svg"}
    for path in files:
        assert home.encode() not in path.read_bytes(), path.name
    page = files[0].read_text()
    for said in ("…/made", "…/other", "The models were not cross-validated: &#39;…/made.json"):
        assert said in page
    (row, *_) = json.loads((tmp_path / "out" / "comparison.json").read_text())["groups"][0]["models"]
    assert row["backbone"] == "net-made/network.keras+mobilenet"
