"""Names with unusual characters: printed safely, written exactly, and quoted in commands."""

import csv
import io
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from hybrid.cli.output import shell_command
from hybrid.datasets import Dataset, load_dataset
from hybrid.datasets.resplit import save_split
from hybrid.files import csv_text, expanded, unguarded
from hybrid.models.predict import ImagePredictions, find_images
from hybrid.workspace.predictions import Predictions, parse_predictions, write_predictions


def test_a_printed_command_is_one_command_in_a_shell():
    words = ["hybrid", "extract", "my pictures; rm -r x", "it's"]
    assert shlex.split(shell_command(*words)) == words


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\tx", "-1+1", "'=1"])
def test_text_that_a_spreadsheet_would_calculate_is_guarded_and_read_back(text):
    _, (cell, label) = csv.reader(io.StringIO(csv_text(["a", "b"], [[text, "cat"]]), newline=""))
    assert cell[0] == "'"
    assert unguarded(cell) == text
    assert label == "cat"


@pytest.mark.parametrize("number", ["-1", "+1.5", "-1e-05", "-", -1.5])
def test_numbers_are_not_guarded(number):
    assert csv_text(["a"], [[number]]) == f"a\n{number}\n"


def test_predictions_with_such_names_are_read_back(tmp_path):
    classes, rows = np.array(["=1+1", "@cat"]), np.array([0, 1, 1])
    written = Predictions(
        np.array(["=a.png", "'=b.png", "c.png"]), np.array(["test"] * 3), classes[rows], classes[rows], np.eye(2)[rows],
        classes,
    )  # fmt: skip
    write_predictions(tmp_path / "predictions.csv", written)
    content = (tmp_path / "predictions.csv").read_bytes()
    assert b"\n'=a.png,test,'=1+1," in content
    read = parse_predictions(content, classes.tolist(), several=False)
    assert read.ids.tolist() == written.ids.tolist()
    assert read.y.tolist() == written.y.tolist()


def test_a_manifest_with_such_names_is_read_back(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"={number}.png" for number in range(20)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).save(path)
    data = Dataset.from_arrays(paths, ["=1+1", "-b"] * 10)
    save_split(data, tmp_path / "split.csv")
    lines = (tmp_path / "split.csv").read_text().splitlines()
    assert {line[0] for line in lines[1:]} == {"."}
    assert load_dataset(tmp_path / "split.csv").classes.tolist() == ["-b", "=1+1"]


def test_predictions_name_files_that_exist_and_json_is_utf8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["=x.png", "\x1b[31mred.png", os.fsdecode(b"\xff.png")]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    found = ImagePredictions(["image", "predicted"], [[name, "=1"] for name in names], {})
    _, *rows = csv.reader(io.StringIO(found.to_csv(), newline=""))
    assert all((tmp_path / name).exists() for name, _ in rows)
    assert [label for _, label in rows] == ["'=1"] * 3


def test_a_name_with_a_tilde_is_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~x.png").write_bytes(b"")
    assert find_images(["~x.png"]) == ["~x.png"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/a") == tmp_path / "a"


@pytest.mark.parametrize("arguments", [["predict", "--help"], ["data", "pictures"]])
def test_an_ascii_terminal_shows_everything(tmp_path, arguments):
    rng = np.random.default_rng(0)
    for label, number in [(label, number) for label in ("caf\u00e9", "th\u00e9") for number in range(10)]:
        (folder := tmp_path / "pictures" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (4, 4), dtype=np.uint8)).save(folder / f"{number}.png")
    command = [sys.executable, "-c", "from hybrid.cli.main import main; main()", *arguments]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, env=environment, cwd=tmp_path, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    if arguments[0] == "data":
        assert rb"caf\xe9" in done.stdout
