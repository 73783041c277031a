"""Evaluate a fitted model on every split and save it with its scores and predictions."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.classifiers.prior import default_thresholds
from hybrid.embeddings.joined_set import JoinedSet
from hybrid.evaluation import Evaluation
from hybrid.extractors.store.cost import total
from hybrid.files import replace_folder
from hybrid.models.adjust import positive_class
from hybrid.models.kept import kept_with
from hybrid.pipelines import read_manifest, save_model
from hybrid.pipelines.saved.manifest import model_info
from hybrid.pipelines.saved.trusted import UntrustedTypeError
from hybrid.pipelines.threshold_rule import threshold_rule
from hybrid.progress import Spent, Stopwatch
from hybrid.workspace.fitted_models import evaluate_split, save_record
from hybrid.workspace.history import FITTED, Event, History, image_digests
from hybrid.workspace.model_record import ModelRecord, Seconds
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.records import as_json
from hybrid.workspace.validation_use import chosen_on_validation
from hybrid.workspace.workspace import Workspace

SPLITS = ("train", "val", "test")
_SEALED = "test"  # its scores are computed when a comparison shows them


@dataclass(frozen=True)
class FittedModel:
    """A fitted model with its results.

    Attributes
    ----------
    pipeline : Pipeline
        Predicts labels from embeddings.
    record : ModelRecord
        The scores, and everything else that is saved with the model.
    images : int
        Number of images that were predicted, in all splits.
    unsaved : str
        The reason why the model itself was not saved, only its record and predictions. Empty if it was saved.
    notes : tuple of str
        How many copies of training images were kept together in folds.
    """

    pipeline: Pipeline
    record: ModelRecord
    images: int
    unsaved: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the model in the workspace."""
        return self.record.name

    @property
    def splits(self) -> dict[str, Evaluation]:
        """Scores on train and validation. A comparison computes the scores on test (`hybrid.run.compare_results`)."""
        return self.record.splits


