from .choice import Choice
from .leaderboard import Leaderboard
from .metrics import MAIN_METRICS

__all__ = [
    "MAIN_METRICS",
    "Choice",
    "Leaderboard",
]
