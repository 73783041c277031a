"""A saved model keeps its reference and its calibration scores, and refuses manipulated ones."""

import io
import shutil

import numpy as np
import pytest
from made_models import embeddings, fitted, labels, put

from hybrid.errors import InputError
from hybrid.pipelines import load_model, load_reference, make_calibration, make_reference, read_manifest, save_model
from hybrid.pipelines.saved.load import open_model


@pytest.fixture
def keeping(tmp_path):
    X, y, pipeline = embeddings(), labels("strings"), fitted()
    return save_model(
        pipeline,
        tmp_path / "model",
        reference=make_reference(X, np.arange(60) // 2),
        calibration=make_calibration(pipeline, X, y, source="60 images of my own"),
    )


def test_both_are_read_back_from_the_folder_and_from_a_zip(keeping, tmp_path, cache, monkeypatch):
    monkeypatch.setenv("HYBRID_CACHE", str(cache))
    X = embeddings()
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", keeping)
    made = make_reference(X, np.arange(60) // 2)
    for path in (keeping, packed):
        reference, opened = load_reference(path), open_model(path)
        for name in ("directions", "lengths", "groups", "distances", "sizes"):
            np.testing.assert_array_equal(getattr(reference, name), getattr(made, name))
        assert reference.widths == (8,)
        np.testing.assert_array_equal(reference.typicality(X), opened.reference.typicality(X))
        np.testing.assert_allclose(reference.embeddings, X, rtol=2e-3, atol=1e-3)
        assert opened.calibration.source == "60 images of my own"
        assert opened.calibration.sets([[0.5, 0.5]], 0.9).shape == (1, 2)
    manifest = read_manifest(keeping)
    assert manifest.schema == 3  # versions that do not know these files read the model all the same
    assert manifest.kept == {"reference": made.describe(), "prediction sets": "60 images of my own"}


def test_a_model_without_them_says_so(tmp_path, hybrid):
    model = save_model(fitted(), tmp_path / "model")
    with pytest.raises(InputError, match="keeps no reference: it was saved without, or by an earlier version"):
        load_reference(model)
    opened = open_model(model)
    assert (opened.reference, opened.calibration) == (None, None)
    assert hybrid("inspect", model).count("none: it was saved without") == 2


def test_inspect_shows_both(keeping, hybrid):
    said = " ".join(hybrid("inspect", keeping).split())
    assert "60 held-out images of 30 groups" in said
    assert "60 images of my own" in said
    assert "reference.npz" in said


def test_those_of_another_model_are_not_saved(tmp_path):
    X, y = embeddings(), labels("strings")
    with pytest.raises(InputError, match="The reference has 7 columns, but the pipeline was fitted to 8"):
        save_model(fitted(), tmp_path / "model", reference=make_reference(X[:, :7]))
    several = make_calibration(fitted("softmax", "multilabel"), X, labels("multilabel"))
    with pytest.raises(InputError, match=r"have shape \(60, 3\); expected \(60,\)"):
        save_model(fitted(), tmp_path / "model", calibration=several)
    three = make_calibration(fitted("softmax", "classes"), X, labels("classes"))
    with pytest.raises(InputError, match="name a class that the model does not have"):
        save_model(fitted(), tmp_path / "model", calibration=three)
    assert y.dtype.kind == "U"
    assert not (tmp_path / "model").exists()


def changed(path, **arrays):
    with np.load(path) as file:
        content = dict(file) | arrays
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in content.items() if array is not None})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("reference.npz", {"directions": np.ones((60, 7), np.float16)}),
        ("reference.npz", {"directions": np.full((60, 8), np.nan, np.float16)}),
        ("reference.npz", {"directions": np.ones((60, 8))}),
        ("reference.npz", {"directions": np.full((60, 8), 9, np.float16)}),
        ("reference.npz", {"distances": np.arange(60, 0, -1, np.float32)}),
        ("reference.npz", {"sizes": np.zeros(60, np.int32)}),
        ("reference.npz", {"widths": np.array([2**31 - 1, 9], np.int32)}),
        ("reference.npz", {"groups": np.array([{}] * 60)}),
        ("reference.npz", {"groups": None}),
        ("reference.npz", {"more": np.ones(3)}),
        ("reference.npz", {"lengths": np.ones((200_000, 3), np.float32)}),
        ("calibration.npz", {"codes": np.full(60, 2, np.int32)}),
        ("calibration.npz", {"codes": np.full(60, -1, np.int32)}),
        ("calibration.npz", {"probabilities": np.full(60, np.inf, np.float32)}),
        ("calibration.npz", {"groups": np.zeros(59, np.int32)}),
    ],
)
def test_a_manipulated_file_is_one_sentence(keeping, name, arrays):
    put(keeping, name, changed(keeping / name, **arrays))
    with pytest.raises(InputError, match=f"Model 'model' has a damaged {name}: .*Fit and save it again"):
        (open_model(keeping).reference, open_model(keeping).calibration)
    assert load_model(keeping).classes_.tolist() == ["healthy", "sick"]  # the model itself is read without them


def test_what_is_no_archive_is_one_sentence(keeping):
    put(keeping, "reference.npz", b"no archive")
    with pytest.raises(InputError, match=r"has a damaged reference\.npz"):
        load_reference(keeping)


def test_a_replaced_model_does_not_keep_the_former_files(keeping):
    save_model(fitted(), keeping)
    assert set(read_manifest(keeping).files) == {"head.skops"}
