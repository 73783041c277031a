"""Calibration and threshold of a model: on which images of its set they are chosen, and what is recorded of it."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.datasets.validation_size import is_few, rarest
from hybrid.embeddings.joined import JoinedSet
from hybrid.errors import InputError
from hybrid.models.options import HeadOptions
from hybrid.pipelines import adjust
from hybrid.workspace.model_record import Adjustment


def adjust_model(
    pipeline: Pipeline, X: np.ndarray, embeddings: JoinedSet, options: HeadOptions, positive: Any = None
) -> tuple[Pipeline, Adjustment | None]:
    """Calibrate a fitted pipeline, choose its threshold, or both; never on test.

    Parameters
    ----------
    pipeline : Pipeline
        From embeddings to labels, fitted on train.
    X : ndarray of shape (n, width)
        The embeddings.
    embeddings : JoinedSet
    options : HeadOptions
        Without an aim and a calibration the pipeline is returned as it is.
    positive : object, optional
        The positive class of a binary task; the last of the sorted classes if not given.

    Returns
    -------
    pipeline : Pipeline
    adjustment : Adjustment or None
        Which images were used, and what was chosen.

    Raises
    ------
    InputError
        If the aim does not suit the task, cannot be reached, or train is too small for a cross-validation.
    """
    positive = positive_class(embeddings, positive)
    if options.aim is None and options.calibration is None:
        return pipeline, None
    if embeddings.averages:
        raise InputError(
            "Predictions on this set are means over views of each image, for which no threshold or calibration can be "
            "chosen yet: extract it with --views-of train, or leave --aim and --calibrate out."
        )
    split, note = choosing_split(embeddings)
    images = int((embeddings.split == split).sum())
    train, val = embeddings.part(X, "train"), embeddings.part(X, "val")
    adjusted = adjust(
        pipeline,
        train.X,
        train.y,
        validation=(val.X, val.y) if split == "val" else None,
        groups=train.groups,
        counted=np.arange(len(train.y)) < images,  # after the images come their views
        positive=positive,
        **options.adjustment,
    )
    choices = adjusted[-1].choices_
    return adjusted, Adjustment(
        on=split,
        images=images,
        cross_validation=None if split == "val" else f"{options.folds}x{options.repeats}",
        choices=tuple(choices),
        notes=(note, *_reached(choices, embeddings, options.aim)),
    )


def positive_class(embeddings: JoinedSet, given: Any = None) -> Any:
    """Return the positive class of a binary task, the last of the sorted classes if none is given; else None."""
    if embeddings.task != "binary":
        if given is not None:
            raise InputError(f"A positive class {given!r} was given, but the task is {embeddings.task}: leave it out.")
        return None
    classes = embeddings.classes.tolist()
    if given is None:
        return classes[-1]
    for label in classes:
        if str(label) == str(given):
            return label
    raise InputError(f"The positive class {given!r} was given; the classes are {', '.join(map(str, classes))}.")


def choosing_split(embeddings: JoinedSet) -> tuple[str, str]:
    """Return "val" or, for a cross-validation inside it, "train"; and a sentence on why.

    Features of a network that was trained on train look better there than they are: then validation is preferred,
    though it is small.
    """
    val = embeddings.split == "val"
    least = rarest(embeddings.y[val], embeddings.classes)
    if not is_few(embeddings.y[val], embeddings.classes):
        return "val", f"Chosen on the {val.sum()} validation images."
    seen = any(one.in_training()[embeddings.split == "train"].any() for one in embeddings.sets)
    size = f"The validation split has {val.sum()} images, {least} of its rarest class: few to choose on"
    learnt = "a network was trained on the training images, and flatters them"
    if val.any() and seen and least >= 2:
        return "val", f"{size}; still chosen there, since {learnt}."
    why = f"{size}; chosen" if val.any() else "There is no validation split; chosen"
    return "train", f"{why} by cross-validation inside train" + (f", though {learnt}." if seen else ".")


def _reached(choices: list[dict[str, Any]], embeddings: JoinedSet, aim: str | None) -> list[str]:
    """Return for a recall or specificity how many images it rests on."""
    labels = [f"{label}: " for label in embeddings.classes] if embeddings.task == "multilabel" else [""]
    return [f"{label}{aim} rests on {row['note']}." for label, row in zip(labels, choices, strict=False) if row["note"]]
