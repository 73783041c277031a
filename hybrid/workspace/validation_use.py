"""What the validation images chose for a model, besides measuring it: its scores on them are too good for that."""

from collections.abc import Sequence
from pathlib import Path

from hybrid.wording import joined
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import LAST_NETWORK


def chosen_on_validation(record: ModelRecord) -> tuple[str, ...]:
    """Return what was chosen on the validation images when a model was fitted; empty if nothing was.

    What was chosen for those members of an ensemble that are saved models is in their own records.

    Examples
    --------
    >>> from hybrid.workspace.model_record import Adjustment
    >>> adjusted = {"aim": "f1", "threshold": 0.3, "adjustment": Adjustment("val", 200)}
    >>> made = {"dataset": "", "dataset_fingerprint": "", "task": "binary", "classes": (0, 1), "splits": {}}
    >>> chosen_on_validation(ModelRecord(name="svm", head="svm", trained={"own": 60.0}, **made, **adjusted))
    ('the epoch of the network', 'the threshold')
    """
    adjusted = record.adjustment is not None and record.adjustment.on == "val"
    several = isinstance(record.threshold, tuple) and len(record.threshold) > 1
    chosen = {
        _epoch(record): bool(record.trained),
        "the settings of the head": record.tuning is not None and record.tuning.on == "val",
        "the weights of the ensemble": record.weights == "val",
        "the calibration": adjusted and record.calibration is not None,
        "the thresholds" if several else "the threshold": adjusted and record.aim is not None,
    }
    return tuple(what for what, applies in chosen.items() if applies)


def _epoch(record: ModelRecord) -> str:
    networks = "the epochs of the networks" if len(record.trained) > 1 else "the epoch of the network"
    last = {Path(backbone).name == LAST_NETWORK for backbone in record.backbones if backbone.endswith(".keras")}
    return "when to stop training the network" if last == {True} else networks


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
