"""Save and load the records and predictions of the fitted models of a workspace."""

import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, evaluate
from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.result import Metric
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions, parse_predictions, write_predictions
from hybrid.workspace.workspace import METRICS, PREDICTIONS, Workspace

_MAX_TRAIN_RESAMPLED = 20_000  # with more images, intervals of training scores take minutes and are of no use
_TOLERANCE = 1e-6  # scores that are computed again, perhaps on another machine, may differ by rounding


def save_record(record: ModelRecord, predictions: Predictions, folder: Path) -> ModelRecord:
    """Write the predictions and the record of a model into its folder.

    Returns
    -------
    ModelRecord
        The record with the digest of the predictions, so that later changes of their file are detected.
    """
    digest = write_predictions(folder / PREDICTIONS, predictions)
    record = replace(record, predictions_sha256=digest, folder=folder)
    record.write(folder / METRICS)
    return record


def evaluate_split(
    predictions: Predictions, split: str, positive: Any, fixed_classes: bool = True, group_name: str = GROUP
) -> Evaluation:
    """Return the scores of predictions on one split.

    Parameters
    ----------
    predictions : Predictions
    split : str
    positive : object or None
        The positive class of a binary task.
    fixed_classes : bool, default=True
        As in :func:`hybrid.evaluate`.
    group_name : str, default="group"
        What a group of images is called in words.
    """
    part = predictions.part(split)
    few = split != "train" or len(part) <= _MAX_TRAIN_RESAMPLED
    result = evaluate(
        part.y,
        part.proba,
        part.classes.tolist(),
        y_pred=part.predicted,
        pos_label=positive,
        groups=part.groups,
        n_boot=2000 if few else 0,
        fixed_classes=fixed_classes,
    )
    return replace(result, group_name=group_name)


def unsealed(record: ModelRecord, predictions: Predictions, split: str, known: Evaluation | None = None) -> ModelRecord:
    """Return a record with its scores on a split, which are computed if the split is sealed. Nothing is saved.

    `known` are the scores that :func:`evaluate_split` gives, if they were computed already.
    """
    if split not in record.sealed:
        return record
    splits = record.splits | {
        split: known or evaluate_split(predictions, split, record.positive, group_name=record.group_name)
    }
    return replace(record, splits=splits, sealed=tuple(name for name in record.sealed if name != split))


def with_varying_classes(record: ModelRecord, predictions: Predictions, splits: Container[str]) -> ModelRecord:
    """Return a record whose intervals on some splits hold for shares of the classes that vary. Nothing is saved."""
    varying = {
        split: evaluate_split(predictions, split, record.positive, False, record.group_name)
        if split in splits
        else result
        for split, result in record.splits.items()
    }
    return replace(record, splits=varying)


def workspace_of(record: ModelRecord) -> Workspace | None:
    """Return the workspace that a record was read from; None if it is not in a workspace."""
    models = record.folder.absolute().parent
    return Workspace(models.parent) if models.name == "models" else None


def load_record(workspace: Workspace, name: str) -> ModelRecord:
    """Return the record of a model of a workspace.

    Raises
    ------
    InputError
        If there is no such model, or its record or its predictions are damaged.
    """
    return read_record(workspace.find("models", name).parent)


def load_records(workspace: Workspace, names: Iterable[str] | None = None) -> list[ModelRecord]:
    """Return the records of fitted models.

    A damaged model raises an error instead of being left out, since without it another model could be chosen. Models
    that are not named are not read.

    Parameters
    ----------
    workspace : Workspace
    names : iterable of str, optional
        Names of the models. If they are not given, all models are read, in the order of their names.

    Returns
    -------
    list of ModelRecord

    Raises
    ------
    InputError
        If there are no fitted models, one of the names is unknown, or a record or its predictions are damaged.
    """
    if not workspace.records("models"):
        raise InputError(
            f"There are no fitted models in {workspace.models}. Fit one first, for example: hybrid fit svm"
        )
    if names is not None:
        return [load_record(workspace, name) for name in dict.fromkeys(names)]
    return [read_record(path.parent) for path in workspace.records("models")]


def read_record(folder: Path) -> ModelRecord:
    """Return the record of the model in a folder.

    A record of schema 1 has no seal. Its scores are compared with those of the saved predictions instead.

    Raises
    ------
    InputError
        If the record is damaged, or its scores are not those of the saved predictions.
    """
    path = folder / METRICS
    record = replace(ModelRecord.read(path), folder=folder)
    if not record.predictions_sha256:
        _check_scores(record, path)
    return record


def read_predictions(record: ModelRecord) -> Predictions:
    """Return the predictions of a model.

    Raises
    ------
    InputError
        If their file is missing, damaged, or was changed after the record was written.
    """
    path = record.folder / PREDICTIONS
    try:
        return parse_predictions(
            path.read_bytes(), record.classes, record.task == "multilabel", record.predictions_sha256
        )
    except OSError as error:
        raise record.damage(path, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise record.damage(path, str(error)) from error


def _check_scores(record: ModelRecord, path: Path) -> None:
    """Raise `InputError` unless the scores of a record are those of the predictions beside it."""
    predictions = read_predictions(record)
    for split, saved in record.splits.items():
        part = predictions.part(split)
        if saved.classes != record.classes or saved.task != record.task:
            raise record.damage(path, f"has different classes, or a different task, for {split} than for the model")
        try:
            now = evaluate(
                part.y, part.proba, record.classes, y_pred=part.predicted, pos_label=saved.positive, n_boot=0
            )
        except InputError as error:
            raise record.damage(
                path, f"has scores on {split} that cannot be computed from its predictions: {error}"
            ) from error
        for name, before, after in _differences(saved, now):
            raise record.damage(path, f"says that {name} on {split} is {before}, but its predictions give {after}")


def _differences(saved: Evaluation, now: Evaluation) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the saved value and the present value of each score that differs."""
    if saved.n != now.n:
        yield "the number of images", str(saved.n), str(now.n)
    elif saved.confusion.tolist() != now.confusion.tolist():
        yield "the confusion matrix", str(saved.confusion.tolist()), str(now.confusion.tolist())
    scores = {name: (metric, now.metrics.get(name)) for name, metric in saved.metrics.items()}
    for label, row in saved.per_class.items():
        scores |= {f"{name} of {label}": (value, now.per_class[label].get(name)) for name, value in row.items()}
    for name, (before, after) in scores.items():
        if after is not None and not _is_close(_value(before), _value(after)):
            yield name, f"{_value(before)}", f"{_value(after)}"


def _value(score: Metric | int) -> float | None:
    return score.value if isinstance(score, Metric) else score


def _is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
