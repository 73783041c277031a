"""The record of a model is read back as it was written; what was changed or damaged since is found and named."""

import json
import re

import numpy as np
import pytest
from made_report import made_dataset, save_made_model

from hybrid.errors import InputError
from hybrid.pipelines.saved.adapted_from import AdaptedFrom
from hybrid.workspace.fitted_models import load_records, read_predictions, read_record
from hybrid.workspace.model_record import Adjustment, Member, ModelRecord, Seconds, Tuning
from hybrid.workspace.set_record import ViewsRecord
from hybrid.workspace.workspace import Workspace

CHOICE = {"threshold": 0.25, "reached": 0.9, "note": "40 images"}
FULL = {
    "backbones": ("resnet50", "mobilenet"),
    "views": (ViewsRecord(2, {"policy": 1, "operations": [["flip", 1.0]]}, 0, "train"), None),
    "params": {"heads": ["svm"], "models": []},
    "class_weight": {"cat": 1.0, "dog": 2.5},
    "tuning": Tuning("cv", {"C": 0.1}, "roc_auc", 0.9, 7),
    "adjustment": Adjustment("val", 40, None, (CHOICE,), ("Chosen on the 40 validation images.",)),
    "threshold": 0.25,
    "adapted": AdaptedFrom("svm", "0f" * 32, "refit", "north", 50, ("ab" * 32,), 0.1, None, 7),
    "weights": "val",
    "members": (Member("svm", "svm", "made-set", 0.4), Member("forest", "forest", "made-set", 0.6)),
    "warnings": ("Two images are alike.",),
    "pca": 0.95,
}


@pytest.fixture
def model_folder(tmp_path):
    """The folder of a model of two classes."""
    return save_made_model(tmp_path, "svm", made_dataset(160, ["cat", "dog"]), 2.0, 0).folder


def change(folder, harm, *, sealed=True):
    """Change a model's metrics.json, by default without a word to its seal; else make it one of schema 1."""
    path = folder / "metrics.json"
    saved = json.loads(path.read_text())
    if not sealed:
        del saved["seal"], saved["predictions_sha256"]
        saved["schema"] = 1
    harm(saved)
    path.write_text(json.dumps(saved))


def set_to(value, *keys):
    """Return a function that sets a value inside JSON."""

    def harm(saved):
        for key in keys[:-1]:
            saved = saved[key]
        assert saved[keys[-1]] != value
        saved[keys[-1]] = value

    return harm


def remove(*keys):
    def harm(saved):
        for key in keys[:-1]:
            saved = saved[key]
        del saved[keys[-1]]

    return harm


def error_of(folder):
    with pytest.raises(InputError) as caught:
        read_predictions(read_record(folder))
    said = str(caught.value)
    assert re.match(r"'.*(metrics\.json|predictions\.csv)' is damaged, or was changed after it was written: it ", said)
    assert "Delete the model's folder and fit it again" in said
    return said


@pytest.mark.parametrize("record", [{}, FULL])
@pytest.mark.parametrize(("classes", "multilabel"), [(["cat", "dog"], False), ([3, 10, 20], False), (["a", "b"], True)])
def test_a_record_is_read_back_as_it_was_written(tmp_path, classes, multilabel, record):
    before = save_made_model(tmp_path, "svm", made_dataset(160, classes, multilabel=multilabel), 1.0, 0, **record)
    after = read_record(before.folder)
    assert after.to_json() == before.to_json()
    for name in ModelRecord.__dataclass_fields__:
        if name != "splits":
            assert getattr(after, name) == getattr(before, name)
    for split, result in before.splits.items():
        assert after.splits[split].metrics == result.metrics
        assert after.splits[split].per_class == result.per_class
        np.testing.assert_array_equal(after.splits[split].confusion, result.confusion)


