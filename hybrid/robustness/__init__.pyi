from .record import StressedScores, StressRecord, stress_records
from .stress import stress

__all__ = [
    "StressRecord",
    "StressedScores",
    "stress",
    "stress_records",
]
