from .adapt import adapt
from .adaptation import Adaptation
from .curve import AdaptingCurve, CurvePoint
from .methods import CHOICES, METHODS
from .result import AdaptationResult

__all__ = [
    "CHOICES",
    "METHODS",
    "Adaptation",
    "AdaptationResult",
    "AdaptingCurve",
    "CurvePoint",
    "adapt",
]
