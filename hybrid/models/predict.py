"""Predict new images with a saved model."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets.readers.scan import link_error, list_below
from hybrid.errors import InputError, reason_of
from hybrid.extractors.images.source import ImageSource
from hybrid.pipelines.build import extractors_of
from hybrid.pipelines.saved.load import open_model
from hybrid.pipelines.views import ViewPipeline
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
    """Return labels and probabilities of images, as the pipeline of :func:`load_model` predicts them.

    Parameters
    ----------
    model : Path
        Folder of a saved model, or a .zip of it.
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
    opened = open_model(model)
    if not opened.manifest.extractors:
        raise InputError(f"The model {str(model)!r} takes embeddings, not images: it was saved without an extractor.")
    pipeline, labels = opened.pipeline, opened.manifest.label_names
    skipped = _extract(pipeline, paths, on_bad, progress)
    kept = [path for row, path in enumerate(paths) if row not in skipped]
    proba, predicted = predict_checked(pipeline, np.array(kept), labels)
    rows = [
        [path, _label(label, labels), *(round(float(value), 9) for value in values)]
        for path, label, values in zip(kept, predicted, proba, strict=True)
    ]
    return ImagePredictions(
        ["image", "predicted", *(f"p_{label}" for label in labels)],
        rows,
        {paths[row]: reason for row, reason in sorted(skipped.items())},
    )


def predict_checked(pipeline: "Pipeline", X: np.ndarray, labels: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, (n, k), and predicted labels, (n,) or (n, k), of a saved model.

    Parameters
    ----------
    pipeline : Pipeline
        From images or embeddings to labels.
    X : ndarray
        n images or embeddings.
    labels : sequence of length k

    Raises
    ------
    InputError
        If the pipeline fails, or does not give one finite probability for each label.
    """
    try:
        proba, predicted = pipeline.predict_proba(X), pipeline.predict(X)
        expected = (len(X), len(labels))
        sound = np.shape(proba) == expected and np.shape(predicted) in (expected, expected[:1])
        reason = "" if sound and np.isfinite(proba).all() else "it does not give a probability for each label"
    except Exception as error:  # an untrusted head can fail in any way
        reason = reason_of(error)
    if reason:
        raise InputError(f"The model cannot predict: {reason}")
    return proba, predicted


def _extract(pipeline: "Pipeline", paths: list[str], on_bad: str, progress: Progress | None) -> dict[int, str]:
    """Bring the embeddings of images into the store, and return the images that cannot be decoded, with the reasons."""
    extractors, skipped = extractors_of(pipeline[0]), dict[int, str]()
    source = pipeline.source(paths) if isinstance(pipeline, ViewPipeline) else ImageSource(paths)
    for number, extractor in enumerate(extractors, start=1):
        part = progress and _part_of(progress, number * len(source), len(extractors) * len(source))
        *_, bad = source.by_image(extractor.extract(source, on_bad=on_bad, progress=part))
        skipped |= bad
        if len(skipped) == len(paths):
            reason = next(iter(skipped.values()))
            raise InputError(f"None of the {len(paths)} images can be decoded, first: {reason}")
    return skipped


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
