"""The manifest of a saved model is read into a dataclass, and errors name the field that is wrong."""

import pytest
from made_models import fitted, rewrite

from hybrid.errors import InputError
from hybrid.files import read_json
from hybrid.pipelines import Manifest, load_model, read_manifest, save_model


@pytest.fixture
def labelled_model(tmp_path):
    return save_model(fitted(), tmp_path / "model", info={"model": "mine", "labels": ["well", "ill"]})


def test_a_manifest_is_read_as_it_was_written(labelled_model):
    manifest = read_manifest(labelled_model)
    assert isinstance(manifest, Manifest)
    written = read_json(labelled_model / "manifest.json")
    del written["sha256"]
    assert manifest.to_dict() == written
    assert manifest.name("other") == "mine"
    assert manifest.label_names == ["well", "ill"]
    assert (manifest.views, manifest.dataset) == (None, {})


@pytest.mark.parametrize("labels", [["one"], "ab", None])
def test_label_names_default_to_the_classes(labelled_model, labels):
    rewrite(labelled_model, info={"labels": labels})
    assert read_manifest(labelled_model).label_names == ["healthy", "sick"]


def test_dict_access_still_works_with_a_warning(labelled_model):
    with pytest.warns(FutureWarning, match=r"write manifest\.classes in place of manifest\['classes'\]"):
        assert read_manifest(labelled_model)["classes"] == ["healthy", "sick"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created", 3),
        ("versions", {"numpy": 2}),
        ("task", "regression"),
        ("labels", None),
        ("classes", [[1], [2]]),
        ("width", -1),
        ("width", True),
        ("steps", []),
        ("steps", [{"name": "head"}]),
        ("steps", [{"name": "head", "type": "SVC", "more": 1}]),
        ("extractors", [{"params": {}, "identity": {}}]),
        ("extractors", {"params": {}}),
        ("info", []),
        ("files", {"head.skops": {"size": -1, "sha256": "0"}}),
        ("files", {"head.skops": {"size": 1}}),
    ],
)
def test_a_field_of_the_wrong_type_is_named(labelled_model, field, value):
    rewrite(labelled_model, **{field: value})
    for read in (read_manifest, load_model):
        with pytest.raises(InputError, match=f"the field '{field}' does not have the expected type or value"):
            read(labelled_model)


def test_unknown_fields_are_named(labelled_model):
    rewrite(labelled_model, more=1)
    with pytest.raises(InputError, match="fields are missing or unknown: more"):
        read_manifest(labelled_model)
