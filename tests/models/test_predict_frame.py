"""`hybrid.predict`: the table of the command, from Python."""

import numpy as np
import pytest

from hybrid import FeatureExtractor, make_pipeline, predict, save_model
from hybrid.errors import InputError


@pytest.fixture
def image_pipeline(tiny_network, image_files, tmp_path):
    pipeline = make_pipeline(FeatureExtractor(tiny_network), "softmax").fit(image_files, np.arange(12) % 2)
    save_model(pipeline, tmp_path / "model")
    return pipeline


def test_rows_are_those_of_the_pipeline_in_the_order_given(image_pipeline, image_files, tmp_path):
    frame = predict(tmp_path / "model", image_files[::-1])
    assert frame.columns.tolist() == ["image", "predicted", "p_0", "p_1"]
    assert frame["image"].tolist() == [str(path) for path in image_files[::-1]]
    np.testing.assert_allclose(frame[["p_0", "p_1"]], image_pipeline.predict_proba(image_files[::-1]), atol=1e-8)
    np.testing.assert_array_equal(frame["predicted"], image_pipeline.predict(image_files[::-1]))
    assert sorted(predict(str(tmp_path / "model"), image_files[0].parent)["image"]) == sorted(frame["image"])


def test_images_that_are_skipped_are_named(image_pipeline, image_files, tmp_path):
    image_files[3].write_bytes(b"no image")
    with pytest.raises(InputError, match=r"3\.png"):
        predict(tmp_path / "model", image_files)
    with pytest.warns(UserWarning, match=r"Images were skipped: '.*3\.png'"):
        assert len(predict(tmp_path / "model", image_files, on_bad="skip")) == 11


def test_a_model_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="There is no model 'svm-birds'"):
        predict("svm-birds", ["a.png"])
