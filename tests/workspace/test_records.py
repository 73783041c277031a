"""Records of embedding sets and trainings are read back as they were written; a change of one is found and named."""

import json

import pytest
from made_sets import made_set_record

from hybrid.errors import InputError
from hybrid.extractors.store.cost import Pass
from hybrid.workspace.set_record import RowsFile, SetRecord, SkippedImage, ViewsRecord
from hybrid.workspace.training_record import TrainingRecord

VIEWS = ViewsRecord(3, {"policy": 1, "operations": [["flip", 1.0]]}, 0, "train")
CURVES = {"loss": (0.7, 0.5), "val_loss": (0.8, 0.6)}
RECORDS = {
    "set": made_set_record(
        "multilabel",
        views=VIEWS,
        cost=2.5,
        processor=4.5,
        measure="wall",
        passes=(Pass("a", 3, 2.0, 4.0, 2), Pass("b", 1, 0.5, 0.5)),
        trained={"net": 9.0},
        trained_processor={"net": 17.0},
        skipped=(SkippedImage("a.png", "truncated"),),
        rows=RowsFile("x.npz", "0" * 64),
    ),
    "training": TrainingRecord(
        arch="resnet_small", best_epoch=2, seconds=2.5, processor=4.5, history=CURVES, input_shape=(8, 8, 3)
    ),
    "training of each label": TrainingRecord(
        best_epoch={"a": 1, "b": 2}, seconds=2.5, history={"a": CURVES, "b": CURVES}
    ),
}


@pytest.fixture(params=RECORDS.values(), ids=RECORDS.keys())
def record(request):
    return request.param


def test_a_record_is_read_back_as_it_was_written(record, tmp_path):
    record.write(tmp_path / "record.json")
    assert type(record).read(tmp_path / "record.json") == record


def test_a_record_of_an_earlier_schema_needs_no_seal(record, tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record.to_json() | {"schema": record.SEALED_SINCE - 1}))
    assert type(record).read(path) == record


@pytest.mark.parametrize("key", ["seconds", "created", "seal"])
def test_a_change_of_a_sealed_record_is_found(record, tmp_path, key):
    path = tmp_path / "record.json"
    record.write(path)
    saved = json.loads(path.read_text())
    path.write_text(json.dumps(saved | {key: 1.25}))
    with pytest.raises(InputError, match=r"record\.json' is damaged, .* does not match its checksum\. Delete"):
        type(record).read(path)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("set", {"width": "6"}, '"width" is "6"; expected a whole number'),
        ("set", {"views": {"number": 3}}, '"views.augmentation" is missing'),
        ("set", {"skipped": [{"id": 3, "reason": ""}]}, '"skipped[0].id" is 3; expected text'),
        ("set", {"extractor": []}, '"extractor" is []; expected an object'),
        ("training", {"best_epoch": "2"}, '"best_epoch" is "2"; expected a whole number or an object'),
        ("training", {"history": {"loss": ["x"]}}, '"history.loss'),
        ("set", {"measure": "hours"}, '"measure" is "hours"; expected "wall" or "runs"'),
        (
            "set",
            {"passes": [{"name": "a", "rows": 1, "wall": "x", "processor": 1}]},
            '"passes[0].wall" is "x"; expected',
        ),
        ("training", {"seconds": None}, '"seconds" is null; expected a number'),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path, kind, changes, words):
    record, path = RECORDS[kind], tmp_path / "record.json"
    path.write_text(json.dumps(record.to_json() | {"schema": 1} | changes))
    with pytest.raises(InputError) as error:
        type(record).read(path)
    assert f"holds a wrong value: {words}" in str(error.value)
    assert str(error.value).endswith(record.REMEDY)


def test_a_later_schema_is_not_guessed_at(tmp_path):
    path = tmp_path / "record.json"
    path.write_text('{"schema": 9}')
    with pytest.raises(InputError, match="has schema 9, and this version of hybrid reads up to schema 4"):
        SetRecord.read(path)
