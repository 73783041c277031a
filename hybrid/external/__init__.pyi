from .class_mapping import ClassMapping
from .new_data import NewData, new_data
from .overlap import Overlap
from .result import ExternalResult
from .scores import SideScores

__all__ = [
    "ClassMapping",
    "ExternalResult",
    "NewData",
    "Overlap",
    "SideScores",
    "new_data",
]
