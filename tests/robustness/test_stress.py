"""Stress runs: the scores of a model on corrupted images, with tests, words, a record and nothing computed twice."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_pictures import write_colours
from PIL import Image

from hybrid import Dataset, InputError, load_dataset, load_model, save_model
from hybrid.evaluation import evaluate
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.corruptions import CorruptedSource, Corruption, all_corruptions
from hybrid.extractors.images.views import Views
from hybrid.pipelines import make_head_pipeline
from hybrid.robustness import StressRecord, stress, stress_records
from hybrid.robustness.stress import from_strongest
from hybrid.workspace.fitted_models import load_record
from hybrid.workspace.history import History
from hybrid.workspace.workspace import Workspace

COLOURS = {"blue": (90, 100, 140), "green": (100, 130, 95)}


@pytest.fixture
def work(hybrid, exported_graph, tiny_network, tmp_path):
    """A workspace with two heads on the tiny network."""
    write_colours(tmp_path / "pictures", COLOURS, {"train": 12, "val": 6, "test": 10})
    hybrid("extract", "pictures", "--backbone", tiny_network, "--layer", "hidden")
    hybrid("fit", "softmax", "--name", "one")
    hybrid("fit", "svm", "--name", "two")
    return Workspace(tmp_path / "hybrid_runs")


@pytest.mark.network
def test_scores_are_those_of_the_model_on_the_corrupted_images(work, computed, tmp_path):
    costs = []
    record = stress("one", workspace=work.folder, n_boot=200, tell=costs.append)
    assert sum(computed) == 25 * 20
    assert costs == ["25 corruptions of 20 images: 500 images go through the network, and about 1 MB are stored."]
    assert (record.dataset, record.split, record.images, record.metric) == ("pictures", "test", 20, "roc_auc")
    test = load_dataset("pictures").part("test")
    model = load_model(work.models / "one" / "model")
    for corruption in (Corruption("blur", 2), Corruption("noise", 40), Corruption("contrast", 0.3)):
        source = CorruptedSource(test.X, corruption)
        proba = model[1:].predict_proba(model[0].transform(source))
        pixels = np.stack([source.decode(n, (16, 16), 3, "bilinear")[1] for n in range(20)])
        np.testing.assert_allclose(proba, model.predict_proba(pixels), atol=1e-6)
        expected = evaluate(test.y, proba, ["blue", "green"], y_pred=model.predict(pixels), n_boot=0).metrics
        found = next(one for one in record.of(corruption.kind) if one.strength == corruption.strength)
        for name in ("roc_auc", "accuracy", "brier"):
            assert found.metrics[name].value == pytest.approx(expected[name].value)
        assert found.difference == pytest.approx(expected["roc_auc"].value - record.clean["roc_auc"].value)
    assert record.clean["roc_auc"].value == pytest.approx(
        evaluate(test.y, model.predict_proba(test.X), n_boot=0).metrics["roc_auc"].value
    )

    saved = StressRecord.read(record.path)
    assert saved.to_json() == record.to_json()
    assert [one.path for one in stress_records(work, load_record(work, "one"))] == [record.path]
    assert stress_records(work, load_record(work, "two")) == []
    other = replace(load_record(work, "one"), predictions_sha256="0" * 64)
    assert stress_records(work, other) == []
    look = History(work).events()[-1]
    assert (look.what, look.by, list(look.models)) == ("shown", "stress", ["one"])

    computed.clear()
    again = stress("two", workspace=work.folder, n_boot=200, tell=costs.append)
    assert not computed
    assert costs[-1].endswith("all embeddings are stored, so no network is needed.")
    assert again.metric == "roc_auc"
    table = again.table()
    assert len(table) == 26
    assert table.loc[0, "roc_auc"] == again.clean["roc_auc"].value
    assert isinstance(table, pd.DataFrame)


@pytest.mark.network
def test_the_command_shows_words_a_table_and_a_figure(work, hybrid, tmp_path):
    text = hybrid("stress", "one", "--split", "val", "--output", "stress.png")
    assert "On 12 images of pictures (val), one has a ROC AUC of" in text
    assert "blur of 1 pixel " in text
    assert "JPEG of quality 7" in text
    with Image.open(tmp_path / "stress.png") as figure:
        assert figure.width > 500
    assert [event.by for event in History(work).events() if event.what == "shown"] == []
    found = hybrid.json("stress", "one", "--split", "val", "--seed", "1")
    assert len(found["scores"]) == 25
    assert found["seed"] == 1
    assert found["sentences"][0].startswith("On 12 images")
    hybrid("plan", "--lock-test")
    with pytest.raises(InputError, match="locked in this workspace"):
        stress("one", workspace=work.folder)
    with pytest.raises(InputError, match="Unknown split 'train'"):
        stress("one", workspace=work.folder, split="train")


@pytest.mark.network
def test_images_that_the_model_has_seen_are_left_out_and_a_sample_is_drawn(work, tmp_path):
    record = stress("one", "pictures", workspace=work.folder, images=15, n_boot=100)
    assert record.images == 15
    assert record.split is None
    assert record.notes == (
        "36 images that the model was fitted to or chosen on: left out.",
        "A random sample of 15 of 20 images.",
    )


@pytest.mark.network
def test_changed_images_and_unknown_data_are_refused(work, tmp_path):
    path = tmp_path / "pictures" / "test" / "blue" / "0.png"
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    with pytest.raises(InputError, match="1 of 20 images of pictures have changed"):
        stress("one", workspace=work.folder)
    elsewhere = (work.models / "one" / "model").rename(tmp_path / "sent")
    with pytest.raises(InputError, match="are not known in this workspace: give a dataset"):
        stress(elsewhere, workspace=work.folder)
    assert stress(elsewhere, "pictures", split="test", workspace=work.folder, n_boot=100).predictions_sha256 == ""


@pytest.mark.network
@pytest.mark.parametrize("task", ["multiclass", "multilabel", "views"])
def test_several_classes_several_labels_and_views(task, exported_graph, tiny_network, tmp_path, pixels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (24, 16, 16, 3), np.uint8)
    y = np.array(["a", "b", "c"])[np.arange(24) % 3]
    if task == "multilabel":
        y = (rng.random((24, 2)) < 0.5).astype(np.uint8)
    names = ["p", "q"] if task == "multilabel" else None
    data = Dataset.from_arrays(
        images, y, ["train"] * 24, groups=[f"g{n // 2}" for n in range(24)], label_names=names, together="none"
    )
    extractor = FeatureExtractor(str(tiny_network), layers="hidden")
    head = make_head_pipeline("softmax").fit(extractor.transform(images), data.y)
    views = Views(2, Augmentation((("rotate", 20),)), seed=4)
    info = {"views": views.fields()} if task == "views" else {"labels": names} if names else {}
    model = save_model(head, tmp_path / "model", extractor=extractor, info=info)
    record = stress(model, data, workspace=tmp_path / "runs", n_boot=50, metric="f1_macro")
    assert record.task == ("multilabel" if task == "multilabel" else "multiclass")
    assert record.groups == 12
    assert len(record.scores) == 25
    pipeline, source = load_model(model), CorruptedSource(images, Corruption("blur", 3))
    X = source if task == "views" else pipeline[0].transform(source)
    predicted = (pipeline if task == "views" else pipeline[1:]).predict(X)
    from sklearn.metrics import f1_score

    assert record.of("blur")[-1].metrics["f1_macro"].value == pytest.approx(
        f1_score(data.y, predicted, average="macro", zero_division=0)
    )
    assert "F1, macro" in record.sentences()[0]


def test_from_the_strongest_to_the_weakest():
    kinds = {"blur": [0.2, 0.001, 0.004, 0.002, 0.0001], "jpeg": [0.5, 0.001, 0.9, 0.001, 0.001]}
    p = {one: kinds[one.kind][number % 5] for number, one in enumerate(all_corruptions()) if one.kind in kinds}
    p |= dict.fromkeys([one for one in all_corruptions() if one.kind == "noise"])
    found = from_strongest(p)
    of = {kind: [value for one, value in found.items() if one.kind == kind] for kind in (*kinds, "noise")}
    assert of["blur"][::-1] == pytest.approx([0.0003, 0.006, 0.012, 0.012, 0.6])
    assert of["jpeg"][::-1] == pytest.approx([0.003, 0.003, 1, 1, 1])
    assert of["noise"] == [None] * 5


def test_the_probability_of_any_false_claim_is_at_most_5_percent():
    rng, corruptions, false_claims = np.random.default_rng(0), all_corruptions(), 0
    for _ in range(2000):
        shared = np.sqrt(0.5) * np.repeat(rng.standard_normal(5), 5)
        p = from_strongest(
            dict(zip(corruptions, _two_sided(shared + np.sqrt(0.5) * rng.standard_normal(25)), strict=True))
        )
        false_claims += min(p.values()) < 0.05
    assert 0.035 < false_claims / 2000 < 0.06


def _two_sided(z):
    from scipy.stats import norm

    return (2 * norm.sf(np.abs(z))).tolist()


def test_words_follow_the_record():
    from made_stress import made_stress

    text = made_stress(lower={"blur": 2}).sentences()
    assert text[0] == (
        "On 100 images of 50 groups of scans (test), svm-made has a ROC AUC of 0.970 (0.940–0.990). "
        "2 of 25 corruptions make it significantly worse: blur."
    )
    assert text[1] == (
        "Blur of 2 pixels lowers the ROC AUC from 0.970 to 0.810 (difference −0.160, 95% interval −0.210 to −0.110); "
        "blur of 3 pixels lowers it to 0.810. No loss is shown for weaker ones."
    )
    assert text[2].startswith(
        "No loss of ROC AUC by noise is shown on these images: noise of 40 grey levels changes it"
    )
    assert "None of the 25 corruptions" in made_stress(lower={}).sentences()[0]
