"""The checklist for a paper: every filled item comes from a record, the others are left to the author."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_report import THREE_SKILLS, made_comparison, made_dataset
from made_stress import made_stress

from hybrid.comparison.leakage import Leakage
from hybrid.report import write_report
from hybrid.report.checklist.items import ITEMS
from hybrid.report.checklist.run import Run
from hybrid.report.checklist.write import TO_WRITE, answers, checklist
from hybrid.report.elements.inputs import collect
from hybrid.workspace.model_record import Adjustment, Member, Tuning

CLASSES = {"binary": ("cat", "dog"), "multiclass": ("cat", "dog", "owl"), "multilabel": ("a", "b", "c")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A function from a task to the comparison of three made models, with patients and an embedding set."""

    def make(task):
        folder = tmp_path_factory.mktemp(task)
        data = made_dataset(160, CLASSES[task], multilabel=task == "multilabel", of_each=2)
        return made_comparison(folder / "runs", data, THREE_SKILLS, with_set=True, scale=True)

    return {task: make(task) for task in CLASSES}


def run_of(comparison):
    leaderboard = comparison.leaderboards[0]
    run = Run.of(leaderboard, collect(leaderboard))
    manifest = SimpleNamespace(versions={"hybrid": "1.2", "numpy": "2.0"}, files={"head": None})
    run.inputs.manifests[run.model.name] = manifest
    return run


def with_model(run, **changed):
    models = list(run.leaderboard.models)
    models[run.number] = replace(run.model, **changed)
    return replace(run, leaderboard=replace(run.leaderboard, models=tuple(models)))


def with_board(run, **changed):
    return replace(run, leaderboard=replace(run.leaderboard, **changed))


def with_set(run, **changed):
    """Change the record of the dataset in all embedding sets."""
    sets = {
        name: replace(one, record=replace(one.record, dataset=replace(one.record.dataset, **changed)))
        for name, one in run.inputs.sets.items()
    }
    return replace(run, inputs=replace(run.inputs, sets=sets))


def with_size(run):
    decoding = {"size": [99, 77], "channels": 1, "interpolation": "bicubic", "preprocessing": "unit"}
    sets = {}
    for name, one in run.inputs.sets.items():
        identity = replace(one.identity, fields=one.identity.fields | decoding)
        extractor = replace(one.record.extractor, identity=identity)
        sets[name] = replace(one, record=replace(one.record, extractor=extractor))
    return replace(run, inputs=replace(run.inputs, sets=sets))


def with_weights(run):
    sets = {
        name: replace(one, record=replace(one.record, extractor=one.record.extractor.with_params(weights="imagenet")))
        for name, one in run.inputs.sets.items()
    }
    return replace(run, inputs=replace(run.inputs, sets=sets))


def with_patient_in_two_splits(run):
    sets = {name: replace(one, groups=np.full(len(one), "one")) for name, one in run.inputs.sets.items()}
    return replace(run, inputs=replace(run.inputs, sets=sets))


def with_other_results(run):
    evaluations = tuple(
        replace(one, n=7, level=0.9, metrics={name: replace(m, value=0.123) for name, m in one.metrics.items()})
        for one in run.leaderboard.evaluations
    )
    return with_board(run, evaluations=evaluations)


def with_other_predictions(run):
    parts = run.leaderboard.saved
    kept = np.arange(len(parts[0].split)) % 3 > 0
    return with_board(run, saved=tuple(part.take(kept) for part in parts))


def with_manifest(run):
    other = SimpleNamespace(versions={"hybrid": "9.9"}, files={"head": None, "network": None})
    return replace(run, inputs=replace(run.inputs, manifests={run.model.name: other}))


class _Found:
    """Stands for the shift, or for subgroups, of a comparison."""

    tested, found, sentence, short = True, True, "The images differ by 91 of 100.", ""

    def sentences(self, metric):
        return ["Worst is hospital south."]


