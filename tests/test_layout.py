"""The layout that setup.cfg promises: four floors, imports only downwards, no bare folder names."""

import ast
import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("hybrid", "pipelines", "extractors", "classifiers")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
COMPILES = ROOT / "hybrid/training/optimizer.py"
ABOVE = {
    "classifiers": ("pipelines", "extractors", "cli", "datasets", "evaluation", "fitting", "training"),
    "extractors": ("pipelines", "classifiers", "cli", "datasets", "evaluation", "fitting", "training"),
    "pipelines": ("cli", "datasets", "evaluation", "fitting", "training"),
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards_and_never_by_bare_folder_names(path):
    forbidden = tuple(f"hybrid.{name}" for name in ABOVE.get(path.relative_to(ROOT).parts[0], ()))
    for name in imports(path):
        assert name.split(".")[0] not in ("pipelines", "extractors", "classifiers"), name
        assert not (name.startswith(forbidden) if forbidden else False), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_code_that_needs_a_network_imports_keras_and_one_file_tensorflow(path):
    text = path.read_text()
    found = re.findall(r"^( *)(?:import|from) tensorflow", text, re.MULTILINE)
    assert not found or (path == COMPILES and all(found)), "TensorFlow is imported late, and where Keras has no word"
    top = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = [alias.name for node in top if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in top if isinstance(node, ast.ImportFrom)]
    if any(name.split(".")[0] == "keras" for name in names):
        assert path.parent.name == "extractors", "Keras is imported late, and only by the extractors"


def test_every_package_is_listed():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {
        f"hybrid.{path.parent.relative_to(ROOT)}".replace("/", ".") for path in FILES if path.name == "__init__.py"
    }
    assert listed == {name.replace("hybrid.hybrid", "hybrid") for name in found}


def test_the_versions_agree():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    import hybrid

    assert config["metadata"]["version"] == hybrid.__version__
    assert f"## {hybrid.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_what_the_package_offers_can_be_imported():
    import hybrid

    for name in hybrid.__all__:
        assert getattr(hybrid, name).__doc__


@pytest.mark.parametrize(
    ("given", "found"),
    [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_threads_of_openmp_wait_as_the_user_says(given, found):
    own = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    code = "import os, hybrid; print(os.environ.get('GOMP_SPINCOUNT'))"
    done = subprocess.run([sys.executable, "-c", code], env=own | given, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
