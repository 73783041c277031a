"""The layout that docs/about/code.md describes: folders in layers, no cycles, no loose modules."""

import ast
import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from import_graph import cycles, file_graph, folder_graph, imports_of, modules, source_files
from paths import ROOT

FOUNDATION = {"__init__.py", "_version.py", "errors.py", "progress.py", "wording.py"}

# From top to bottom: a folder imports only from folders below it.
LAYERS = (
    "hybrid/cli",
    "hybrid/run",
    "hybrid/adaptation",
    "hybrid/export",
    "hybrid/recipes",
    "hybrid/report",
    "hybrid/report/checklist",
    "hybrid/report/parts",
    "hybrid/report/elements",
    "hybrid/robustness",
    "hybrid/external",
    "hybrid/planning",
    "hybrid/comparison",
    "hybrid/shift",
    "hybrid/models",
    "hybrid/training",
    "hybrid/embeddings",
    "hybrid/datasets",
    "hybrid/datasets/readers",
    "hybrid/datasets/cells",
    "hybrid/datasets/quality",
    "hybrid/datasets/parts",
    "hybrid/plots",
    "hybrid/workspace",
    "pipelines/saved",
    "pipelines",
    "extractors",
    "extractors/cluster",
    "extractors/graph",
    "extractors/backbones",
    "extractors/runtimes",
    "extractors/images",
    "extractors/store",
    "classifiers",
    "hybrid/evaluation/subgroups",
    "hybrid/evaluation",
    "hybrid/evaluation/registry",
    "hybrid/files",
    "hybrid",
)
FILES = source_files()
USES_TENSORFLOW = Path("hybrid/training/optimizer.py")


@pytest.mark.medium
def test_no_files_import_each_other_in_a_circle():
    assert cycles(file_graph()) == []


@pytest.mark.medium
def test_no_folders_import_each_other_in_a_circle():
    assert cycles(folder_graph(file_graph())) == []


def test_every_folder_has_a_layer():
    assert {str(path.parent) for path in FILES} == set(LAYERS)


@pytest.mark.parametrize("folder", LAYERS)
def test_a_folder_imports_only_from_folders_below_it(folder):
    above = LAYERS[: LAYERS.index(folder)]
    upwards = {
        f"{path} imports {modules()[name]}"
        for path in FILES
        if str(path.parent) == folder
        for name in imports_of(path)
        if str(modules()[name].parent) in above
    }
    assert not upwards


def test_hybrid_has_no_loose_modules_but_the_foundation():
    assert {path.name for path in FILES if path.parent == Path("hybrid")} == FOUNDATION


def test_a_lazy_package_imports_nothing_but_its_stub():
    for path in FILES:
        if path.with_suffix(".pyi") != path and (ROOT / path).with_suffix(".pyi").exists():
            assert not imports_of(path) - {"hybrid._version"}, path


def imported_names(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_the_folders_at_the_root_are_never_imported_by_their_bare_names():
    for path in FILES:
        assert not {name.split(".")[0] for name in imported_names(path)} & {"pipelines", "extractors", "classifiers"}, (
            path
        )


def test_only_the_code_that_needs_a_network_imports_keras_and_one_file_tensorflow():
    for path in FILES:
        text = (ROOT / path).read_text()
        found = re.findall(r"^( *)(?:import|from) tensorflow", text, re.MULTILINE)
        assert not found or (path == USES_TENSORFLOW and all(found)), f"{path} imports TensorFlow"
        top = [node for node in ast.parse(text).body if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = [alias.name for node in top if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module for node in top if isinstance(node, ast.ImportFrom)]
        if any(name.split(".")[0] == "keras" for name in names):
            assert path.parts[0] == "extractors" or path.name == "fine_tuning.py", f"{path} imports Keras"


def test_every_package_is_listed():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    assert listed == {name for name, path in modules().items() if path.name == "__init__.py"}


def test_the_changelog_names_the_version():
    import hybrid

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


def test_every_path_that_the_page_about_the_code_names_exists():
    roots = "hybrid|pipelines|extractors|classifiers|tests|docs"
    named = re.findall(rf"`((?:{roots})/[\w./]*)`", (ROOT / "docs/about/code.md").read_text())
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []
