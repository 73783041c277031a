"""Extract the embeddings of a dataset as one embedding set, or as one set per layer."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hybrid.datasets import Dataset
from hybrid.datasets.parts.split import VAL_AS_TEST
from hybrid.datasets.quality.drop import dropped_note
from hybrid.datasets.unused_bits import unused_bits_note
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.part import ExtractedPart, Part
from hybrid.errors import InputError, unknown_name
from hybrid.extractors import Extractor
from hybrid.extractors.images.depth import AS_STATED
from hybrid.extractors.images.source import Extraction, ImageSource, Source
from hybrid.extractors.images.views import Views, ViewSource
from hybrid.files import expanded
from hybrid.files.object_store import checked_address, is_address
from hybrid.progress import Progress
from hybrid.wording import skipped_note
from hybrid.workspace.provenance import training_time, used_in_training
from hybrid.workspace.set_record import DatasetRecord, ExtractorRecord, SetRecord, SkippedImage, ViewsRecord

VIEWS_OF = ("train", "train+test")


def extract_dataset(dataset: Dataset, extractor: Extractor, **options: Any) -> EmbeddingSet:
    """Extract the embeddings of a dataset and return them as one embedding set, which is not yet saved.

    Parameters and errors are those of :func:`extract_sets`.
    """
    [embedding_set] = extract_sets(dataset, extractor, **options)
    return embedding_set


def extract_sets(
    dataset: Dataset,
    extractor: Extractor,
    *,
    each_layer: bool = False,
    views: Views | None = None,
    views_of: str = "train",
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> list[EmbeddingSet]:
    """Extract the embeddings of a dataset into the store and return them as embedding sets.

    The network processes each image at most once; embeddings that are in the store already are not computed again.

    Parameters
    ----------
    dataset : Dataset
    extractor : Extractor
        A `FeatureExtractor`, or the plain `Extractor`, which does not import scikit-learn.
    each_layer : bool, default=False
        Whether to return a separate set for each of the extractor's layers. By default one set is returned, in which
        the embeddings of all layers are concatenated.
    views : Views, optional
        Random augmentations to extract besides the images themselves. Heads are fitted to both. None by default.
    views_of : {"train", "train+test"}, default="train"
        Which images get views. With ``"train+test"`` every image does, and predictions are means over an image and
        its views.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with images that cannot be decoded. With ``"skip"`` they are left out together with their labels,
        and the record of the set lists them.
    progress : callable, optional
        Called with the number of finished images and the total number of images.

    Returns
    -------
    list of EmbeddingSet
        One set, or one per layer. They are not yet saved.

    Raises
    ------
    InputError
        If an image cannot be decoded, or if no training image of a class is left after skipping.
    """
    extractor = _reading_like(extractor, dataset)
    images = _DatasetImages(dataset, views, views_of)
    extracted = _extract(extractor, images.source, each_layer, on_bad, progress)
    layers = extractor.each_layer() if each_layer else [extractor]
    return [images.result(layer, one) for layer, one in zip(layers, extracted, strict=True)]


def extract_part(
    dataset: Dataset,
    extractor: Extractor,
    part: Part,
    *,
    each_layer: bool = False,
    views: Views | None = None,
    views_of: str = "train",
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> ExtractedPart:
    """Extract the embeddings of a part of a dataset into the store.

    Several processes, on one machine or on several that share the cache, can extract one part each. Afterwards,
    :func:`extract_sets` finds all embeddings in the store.

    Parameters
    ----------
    dataset : Dataset
        The whole dataset.
    extractor : Extractor
    part : Part
        Which part of the images.
    each_layer, views, views_of, on_bad, progress
        As in :func:`extract_sets`.

    Returns
    -------
    ExtractedPart
        The numbers of images and of embeddings. A part may have no images if there are more parts than images.

    Raises
    ------
    InputError
        If an image cannot be decoded.
    """
    own = part.of_dataset(dataset)
    if not len(own):
        return ExtractedPart(part)
    images = _DatasetImages(own, views, views_of)
    extracted = _extract(_reading_like(extractor, dataset), images.source, each_layer, on_bad, progress)
    new, cached = (sum(getattr(one, count) for one in extracted) for count in ("new", "cached"))
    return ExtractedPart(part, len(own), new, cached, images.skipped(extracted[0]), extracted[0].seconds)


def _extract(
    extractor: Extractor, source: Source, each_layer: bool, on_bad: str, progress: Progress | None
) -> list[Extraction]:
    if each_layer:
        return extractor.extract_each(source, on_bad=on_bad, progress=progress)
    return [extractor.extract(source, on_bad=on_bad, progress=progress)]


def _reading_like(extractor: Extractor, dataset: Dataset) -> Extractor:
    """Return the extractor with the dataset's way of reading pixels with more than 8 bits."""
    if dataset.reading in (AS_STATED, extractor.reading):
        return extractor
    if extractor.reading != AS_STATED:
        raise InputError(
            f"The extractor was given {extractor.reading.describe()}, but the dataset {dataset.reading.describe()}: "
            "give them once, to the dataset."
        )
    return extractor.but(**dataset.reading.fields(), fingerprint=None)