def evaluate_and_save(
    pipeline: Pipeline,
    X: np.ndarray,
    embeddings: JoinedSet,
    workspace: Workspace,
    name: str,
    positive: Any,
    *,
    head: str,
    fit: Spent,
    **fields: Any,
) -> FittedModel:
    """Evaluate a fitted pipeline on every split and save it with its record and its predictions.

    Parameters
    ----------
    pipeline : Pipeline
        Predicts labels from embeddings.
    X : ndarray of shape (n, width)
        Embeddings of all images.
    embeddings : JoinedSet
        The set that `X` comes from.
    workspace : Workspace
    name : str
        Name of the model.
    positive : object or None
        The positive class of a binary task. None means the last of the sorted classes.
    head : str
        Name of the head.
    fit : Spent
        Time that fitting took.
    **fields
        How the model was fitted: further fields of the `ModelRecord`.

    Returns
    -------
    FittedModel
    """
    watch = Stopwatch()
    proba, predicted = embeddings.predict(pipeline, X)
    predict = watch.lap()
    positive = positive_class(embeddings, positive)
    dataset, extractors = embeddings.dataset, [part.record.extractor for part in embeddings.sets]
    rows = (embeddings.ids, embeddings.split, embeddings.y, predicted, proba, embeddings.classes)
    predictions = Predictions(*rows, groups=embeddings.groups_with_copies)
    splits = [split for split in SPLITS if (embeddings.split == split).any()]
    record = ModelRecord(
        name=name,
        head=head,
        backbones=tuple(extractor.backbone for extractor in extractors),
        layers=embeddings.layers,
        poolings=tuple(extractor.identity.fields["pooling"] for extractor in extractors),
        sets=tuple(part.name for part in embeddings.sets),
        extractor_fingerprints=tuple(extractor.fingerprint for extractor in extractors),
        views=tuple(part.record.views for part in embeddings.sets),
        width=sum(embeddings.widths),
        parameters=embeddings.parameters,
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        task=dataset.task,
        classes=tuple(embeddings.classes.tolist()),
        positive=positive,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        trained=embeddings.trained,
        trained_processor=embeddings.trained_processor,
        seconds=Seconds.of(
            embeddings.measure,
            train=sum(embeddings.trained.values()),
            extract=embeddings.cost,
            fit=fit.wall,
            predict=predict.wall,
        ),
        processor=Seconds.of(
            "processor",
            train=total(embeddings.trained_processor.get(name) for name in embeddings.trained),
            extract=embeddings.processor,
            fit=fit.processor,
            predict=predict.processor,
        ),
        cuts=max(one.cuts for one in embeddings.passes),
        splits={
            split: evaluate_split(predictions, split, positive, group_name=embeddings.group_name)
            for split in splits
            if split != _SEALED
        },
        sealed=(_SEALED,) if _SEALED in splits else (),
        skipped=len(embeddings.sets[0].record.skipped),
        warnings=dataset.warnings,
        threshold=_threshold(pipeline, embeddings.task),
        default_threshold=_default_threshold(pipeline[-1], embeddings, positive),
        frequencies=_frequencies(pipeline[-1], embeddings),
        **fields,
    )
    views = as_json(embeddings.views) if embeddings.averages else None
    labels = embeddings.classes.tolist()
    rule = threshold_rule(pipeline[-1], labels, embeddings.task == "multilabel")
    kept = kept_with(
        pipeline,
        X,
        embeddings,
        proba,
        chosen=chosen_on_validation(replace(record, adjustment=None)),
        refittable=not {head, *(member.head for member in record.members)} & {"network"},
        adapted=record.adapted is not None,
        seed=record.seed or 0,
    )
    info = model_info(
        name,
        as_json(dataset),
        head,
        labels,
        views,
        record.aim,
        rule,
        record.adapted,
        reference=kept.no_reference,
        prediction_sets=kept.no_calibration,
    )
    unsaved = ""
    with replace_folder(workspace.models / name) as folder:
        try:
            model = save_model(
                pipeline,
                folder / "model",
                extractor=embeddings.extractors,
                info=info,
                reference=kept.reference,
                calibration=kept.calibration,
            )
            record = replace(record, bytes=_size(model))
        except UntrustedTypeError as error:
            unsaved = str(error)
        record = save_record(record, predictions, folder)
    History(workspace).add(
        Event(
            FITTED,
            by=head,
            dataset=record.dataset,
            dataset_fingerprint=record.dataset_fingerprint,
            models={name: record.predictions_sha256},
            test_images=image_digests(embeddings.sets[0].keys[embeddings.split == _SEALED]),
        )
    )
    notes = tuple(embeddings.notes_on_copies)
    return FittedModel(pipeline, replace(record, folder=workspace.models / name), len(predictions), unsaved, notes)


def _threshold(pipeline: Pipeline, task: str) -> float | tuple[float, ...] | None:
    """Return the chosen threshold of the positive class, or of each label; None if none was chosen."""
    chosen = getattr(pipeline[-1], "thresholds_", None)
    if chosen is None:
        return None
    return tuple(chosen.tolist()) if task == "multilabel" else float(chosen[0])


def _default_threshold(head: Any, embeddings: JoinedSet, positive: Any) -> float | tuple[float, ...] | None:
    """Return the threshold that applies without an aim; None for a multiclass task."""
    if embeddings.task == "multiclass":
        return None
    targets = len(embeddings.classes) if embeddings.task == "multilabel" else 1
    thresholds = default_thresholds(getattr(head, "prior_ratio_", None), targets)
    if embeddings.task == "multilabel":
        return tuple(thresholds.tolist())
    is_second = positive == embeddings.classes[1]
    return float(thresholds[0] if is_second else 1 - thresholds[0])


def _frequencies(head: Any, embeddings: JoinedSet) -> dict[str, float]:
    """Return the class frequencies that the probabilities of a head refer to; empty if they are not known."""
    shares, shift = getattr(head, "class_shares_", None), getattr(head, "shift_", None)
    if shares is None:
        return {}
    shares = shares if shift is None else shares * shift
    values = shares[:, 1] if embeddings.task == "multilabel" else shares[0]
    return {str(label): float(value) for label, value in zip(embeddings.classes.tolist(), values, strict=True)}


def _size(model: Path) -> int:
    """Return the size of a saved model in bytes, with 4 per parameter for networks that are not in its folder."""
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    return size + 4 * sum(network.parameters for network in read_manifest(model).extractors if not network.has_own_file)