CHANGES = {
    "a score": set_to(0.123, "splits", "test", "metrics", "roc_auc", "value"),
    "a score of a class": set_to(0.123, "splits", "test", "per_class", 0, "recall", "value"),
    "the number of images": set_to(39, "splits", "test", "n"),
    "a count": set_to([[19, 1], [0, 20]], "splits", "test", "confusion"),
    "a class": set_to("bird", "classes", 0),
    "the classes of a split": set_to(["bird", "dog"], "splits", "test", "classes"),
    "the positive class": set_to("cat", "splits", "test", "positive"),
}


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("harm", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_what_the_predictions_say_is_found(model_folder, harm, sealed):
    change(model_folder, harm, sealed=sealed)
    assert ("does not match its checksum" in error_of(model_folder)) == sealed


@pytest.mark.parametrize(
    "harm",
    [
        set_to(0.01, "splits", "test", "metrics", "roc_auc", "low"),
        set_to(1e-9, "seconds", "extract"),
        set_to(1, "bytes"),
        set_to("forest", "head"),
        remove("warnings"),
        remove("seal"),
        set_to("f" * 63 + "0", "dataset_fingerprint"),
    ],
)
def test_every_other_change_of_a_sealed_record_is_found(model_folder, harm):
    change(model_folder, harm)
    assert "does not match its checksum" in error_of(model_folder)


def test_a_changed_score_is_named_with_what_it_was(model_folder):
    value = read_record(model_folder).splits["test"].metrics["roc_auc"].value
    change(model_folder, CHANGES["a score"], sealed=False)
    assert f"it says that roc_auc on test is 0.123, but its predictions give {value}." in error_of(model_folder)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text.replace("dog,cat", "dog,dog", 1),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("p_cat", "p_owl"),
        lambda text: text.replace(",dog,", ",owl,", 1),
        lambda text: "",
    ],
)
def test_a_change_of_the_predictions_is_found(model_folder, harm, sealed):
    if not sealed:
        change(model_folder, lambda saved: None, sealed=False)
    path = model_folder / "predictions.csv"
    before = path.read_text()
    path.write_text(harm(before))
    assert path.read_text() != before
    error_of(model_folder)


def test_missing_predictions_are_named(model_folder):
    (model_folder / "predictions.csv").unlink()
    assert "predictions.csv' is damaged" in error_of(model_folder)
    assert "No such file" in error_of(model_folder)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (set_to("fast", "seconds", "fit"), '"seconds.fit" is "fast"; expected a number or null'),
        (set_to(True, "width"), '"width" is true; expected a whole number or null'),
        (
            set_to("x", "splits", "test", "metrics", "mcc", "low"),
            '"splits.test.metrics.mcc.low" is "x"; expected a num',
        ),
        (set_to([1], "set"), '"set[0]" is 1; expected text'),
        (set_to("text", "splits"), '"splits" is "text"; expected an object'),
        (set_to("ordinal", "task"), '"task" is "ordinal"; expected "binary" or "multiclass" or "multilabel"'),
        (set_to({"on": 3}, "adjustment"), '"adjustment.on" is 3; expected text'),
        (remove("dataset"), '"dataset" is missing'),
        (remove("splits", "val", "confusion"), '"splits.val.confusion" is missing'),
        (set_to({}, "schema"), 'it has {} as its "schema"; expected a whole number from 1'),
    ],
)
def test_a_value_of_another_type_is_named(model_folder, harm, words):
    change(model_folder, harm, sealed=False)
    assert words in error_of(model_folder)


@pytest.mark.parametrize("content", [b'{"schema": 1, "model"', b"[]", b"", b"\xff", b'{"schema": NaN}', b"[" * 100_000])
def test_what_is_no_record_at_all_is_named(model_folder, content):
    (model_folder / "metrics.json").write_bytes(content)
    error_of(model_folder)


def test_a_later_schema_is_not_guessed_at(model_folder):
    change(model_folder, set_to(9, "schema"))
    with pytest.raises(
        InputError, match=f"has schema 9, and this version of hybrid reads up to schema {ModelRecord.SCHEMA}: update"
    ):
        read_record(model_folder)


def test_a_damaged_model_stops_what_needs_it_and_nothing_else(tmp_path, model_folder):
    save_made_model(tmp_path, "forest", made_dataset(160, ["cat", "dog"]), 1.0, 1)
    change(model_folder, CHANGES["a score"])
    with pytest.raises(InputError, match=r"models/svm/metrics\.json' is damaged.*name the other models"):
        load_records(Workspace(tmp_path))
    assert [record.name for record in load_records(Workspace(tmp_path), ["forest"])] == ["forest"]


def test_a_part_that_took_an_unknown_time_makes_the_sum_unknown():
    assert Seconds(extract=None, fit=1.0, predict=0.1).total is None
    assert Seconds(train=4.0, extract=2.0, fit=1.0, predict=0.5).total == 7.5
