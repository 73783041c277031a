"""What is recorded of an embedding set: the dataset, the extractor, the views of images, and what extraction took."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from hybrid.extractors.extractor import current_names
from hybrid.extractors.images.views import Views
from hybrid.extractors.store.identity import Identity
from hybrid.workspace.records import Record, from_json, saved_as
from hybrid.workspace.workspace import BEST_NETWORK, LAST_NETWORK, slug


def read_task(value: Any, key: str) -> str:
    """Return a task; raise `ValueError` if there is no such task."""
    return from_json(Literal["binary", "multiclass", "multilabel"], value, key)


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """The dataset that a set is of.

    Attributes
    ----------
    name, source : str
    arguments : dict or None
        Of `hybrid.datasets.load_dataset`, to open the dataset again; None if it was made in Python.
    task : {"binary", "multiclass", "multilabel"}
    fingerprint : str
        Digest of images, labels and split.
    notes, warnings : tuple of str
    counts : dict of str to dict of str to int
        Images of each class in each split.
    """

    name: str
    source: str = ""
    arguments: dict[str, Any] | None = None
    task: str = field(metadata=saved_as(read=read_task))
    fingerprint: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class _SavedParams:
    """The types of those parameters of an extractor that are read from a record, to check a file by."""

    backbone: str
    layers: tuple[str, ...]
    pooling: str
    size: int | tuple[int, ...] | None = None
    precision: str = "float32"
    cache: str | None = None


def _read_params(value: Any, key: str) -> dict[str, Any]:
    from_json(_SavedParams, value, key)
    return value


@dataclass(frozen=True)
class ExtractorRecord:
    """The extractor that made a set.

    Attributes
    ----------
    params : dict
        Parameters of a `FeatureExtractor`, as JSON values.
    fingerprint : str
        Digest of everything that can change a number in its embeddings.
    identity : Identity
        What the fingerprint is the digest of.
    """

    params: dict[str, Any] = field(metadata=saved_as(read=_read_params))
    fingerprint: str
    identity: Identity

    @property
    def backbone(self) -> str:
        """Name of the backbone, or path of the network's file."""
        return self.params["backbone"]

    @property
    def cache(self) -> Path | None:
        """Folder of the store; None for the user's cache."""
        return None if self.params["cache"] is None else Path(self.params["cache"])

    def arguments(self) -> dict[str, Any]:
        """Return what makes the same `FeatureExtractor` again; it refuses a network that was replaced since."""
        params = current_names(self.params)
        size = params["size"]
        return params | {"size": tuple(size) if isinstance(size, list) else size, "fingerprint": self.fingerprint}

    def with_params(self, **changes: Any) -> "ExtractorRecord":
        """Return the record with some parameters changed."""
        return replace(self, params=self.params | changes)

    def short_name(self, dataset: str, *more: str) -> str:
        """Return a name: the dataset (unless the name of a trained network begins with it), the extractor, and more."""
        params, path = self.params, Path(self.backbone)
        trained = {BEST_NETWORK: path.parent.name, LAST_NETWORK: f"{path.parent.name}-last"}
        backbone = slug(trained.get(path.name) or (path.stem if path.suffix == ".keras" else path))
        words = [] if params["layers"] == ["penultimate"] else [layer.split("/")[-1] for layer in params["layers"]]
        words += [params["pooling"]] if params["pooling"] != "avg" else []
        size = params["size"]
        words += ["x".join(map(str, size)) if isinstance(size, list) else str(size)] if size else []
        words += [params["precision"]] if params["precision"] != "float32" else []
        start = [] if backbone.startswith(f"{slug(dataset)}-") else [slug(dataset)]
        return slug(*start, backbone, *words, *more)


@dataclass(frozen=True)
class ViewsRecord:
    """The views of a set's images.

    Attributes
    ----------
    number : int
        Views of each image.
    augmentation : dict
        As `hybrid.extractors.images.augment.Augmentation.fields` returns it.
    seed : int
    of : {"train", "train+test"}
        Whether the training images have views, or all images.
    """

    number: int
    augmentation: dict[str, Any]
    seed: int
    of: str

    @classmethod
    def of_views(cls, views: Views, of: str) -> "ViewsRecord":
        """Return the record of some views."""
        return cls(**views.fields(), of=of)

    @property
    def views(self) -> Views:
        """The views.

        Raises
        ------
        InputError
            If they were made by another version of the augmentation's policy.
        """
        return Views.from_fields({"number": self.number, "augmentation": self.augmentation, "seed": self.seed})


@dataclass(frozen=True)
class SkippedImage:
    """An image that could not be decoded, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class RowsFile:
    """The file beside the record that holds the keys, labels and splits of the images, and its SHA-256."""

    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SetRecord(Record):
    """The record of an embedding set.

    Attributes
    ----------
    created : str
        Date and time.
    dataset : DatasetRecord
    extractor : ExtractorRecord
    views : ViewsRecord or None
    width, images : int
        Number of columns and of rows.
    new, cached : int
        Number of embeddings that this extraction computed, and found in the store.
    skipped : tuple of SkippedImage
    animated : int
        Number of images with several frames, of which the first was used.
    seconds : float
        What this extraction took.
    cost : float or None
        Seconds that the embeddings took when they were computed; None if that is not known.
    trained : dict of str to float
        Seconds that the network took to train, by its name.
    runtime : str or None
        What ran the network; None if nothing was computed.
    rows : RowsFile or None
        None before the set is saved.
    """

    SCHEMA: ClassVar[int] = 2
    SEALED_SINCE: ClassVar[int] = 2
    REMEDY: ClassVar[str] = "Delete it and run `hybrid extract` again."

    created: str = ""
    dataset: DatasetRecord
    extractor: ExtractorRecord
    views: ViewsRecord | None = None
    width: int
    images: int
    new: int = 0
    cached: int = 0
    skipped: tuple[SkippedImage, ...] = ()
    animated: int = 0
    seconds: float = 0.0
    cost: float | None = None
    trained: dict[str, float] = field(default_factory=dict)
    runtime: str | None = None
    rows: RowsFile | None = None

    @property
    def content(self) -> tuple[str, str, ViewsRecord | None]:
        """What tells one set from another: fingerprints of dataset and extractor, and the views."""
        return self.dataset.fingerprint, self.extractor.fingerprint, self.views

    @property
    def short_name(self) -> str:
        """A name for the set, from dataset, backbone, layers and views."""
        views = [f"views{self.views.number}"] if self.views else []
        return self.extractor.short_name(self.dataset.name, *views)
