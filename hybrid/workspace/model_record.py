"""The record of a fitted model: the source of its features, how it was fitted, its scores and its costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.result import Evaluation, Metric
from hybrid.pipelines.saved.adapted_from import AdaptedFrom
from hybrid.workspace.records import Record, empty_for_none, from_json, one_or_many, saved_as
from hybrid.workspace.set_record import ViewsRecord, read_task

Label = str | int | float | bool


@dataclass(frozen=True)
class Seconds:
    """Times that a model took, in seconds.

    Attributes
    ----------
    train : float or None
        Time for training the networks behind the features; 0 if none was trained in a workspace, None if this is not
        known.
    extract : float or None
        Time for computing the embeddings of all images; None if this is not known.
    fit, predict : float or None
        Time for fitting the model, and for predicting all images; None if this is not known.
    measure : {"processor", "wall", "runs"}
        Processor seconds, or wall-clock seconds. ``"runs"`` are wall-clock seconds, too, but `extract` is an average
        over whole runs that an earlier version recorded, which contained the digests of files and loading the network.
    """

    train: float | None = 0.0
    extract: float | None = None
    fit: float | None = None
    predict: float | None = None
    measure: Literal["processor", "wall", "runs"] = "runs"

    @classmethod
    def of(cls, measure: Literal["processor", "wall", "runs"], **parts: float | None) -> "Seconds":
        """Return the times of the parts, rounded to milliseconds as records hold them."""
        rounded = {part: None if value is None else round(value, 3) for part, value in parts.items()}
        return cls(**rounded, measure=measure)

    @property
    def total(self) -> float | None:
        """The sum of all times; None if one of them is not known, or the sum is 0."""
        parts = (self.train, self.extract, self.fit, self.predict)
        known = [part for part in parts if part is not None]
        return None if len(known) < len(parts) else sum(known) or None


@dataclass(frozen=True)
class Tuning:
    """The record of how the settings of a head were tuned.

    Attributes
    ----------
    on : str
        ``"cv"`` (cross-validation inside train) or ``"val"``.
    chosen : dict
        The settings with the best score.
    metric : str
    score : float
        The best score.
    settings_tried : int
    """

    on: str
    chosen: dict[str, Any]
    metric: str
    score: float
    settings_tried: int


@dataclass(frozen=True)
class Adjustment:
    """The record of how the calibration or the threshold of a model was chosen.

    Attributes
    ----------
    on : str
        The split that was used, ``"val"`` or ``"train"``.
    images : int
        Number of images that were used.
    cross_validation : str or None
        Folds and repeats inside train, such as ``"5x1"``; None if there was no cross-validation.
    choices : tuple of dict
        Fields of a `hybrid.pipelines.threshold.Choice` for each threshold.
    notes : tuple of str
        Why this split was used, and how many images the result is based on.
    """

    on: str
    images: int
    cross_validation: str | None = None
    choices: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """A member of an ensemble: its name, its head, the embedding set or model that it comes from, and its weight."""

    name: str
    head: str
    of: str
    weight: float


@dataclass(frozen=True)
class _SavedEvaluation:
    """The types of the values of `Evaluation.to_dict`, to check the content of a file."""

    task: str = field(metadata=saved_as(read=read_task))
    classes: tuple[Label, ...]
    positive: Label | None
    n: int
    level: float
    n_boot: int
    seed: int
    metrics: dict[str, Metric]
    per_class: tuple[dict[str, Metric | int], ...]
    confusion: tuple[Any, ...]
    method: str = "percentile"
    n_groups: int | None = None


def read_evaluation(value: Any, key: str) -> Evaluation:
    """Return the evaluation that JSON values hold; raise `ValueError` if a value does not fit."""
    from_json(_SavedEvaluation, value, key)
    return Evaluation.from_dict(value)


def _read_splits(value: Any, key: str) -> dict[str, Evaluation]:
    from_json(dict[str, _SavedEvaluation], value, key)
    return {split: Evaluation.from_dict(saved) for split, saved in value.items()}


def _write_splits(splits: Mapping[str, Evaluation]) -> dict[str, Any]:
    return {split: result.to_dict() for split, result in splits.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelRecord(Record):
    """The record of a fitted model.

    Attributes
    ----------
    name, head : str
    backbones, poolings, sets, extractor_fingerprints : tuple of str
        One entry for each extractor of the model's features.
    layers : tuple of str
        The layers of the extractor; of several extractors one string each, its layers joined by "+".
    views : tuple of (ViewsRecord or None)
        The views of the images, for each extractor.
    width : int or None
        Number of features.
    parameters : int or None
        Total number of parameters of the networks; None if it is not known.
    bytes : int or None
        Size of the saved model.
    dataset, dataset_fingerprint : str
        Name of the dataset, and the SHA-256 of images, labels and splits.
    task : {"binary", "multiclass", "multilabel"}
    classes : tuple
    positive : object or None
        The positive class of a binary task; None for other tasks.
    created : str
        Date and time in ISO format.
    trained : dict of str to float
        Training time in wall-clock seconds of each network behind the features, keyed by its name.
    trained_processor : dict of str to float
        The same in processor seconds. Without the networks for which this is not known.
    seconds : Seconds
        Times by the wall clock.
    processor : Seconds or None
        Times in processor seconds; None in records of schema 1 to 3.
    cuts : int
        Largest number of layers whose embeddings one pass computed side by side, see `hybrid.extractors.store.cost`.
    splits : dict of str to Evaluation
        Scores by split.
    sealed : tuple of str
        Splits whose scores are not computed before a comparison shows them. A new model has only ``"test"`` here.
    skipped : int
        Number of images that could not be decoded.
    warnings : tuple of str
    params : dict
        Parameters of the head.
    scale : bool or None
        Whether the embeddings were standardised; None for the output of a network, to which no head was fitted.
    pca : int or float or None
    class_weight : "balanced", dict or None
    tuning : Tuning or None
    seed : int or None
    aim, calibration : str or None
    threshold : float, tuple of float, or None
        Threshold of the positive class, or of each label; None if none was chosen, so that the default applies.
    default_threshold : float, tuple of float, or None
        Threshold of the positive class, or of each label, that applies if none was chosen. It is the frequency of the
        class in the training data if classes have balanced weights, and 0.5 without weights. None for other tasks, and
        in records of earlier schemas, where it is 0.5.
    frequencies : dict of str to float
        The class frequencies that the probabilities refer to; empty if they are not known.
    prevalence : float, dict or None
        The class frequencies that the user gave; None for those of the training data.
    adjustment : Adjustment or None
        How the calibration and the threshold were chosen; None if neither was.
    adapted : AdaptedFrom or None
        The parent of a model that was adapted to a new site, and the images that it was adapted to; None for others.
    weights : str or None
        How the weights of an ensemble were chosen; None if they are equal.
    members : tuple of Member
        Members of an ensemble; empty for other models.
    predictions_sha256 : str
        SHA-256 of the file of predictions; "" in records of schema 1.
    folder : Path
        The model's folder. It is not saved.
    """

    SCHEMA: ClassVar[int] = 4
    SEALED_SINCE: ClassVar[int] = 2
    REMEDY: ClassVar[str] = (
        "Delete the model's folder and fit it again. Until then, name the other models to use them without it."
    )

    name: str = field(metadata=saved_as(key="model"))
    head: str
    backbones: tuple[str, ...] = field(default=(), metadata=one_or_many(str, key="backbone"))
    layers: tuple[str, ...] = ()
    poolings: tuple[str, ...] = field(default=(), metadata=one_or_many(str, key="pooling"))
    sets: tuple[str, ...] = field(default=(), metadata=one_or_many(str, key="set"))
    extractor_fingerprints: tuple[str, ...] = field(default=(), metadata=one_or_many(str, key="extractor_fingerprint"))
    views: tuple[ViewsRecord | None, ...] = field(default=(), metadata=one_or_many(ViewsRecord | None, key="views"))
    width: int | None = None
    parameters: int | None = None
    dataset: str
    dataset_fingerprint: str
    task: str = field(metadata=saved_as(read=read_task))
    classes: tuple[Label, ...]
    positive: Label | None = None
    created: str = ""
    trained: dict[str, float] = field(default_factory=dict)
    trained_processor: dict[str, float] = field(default_factory=dict)
    seconds: Seconds = Seconds()
    processor: Seconds | None = None
    cuts: int = 1
    splits: dict[str, Evaluation] = field(metadata=saved_as(read=_read_splits, write=_write_splits))
    sealed: tuple[str, ...] = ()
    skipped: int = 0
    warnings: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    scale: bool | None = None
    pca: int | float | None = None
    class_weight: str | dict[str, float] | None = None
    tuning: Tuning | None = field(default=None, metadata=empty_for_none(Tuning))
    weights: str | None = None
    members: tuple[Member, ...] = ()
    seed: int | None = None
    aim: str | None = None
    calibration: str | None = None
    threshold: float | tuple[float, ...] | None = None
    default_threshold: float | tuple[float, ...] | None = None
    frequencies: dict[str, float] = field(default_factory=dict)
    prevalence: float | dict[str, float] | None = None
    adjustment: Adjustment | None = field(default=None, metadata=empty_for_none(Adjustment))
    adapted: AdaptedFrom | None = field(default=None, metadata=empty_for_none(AdaptedFrom))
    bytes: int | None = None
    predictions_sha256: str = ""
    folder: Path = field(default=Path(), metadata=saved_as(saved=False))

    @property
    def group_name(self) -> str:
        """What a group of images is called in words, as its scores say; "group" if this is not known."""
        return next((result.group_name for result in self.splits.values()), GROUP)

    def was_fitted_to(self, dataset_fingerprint: str, extractor_fingerprint: str) -> bool:
        """Return whether the model was fitted to this embedding set, and not to an earlier one with the same name."""
        known = self.extractor_fingerprints
        return dataset_fingerprint == self.dataset_fingerprint and (not known or extractor_fingerprint in known)
