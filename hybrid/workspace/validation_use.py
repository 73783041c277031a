"""What the validation images chose for a model, and which of its scores on them are too good for that."""

from collections.abc import Sequence
from pathlib import Path

from hybrid.evaluation.metrics import METRICS
from hybrid.wording import joined
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import LAST_NETWORK


def chosen_on_validation(record: ModelRecord, metric: str | None = None) -> tuple[str, ...]:
    """Return what was chosen on the validation images when a model was fitted; empty if nothing was.

    What was chosen for those members of an ensemble that are saved models is in their own records.

    Parameters
    ----------
    record : ModelRecord
    metric : str, optional
        Leave out what has no influence on this metric: a threshold changes predicted labels only, and a calibration
        that keeps the order of the images changes no ROC AUC and no average precision. By default nothing is left out.

    Examples
    --------
    >>> from hybrid.workspace.model_record import Adjustment
    >>> adjusted = {"aim": "f1", "threshold": 0.3, "adjustment": Adjustment("val", 200)}
    >>> made = {"dataset": "", "dataset_fingerprint": "", "task": "binary", "classes": (0, 1), "splits": {}}
    >>> record = ModelRecord(name="svm", head="svm", trained={"own": 60.0}, **made, **adjusted)
    >>> chosen_on_validation(record)
    ('the epoch of the network', 'the threshold')
    >>> chosen_on_validation(record, "roc_auc")
    ('the epoch of the network',)
    """
    adjusted = record.adjustment is not None and record.adjustment.on == "val"
    several = isinstance(record.threshold, tuple) and len(record.threshold) > 1
    chosen = {
        _epoch(record): bool(record.trained),
        "the settings of the head": record.tuning is not None and record.tuning.on == "val",
        "the weights of the ensemble": record.weights == "val",
        "the calibration": adjusted and record.calibration is not None and _calibration_changes(record, metric),
        "the thresholds" if several else "the threshold": adjusted
        and record.aim is not None
        and _needs(metric, "decisions"),
    }
    return tuple(what for what, applies in chosen.items() if applies)


def _calibration_changes(record: ModelRecord, metric: str | None) -> bool:
    """Return whether the calibration of a model can change a metric.

    For two classes, and for each of several labels, Platt's curve and one factor keep the order of the images; the
    staircase makes some of them equal. For more classes, every method can change the order within a class.
    """
    if metric is None or _needs(metric, "probabilities") or record.task == "multiclass":
        return True
    if _needs(metric, "decisions"):
        return record.aim is None  # otherwise the threshold was chosen after it, and moves with it
    return record.calibration == "isotonic" or metric.endswith("_micro")


def _needs(metric: str | None, what: str) -> bool:
    """Return whether a metric is computed from decisions, ranks or probabilities; True if it is not known."""
    return metric not in METRICS or METRICS[metric].needs == what


def _epoch(record: ModelRecord) -> str:
    networks = "the epochs of the networks" if len(record.trained) > 1 else "the epoch of the network"
    last = {Path(backbone).name == LAST_NETWORK for backbone in record.backbones if backbone.endswith(".keras")}
    return "when to stop training the network" if last == {True} else networks


def affected_metrics(record: ModelRecord, also: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the metrics whose scores on validation are too optimistic, since validation chose what changes them.

    Parameters
    ----------
    record : ModelRecord
    also : sequence of str, default=()
        What else the validation images chose, such as the model, which changes all metrics.
    """
    metrics = record.splits["val"].metrics if "val" in record.splits else ()
    return tuple(name for name in metrics if also or chosen_on_validation(record, name))


def validation_note(chosen: Sequence[str]) -> str:
    """Return the footnote of a score on validation; empty if nothing was chosen there.

    Examples
    --------
    >>> validation_note(["the threshold", "the model"])
    'Too optimistic, because the validation images also chose the threshold and the model.'
    """
    if not chosen:
        return ""
    return f"Too optimistic, because the validation images also chose {joined(chosen)}."
