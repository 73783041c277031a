"""Calibration and threshold of a model: on which images of its set they are chosen, and what is recorded of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.datasets.validation_size import is_few, rarest
from hybrid.embeddings.joined import JoinedSet
from hybrid.errors import InputError
from hybrid.pipelines import adjust


def adjust_model(
    pipeline: Pipeline,
    X: np.ndarray,
    found: JoinedSet,
    *,
    aim: str | None = None,
    calibration: str | None = None,
    class_weight: str | Mapping[Any, float] | None = "balanced",
    positive: Any = None,
    cv: int = 5,
    repeats: int = 1,
    seed: int = 0,
) -> tuple[Pipeline, dict[str, Any]]:
    """Calibrate a fitted pipeline, choose its threshold, or both; never on test.

    Parameters
    ----------
    pipeline : Pipeline
        From embeddings to labels, fitted on train.
    X : ndarray of shape (n, width)
        The set's embeddings.
    found : JoinedSet
    aim, calibration, class_weight, positive, cv, repeats
        As for `hybrid.pipelines.adjusted.AdjustedHead`; without an aim and a calibration nothing is done.
    seed : int, default=0
        Of the folds.

    Returns
    -------
    pipeline : Pipeline
    record : dict
        What metrics.json says: ``aim``, ``calibration``, ``threshold`` (None where one half is, a list for several
        labels), and under ``adjustment`` the images they were chosen on.

    Raises
    ------
    InputError
        If the aim does not suit the task, cannot be reached, or train is too small for a cross-validation.
    """
    record: dict[str, Any] = {"aim": aim, "calibration": calibration, "threshold": None, "adjustment": {}}
    if aim is None and calibration is None:
        return pipeline, record
    if found.averages:
        raise InputError(
            "Predictions on this set are means over views of each image, for which no threshold or calibration can be "
            "chosen yet: extract it with --views-of train, or leave --aim and --calibrate out."
        )
    split, note = choosing_split(found)
    images = int((found.split == split).sum())
    train, val = found.part(X, "train"), found.part(X, "val")
    adjusted = adjust(
        pipeline,
        train.X,
        train.y,
        aim=aim,
        calibration=calibration,
        validation=(val.X, val.y) if split == "val" else None,
        groups=train.groups,
        counted=np.arange(len(train.y)) < images,  # after the images come their views
        positive=positive,
        class_weight=class_weight,
        cv=cv,
        repeats=repeats,
        random_state=seed,
    )
    head = adjusted[-1]
    if head.thresholds_ is not None:
        thresholds = head.thresholds_.tolist()
        record["threshold"] = thresholds if found.task == "multilabel" else thresholds[0]
    record["adjustment"] = {
        "on": split,
        "images": images,
        "cross_validation": None if split == "val" else f"{cv}x{repeats}",
        "choices": head.choices_,
        "notes": [note, *_reached(head.choices_, found, aim)],
    }
    return adjusted, record


def choosing_split(found: JoinedSet) -> tuple[str, str]:
    """Return "val" or, for a cross-validation inside it, "train"; and a sentence on why.

    Features of a network that was trained on train look better there than they are: then validation is preferred,
    though it is small.
    """
    val = found.split == "val"
    least = rarest(found.y[val], found.classes)
    if not is_few(found.y[val], found.classes):
        return "val", f"Chosen on the {val.sum()} validation images."
    seen = any(one.in_training()[found.split == "train"].any() for one in found.sets)
    size = f"The validation split has {val.sum()} images, {least} of its rarest class: few to choose on"
    learnt = "a network was trained on the training images, and flatters them"
    if val.any() and seen and least >= 2:
        return "val", f"{size}; still chosen there, since {learnt}."
    why = f"{size}; chosen" if val.any() else "There is no validation split; chosen"
    return "train", f"{why} by cross-validation inside train" + (f", though {learnt}." if seen else ".")


def _reached(choices: list[dict[str, Any]], found: JoinedSet, aim: str | None) -> list[str]:
    """Return for a recall or specificity how many images it rests on."""
    labels = [f"{label}: " for label in found.classes] if found.task == "multilabel" else [""]
    return [f"{label}{aim} rests on {row['note']}." for label, row in zip(labels, choices, strict=False) if row["note"]]
