"""What every fitted model ends in: evaluated on every split, and saved with its metrics and predictions."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.embeddings.joined import JoinedSet
from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, evaluate
from hybrid.files import replace_folder, write_json
from hybrid.pipelines import read_manifest, save_model
from hybrid.pipelines.saved.manifest import model_info
from hybrid.pipelines.saved.trusted import UntrustedTypeError
from hybrid.workspace.predictions import FILE, Predictions, write_predictions
from hybrid.workspace.workspace import Workspace

SPLITS = ("train", "val", "test")
_MOST_TRAIN_DRAWN = 20_000  # beyond it, intervals of the training scores cost minutes and say nothing


@dataclass
class FittedModel:
    """A fitted head with its results.

    Attributes
    ----------
    name : str
    pipeline : Pipeline
        From embeddings to labels.
    splits : dict of str to Evaluation
        One for each split that has images.
    record : dict
        What ``metrics.json`` holds.
    unsaved : str
        Why the model itself could not be saved, only its record and predictions; "" if it was saved.
    """

    name: str
    pipeline: Pipeline
    splits: dict[str, Evaluation]
    record: dict[str, Any]
    unsaved: str = ""


def finish_model(
    pipeline: Pipeline,
    X: np.ndarray,
    found: JoinedSet,
    head: str,
    workspace: Workspace,
    name: str,
    fit_seconds: float,
    positive: Any,
    extra: dict[str, Any],
) -> FittedModel:
    """Evaluate a fitted pipeline on every split and save it; every model of the product goes through here."""
    started = time.perf_counter()
    proba, predicted = found.predict(pipeline, X)
    predict_seconds = time.perf_counter() - started
    positive = positive_class(found, positive)
    splits = {
        split: evaluate(
            found.y[here],
            proba[here],
            found.classes.tolist(),
            y_pred=predicted[here],
            positive=positive,
            n_boot=0 if split == "train" and here.sum() > _MOST_TRAIN_DRAWN else 2000,
        )
        for split in SPLITS
        if (here := found.split == split).any()
    }
    dataset = found.dataset
    record = {
        "schema": 1,
        "model": name,
        "head": head,
        **found.describe(),
        "dataset": dataset["name"],
        "dataset_fingerprint": dataset["fingerprint"],
        "task": found.task,
        "classes": found.classes.tolist(),
        "positive": positive,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "trained": found.trained,
        "seconds": {
            "train": round(sum(found.trained.values()), 3),
            "extract": found.cost,
            "fit": round(fit_seconds, 3),
            "predict": round(predict_seconds, 3),
        },
        "splits": {split: result.to_dict() for split, result in splits.items()},
        "skipped": len(found.sets[0].info["skipped"]),
        "warnings": dataset["warnings"],
    } | extra
    unsaved = ""
    with replace_folder(workspace.models / name) as folder:
        try:
            model = save_model(
                pipeline,
                folder / "model",
                extractor=found.extractors,
                info=model_info(name, dataset, head, found.classes.tolist(), found.views if found.averages else None),
            )
            record["bytes"] = _size(model)
        except UntrustedTypeError as error:
            unsaved, record["bytes"] = str(error), None
        write_predictions(folder / FILE, Predictions(found.ids, found.split, found.y, predicted, proba, found.classes))
        write_json(folder / "metrics.json", record)
    return FittedModel(name, pipeline, splits, record, unsaved)


def _size(model: Path) -> int:
    """Return the bytes of a saved model, with 4 for each parameter of the networks that it names but does not hold."""
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    return size + 4 * sum(one.parameters for one in read_manifest(model).extractors if not one.has_own_file)


def positive_class(found: JoinedSet, given: Any = None) -> Any:
    """Return the positive class of a binary task, the last of the sorted classes if none is given; else None."""
    if found.task != "binary":
        if given is not None:
            raise InputError(f"A positive class {given!r} was given, but the task is {found.task}: leave it out.")
        return None
    if given is None:
        return found.classes.tolist()[-1]
    for label in found.classes.tolist():
        if str(label) == str(given):
            return label
    raise InputError(f"The positive class {given!r} was given; the classes are {', '.join(map(str, found.classes))}.")
