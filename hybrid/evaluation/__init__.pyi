from .calibration import ReliabilityCurve, reliability_curve
from .measure import compare_models, evaluate, evaluate_models
from .metrics import LOWER_IS_BETTER, METRICS, MetricSpec
from .paired import PairedTest
from .result import Evaluation, Metric
from .trial import PairedEvaluation

__all__ = [
    "LOWER_IS_BETTER",
    "METRICS",
    "Evaluation",
    "Metric",
    "MetricSpec",
    "PairedEvaluation",
    "PairedTest",
    "ReliabilityCurve",
    "compare_models",
    "evaluate",
    "evaluate_models",
    "reliability_curve",
]
