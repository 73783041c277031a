"""Predict new images with a saved model."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.datasets.readers.scan import link_error, list_below
from hybrid.errors import InputError, reason_of
from hybrid.extractors.images.source import Source
from hybrid.files import csv_text, expanded, plain_start
from hybrid.models.predicted_columns import PredictedColumns, SetMaker, typicality_columns
from hybrid.pipelines.build import extractors_of
from hybrid.pipelines.saved.load import open_model
from hybrid.pipelines.threshold_rule import threshold_rule
from hybrid.pipelines.views import ViewPipeline
from hybrid.progress import Progress
from hybrid.wording import number

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class ImagePredictions:
    """Predicted labels and probabilities of images, in the order in which the images were given.

    Attributes
    ----------
    columns : list of str
        ``image``, ``predicted`` and one ``p_CLASS`` for each class; ``typicality`` and ``unfamiliar`` if the model
        keeps a reference; with a coverage, ``set`` or, for several labels, one ``set_LABEL`` for each.
    rows : list of list
        One row for each image.
    skipped : dict of str to str
        Images that could not be decoded, each with the reason.
    note : str
        The thresholds that decide, if a label is not the one that the probabilities alone would suggest; else "".
    unfamiliar : str
        Which images are unlike the training images, or why the model cannot tell; "" if none is.
    sets : str
        A sentence on what the prediction sets guarantee; "" without a coverage.
    """

    columns: list[str]
    rows: list[list[Any]]
    skipped: dict[str, str]
    note: str = ""
    unfamiliar: str = ""
    sets: str = ""

    @property
    def notes(self) -> list[str]:
        """The sentences that belong to the predictions."""
        return [text for text in (self.note, self.unfamiliar, self.sets) if text]

    def to_dict(self) -> dict[str, Any]:
        """Return the predictions as JSON values, one object per image."""
        return {
            "predictions": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "skipped": self.skipped,
            "notes": self.notes,
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Return the predictions as CSV text. A path is one that names the file in a spreadsheet, too."""
        return csv_text(self.columns, [[plain_start(path), *map(_cell, row)] for path, *row in self.rows])


def predict_images(
    model: Path,
    paths: list[str],
    *,
    coverage: float | None = None,
    per_class: bool = False,
    on_bad: str = "raise",
    progress: Progress | None = None,
) -> ImagePredictions:
    """Return the labels and probabilities that a saved model predicts for image files.

    Parameters
    ----------
    model : Path
        Folder or .zip file of a saved model.
    paths : list of str
        Image files.
    coverage : float, optional
        Probability with which the prediction set of a new image contains its true class. By default there are no sets.
    per_class : bool, default=False
        Whether the coverage holds for each class by itself.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be decoded.
    progress : callable, optional
        Called with the number of finished images and the total number of images.

    Returns
    -------
    ImagePredictions

    Raises
    ------
    InputError
        If the model was changed after it was saved or has no extractor, an image cannot be decoded, or the model was
        calibrated with too few images for the coverage.
    """
    opened = open_model(model)
    if not opened.manifest.extractors:
        raise InputError(f"The model {str(model)!r} takes embeddings, not images: it was saved without an extractor.")
    pipeline, labels = opened.pipeline, opened.manifest.label_names
    sets = None if coverage is None else SetMaker.of(opened, coverage, per_class)
    _, skipped = extract_to_store(pipeline, paths, on_bad, progress)
    kept = [path for row, path in enumerate(paths) if row not in skipped]
    if isinstance(pipeline, ViewPipeline):
        blocks = pipeline.blocks(kept)
        proba, predicted = predict_checked(pipeline, np.array(kept), labels)
    else:
        blocks = [pipeline[0].transform(kept)]
        proba, predicted = predict_checked(pipeline[1:], blocks[0], labels)
    typical = typicality_columns(opened, blocks[0], kept)
    found = PredictedColumns([], [[] for _ in kept]) if sets is None else sets.columns(blocks)
    rows = [
        [path, _label(label, labels), *(round(float(value), 9) for value in values), *of_reference, *of_sets]
        for path, label, values, of_reference, of_sets in zip(
            kept, predicted, proba, typical.rows, found.rows, strict=True
        )
    ]
    return ImagePredictions(
        ["image", "predicted", *(f"p_{label}" for label in labels), *typical.names, *found.names],
        rows,
        {paths[row]: reason for row, reason in sorted(skipped.items())},
        _threshold_note(pipeline, labels, proba, predicted),
        typical.note,
        found.note,
    )


