"""What every fitted model ends in: evaluated on every split, and saved with its metrics and predictions."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.embeddings.joined import JoinedSet
from hybrid.evaluation import Evaluation, evaluate
from hybrid.files import replace_folder
from hybrid.models.adjust import positive_class
from hybrid.pipelines import read_manifest, save_model
from hybrid.pipelines.saved.manifest import model_info
from hybrid.pipelines.saved.trusted import UntrustedTypeError
from hybrid.workspace.fitted_models import save_record
from hybrid.workspace.model_record import ModelRecord, Seconds
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.records import as_json
from hybrid.workspace.workspace import Workspace

SPLITS = ("train", "val", "test")
_MOST_TRAIN_DRAWN = 20_000  # beyond it, intervals of the training scores cost minutes and say nothing


@dataclass(frozen=True)
class FittedModel:
    """A fitted model with its results.

    Attributes
    ----------
    pipeline : Pipeline
        From embeddings to labels.
    record : ModelRecord
        Its scores and everything else that is saved beside it.
    unsaved : str
        Why the model itself could not be saved, only its record and predictions; "" if it was saved.
    """

    pipeline: Pipeline
    record: ModelRecord
    unsaved: str = ""

    @property
    def name(self) -> str:
        """Name of the model in the workspace."""
        return self.record.name

    @property
    def splits(self) -> dict[str, Evaluation]:
        """Its scores on each split that has images."""
        return self.record.splits


def finish_model(
    pipeline: Pipeline,
    X: np.ndarray,
    embeddings: JoinedSet,
    workspace: Workspace,
    name: str,
    positive: Any,
    *,
    head: str,
    fit_seconds: float,
    **how: Any,
) -> FittedModel:
    """Evaluate a fitted pipeline on every split and save it. Every model of a workspace is made here.

    Parameters
    ----------
    pipeline : Pipeline
        From embeddings to labels.
    X : ndarray of shape (n, width)
        The embeddings.
    embeddings : JoinedSet
    workspace : Workspace
    name : str
        Of the model.
    positive : object or None
        The positive class of a binary task; the last of the sorted classes if it is None.
    head : str
    fit_seconds : float
    **how
        How it was fitted: further fields of the `ModelRecord`.
    """
    started = time.perf_counter()
    proba, predicted = embeddings.predict(pipeline, X)
    predict_seconds = time.perf_counter() - started
    positive = positive_class(embeddings, positive)
    dataset, extractors = embeddings.dataset, [one.record.extractor for one in embeddings.sets]
    record = ModelRecord(
        name=name,
        head=head,
        backbones=tuple(one.backbone for one in extractors),
        layers=embeddings.layers,
        poolings=tuple(one.identity.fields["pooling"] for one in extractors),
        sets=tuple(one.name for one in embeddings.sets),
        extractor_fingerprints=tuple(one.fingerprint for one in extractors),
        views=tuple(one.record.views for one in embeddings.sets),
        width=sum(embeddings.widths),
        parameters=embeddings.parameters,
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        task=dataset.task,
        classes=tuple(embeddings.classes.tolist()),
        positive=positive,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        trained=embeddings.trained,
        seconds=Seconds(
            train=round(sum(embeddings.trained.values()), 3),
            extract=embeddings.cost,
            fit=round(fit_seconds, 3),
            predict=round(predict_seconds, 3),
        ),
        splits=_evaluate(embeddings, proba, predicted, positive),
        skipped=len(embeddings.sets[0].record.skipped),
        warnings=dataset.warnings,
        threshold=_threshold(pipeline, embeddings.task),
        **how,
    )
    predictions = Predictions(embeddings.ids, embeddings.split, embeddings.y, predicted, proba, embeddings.classes)
    views = as_json(embeddings.views) if embeddings.averages else None
    info = model_info(name, as_json(dataset), head, embeddings.classes.tolist(), views)
    unsaved = ""
    with replace_folder(workspace.models / name) as folder:
        try:
            model = save_model(pipeline, folder / "model", extractor=embeddings.extractors, info=info)
            record = replace(record, bytes=_size(model))
        except UntrustedTypeError as error:
            unsaved = str(error)
        record = save_record(record, predictions, folder)
    return FittedModel(pipeline, replace(record, folder=workspace.models / name), unsaved)


def _evaluate(embeddings: JoinedSet, proba: np.ndarray, predicted: np.ndarray, positive: Any) -> dict[str, Evaluation]:
    """Return the scores on each split that has images."""
    rows = {split: embeddings.split == split for split in SPLITS}
    return {
        split: evaluate(
            embeddings.y[here],
            proba[here],
            embeddings.classes.tolist(),
            y_pred=predicted[here],
            pos_label=positive,
            n_boot=0 if split == "train" and here.sum() > _MOST_TRAIN_DRAWN else 2000,
        )
        for split, here in rows.items()
        if here.any()
    }


def _threshold(pipeline: Pipeline, task: str) -> float | tuple[float, ...] | None:
    """Return the threshold that was chosen for the positive class, or those of several labels; None for one half."""
    chosen = getattr(pipeline[-1], "thresholds_", None)
    if chosen is None:
        return None
    return tuple(chosen.tolist()) if task == "multilabel" else float(chosen[0])


def _size(model: Path) -> int:
    """Return the bytes of a saved model, with 4 for each parameter of the networks that it names but does not hold."""
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    return size + 4 * sum(one.parameters for one in read_manifest(model).extractors if not one.has_own_file)
