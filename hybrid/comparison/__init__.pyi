from .choice import Choice
from .leaderboard import Leaderboard
from .ordering import MAIN_METRICS

__all__ = [
    "MAIN_METRICS",
    "Choice",
    "Leaderboard",
]
