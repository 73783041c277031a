"""Calibrate a model and choose its threshold, on the validation split or by cross-validation inside train."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.datasets import Dataset
from hybrid.datasets.validation_size import is_few, rarest
from hybrid.embeddings.joined_set import JoinedSet
from hybrid.errors import InputError, unknown_name
from hybrid.models.options import HeadOptions
from hybrid.pipelines import adjust
from hybrid.pipelines.aim import Aim
from hybrid.pipelines.fit import check_in_memory
from hybrid.wording import one_form
from hybrid.workspace.model_record import Adjustment


def adjust_model(
    pipeline: Pipeline, X: np.ndarray, embeddings: JoinedSet, options: HeadOptions, positive: Any = None
) -> tuple[Pipeline, Adjustment | None]:
    """Calibrate a fitted pipeline, choose its threshold, or both. The test split is never used.

    Parameters
    ----------
    pipeline : Pipeline
        Predicts labels from embeddings; fitted on train.
    X : ndarray of shape (n, width)
        Embeddings of all images.
    embeddings : JoinedSet
    options : HeadOptions
        If neither `aim` nor `calibration` is set, the pipeline is returned unchanged.
    positive : object, optional
        The positive class of a binary task. By default the last of the sorted classes.

    Returns
    -------
    pipeline : Pipeline
        A new pipeline, or the one given if nothing was adjusted.
    adjustment : Adjustment or None
        The record of the images used and the values chosen. None if nothing was adjusted.

    Raises
    ------
    InputError
        If the aim does not fit the task or cannot be reached, or if train is too small for cross-validation.
    """
    positive = positive_class(embeddings, positive)
    if options.aim is None and options.calibration is None:
        return _for_prevalence(pipeline, X, embeddings, options, positive), None
    if embeddings.averages:
        raise InputError(
            "Predictions on this set are means over the views of each image. Choosing a threshold or a calibration for "
            "such means is not supported: extract it with --views-of train, or leave out --aim and --calibrate."
        )
    split, note = choosing_split(embeddings)
    if split == "train":
        check_in_memory(X, "A threshold or calibration by cross-validation inside train")
    images = int((embeddings.split == split).sum())
    train, val = embeddings.part(X, "train"), embeddings.part(X, "val")
    adjusted = adjust(
        pipeline,
        train.X,
        train.y,
        validation=(val.X, val.y, val.groups) if split == "val" else None,
        groups=train.groups,
        counted=np.arange(len(train.y)) < images,  # the images come first, then their views
        positive=positive,
        prevalence=_by_class(options.prevalence, embeddings),
        **options.adjustment,
    )
    choices, recalibration = adjusted[-1].choices_, adjusted[-1].recalibration_
    methods = list(dict.fromkeys(model.method for model in recalibration.models_)) if recalibration else []
    used = [f"The calibration {options.calibration!r} used {' and '.join(methods)}."] if methods else []
    return adjusted, Adjustment(
        on=split,
        images=images,
        cross_validation=None if split == "val" else f"{options.folds}x{options.repeats}",
        choices=tuple(choices),
        notes=(
            note,
            *(embeddings.notes_on_copies if split == "train" else ()),
            *_sample_size_notes(choices, embeddings, options.aim),
            *_limits(options.aim, embeddings, split),
            *used,
        ),
    )


def _for_prevalence(
    pipeline: Pipeline, X: np.ndarray, embeddings: JoinedSet, options: HeadOptions, positive: Any
) -> Pipeline:
    """Return a pipeline whose probabilities refer to the given prevalence, if there is one; it predicts as before."""
    if options.prevalence is None:
        return pipeline
    train = embeddings.part(X, "train")
    prevalence = _by_class(options.prevalence, embeddings)
    return adjust(pipeline, train.X, train.y, validation=(train.X, train.y), positive=positive, prevalence=prevalence)


def _by_class(prevalence: Any, embeddings: JoinedSet) -> Any:
    """Return a prevalence with the classes as keys that the head has: the numbers of the columns for several labels."""
    if not isinstance(prevalence, Mapping):
        return prevalence
    numbers = {one_form(str(label)): number for number, label in enumerate(embeddings.classes.tolist())}
    if unknown := [name for name in prevalence if one_form(str(name)) not in numbers]:
        raise unknown_name("class with a prevalence", unknown[0], map(str, embeddings.classes.tolist()))
    classes = range(len(numbers)) if embeddings.task == "multilabel" else embeddings.classes.tolist()
    return {classes[numbers[one_form(str(name))]]: share for name, share in prevalence.items()}


def positive_class(embeddings: JoinedSet | Dataset, given: Any = None) -> Any:
    """Return the positive class of a binary task, by default the last of the sorted classes; None for other tasks.

    Raises
    ------
    InputError
        If the class given is not one of the classes, or the task is not binary.
    """
    if embeddings.task != "binary":
        if given is not None:
            raise InputError(f"A positive class {given!r} was given, but the task is {embeddings.task}: leave it out.")
        return None
    classes = embeddings.classes.tolist()
    if given is None:
        return classes[-1]
    for label in classes:
        if one_form(str(label)) == one_form(str(given)):
            return label
    raise InputError(f"The positive class {given!r} was given; expected one of {', '.join(map(str, classes))}.")


def choosing_split(embeddings: JoinedSet) -> tuple[str, str]:
    """Return the split to choose calibration and threshold on, and a sentence that gives the reason.

    The split is "val", or "train" for a cross-validation inside train if the validation split is small. If a network
    behind the features was trained on the training images, its features are too good there, and even a small
    validation split is preferred.

    Returns
    -------
    split : {"val", "train"}
    reason : str
    """
    val = embeddings.split == "val"
    rarest_count = rarest(embeddings.y[val], embeddings.classes)
    if not is_few(embeddings.y[val], embeddings.classes):
        return "val", f"Chosen on the {val.sum()} validation images."
    train = embeddings.split == "train"
    network_trained = any(part.in_training()[train].any() for part in embeddings.sets)
    size = f"The validation split is small ({val.sum()} images, {rarest_count} of its rarest class)"
    too_good = "a network was trained on the training images, so its features are too good there"
    if val.any() and network_trained and rarest_count >= 2:
        return "val", f"{size}; chosen there nevertheless, because {too_good}."
    start = f"{size}; chosen" if val.any() else "There is no validation split; chosen"
    return "train", f"{start} by cross-validation inside train" + (
        f", although {too_good}." if network_trained else "."
    )


def _limits(aim: str | None, embeddings: JoinedSet, split: str) -> list[str]:
    """Return notes on what the confidence of an aim does not cover."""
    if aim is None or Aim.parse(aim).confidence is None:
        return []
    groups = embeddings.groups_with_copies
    clustered = groups is not None and len(np.unique(groups)) < len(groups)
    notes = [f"The confidence holds for new {'groups of images' if clustered else 'images'} that are drawn like these"]
    if embeddings.task == "multilabel":
        notes.append("for each label by itself, not for all together")
    if split == "train":
        notes.append("only approximately, because the model is fitted to all of train after the cross-validation")
    return ["; ".join(notes) + "."]


def _sample_size_notes(choices: list[dict[str, Any]], embeddings: JoinedSet, aim: str | None) -> list[str]:
    """Return notes on how many images a recall or specificity was estimated from."""
    labels = [f"{label}: " for label in embeddings.classes] if embeddings.task == "multilabel" else [""]
    return [f"{label}{aim} rests on {row['note']}." for label, row in zip(labels, choices, strict=False) if row["note"]]
