"""One way to evaluate and to compare every model: scores with 95% intervals, and tests of their differences."""

from hybrid.evaluation.calibration import ReliabilityCurve, reliability_curve
from hybrid.evaluation.measure import compare_models, evaluate, evaluate_models
from hybrid.evaluation.paired import PairedTest
from hybrid.evaluation.result import Evaluation, Metric
from hybrid.evaluation.saved import load_results
from hybrid.evaluation.scores import LOWER_IS_BETTER
from hybrid.evaluation.trial import Trial

__all__ = [
    "LOWER_IS_BETTER",
    "Evaluation",
    "Metric",
    "PairedTest",
    "ReliabilityCurve",
    "Trial",
    "compare_models",
    "evaluate",
    "evaluate_models",
    "load_results",
    "reliability_curve",
]
