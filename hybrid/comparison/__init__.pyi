from .choice import Choice
from .leaderboard import Leaderboard
from .ordering import MAIN_METRICS
from .pair_settings import PairSettings

__all__ = [
    "MAIN_METRICS",
    "Choice",
    "Leaderboard",
    "PairSettings",
]
