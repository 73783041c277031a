"""A record of a stress run, made without a network: chosen kinds of corruption lower the score."""

from hybrid.evaluation import Metric
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.extractors.images.corruptions import KINDS, all_corruptions
from hybrid.robustness import StressedScores, StressRecord

_CLEAN, _LOW = Metric(0.97, 0.94, 0.99), Metric(0.81, 0.74, 0.87)


def made_stress(lower, **fields):
    """Return a record; `lower` gives the number of the strongest corruptions of a kind that lower the score."""
    scores = []
    for corruption in all_corruptions():
        strengths = KINDS[corruption.kind].strengths
        falls = strengths.index(corruption.strength) >= 5 - lower.get(corruption.kind, 0)
        difference = (-0.16, -0.21, -0.11, 0.001, True) if falls else (0.0, -0.01, 0.01, 1.0, False)
        metric = _LOW if falls else _CLEAN
        metrics = dict.fromkeys(TASKS[fields.get("task", "binary")].report, metric)
        scores.append(StressedScores(corruption.kind, float(corruption.strength), metrics, *difference))
    made = {
        "created": "2026-01-02T00:00:00+00:00",
        "model": "svm-made",
        "dataset": "scans",
        "split": "test",
        "task": "binary",
        "metric": "roc_auc",
        "images": 100,
        "groups": 50,
        "test": "DeLong, clustered",
        "clean": dict.fromkeys(TASKS[fields.get("task", "binary")].report, _CLEAN),
        "scores": tuple(scores),
    }
    return StressRecord(**made | fields)