def predict_checked(pipeline: "Pipeline", X: np.ndarray, labels: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities and labels that a saved model predicts, after a check of their shapes.

    Parameters
    ----------
    pipeline : Pipeline
        Predicts labels from images or embeddings.
    X : ndarray
        n images or embeddings.
    labels : sequence of length k
        Classes, or label names of a multi-label task.

    Returns
    -------
    proba : ndarray of shape (n, k)
    predicted : ndarray of shape (n,) or (n, k)

    Raises
    ------
    InputError
        If the pipeline fails, or does not return one finite probability per label.
    """
    try:
        proba, predicted = pipeline.predict_proba(X), pipeline.predict(X)
        expected = (len(X), len(labels))
        shapes_match = np.shape(proba) == expected and np.shape(predicted) in (expected, expected[:1])
        reason = (
            "" if shapes_match and np.isfinite(proba).all() else "it does not return one finite probability per label"
        )
    except Exception as error:  # an untrusted head can fail in any way
        reason = reason_of(error)
    if reason:
        raise InputError(f"The model cannot predict: {reason}")
    return proba, predicted


def _threshold_note(pipeline: "Pipeline", labels: Sequence[Any], proba: np.ndarray, predicted: np.ndarray) -> str:
    """Return which thresholds decide, and how many images they give another label than the probabilities suggest."""
    multilabel = predicted.ndim == 2
    expected = proba >= 0.5 if multilabel else pipeline.classes_[proba.argmax(axis=1)]
    others = int((expected != predicted).reshape(len(proba), -1).any(axis=1).sum())
    rule = threshold_rule(pipeline[-1], labels, multilabel) if others else ""
    if not rule:
        return ""
    usual = "other labels than at a threshold of 0.5" if multilabel else "another class than the most probable one"
    share = f"{others} of {number(len(proba), 'image')}"
    return f"{rule}. For this reason, {share} {'has' if others == 1 else 'have'} {usual}."


def extract_to_store(
    pipeline: "Pipeline", images: Sequence[str] | np.ndarray, on_bad: str = "raise", progress: Progress | None = None
) -> tuple[np.ndarray, dict[int, str]]:
    """Compute the embeddings of images that a pipeline needs and the store lacks.

    Parameters
    ----------
    pipeline : Pipeline
        Its first step is an extractor, or several side by side.
    images : sequence of n paths, or ndarray of uint8
        Images as `FeatureExtractor` takes them.
    on_bad : {"raise", "skip"}, default="raise"
        What to do with an image that cannot be decoded.
    progress : callable, optional
        Called with the number of finished images and the total number of images.

    Returns
    -------
    keys : ndarray of uint8, shape (n, 32)
        SHA-256 digests of the images; zeros for some of those that cannot be decoded.
    skipped : dict of int to str
        Rows of the images that cannot be decoded, with the reasons.

    Raises
    ------
    InputError
        If none of the images can be decoded, or one cannot and `on_bad` is "raise".
    """
    extractors, skipped = extractors_of(pipeline[0]), dict[int, str]()
    source = pipeline.source(images) if isinstance(pipeline, ViewPipeline) else Source.of(images)
    for position, extractor in enumerate(extractors, start=1):
        partial_progress = progress and _partial_progress(
            progress, position * len(source), len(extractors) * len(source)
        )
        extraction = extractor.extract(source, on_bad=on_bad, progress=partial_progress)
        keys, _, bad = source.by_image(extraction)
        skipped |= bad
        if len(skipped) == len(images):
            reason = next(iter(skipped.values()))
            raise InputError(f"None of the {len(images)} images can be decoded, first: {reason}")
    return keys, skipped


def _partial_progress(progress: Progress, end: int, total: int) -> Progress:
    """Return a callback that reports one of several extractions as part of `total`; it finishes at `end`."""
    return lambda done, to_do: progress(end - to_do + done, total)


def find_images(paths: Iterable[str], follow_links: bool = False) -> list[str]:
    """Return the paths of image files, given files and folders.

    Parameters
    ----------
    paths : iterable of str
        Image files, and folders that are searched for image files. Other files in them are ignored.
    follow_links : bool, default=False
        Whether to follow links that lead out of a folder.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If a path does not exist, no image is found, or a folder contains links that lead out of it and
        `follow_links` is false.
    """
    paths = list(paths)
    images: list[str] = []
    for text in paths:
        path = expanded(text)
        if path.is_dir():
            listing = list_below(str(path), None if follow_links else str(path))
            if listing.outside:
                raise link_error(listing.outside, str(path), skippable=False)
            images += [str(path / name) for name in listing.images]
        elif path.exists():
            images.append(str(path))
        else:
            raise InputError(f"There is no image {text!r}: give files or folders of images.")
    if not images:
        raise InputError(f"No image was found in {', '.join(map(repr, paths))}: give files or folders of images.")
    return images


def _cell(value: Any) -> Any:
    """Return a value as one cell of a CSV file: the values of a set are separated by bars."""
    return "|".join(str(one).replace("|", "\\|") for one in value) if isinstance(value, list) else value


def _label(value: Any, labels: list[str]) -> Any:
    if np.ndim(value):
        return "|".join(label for label, on in zip(labels, value, strict=True) if on)
    return value.item() if isinstance(value, np.generic) else value