class _DatasetImages:
    """The images of a dataset, with their views if there are any, as a source for extractors."""

    def __init__(self, dataset: Dataset, views: Views | None, views_of: str):
        if views_of not in VIEWS_OF:
            raise unknown_name("choice of images for views,", views_of, VIEWS_OF)
        self.dataset, self.views, self.views_of = dataset, views, views_of
        self.source: Source = ImageSource(dataset.X)
        if views is not None:
            self.source = ViewSource(dataset.X, views, (dataset.split == "train") | (views_of == "train+test"))

    def result(self, extractor: Extractor, extraction: Extraction) -> EmbeddingSet:
        """Return the outcome of an extraction as an embedding set."""
        keys, view_keys, bad = self.source.by_image(extraction)
        kept = np.array([row not in bad for row in range(len(self.dataset))], bool)
        part, keys = self.dataset.take(kept), keys[kept]
        _check_classes(part)
        skipped = self.skipped(extraction)
        identity = extractor.resolve()
        trained = training_time(extractor.backbone)
        dataset_record = DatasetRecord(
            name=part.name,
            source=part.source,
            arguments=part.arguments,
            task=part.task,
            fingerprint=dataset_fingerprint(keys, part),
            notes=tuple(part.notes),
            warnings=(
                *([skipped_note([image.id for image in skipped])] if skipped else []),
                *dropped_note(part.counts),
                *part.group_notes(),
                *_split_warnings(part),
                *unused_bits_note(self.dataset),
                *_duplicate_warnings(keys, part),
                *_training_warnings(keys, part, extractor),
            ),
            counts=part.counts_by_split(),
        )
        record = SetRecord(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            dataset=dataset_record,
            extractor=describe_extractor(extractor),
            views=ViewsRecord.of_views(self.views, self.views_of) if self.views else None,
            width=identity.width,
            images=len(part),
            new=extraction.new,
            cached=extraction.cached,
            skipped=skipped,
            animated=extraction.animated,
            seconds=round(extraction.seconds, 3),
            cost=None if extraction.cost is None else round(extraction.cost, 3),
            processor=None if extraction.processor is None else round(extraction.processor, 3),
            measure="wall" if all(one.name for one in extraction.passes) else "runs",
            passes=tuple(extraction.passes),
            trained={name: spent.wall for name, spent in trained.items()},
            trained_processor={name: spent.processor for name, spent in trained.items() if spent.processor is not None},
            runtime=extraction.runtime,
        )
        arrays = (keys, part.ids, part.y, part.classes, part.split, part.groups)
        return EmbeddingSet("", *arrays, record, view_keys[kept] if self.views else None, part.columns)

    def skipped(self, extraction: Extraction) -> tuple[SkippedImage, ...]:
        """Return the images that could not be decoded."""
        *_, skipped = self.source.by_image(extraction)
        return tuple(SkippedImage(str(self.dataset.ids[row]), why) for row, why in sorted(skipped.items()))


def _check_classes(part: Dataset) -> None:
    """Raise `InputError` if a class has no training image left."""
    counts = part.counts_by_split().get("train", {})
    lost = [label for label in map(str, part.classes) if not counts.get(label)]
    if lost:
        raise InputError(
            f"After skipping images that cannot be decoded, no training image of {', '.join(lost)} is left: repair or "
            "replace these images."
        )


def dataset_fingerprint(keys: np.ndarray, part: Dataset) -> str:
    """Return a SHA-256 of images, labels and splits. It does not depend on the order or the names of the files."""
    labels = part.y if part.y.ndim == 1 else part.y.astype(str)
    rows = sorted(
        f"{key.tobytes().hex()} {split} {label.tolist() if part.y.ndim == 2 else label}"
        for key, split, label in zip(keys, part.split, labels, strict=True)
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def describe_extractor(extractor: Extractor) -> ExtractorRecord:
    """Return the record of an extractor, as it is saved with an embedding set."""
    params, identity = extractor.get_params(), extractor.resolve()
    for name in ("backbone", "weights"):
        path = expanded(params[name])
        params[name] = str(path.resolve()) if path.is_file() else str(params[name])
    params["layers"] = extractor.layer_list
    params["size"] = list(params["size"]) if isinstance(params["size"], (tuple, list)) else params["size"]
    cache = params["cache"]
    if cache is not None:
        params["cache"] = checked_address(cache) if is_address(cache) else str(expanded(cache).resolve())
    return ExtractorRecord(params, identity.fingerprint, identity)


def _split_warnings(part: Dataset) -> list[str]:
    """Return a warning if test was drawn from train although there are given images that could be test."""
    given = part.counts.get("val_beside_drawn_test")
    if not given:
        return []
    return [
        f"No test split was given: the test images were set aside from train, and the {given} given val images are not "
        f"among them. If these are the images to report on, use them as test with {VAL_AS_TEST}."
    ]


def _duplicate_warnings(keys: np.ndarray, part: Dataset) -> list[str]:
    """Return warnings about byte-identical images that are in several splits or have several labels."""
    splits_of: dict[bytes, set[str]] = {}
    labels: dict[bytes, set[str]] = {}
    for key, split, label in zip(keys, part.split.tolist(), part.y.tolist(), strict=True):
        splits_of.setdefault(key.tobytes(), set()).add(split)
        labels.setdefault(key.tobytes(), set()).add(str(label))
    notes = []
    if in_several_splits := sum(len(splits) > 1 for splits in splits_of.values()):
        notes.append(
            f"{in_several_splits} images are in more than one split (byte-identical copies): scores on them are too "
            "optimistic."
        )
    if contradictory := sum(len(names) > 1 for names in labels.values()):
        notes.append(f"{contradictory} images have more than one label (byte-identical copies).")
    return notes


def _training_warnings(keys: np.ndarray, part: Dataset, extractor: Extractor) -> list[str]:
    """Return a warning if the network was trained or selected on images that are in the test split."""
    test = keys[part.split == "test"]
    other_splits = {key.tobytes() for key in keys[part.split != "test"]}  # `_duplicate_warnings` counts them
    used = used_in_training(test, extractor.backbone)
    count = sum(key.tobytes() not in other_splits for key in test[used])
    if not count:
        return []
    return [
        f"The network was trained or selected on {count} of the {len(test)} test images: the scores of every model on "
        "its features are too optimistic. Extract with the split and the seed that the network was trained with."
    ]
