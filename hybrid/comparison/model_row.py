"""One model of a leaderboard as a flat row, for CSV and JSON files and DataFrames."""

from collections.abc import Sequence
from typing import Any

from hybrid.comparison.costs import PARTS, times_of
from hybrid.evaluation import Evaluation, Metric
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.private_paths import place_name


def model_row(
    rank: int,
    model: ModelRecord,
    result: Evaluation,
    *,
    metric: str,
    is_chosen: bool,
    on_validation: Metric | None = None,
    chosen_on_validation: Sequence[str] = (),
    affected: Sequence[str] = (),
    without_copies: Evaluation | None = None,
) -> dict[str, Any]:
    """Return a model's identity, its scores with their intervals, and its costs.

    Parameters
    ----------
    rank : int
        Position of the model, beginning with 1.
    model : ModelRecord
    result : Evaluation
        Scores on the compared split.
    metric : str
        Metric by which the models are ordered.
    is_chosen : bool
        Whether the model is the chosen one.
    on_validation : Metric, optional
        Validation score of the model.
    chosen_on_validation : sequence of str
        What the validation images chose for the model.
    affected : sequence of str
        The metrics whose scores on validation are too optimistic because of it.
    without_copies : Evaluation, optional
        Scores without the images that are also in train.
    """
    row: dict[str, Any] = {"rank": rank, "model": model.name, "chosen": is_chosen}
    row |= {"head": model.head, "backbone": _plus(model.backbones), "layers": _plus(model.layers)}
    row |= {"pooling": _plus(model.poolings), "width": model.width, "set": _plus(model.sets)}
    row |= {"n": result.n, "n_groups": result.n_groups, "ordered_by": metric}
    if on_validation:
        row |= _with_interval(f"val_{metric}", on_validation)
    if "val" in model.splits:
        row |= {"chosen_on_validation": ", ".join(chosen_on_validation)}
        row |= {"too_optimistic_on_validation": ", ".join(affected)}
    for name, value in result.metrics.items():
        row |= _with_interval(name, value)
    if without_copies:
        row |= {"n_without_copies": without_copies.n}
        row |= {f"{name}_without_copies": value.value for name, value in without_copies.metrics.items()}
    for measure in ("seconds", "processor"):
        times = times_of(model, measure)
        row |= {f"{measure}_{part}": getattr(times, part) for part in PARTS}
    row |= {"seconds_measure": model.seconds.measure, "layers_in_one_pass": model.cuts}
    return row | {"parameters": model.parameters, "bytes": model.bytes}


def _with_interval(name: str, metric: Metric) -> dict[str, Any]:
    """Return a metric as columns, with one for the reason if the value or a bound is missing."""
    columns = {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
    return columns | ({f"{name}_reason": metric.reason} if metric.reason else {})


def _plus(values: Sequence[str]) -> str | None:
    """Return values joined by "+", paths as their file or folder names; None if there are no values."""
    return "+".join(place_name(value) for value in values) or None
