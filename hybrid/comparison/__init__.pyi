from .choice import Choice
from .leaderboard import Group
from .metrics import MAIN_METRICS

__all__ = [
    "MAIN_METRICS",
    "Choice",
    "Group",
]
