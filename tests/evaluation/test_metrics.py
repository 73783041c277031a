"""The registry of metrics: complete, documented, and the only list of their names."""

import ast
from pathlib import Path

import pytest
from import_graph import source_files
from paths import ROOT

from hybrid.errors import InputError
from hybrid.evaluation.independent import SHARES
from hybrid.evaluation.metrics import METRICS, metric_for, metrics_of, searchable
from hybrid.evaluation.registry.tasks import TASKS

REGISTRY, COMPUTED = Path("hybrid/evaluation/registry"), Path("hybrid/evaluation/weighted_scores.py")
NEEDS = {"decisions", "ranks", "probabilities"}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_row_is_complete(metric):
    assert metric.title
    assert metric.definition.endswith(".")
    assert metric.needs in NEEDS
    assert metric.tasks or any(metric.name in chosen.per_class for chosen in TASKS.values())
    assert set(metric.tasks) <= set(TASKS)
    assert metric.interval in {"bootstrap", "area", "ratio", "jackknife", "calibration"}
    assert metric.paired_test in {"bootstrap", "McNemar", "DeLong"}
    assert metric.share_of in {"", *SHARES}
    assert (metric.paired_test != "McNemar") or metric.share_of


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_is_documented(metric):
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    better = "higher" if metric.higher_is_better else "lower"
    assert f"| `{metric.name}` | {metric.definition} | {', '.join(metric.tasks) or 'single classes'} | " in page
    assert f"| {metric.needs} | {better} | {'yes' if metric.tunable and metric.tasks else 'no'} |" in next(
        line for line in page.splitlines() if line.startswith(f"| `{metric.name}` ")
    )


@pytest.mark.parametrize("task", TASKS)
def test_the_tables_of_a_task_contain_only_its_metrics(task):
    chosen, own = TASKS[task], set(metrics_of(task))
    assert {chosen.ordering, chosen.searched, *chosen.tested, *chosen.terminal, *chosen.report} <= own
    assert set(chosen.calibration) <= own
    assert {*chosen.terminal_classes, *chosen.report_classes} <= set(chosen.per_class) <= set(METRICS)
    assert METRICS[chosen.searched].tunable


@pytest.mark.medium
def test_no_other_file_lists_metric_names():
    listing = {
        f"{path}:{node.lineno}"
        for path in source_files()
        if path != COMPUTED and path.parent != REGISTRY
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if len(set(literal_strings(node)) & METRICS.keys()) > 1
    }
    assert not listing


def literal_strings(node):
    """Yield the strings of each tuple, list or set in the code, and the keys of each dict."""
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else getattr(node, "keys", [])
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


@pytest.mark.parametrize(
    ("name", "task", "found"),
    [
        ("roc_auc", "binary", "roc_auc"),
        ("roc_auc", "multiclass", "roc_auc_macro"),
        ("average_precision", "multilabel", "average_precision_macro"),
        ("balanced_accuracy", "multiclass", "balanced_accuracy"),
        ("balanced_accuracy", "multilabel", "balanced_accuracy_macro"),
        ("f1", "binary", "f1"),
        ("f1", "multilabel", "f1_macro"),
        ("log_loss", "multiclass", "log_loss"),
        ("log_loss", "multilabel", "log_loss_macro"),
        ("f1_micro", "multilabel", "f1_micro"),
    ],
)
def test_a_short_name_stands_for_the_metric_of_the_task(name, task, found):
    assert metric_for(name, task).name == found


def test_a_metric_of_another_task_is_rejected():
    with pytest.raises(InputError, match="Unknown metric 'sensitivity'"):
        metric_for("sensitivity", "multiclass")


def test_a_metric_that_a_constant_prediction_maximises_is_rejected_for_a_search():
    with pytest.raises(InputError, match="cannot choose by sensitivity"):
        searchable("sensitivity", "binary")
