"""What an earlier version wrote can still be read: models, embedding sets, stores, networks and workspaces.

``tests/data/version_0.1.0.sh`` says how that version made the files.
"""

import json
import shutil
import tarfile

import numpy as np
import pytest
from paths import ROOT

from hybrid.classifiers import HEADS
from hybrid.embeddings.embedding_set import load_set
from hybrid.pipelines import load_model
from hybrid.workspace.fitted_models import load_record
from hybrid.workspace.training_record import TrainingRecord
from hybrid.workspace.workspace import Workspace

MODELS = (
    "ensemble",
    "forest",
    "forest-pls",
    "joined",
    "labels-forest",
    "labels-softmax",
    "labels-svm",
    "labels-xgboost",
    "network-net",
    "network-net-last",
    "softmax",
    "svm",
    "xgboost",
)


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """What version 0.1.0 wrote, unpacked."""
    folder = tmp_path_factory.mktemp("version_0.1.0")
    with tarfile.open(ROOT / "tests/data/version_0.1.0.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def project(written, tmp_path, monkeypatch):
    """A copy of it to work in, with its store as the cache."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_archive_holds_a_model_of_every_head_of_that_version(written):
    assert sorted(path.name for path in (written / "hybrid_runs/models").iterdir()) == list(MODELS)
    assert {"svm", "forest", "xgboost", "softmax"} <= set(HEADS)


@pytest.mark.network
@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_what_it_predicted(project, hybrid, name):
    images = [f"images/{kind}{number}.png" for kind in ("dots", "labels") for number in range(4)]
    now = json.loads(hybrid("predict", name, *images, "--json"))
    then = json.loads((project / "predicted" / f"{name}.json").read_text())
    for new, old in zip(now["predictions"], then["predictions"], strict=True):
        assert new.keys() == old.keys()
        values = {key: old[key] for key in old.keys() - {"image", "predicted"}}
        assert {key: new[key] for key in values} == pytest.approx(values, abs=1e-6)
        tied = 0.5 in values.values()  # version 0.1.0 did not predict a label whose probability is exactly 0.5
        assert tied or new["predicted"] == old["predicted"]


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_inspected_and_loaded(project, hybrid, name):
    said = hybrid("inspect", name)
    assert "as saved" in said
    assert "changed" not in said
    assert load_model(project / "hybrid_runs/models" / name / "model")[-1].classes_ is not None


@pytest.mark.medium
def test_a_comparison_of_its_models_is_the_same(project, hybrid):
    now = json.loads(hybrid("compare", "--json"))
    then = json.loads((project / "compare.json").read_text())
    assert [group["dataset"] for group in now["groups"]] == [group["dataset"] for group in then["groups"]]
    for new, old in zip(now["groups"], then["groups"], strict=True):
        assert new["choice"]["model"] == old["choice"]["model"]
        known = {model["model"]: model for model in old["models"]}
        # A network whose last epoch is its best one is listed once now.
        assert known.keys() - {"network-net-last"} <= {model["model"] for model in new["models"]} <= known.keys()
        for one in new["models"]:
            other = known[one["model"]]
            for name, metric in other["evaluation"]["metrics"].items():
                found = one["evaluation"]["metrics"][name]
                for part in ("value", "low", "high"):
                    assert found[part] == pytest.approx(metric[part], abs=1e-9), (one["model"], name, part)


@pytest.mark.network
def test_its_embedding_sets_have_their_rows_and_can_be_fitted(project, hybrid):
    for name, width in (("dots", 16), ("max", 16), ("views", 16), ("labels", 16)):
        found = load_set(Workspace(project / "hybrid_runs"), name)
        rows = found.embeddings()
        assert rows.shape == (80, width)
        assert np.isfinite(rows).all()
    assert load_set(Workspace(project / "hybrid_runs"), "views").views.number == 2
    assert "roc_auc" in hybrid("fit", "softmax", "--set", "dots", "--set", "max", "--name", "new")


@pytest.mark.medium
@pytest.mark.usefixtures("no_report")
def test_its_costs_are_read_and_told_as_what_they_are(project, hybrid):
    """It recorded seconds by the wall clock only, and those of extraction as averages over whole runs."""
    place = Workspace(project / "hybrid_runs")
    record = load_set(place, "dots").record
    saved = json.loads((place.sets / "dots.json").read_text())
    assert (record.cost, record.processor, record.measure) == (saved["cost"], None, "runs")
    assert [(one.wall, one.processor) for one in record.known_passes] == [(saved["cost"], None)]
    former = load_record(place, "softmax")
    assert (former.seconds.measure, former.processor, former.cuts) == ("runs", None, 1)
    assert TrainingRecord.read(place.networks / "net/training.json").processor is None
    former_only = hybrid("compare", "svm", "softmax")
    assert "costs: wall-clock seconds" in former_only
    hybrid("fit", "softmax", "--set", "dots", "--name", "new")
    said = hybrid("compare", "new", "svm")
    assert "costs: processor seconds, in brackets wall-clock seconds" in said
    assert "svm: an earlier version of hybrid recorded wall-clock seconds only." in said
    assert ": extract is an average over whole runs of an earlier version of hybrid" in said
    fitted = load_record(place, "new")
    assert (fitted.seconds.measure, fitted.processor.extract) == ("runs", None)
    assert fitted.processor.fit > 0


@pytest.mark.network
def test_its_store_stays_readable_beside_the_rows_of_the_new_decode_policy(project, hybrid, computed):
    assert "All 10 shards (528 embeddings) of 4 extractors match their checksums." in hybrid("cache", "verify")
    arguments = ("extract", "dots.npz", "--backbone", "hybrid_runs/networks/net/network.keras", "--name")
    hybrid(*arguments, "again")
    assert sum(computed) == 80
    hybrid(*arguments, "once_more")
    assert sum(computed) == 80
    assert "of 5 extractors match their checksums." in hybrid("cache", "verify")
    new, old = (load_set(Workspace(project / "hybrid_runs"), name) for name in ("again", "dots"))
    np.testing.assert_allclose(new.embeddings(), old.embeddings(), rtol=1e-4, atol=1e-5)


@pytest.mark.medium
@pytest.mark.network
def test_a_run_of_its_recipe_computes_embeddings_once_and_then_has_nothing_left_to_do(project, hybrid, computed):
    hybrid("run", "recipe.toml", "--workspace", "run_runs")
    count = sum(computed)
    models = {path: path.stat().st_mtime_ns for path in (project / "run_runs/models").glob("*/metrics.json")}
    hybrid("run", "recipe.toml", "--workspace", "run_runs")
    assert sum(computed) == count
    assert {path: path.stat().st_mtime_ns for path in (project / "run_runs/models").glob("*/metrics.json")} == models


@pytest.mark.network
def test_a_metric_that_its_records_lack_gives_one_sentence(project, hybrid):
    assert "Unknown metric 'log_loss_macro'" in hybrid("compare", "--metric", "log_loss_macro", code=1)
    hybrid("fit", "softmax", "--set", "labels", "--name", "a-new")
    said = hybrid("compare", "--metric", "log_loss_macro", code=1)
    assert "was evaluated without log_loss_macro, by an earlier version of hybrid: fit it again" in said
