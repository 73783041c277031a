"""Predict new images with a saved model."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets.readers.scan import link_error, list_below
from hybrid.embeddings.joined import predict_mean
from hybrid.errors import InputError, reason_of
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.images.source import ImageSource, Source
from hybrid.extractors.images.views import Views, ViewSource
from hybrid.extractors.store.store import EmbeddingStore
from hybrid.pipelines import load_model, read_manifest
from hybrid.pipelines.build import extractors_of
from hybrid.progress import Progress

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class ImagePredictions:
    """Labels and probabilities of images, in the order they were given.

    Attributes
    ----------
    columns : list of str
        ``image``, ``predicted`` and one ``p_CLASS`` for each class.
    rows : list of list
        One for each image.
    skipped : dict of str to str
        Images that could not be decoded, and why.
    """

    columns: list[str]
    rows: list[list[Any]]
    skipped: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, one object an image."""
        return {
            "predictions": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "skipped": self.skipped,
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def predict_images(
    model: Path, paths: list[str], *, on_bad: str = "raise", progress: Progress | None = None
) -> ImagePredictions:
    """Return labels and probabilities of images; means over views, where the model was evaluated so.

    Parameters
    ----------
    model : Path
        Folder of a saved model.
    paths : list of str
        Image files.
    on_bad : {"raise", "skip"}, default="raise"
        What to do about an image that cannot be decoded.
    progress : callable, optional
        Called with (images done, images to do).

    Returns
    -------
    ImagePredictions

    Raises
    ------
    InputError
        If the model was changed after it was saved, or takes embeddings only, or an image cannot be decoded.
    """
    manifest = read_manifest(model)
    pipeline = load_model(model)
    if not manifest["extractors"]:
        raise InputError(f"The model {str(model)!r} takes embeddings, not images: it was saved without an extractor.")
    views = manifest["info"].get("views")
    source = ViewSource(paths, Views.from_fields(views), np.ones(len(paths), bool)) if views else ImageSource(paths)
    keys, skipped = _extract(extractors_of(pipeline[0]), source, len(paths), on_bad, progress)
    kept = [row for row in range(len(paths)) if row not in skipped]
    labels = _labels(manifest)
    X = np.concatenate([_rows(store, found[kept]) for store, found in keys], axis=2)
    proba, predicted = judge(pipeline[1:], X, labels)
    rows = [
        [paths[row], _label(predicted[i], labels), *(round(float(value), 9) for value in proba[i])]
        for i, row in enumerate(kept)
    ]
    return ImagePredictions(
        ["image", "predicted", *(f"p_{label}" for label in labels)],
        rows,
        {paths[row]: reason for row, reason in sorted(skipped.items())},
    )


def judge(head: "Pipeline", blocks: np.ndarray, labels: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, k) and predicted labels (n,) or (n, k) of images; whatever a head does, one sentence.

    Parameters
    ----------
    head : Pipeline
        From embeddings to labels, of a saved model.
    blocks : ndarray, (m, n, width)
        m rows of each image; of several, probabilities are means.
    labels : sequence, (k,)

    Raises
    ------
    InputError
        If the head fails, or does not give one finite probability for each label.
    """
    try:
        several = len(blocks) > 1
        proba, predicted = (
            predict_mean(head, list(blocks)) if several else (head.predict_proba(blocks[0]), head.predict(blocks[0]))
        )
        expected = (blocks.shape[1], len(labels))
        sound = np.shape(proba) == expected and np.shape(predicted) in (expected, expected[:1])
        reason = "" if sound and np.isfinite(proba).all() else "it does not give a probability for each label"
    except Exception as error:  # what a stranger's head raises, nobody can list
        reason = reason_of(error)
    if reason:
        raise InputError(f"The model's head cannot judge embeddings of {blocks.shape[2]} columns: {reason}.")
    return proba, predicted


def _labels(manifest: Mapping[str, Any]) -> list[str]:
    labels = manifest["info"].get("labels", manifest["classes"])
    if not isinstance(labels, list) or len(labels) != len(manifest["classes"]):
        raise InputError(f"The model's manifest names the labels {labels!r:.200}, which do not fit its classes.")
    return [str(label) for label in labels]


def _extract(
    extractors: list[FeatureExtractor], source: Source, images: int, on_bad: str, progress: Progress | None
) -> tuple[list[tuple[EmbeddingStore, np.ndarray]], dict[int, str]]:
    """Bring images into each extractor's store.

    Returns
    -------
    list of (EmbeddingStore, ndarray of uint8, (n, 1 + k, 32))
        The stores with the keys of each image and of its k views.
    dict of int to str
        Images that were skipped, and why.
    """
    found: list[tuple[EmbeddingStore, np.ndarray]] = []
    skipped: dict[int, str] = {}
    for number, extractor in enumerate(extractors, start=1):
        part = progress and _part_of(progress, number * len(source), len(extractors) * len(source))
        keys, view_keys, bad = source.by_image(extractor.extract(source, on_bad=on_bad, progress=part))
        store = EmbeddingStore(extractor.cache_folder, extractor.resolve())
        found.append((store, np.concatenate([keys[:, None], view_keys], axis=1)))
        skipped |= bad
        if len(skipped) == images:
            reason = next(iter(skipped.values()))
            raise InputError(f"None of the {images} images can be decoded, first: {reason}")
    return found, skipped


def _rows(store: EmbeddingStore, keys: np.ndarray) -> np.ndarray:
    """Return the rows of keys (n, m, 32), (m, n, width)."""
    rows = store.gather(keys.reshape(-1, keys.shape[2]))
    return rows.reshape(*keys.shape[:2], -1).transpose(1, 0, 2)


def _part_of(progress: Progress, end: int, total: int) -> Progress:
    """Return what reports one of several extractions as a part of all; `end` is the count when it is done."""
    return lambda done, to_do: progress(end - to_do + done, total)


def find_images(given: Iterable[str], follow_links: bool = False) -> list[str]:
    """Return the image files that paths name; folders are searched, other files in them passed over.

    Parameters
    ----------
    given : iterable of str
    follow_links : bool, default=False
        Whether links in a folder that lead out of it are followed.

    Raises
    ------
    InputError
        If a path does not exist, a folder holds links that lead out of it, or there is no image at all.
    """
    found: list[str] = []
    for text in given:
        path = Path(text).expanduser()
        if path.is_dir():
            listing = list_below(str(path), None if follow_links else str(path))
            if listing.outside:
                raise link_error(listing.outside, str(path), skippable=False)
            found += [str(path / name) for name in listing.images]
        elif path.exists():
            found.append(str(path))
        else:
            raise InputError(f"There is no image {text!r}: give files or folders of images.")
    if not found:
        raise InputError(f"No image was found in {', '.join(map(repr, given))}: give files or folders of images.")
    return found


def _label(value: Any, labels: list[str]) -> Any:
    if np.ndim(value):
        return "|".join(label for label, on in zip(labels, value, strict=True) if on)
    return value.item() if isinstance(value, np.generic) else value
