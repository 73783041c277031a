"""How a head is fitted."""

from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from hybrid.classifiers import HEADS
from hybrid.pipelines.adjusted import check_adjustment
from hybrid.workspace.workspace import slug


@dataclass
class HeadOptions:
    """How a head is fitted; the defaults are the head's own.

    Attributes
    ----------
    params : dict, default={}
        Parameters of the head.
    scale : bool, default=True
        Whether embeddings are standardised first.
    pca : int or float, optional
        Components, or the share of variance, that are kept.
    tune : {"cv", "val"}, optional
        Search the head's settings by cross-validation inside train, or on the validation split.
    metric : str, optional
        What the search maximises.
    aim : str, optional
        What the threshold is chosen for, such as ``"f1"`` or ``"recall=0.98"``; None leaves it at one half.
    calibration : str, optional
        How probabilities are calibrated, such as ``"auto"``; None leaves them as the head gives them.
    folds, repeats : int, default=5, 1
        Of each cross-validation inside train: how many, and how often the images are dealt out anew.
    seed : int, default=0
        Of the search's folds, and of the head unless `params` has a ``random_state``.
    """

    params: dict[str, Any] = field(default_factory=dict)
    scale: bool = True
    pca: int | float | None = None
    tune: str | None = None
    metric: str | None = None
    aim: str | None = None
    calibration: str | None = None
    folds: int = 5
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_adjustment(self.aim, self.calibration)

    @property
    def class_weight(self) -> Any:
        """Weight of each class, where the head has one: balanced unless `params` say otherwise."""
        return self.params.get("class_weight", "balanced")

    @property
    def adjustment(self) -> dict[str, Any]:
        """Parameters of an `AdjustedHead`."""
        return {
            "aim": self.aim,
            "calibration": self.calibration,
            "class_weight": self.class_weight,
            "cv": self.folds,
            "repeats": self.repeats,
            "random_state": self.seed,
        }

    @property
    def words(self) -> list[str]:
        """What in a model's name tells that it was fitted in another way than by default."""
        words = [
            "tuned" if self.tune else "",
            f"pca{self.pca}" if self.pca is not None else "",
            "unweighted" if self.class_weight is None else "",
            "calibrated" if self.calibration else "",
            slug(self.aim) if self.aim else "",
        ]
        return [word for word in words if word]

    def seeded(self, head: str) -> dict[str, Any]:
        """Return the parameters of a head, with the seed for a head that draws random numbers."""
        draws = head in HEADS and "random_state" in signature(HEADS[head].load()).parameters
        return {"random_state": self.seed, **self.params} if draws else self.params
