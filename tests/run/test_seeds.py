"""`seeds = 2` in a recipe: a network trained twice, its features and models, and their spread in the report."""

import json

import pytest
from made_pictures import write_dots

pytestmark = pytest.mark.network

RECIPE = """\
seed = 3
[data]
source = "dots.npz"
[train.net]
layers = ["conv 4", "globalpool"]
epochs = 1
seeds = 2
[features]
net = {network = "net"}
both = ["net"]
[heads]
use = ["softmax"]
[heads.ensemble]
network = true
features = ["both"]
"""


@pytest.mark.slow
def test_a_network_of_two_seeds_is_trained_twice_and_its_spread_is_reported(hybrid, tmp_path):
    write_dots(tmp_path)
    (tmp_path / "seeds.toml").write_text(RECIPE)
    (group,) = hybrid.json("run", "seeds.toml")["groups"]
    networks = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.rglob("training.json")}
    assert {name: record["options"]["seed"] for name, record in networks.items()} == {
        "net-seed3-dots": 3,
        "net-seed4-dots": 4,
    }
    assert networks["net-seed3-dots"]["history"] != networks["net-seed4-dots"]["history"]

    rows = {row["model"]: row for row in group["models"]}
    pairs = {f"{head}-net-dots": [f"{head}-net-seed{seed}-dots" for seed in (3, 4)] for head in ("network", "softmax")}
    assert set(rows) == {
        "softmax-both-dots",
        "ensemble-both-dots",
        *(name for names in pairs.values() for name in names),
    }
    spreads = {(one["name"], one["split"], one["metric"]): one for one in group["seeds"]}
    assert {name for name, *_ in spreads} == set(pairs)
    for name, names in pairs.items():
        values = [rows[one]["roc_auc"] for one in names]
        assert spreads[name, "test", "roc_auc"]["mean"] == pytest.approx(sum(values) / 2)
        assert spreads[name, "test", "roc_auc"]["sd"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)

    both = json.loads((tmp_path / "hybrid_runs/models/ensemble-both-dots/metrics.json").read_text())
    members = {one["of"] for one in both["members"]}
    assert members == {name for names in pairs.values() for name in names}
    seconds = {name: record["seconds"] for name, record in networks.items()}
    assert both["trained"] == seconds  # each training once, whatever hangs on it
    assert rows["ensemble-both-dots"]["seconds_train"] == pytest.approx(sum(seconds.values()), abs=1e-3)
    page = (tmp_path / "hybrid_runs/reports/seeds/report.html").read_text()
    assert "Means over training seeds" in page
    assert "softmax-net" in page
