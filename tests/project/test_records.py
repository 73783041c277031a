"""Records of models, embedding sets and trainings have attributes: nothing but their one reader knows their keys."""

import ast
from pathlib import Path

import pytest
from import_graph import source_files
from paths import ROOT
from record_access import accesses

# These folders have dicts of their own: manifests, a training's state, an evaluation, measurements of images.
WITHOUT_RECORDS = ("pipelines", "extractors", "classifiers", "hybrid/export", "hybrid/evaluation", "hybrid/datasets")
STATE_OF_A_TRAINING = Path("hybrid/training/state.py")
FILE_NAMES = ("metrics.json", "predictions.csv", "training.json", "training.keys", "network.keras", "last.keras")
WHERE_FILES_ARE_NAMED = Path("hybrid/workspace/workspace.py")
MAY_READ_JSON = {
    Path("hybrid/files/checksums.py"),
    Path("hybrid/workspace/records.py"),
    Path("hybrid/workspace/step_cache.py"),
    Path("hybrid/workspace/history.py"),  # a line at a time
    Path("hybrid/run/steps.py"),  # the marks of the steps that made the members of an ensemble
    Path("hybrid/run/earlier.py"),  # compares whole comparisons, and reads no key of a record
}

FILES = [path for path in source_files() if not str(path).startswith(WITHOUT_RECORDS)]


def test_no_code_reads_a_record_by_a_string_key():
    assert [place for path in FILES if path != STATE_OF_A_TRAINING for place in accesses(ROOT / path)] == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('x = model["splits"]["val"]', 1),
        ('x = result.get("set") or []', 1),
        ('x = found.info["extractor"]["params"]', 2),
        ('x = model.splits["val"]', 0),
        ('x = row["model"]', 0),
        ('x = model["colour"]', 0),
    ],
)
def test_such_code_would_be_found(tmp_path, code, found):
    path = tmp_path / "code.py"
    path.write_text(code)
    assert len(list(accesses(path))) == found


@pytest.mark.medium
def test_no_other_code_reads_json_files_of_a_workspace():
    readers = {path for path in FILES if {"read_json", "parse_json"} & set(_imported(path))}
    assert readers == MAY_READ_JSON


@pytest.mark.medium
@pytest.mark.parametrize("name", FILE_NAMES)
def test_the_name_of_a_file_is_spelled_in_one_place(name):
    places = [path for path in source_files() for text in _texts(path) if text.rpartition("/")[2] == name]
    assert places == [WHERE_FILES_ARE_NAMED]


def _imported(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module in ("hybrid.files", "hybrid.files.json_files"):
            yield from (alias.name for alias in node.names)


def _texts(path):
    """Return the constant texts of a file."""
    return [
        node.value
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
