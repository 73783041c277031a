"""Options for fitting a head."""

from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from hybrid.classifiers import HEADS
from hybrid.errors import InputError
from hybrid.evaluation.metrics import check_metric
from hybrid.pipelines.adjusted import check_adjustment
from hybrid.workspace.workspace import slug


@dataclass
class HeadOptions:
    """Options for fitting a head.

    Attributes
    ----------
    params : dict, default={}
        Parameters of the head. Those not given have the head's defaults.
    scale : bool, default=True
        Whether to standardise the embeddings first.
    pca : int or float, optional
        Number of principal components to keep, or the share of the variance. By default no PCA is used.
    tune : {"cv", "val"}, optional
        Where to tune the head's settings: by cross-validation inside train, or on the validation split. By default
        they are not tuned.
    metric : str, optional
        Metric to tune for. By default it depends on the task.
    aim : str, optional
        Objective of the threshold, such as ``"f1"``, ``"recall=0.98"`` or, with a confidence for new images,
        ``"recall=0.98@0.95"``. By default the threshold is the frequency of the class in the training data, or 0.5
        without class weights.
    calibration : str, optional
        Calibration of the probabilities, such as ``"auto"``. By default they are not calibrated.
    prevalence : float or dict, optional
        Frequency of the positive class of two, or of each class or label by its name, that the probabilities refer to.
        By default the class frequencies of the training data.
    folds, repeats : int, default=5, 1
        Number of folds of each cross-validation inside train, and how often it is repeated with new folds.
    seed : int, default=0
        Seed of the folds, and of the head unless `params` has a ``random_state``.
    """

    params: dict[str, Any] = field(default_factory=dict)
    scale: bool = True
    pca: int | float | None = None
    tune: str | None = None
    metric: str | None = None
    aim: str | None = None
    calibration: str | None = None
    prevalence: float | dict[str, float] | None = None
    folds: int = 5
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_adjustment(self.aim, self.calibration)
        if self.metric is not None:
            check_metric(self.metric)
        if self.folds < 2 or self.repeats < 1:
            raise InputError(
                f"folds={self.folds}, repeats={self.repeats} were given; expected 2 folds or more and 1 repeat or more."
            )
        if self.pca is not None and not (0 < self.pca < 1 or (isinstance(self.pca, int) and self.pca >= 1)):
            raise InputError(
                f"pca={self.pca!r} was given; expected a number of components (1 or more) or a share of the variance "
                "above 0 and below 1."
            )

    @property
    def class_weight(self) -> Any:
        """Class weights of the head: ``"balanced"`` unless `params` has others."""
        return self.params.get("class_weight", "balanced")

    @property
    def adjustment(self) -> dict[str, Any]:
        """Parameters of an `AdjustedHead`."""
        return {
            "aim": self.aim,
            "calibration": self.calibration,
            "cv": self.folds,
            "repeats": self.repeats,
            "random_state": self.seed,
        }

    @property
    def name_parts(self) -> list[str]:
        """Parts of a model's name that stand for options other than the defaults."""
        parts = [
            "tuned" if self.tune else "",
            f"pca{self.pca}" if self.pca is not None else "",
            "unweighted" if self.class_weight is None else "",
            "calibrated" if self.calibration else "",
            slug("prevalence", *_values(self.prevalence)) if self.prevalence is not None else "",
            slug(self.aim) if self.aim else "",
        ]
        return [part for part in parts if part]

    def seeded(self, head: str) -> dict[str, Any]:
        """Return the parameters of a head, with the seed if the head is random."""
        is_random = head in HEADS and "random_state" in signature(HEADS[head].load()).parameters
        return {"random_state": self.seed, **self.params} if is_random else self.params


def _values(prevalence: float | dict[str, float]) -> list[float]:
    return list(prevalence.values()) if isinstance(prevalence, dict) else [prevalence]
