"""The tests themselves: their folders are those of the code, and no fixture or helper stands twice."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from paths import ROOT

FILES = sorted((ROOT / "tests").rglob("*.py"))


def functions(path):
    """Return the functions and classes at the top of a file."""
    return [node for node in ast.parse(path.read_text()).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def is_fixture(node):
    return any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)


def twice(places):
    return {what: where for what, where in places.items() if len(where) > 1}


@pytest.mark.medium
def test_no_fixture_has_the_name_of_another():
    places = defaultdict(list)
    for path in FILES:
        for node in filter(is_fixture, functions(path)):
            places[node.name].append(str(path.relative_to(ROOT)))
    assert len(places) > 50
    assert twice(places) == {}


@pytest.mark.medium
def test_no_fixture_or_helper_has_the_body_of_another():
    places = defaultdict(list)
    for path in FILES:
        for node in functions(path):
            body = [
                one for one in node.body if not isinstance(one, ast.Expr) or not isinstance(one.value, ast.Constant)
            ]
            text = ast.unparse(body)
            if not node.name.startswith("test_") and len(text) > 60:
                places[text].append(f"{path.relative_to(ROOT)}: {node.name}")
    assert twice(places) == {}


def test_the_folders_of_tests_are_those_of_the_code():
    own = {"data", "foundation", "project", "tools"}  # files, hybrid's own modules, the repository, helpers
    folders = {path.parent.relative_to(ROOT / "tests") for path in FILES} - {Path()}
    without = [str(one) for one in folders if not ((ROOT / "hybrid" / one).is_dir() or (ROOT / one).is_dir())]
    assert set(without) <= own
    assert not list((ROOT / "tests").glob("test_*.py"))
