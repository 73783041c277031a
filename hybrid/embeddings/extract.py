"""Extract the embeddings of a dataset: one embedding set, or one for each layer."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.datasets import Dataset
from hybrid.datasets.quality.drop import dropped_note
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.errors import InputError, unknown_name
from hybrid.extractors import Extractor
from hybrid.extractors.images.source import Extraction, ImageSource, Source
from hybrid.extractors.images.views import Views, ViewSource
from hybrid.progress import Progress
from hybrid.workspace.provenance import seen_in_training, training_seconds
from hybrid.workspace.set_record import DatasetRecord, ExtractorRecord, SetRecord, SkippedImage, ViewsRecord

VIEWS_OF = ("train", "train+test")


def extract_dataset(dataset: Dataset, extractor: Extractor, **options: Any) -> EmbeddingSet:
    """Extract the embeddings of a dataset and return them as one set, which is not yet saved.

    The parameters and errors are those of :func:`extract_sets`.
    """
    [found] = extract_sets(dataset, extractor, **options)
    return found


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
    """Extract the embeddings of a dataset into the store; each image goes through the network at most once.

    Parameters
    ----------
    dataset : Dataset
    extractor : Extractor
        A `FeatureExtractor`, or an `Extractor`, which does without scikit-learn.
    each_layer : bool, default=False
        Whether each of the extractor's layers gives a set of its own. By default there is one set, in which the
        embeddings of all layers are concatenated.
    views : Views, optional
        Random augmentations of the training images; heads are fitted to them in addition to the images themselves.
    views_of : {"train", "train+test"}, default="train"
        With ``"train+test"`` there are views of every image, and predictions are means over an image and its views.
    on_bad : {"raise", "skip"}, default="raise"
        With ``"skip"``, images that cannot be decoded are left out together with their labels, and listed.
    progress : callable, optional
        Called with (images done, images to do).

    Returns
    -------
    list of EmbeddingSet
        One set, or one for each layer; not yet saved.

    Raises
    ------
    InputError
        If an image cannot be decoded, or so many are skipped that a class is lost.
    """
    job = _Job(dataset, views, views_of)
    if not each_layer:
        return [job.result(extractor, extractor.extract(job.source, on_bad=on_bad, progress=progress))]
    done = extractor.extract_each(job.source, on_bad=on_bad, progress=progress)
    return [job.result(layer, one) for layer, one in zip(extractor.each_layer(), done, strict=True)]


class _Job:
    """A dataset whose images, and perhaps views of them, are to be extracted."""

    def __init__(self, dataset: Dataset, views: Views | None, views_of: str):
        if views_of not in VIEWS_OF:
            raise unknown_name("part of the data for views,", views_of, VIEWS_OF)
        self.dataset, self.views, self.views_of = dataset, views, views_of
        self.source: Source = ImageSource(dataset.X)
        if views is not None:
            self.source = ViewSource(dataset.X, views, (dataset.split == "train") | (views_of == "train+test"))

    def result(self, extractor: Extractor, done: Extraction) -> EmbeddingSet:
        """Return the set of what an extractor did."""
        keys, view_keys, skipped = self.source.by_image(done)
        kept = np.array([row not in skipped for row in range(len(self.dataset))], bool)
        part, keys = self.dataset.take(kept), keys[kept]
        _check_whole(part)
        identity = extractor.resolve()
        about_data = DatasetRecord(
            name=part.name,
            source=part.source,
            arguments=part.arguments,
            task=part.task,
            fingerprint=dataset_fingerprint(keys, part),
            notes=tuple(part.notes),
            warnings=(*dropped_note(part.counts), *_leaks(keys, part), *_seen_in_training(keys, part, extractor)),
            counts=part.counts_by_split(),
        )
        record = SetRecord(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            dataset=about_data,
            extractor=describe_extractor(extractor),
            views=ViewsRecord.of_views(self.views, self.views_of) if self.views else None,
            width=identity.width,
            images=len(part),
            new=done.new,
            cached=done.cached,
            skipped=tuple(SkippedImage(str(self.dataset.ids[row]), why) for row, why in sorted(skipped.items())),
            animated=done.animated,
            seconds=round(done.seconds, 3),
            cost=None if done.cost is None else round(done.cost, 3),
            trained=training_seconds(extractor.backbone),
            runtime=done.runtime,
        )
        arrays = (keys, part.ids, part.y, part.classes, part.split, part.groups)
        return EmbeddingSet("", *arrays, record, view_keys[kept] if self.views else None)


def _check_whole(part: Dataset) -> None:
    counts = part.counts_by_split().get("train", {})
    lost = [label for label in map(str, part.classes) if not counts.get(label)]
    if lost:
        raise InputError(
            f"After skipping images that cannot be decoded, train has no image of {', '.join(lost)}: mend the images."
        )


def dataset_fingerprint(keys: np.ndarray, part: Dataset) -> str:
    """Return the SHA-256 of images, labels and split, whatever the order and the names of the files."""
    labels = part.y if part.y.ndim == 1 else part.y.astype(str)
    rows = sorted(
        f"{key.tobytes().hex()} {split} {label.tolist() if part.y.ndim == 2 else label}"
        for key, split, label in zip(keys, part.split, labels, strict=True)
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def describe_extractor(extractor: Extractor) -> ExtractorRecord:
    """Return what an embedding set records of its extractor."""
    params, identity = extractor.get_params(), extractor.resolve()
    for name in ("backbone", "weights"):
        path = Path(params[name]).expanduser()
        params[name] = str(path.resolve()) if path.is_file() else str(params[name])
    params["layers"] = extractor.layer_list
    params["size"] = list(params["size"]) if isinstance(params["size"], (tuple, list)) else params["size"]
    params["cache"] = None if params["cache"] is None else str(Path(params["cache"]).expanduser().resolve())
    return ExtractorRecord(params, identity.fingerprint, identity)


def _leaks(keys: np.ndarray, part: Dataset) -> list[str]:
    """Return sentences on byte-identical images that are in several splits or have several labels."""
    splits_of: dict[bytes, set[str]] = {}
    labels: dict[bytes, set[str]] = {}
    for key, split, label in zip(keys, part.split.tolist(), part.y.tolist(), strict=True):
        splits_of.setdefault(key.tobytes(), set()).add(split)
        labels.setdefault(key.tobytes(), set()).add(str(label))
    notes = []
    if divided := sum(len(splits) > 1 for splits in splits_of.values()):
        notes.append(
            f"{divided} images are in more than one split, byte for byte: results on them flatter every model."
        )
    if torn := sum(len(names) > 1 for names in labels.values()):
        notes.append(f"{torn} images are there under more than one label, byte for byte.")
    return notes


def _seen_in_training(keys: np.ndarray, part: Dataset, extractor: Extractor) -> list[str]:
    """Return a sentence if the network, trained here, saw images that are now in the test split."""
    test = keys[part.split == "test"]
    copies = {key.tobytes() for key in keys[part.split != "test"]}  # said by `_leaks` already
    seen = seen_in_training(test, extractor.backbone)
    known = sum(key.tobytes() not in copies for key in test[seen])
    if not known:
        return []
    return [
        f"The network was trained on, or chosen by, {known} of the {len(test)} test images: results on them "
        "flatter every model on its features. Extract with the split and the seed that it was trained with."
    ]
