"""`hybrid predict --output`: the file is written where the user means it. The prediction itself is played."""

import os
import threading

import pytest

from hybrid.models.predict import ImagePredictions

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and free links are POSIX's")


@pytest.fixture
def predict(hybrid, tmp_path, monkeypatch):
    """Run the command with an output; return the result."""
    played = ImagePredictions(["image", "predicted"], [["a.png", "dark"]], skipped={})
    monkeypatch.setattr("hybrid.models.predict.predict_images", lambda *args, **options: played)
    monkeypatch.setattr("hybrid.models.predict.find_images", lambda *args: ["a.png"])
    monkeypatch.setattr("hybrid.cli.predict.find_model", lambda *args: tmp_path)
    return lambda output: hybrid.result("predict", "model", "a.png", "--output", output)


def test_a_pipe_receives_the_predictions_and_stays(predict, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_text()), daemon=True)
    reader.start()
    assert predict("pipe").exit_code == 0
    reader.join(5)
    assert found == ["image,predicted\na.png,dark\n"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_stays_and_its_target_receives_the_predictions(predict, tmp_path):
    (tmp_path / "link.csv").symlink_to("target.csv")
    assert predict("link.csv").exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_text() == "image,predicted\na.png,dark\n"


def test_an_output_that_cannot_be_written_is_one_sentence(predict, tmp_path):
    (tmp_path / "file").touch()
    result = predict("file/x.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: 'file/x.csv' cannot be written")


def test_the_name_of_the_output_is_printed_without_control_characters(predict, tmp_path):
    result = predict("bell\x07.csv")
    assert (tmp_path / "bell\x07.csv").exists()
    assert "predictions to bell�.csv" in result.stderr
