"""Folds are drawn in two places only, and whoever calls them keeps groups and copies together."""

import ast
import re

from import_graph import source_files
from paths import ROOT

DRAWN_IN = {"classifiers/calibration.py", "hybrid/adaptation/folds.py", "pipelines/folds.py"}
GROUPS = {"fold_groups", "kept_together", "groups_with_copies"}


def names_in(tree):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }


def sources():
    for path in source_files():
        file = ROOT / path
        text = file.read_text()
        if re.search(r"sklearn\.model_selection|_folds", text):  # parsing all files takes seconds
            yield file.relative_to(ROOT).as_posix(), ast.parse(text)


def test_splitters_of_scikit_learn_are_used_only_where_groups_and_copies_are_kept_together():
    users = set()
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn"):
                found = {
                    one.name for one in node.names if re.search(r"Fold$|Split$|_split$|^cross_val|^check_cv", one.name)
                }
                if found - {"PredefinedSplit"}:  # the given validation split
                    users.add(path)
    assert users == DRAWN_IN


def test_whoever_draws_folds_asks_for_groups_with_copies():
    # those named below are given groups with copies: the head by its pipeline, the others by the rows of their set
    for path, tree in sources():
        if names_in(tree) & {"make_folds", "as_folds", "calibration_folds", "StratifiedKFold"}:
            assert (
                path in ("classifiers/svm.py", "hybrid/adaptation/folds.py", "hybrid/planning/learning_curve.py")
                or names_in(tree) & GROUPS
            ), path
