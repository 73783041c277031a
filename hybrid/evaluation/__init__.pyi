from .calibration import ReliabilityCurve, reliability_curve
from .measure import compare_models, evaluate, evaluate_models
from .paired import PairedTest
from .result import Evaluation, Metric
from .scores import LOWER_IS_BETTER
from .trial import PairedEvaluation

__all__ = [
    "LOWER_IS_BETTER",
    "Evaluation",
    "Metric",
    "PairedEvaluation",
    "PairedTest",
    "ReliabilityCurve",
    "compare_models",
    "evaluate",
    "evaluate_models",
    "reliability_curve",
]
