"""What is recorded of a fitted model: where its features come from, how it was fitted, its scores and its costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hybrid.evaluation.result import Evaluation, Metric
from hybrid.workspace.records import Record, empty_for_none, from_json, one_or_many, saved_as
from hybrid.workspace.set_record import ViewsRecord, read_task

Label = str | int | float | bool


@dataclass(frozen=True)
class Seconds:
    """What a model took, in seconds.

    Attributes
    ----------
    train : float
        Training the networks behind its features; 0 where none was trained here.
    extract : float or None
        Extracting the embeddings of all images, when they were computed; None if that is not known.
    fit, predict : float or None
    """

    train: float = 0.0
    extract: float | None = None
    fit: float | None = None
    predict: float | None = None

    @property
    def total(self) -> float | None:
        """Their sum; None if a part is not known, or nothing took any time."""
        parts = (self.train, self.extract, self.fit, self.predict)
        known = [part for part in parts if part is not None]
        return None if len(known) < len(parts) else sum(known) or None


@dataclass(frozen=True)
class Tuning:
    """How the settings of a head were searched.

    Attributes
    ----------
    on : str
        "cv" for cross-validation inside train, or "val".
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
    """How the calibration or the threshold of a model was chosen.

    Attributes
    ----------
    on : str
        The split, "val" or "train".
    images : int
        Number of images it was chosen on.
    cross_validation : str or None
        Folds and repeats inside train, such as "5x1".
    choices : tuple of dict
        For each threshold the fields of `hybrid.pipelines.threshold.Choice`.
    notes : tuple of str
        Why it was chosen there, and how many images it rests on.
    """

    on: str
    images: int
    cross_validation: str | None = None
    choices: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """A member of an ensemble: its head, the embedding set or model that it comes from, and its share of the mean."""

    name: str
    head: str
    of: str
    weight: float


@dataclass(frozen=True)
class _SavedEvaluation:
    """The types of what `Evaluation.to_dict` returns, to check a file by."""

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
        One for each extractor that the model's features come from.
    layers : tuple of str
        Of one extractor its layers; of several, one text for each.
    views : tuple of (ViewsRecord or None)
        For each extractor the views of its images.
    width : int or None
        Number of features.
    parameters : int or None
        Of the networks; None if they were not counted.
    bytes : int or None
        Size of the saved model.
    dataset, dataset_fingerprint : str
        Name of the data, and the digest of images, labels and split.
    task : {"binary", "multiclass", "multilabel"}
    classes : tuple
    positive : object or None
        The positive class of a binary task.
    created : str
        Date and time.
    trained : dict of str to float
        Seconds that each network behind the features took to train, by its name.
    seconds : Seconds
    splits : dict of str to Evaluation
    skipped : int
        Number of images that could not be decoded.
    warnings : tuple of str
    params : dict
        Of the head.
    scale : bool or None
        Whether embeddings were standardised; None for a network's own output, which no head was fitted to.
    pca : int or float or None
    class_weight : "balanced", dict or None
    tuning : Tuning or None
    seed : int or None
    aim, calibration : str or None
    threshold : float, tuple of float, or None
        Of the positive class, or of each label; None for one half.
    adjustment : Adjustment or None
        How calibration and threshold were chosen.
    weights : str or None
        How the weights of an ensemble were chosen; None if they are equal.
    members : tuple of Member
        Of an ensemble.
    predictions_sha256 : str
        Digest of the file of predictions; "" in records of schema 1.
    folder : Path
        Where it was read from.
    """

    SCHEMA: ClassVar[int] = 2
    SEALED_SINCE: ClassVar[int] = 2
    REMEDY: ClassVar[str] = (
        "Delete the model's folder and fit it again; until then, name the other models to use them without it."
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
    seconds: Seconds = Seconds()
    splits: dict[str, Evaluation] = field(metadata=saved_as(read=_read_splits, write=_write_splits))
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
    adjustment: Adjustment | None = field(default=None, metadata=empty_for_none(Adjustment))
    bytes: int | None = None
    predictions_sha256: str = ""
    folder: Path = field(default=Path(), metadata=saved_as(saved=False))
