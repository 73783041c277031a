from .adapt import adapt
from .curve import AdaptingCurve, CurvePoint
from .methods import CHOICES, METHODS
from .result import Adaptation

__all__ = [
    "CHOICES",
    "METHODS",
    "Adaptation",
    "AdaptingCurve",
    "CurvePoint",
    "adapt",
]
