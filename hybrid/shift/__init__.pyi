from .api import dataset_shift
from .class_shares import ClassShares
from .estimated_shares import EstimatedShares, estimate_class_shares
from .farthest import FarImage
from .properties import PROPERTIES, PropertyDifference
from .result import DatasetShift
from .score_changes import ScoreChange
from .two_sample import TwoSampleTest, two_sample_test

__all__ = [
    "PROPERTIES",
    "ClassShares",
    "DatasetShift",
    "EstimatedShares",
    "FarImage",
    "PropertyDifference",
    "ScoreChange",
    "TwoSampleTest",
    "dataset_shift",
    "estimate_class_shares",
    "two_sample_test",
]
