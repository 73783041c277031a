from .checks import CHECKS, examine
from .finding import Cluster, Finding

__all__ = [
    "CHECKS",
    "Cluster",
    "Finding",
    "examine",
]