CHANGES = {
    "7": lambda run: with_set(run, source="/secret/place/other_scans"),
    "9": with_size,
    "10": lambda run: with_set(run, arguments={"drop": ["blank", "size"]}),
    "12": lambda run: with_model(replace(run, inputs=replace(run.inputs, sets={})), skipped=4),
    "19": lambda run: with_set(run, notes=("A new split was drawn with seed 77.",)),
    "20": with_patient_in_two_splits,
    "21": with_other_results,
    "22": lambda run: with_model(run, head="forest", parameters=5, layers=("conv9",)),
    "23": with_manifest,
    "24": with_weights,
    "25": lambda run: with_model(run, tuning=Tuning("cv", {"C": 1}, "accuracy", 0.8, 12), params={"C": 3}),
    "26": lambda run: with_board(run, how=run.leaderboard.names[-1], fixed_by="the recipe"),
    "27": lambda run: with_model(run, members=(Member("one", "svm", "set", 0.5), Member("two", "knn", "set", 0.5))),
    "28": lambda run: with_board(run, metric="f1_macro"),
    "29": with_other_results,
    "30": lambda run: replace(run, stress=[stress_of(run)]),
    "32": with_other_results,
    "33": lambda run: replace(run, external=[SimpleNamespace(sentences=("On south it scores 0.7.",))]),
    "35": with_other_predictions,
    "36": with_other_predictions,
    "37": with_other_results,
    "38": with_other_results,
    "39": with_other_predictions,
    "42": lambda run: replace(run, recipe="[data]"),
    "T12e": with_other_results,
    "T13": lambda run: with_model(run, class_weight="balanced"),
    "T14": lambda run: with_board(run, subgroups=SimpleNamespace(scores={run.model.name: _Found()})),
    "T16": lambda run: with_board(run, shift=_Found()),
    "T22": with_manifest,
    "T23b": lambda run: with_board(run, subgroups=SimpleNamespace(scores={run.model.name: _Found()})),
}
WITHOUT_A_RECORD = {"43"}  # the version of this program


def stress_of(run):
    return made_stress({"noise": 2}, task=run.leaderboard.task, metric=run.leaderboard.metric)


@pytest.mark.parametrize("task", CLASSES)
def test_every_filled_item_changes_with_its_record(made, task):
    run = run_of(made[task])
    before = answers(run)
    changes = dict(CHANGES)
    if task != "multiclass":
        adjusted = Adjustment("val", 40)
        threshold = 0.321 if task == "binary" else (0.321, 0.5, 0.5)
        changes["T15"] = lambda run: with_model(run, threshold=threshold, aim="f1", adjustment=adjusted)
    filled = {key for key, sentences in before.items() if sentences}
    assert filled <= {*changes, *WITHOUT_A_RECORD, "T15"}
    for key, change in changes.items():
        after = answers(change(run))[key]
        assert after, key
        assert after != before[key], key


def test_nothing_is_invented_without_records(made):
    run = run_of(made["binary"])
    gone = replace(run, inputs=replace(run.inputs, sets={}, manifests={}, trainings={}))
    found = answers(gone)
    for key in ("9", "10", "12", "23", "24", "30", "42", "T14", "T16", "T22"):
        assert found[key] == [], key
    text = checklist([gone])
    for key in ("1", "8", "13", "14", "33", "44", "T17"):
        item = next(item for item in ITEMS if item.key == key)
        assert f"**{item.number}. {item.text}.**\n\n{TO_WRITE}" in text


def test_copies_are_stated(made):
    run = run_of(made["binary"])
    found = answers(with_board(run, leakage=Leakage(("x.png",), 40, "byte for byte", {})))["20"]
    assert any("1 of the 40 test images is also in train" in text for text in found)
    none = answers(with_board(run, leakage=Leakage((), 40, "byte for byte", {})))["20"]
    assert "None of the 40 test images is also in train, byte for byte." in none


def test_private_paths_never_appear(made):
    run = run_of(made["binary"])
    hidden = with_set(
        run,
        source="/home/ann/secret/scans",
        notes=("The split of '/home/ann/secret/scans/split.csv' was used.",),
        arguments={"drop": ["/home/ann/secret/drop"]},
    )
    hidden = with_model(hidden, backbones=("/home/ann/secret/net.keras",), params={"file": "/home/ann/secret/x"})
    text = checklist([hidden])
    assert "/home" not in text
    assert "secret" not in text
    assert "net.keras" in text


def test_all_items_are_there_once():
    assert [item.key for item in ITEMS[:44]] == [str(number) for number in range(1, 45)]
    assert len({item.key for item in ITEMS}) == len(ITEMS)


def test_it_is_written_beside_the_report(made, tmp_path):
    paths = write_report(made["binary"], tmp_path / "report.html")
    text = (tmp_path / "checklist.md").read_text()
    assert paths[1] == tmp_path / "checklist.md"
    assert text.startswith("# Checklist for a paper\n")
    assert text.count("**\n\n") == len(ITEMS)
    assert f"{made['binary'].leaderboards[0].chosen}" in text.replace("\\", "")
