"""The record of an embedding set: its dataset, extractor and views, and the cost of the extraction."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from hybrid.evaluation.groups import group_name_of
from hybrid.extractors.images.views import Views
from hybrid.extractors.recorded_parameters import recorded_parameters
from hybrid.extractors.store.cost import Pass
from hybrid.extractors.store.identity import Identity
from hybrid.workspace.records import Record, from_json, saved_as
from hybrid.workspace.workspace import BEST_NETWORK, LAST_NETWORK, slug


def read_task(value: Any, key: str) -> str:
    """Return a task that was read from JSON; raise `ValueError` if it is unknown."""
    return from_json(Literal["binary", "multiclass", "multilabel"], value, key)


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """The record of the dataset of an embedding set.

    Attributes
    ----------
    name, source : str
    arguments : dict or None
        Arguments of `hybrid.datasets.load_dataset` that open the dataset again; None if it was created in Python.
    task : {"binary", "multiclass", "multilabel"}
    fingerprint : str
        SHA-256 of images, labels and splits.
    notes, warnings : tuple of str
    counts : dict of str to dict of str to int
        Number of images of each class, by split.
    """

    name: str
    source: str = ""
    arguments: dict[str, Any] | None = None
    task: str = field(metadata=saved_as(read=read_task))
    fingerprint: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def group_name(self) -> str:
        """What a group is called in words: after its column if this is known, else "group"."""
        return group_name_of(self.arguments)


@dataclass(frozen=True)
class _SavedParams:
    """The types of an extractor's parameters, to check the content of a file."""

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
    """The record of the extractor that computed an embedding set.

    Attributes
    ----------
    params : dict
        Parameters of a `FeatureExtractor`, as JSON values.
    fingerprint : str
        Digest of the identity.
    identity : Identity
        Everything that can change the values of the embeddings.
    """

    params: dict[str, Any] = field(metadata=saved_as(read=_read_params))
    fingerprint: str
    identity: Identity

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers at which the network is cut."""
        return tuple(self.params["layers"])

    @property
    def backbone(self) -> str:
        """Name of the backbone, or path of the network's file."""
        return self.params["backbone"]

    @property
    def cache(self) -> Path | None:
        """Folder of the store; None for the user's cache."""
        return None if self.params["cache"] is None else Path(self.params["cache"])

    def arguments(self) -> dict[str, Any]:
        """Return arguments that create the same `FeatureExtractor`, which checks that its network was not replaced."""
        params = recorded_parameters(self.params, self.identity)
        size = params["size"]
        return params | {"size": tuple(size) if isinstance(size, list) else size, "fingerprint": self.fingerprint}

    def with_params(self, **changes: Any) -> "ExtractorRecord":
        """Return a copy of the record with some parameters changed."""
        return replace(self, params=self.params | changes)

    def short_name(self, dataset: str, *more: str) -> str:
        """Return a name that is built from the dataset, the extractor and further parts.

        The dataset is left out if the name of a trained network begins with it.
        """
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
    """The record of the views of an embedding set's images.

    Attributes
    ----------
    number : int
        Number of views of each image.
    augmentation : dict
        Fields of the `hybrid.extractors.images.augment.Augmentation`.
    seed : int
    of : {"train", "train+test"}
        Whether only the training images have views, or all images.
    """

    number: int
    augmentation: dict[str, Any]
    seed: int
    of: str

    @classmethod
    def of_views(cls, views: Views, of: str) -> "ViewsRecord":
        """Return the record of views."""
        return cls(**views.fields(), of=of)

    @property
    def views(self) -> Views:
        """The views.

        Raises
        ------
        InputError
            If they were made by another version of the augmentation policy.
        """
        return Views.from_fields({"number": self.number, "augmentation": self.augmentation, "seed": self.seed})


@dataclass(frozen=True)
class SkippedImage:
    """The id of an image that could not be decoded, and the reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class RowsFile:
    """Name and SHA-256 of the file with the keys, labels, splits and further columns of an embedding set's images."""

    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SetRecord(Record):
    """The record of an embedding set.

    Attributes
    ----------
    created : str
        Date and time in ISO format.
    dataset : DatasetRecord
    extractor : ExtractorRecord
    views : ViewsRecord or None
    width, images : int
        Number of columns and of rows.
    new, cached : int
        Number of embeddings that the extraction computed, and that it found in the store.
    skipped : tuple of SkippedImage
    animated : int
        Number of images with several frames. Only their first frame is used.
    seconds : float
        Duration of the extraction.
    cost, processor : float or None
        Wall-clock and processor seconds in which all embeddings were computed, also those found in the store: for
        decoding, the network and writing. None if they are not known.
    measure : {"wall", "runs"}
        What `cost` is: wall-clock seconds of the passes, or the average over whole runs that earlier versions recorded,
        which contained the digests of files and loading the network.
    passes : tuple of Pass
        The passes of the network that computed the embeddings. Empty in records of earlier versions.
    trained : dict of str to float
        Training time of the network by the wall clock, keyed by its name. Empty if it was not trained in a workspace.
    trained_processor : dict of str to float
        The same in processor seconds. Without the networks for which this is not known.
    runtime : str or None
        The library that ran the network; None if nothing was computed.
    rows : RowsFile or None
        The file with the images' keys and labels; None before the set is saved.
    """

    SCHEMA: ClassVar[int] = 4
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
    processor: float | None = None
    measure: Literal["wall", "runs"] = "runs"
    passes: tuple[Pass, ...] = ()
    trained: dict[str, float] = field(default_factory=dict)
    trained_processor: dict[str, float] = field(default_factory=dict)
    runtime: str | None = None
    rows: RowsFile | None = None

    @property
    def known_passes(self) -> tuple[Pass, ...]:
        """The passes that computed the embeddings; a single one without a name if they were not recorded."""
        return self.passes or (Pass("", self.images, self.cost, self.processor),)

    @property
    def content(self) -> tuple[str, str, ViewsRecord | None]:
        """Fingerprints of dataset and extractor, and the views. Sets with equal content are interchangeable."""
        return self.dataset.fingerprint, self.extractor.fingerprint, self.views

    @property
    def short_name(self) -> str:
        """A name for the set that is built from dataset, backbone, layers and views."""
        views = [f"views{self.views.number}"] if self.views else []
        return self.extractor.short_name(self.dataset.name, *views)
