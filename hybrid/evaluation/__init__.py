"""One function and one result type for every model: scores with 95% bootstrap intervals."""

from hybrid.evaluation.measure import evaluate
from hybrid.evaluation.result import Evaluation, Metric
from hybrid.evaluation.saved import load_results

__all__ = ["Evaluation", "Metric", "evaluate", "load_results"]
