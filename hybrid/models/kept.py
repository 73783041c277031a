"""What a fitted model keeps of its images: a reference to know unfamiliar ones by, and scores for prediction sets."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from hybrid.embeddings.joined_set import JoinedSet
from hybrid.errors import InputError, reason_of
from hybrid.files import is_on_disk
from hybrid.pipelines.fit import check_in_memory
from hybrid.pipelines.folds import groups_for, make_folds
from hybrid.pipelines.prediction_sets import CalibrationScores, scores_of, uncalibrated
from hybrid.pipelines.typicality import LEAST_GROUPS, Reference, make_reference
from hybrid.wording import and_more, joined, number

_FOLDS = 5
_MOST_OF_LARGE = 100_000  # training images of a set on disk that a reference is drawn from
_MOST_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Kept:
    """What is saved with a model besides its pipeline.

    Attributes
    ----------
    reference : Reference or None
    calibration : CalibrationScores or None
    no_reference, no_calibration : str
        The reason why there is none; else "".
    """

    reference: Reference | None = None
    calibration: CalibrationScores | None = None
    no_reference: str = ""
    no_calibration: str = ""


def kept_with(
    pipeline: Pipeline,
    X: np.ndarray,
    embeddings: JoinedSet,
    proba: np.ndarray,
    *,
    chosen: tuple[str, ...] = (),
    refittable: bool = True,
    adapted: bool = False,
    seed: int = 0,
) -> Kept:
    """Return what a fitted model keeps of the images that it was fitted to and validated on.

    Parameters
    ----------
    pipeline : Pipeline
        Predicts labels from embeddings.
    X : ndarray of shape (n, width)
        Embeddings of all images.
    embeddings : JoinedSet
        The set that `X` comes from.
    proba : ndarray of shape (n, k)
        The probabilities that the pipeline predicts.
    chosen : tuple of str, default=()
        What was chosen on the validation images, apart from calibration and threshold.
    refittable : bool, default=True
        Whether the pipeline can be fitted to parts of train, without a network that saw all of train.
    adapted : bool, default=False
        Whether the model was adapted to images of another source, which prediction sets would have to be calibrated on.
    seed : int, default=0
        Seed of the reference's draws and of the folds.

    Returns
    -------
    Kept
        The test images have no part in it.
    """
    trained_on = any(part.in_training()[embeddings.split == "train"].any() for part in embeddings.sets)
    reference, no_reference = _reference(X, embeddings, trained_on, seed)
    if adapted:
        return Kept(reference, None, no_reference, "the model was adapted to images that do not calibrate it")
    try:
        scores = _calibration(pipeline, X, embeddings, proba, chosen, refittable and not trained_on, seed)
    except ValueError as error:  # from a head that cannot be fitted to a fold, too
        return Kept(reference, None, no_reference, _clause(error))
    return Kept(reference, scores, no_reference, "")


def _reference(X: np.ndarray, embeddings: JoinedSet, trained_on: bool, seed: int) -> tuple[Reference | None, str]:
    """Return the reference, or the reason why there is none."""
    if all(part.record.extractor.layers == ("probabilities",) for part in embeddings.sets):
        return None, "the model sees the probabilities of its network only, not the features behind them"
    train, val = embeddings.split == "train", embeddings.split == "val"
    groups, held_out = embeddings.groups_with_copies, None
    if is_on_disk(X) and (surplus := int(train.sum()) - _MOST_OF_LARGE) > 0:
        train[np.random.default_rng(seed).permutation(np.flatnonzero(train))[:surplus]] = False
    if trained_on:
        if int(val.sum()) < LEAST_GROUPS:
            return None, (
                "the network was trained on the training images, which it brings closer together than new ones, and "
                f"there are too few others ({number(int(val.sum()), 'validation image')}, {LEAST_GROUPS} are needed)"
            )
        held_out = (X[val], None if groups is None else groups[val])
    try:
        reference = make_reference(
            X[train],
            None if groups is None else groups[train],
            widths=embeddings.widths,
            held_out=held_out,
            random_state=seed,
        )
    except InputError as error:
        return None, _clause(error)
    return reference, ""


def _calibration(
    pipeline: Pipeline,
    X: np.ndarray,
    embeddings: JoinedSet,
    proba: np.ndarray,
    chosen: tuple[str, ...],
    refittable: bool,
    seed: int,
) -> CalibrationScores:
    plain, val, groups = uncalibrated(pipeline), embeddings.split == "val", embeddings.groups_with_copies
    if val.any():
        if plain is not pipeline:
            by_blocks = embeddings.averages or is_on_disk(X)
            proba = embeddings.predict(plain, X)[0] if by_blocks else plain.predict_proba(X)
        scores = scores_of(proba[val], embeddings.y[val], plain.classes_, None if groups is None else groups[val], "")
        note = f", which also chose {joined(chosen)}, so that this holds only approximately" if chosen else ""
        return _named(scores, embeddings, f"{number(int(val.sum()), 'validation image')}", note)
    if not refittable or embeddings.averages:
        reason = "its predictions are means over views" if embeddings.averages else "its network was trained on train"
        raise InputError(f"there is no validation split, and {reason}, so that cross-validation would not help")
    check_in_memory(X, "Cross-validation")
    train, images = embeddings.part(X, "train"), int((embeddings.split == "train").sum())
    out_of_fold = np.zeros((len(train.y), proba.shape[1]))
    for fitted, predicted in make_folds(train.y, train.groups, cv=_FOLDS, random_state=seed):
        inner = groups_for(plain, None if train.groups is None else train.groups[fitted])
        model = clone(plain).fit(train.X[fitted], train.y[fitted], **inner)
        out_of_fold[predicted] = model.predict_proba(train.X[predicted])
    rows = slice(images)  # the images come first, then their views
    of_images = None if groups is None else groups[embeddings.split == "train"]
    scores = scores_of(out_of_fold[rows], train.y[rows], plain.classes_, of_images, "")
    return _named(
        scores,
        embeddings,
        f"cross-validated predictions of {number(images, 'training image')}",
        ", so that this holds only approximately",
    )


def _named(scores: CalibrationScores, embeddings: JoinedSet, images: str, note: str) -> CalibrationScores:
    """Return scores that describe their images, such as "80 validation images of 60 patients (a 3, b 77)"."""
    classes = embeddings.classes.tolist()
    grouped = scores.n_groups < scores.images
    counts = zip(classes, scores.counts(len(classes)), strict=True)
    shown = [f"{label} {images_of}{f' of {groups_of}' * grouped}" for label, (images_of, groups_of) in counts]
    groups = f" of {number(scores.n_groups, embeddings.group_name)}" if grouped else ""
    return replace(scores, source=f"{images}{groups} ({and_more(shown, _MOST_CLASSES)}){note}")


def _clause(error: ValueError) -> str:
    """Return the message of an error as part of a sentence."""
    text = reason_of(error).rstrip(".")
    return text[:1].lower() + text[1:]
