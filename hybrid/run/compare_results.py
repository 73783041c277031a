"""From the fitted models of a workspace to one table for each set of images, never across them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hybrid.comparison.choice import PREFERENCES
from hybrid.comparison.find_leakage import find_copies
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.ordering import badness, ordering_metric
from hybrid.errors import InputError, unknown_name
from hybrid.progress import Progress
from hybrid.run.result import Comparison
from hybrid.workspace.fitted_models import read_predictions
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions


def compare_results(
    records: Sequence[ModelRecord],
    *,
    split: str = "test",
    metric: str | None = None,
    choose: str | Sequence[str] = "simplest",
    fixed_by: str = "the caller",
    progress: Progress | None = None,
) -> Comparison:
    """Put models side by side, those that saw the same images in one table, best first.

    Parameters
    ----------
    records : sequence of ModelRecord
        From :func:`hybrid.workspace.fitted_models.load_records`.
    split : str, default="test"
        The split to compare; models without it are left out, and named.
    metric : str, optional
        What to order by; by default ``roc_auc`` for two classes, ``accuracy`` for more and
        ``average_precision_macro`` for multi-label.
    choose : str or sequence of str, default="simplest"
        Which model is chosen, on validation: ``"simplest"`` of those within one standard error of the best, or
        ``"best"``. Or the names of models that were fixed before their scores were known, one for each set of images.
    fixed_by : str, default="the caller"
        What fixed them, to be said beside the model's name.
    progress : callable, optional
        Called with (images looked at, images to look at): compared images that are in train, too, are looked for.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If no model has the split, none has the metric or the name, or saved predictions are damaged.
    """
    if not records:
        raise InputError("There are no models to compare. Fit one first, for example: hybrid fit svm")
    chosen = [record for record in records if split in record.splits]
    if not chosen:
        known = {name for record in records for name in record.splits}
        raise unknown_name("split", split, known, "No fitted model was evaluated on it.")
    metrics = {name for record in chosen for name in record.splits[split].metrics}
    if metric is not None and metric not in metrics:
        raise unknown_name("metric", metric, metrics)
    same_images: dict[tuple, list[tuple[ModelRecord, Predictions]]] = {}
    for record in chosen:
        saved = _in_order(read_predictions(record))
        same_images.setdefault(_images(record, saved, split), []).append((record, saved))
    groups = tuple(_group(members, split, metric) for members in same_images.values())
    if choose not in PREFERENCES:
        groups = _fixed(groups, [choose] if isinstance(choose, str) else choose, fixed_by)
    else:
        groups = tuple(replace(group, how=choose) for group in groups)
    groups = tuple(replace(group, copies=find_copies(group, progress)) for group in groups)
    return Comparison(split, groups, _left_out(records, split, groups))


def _in_order(saved: Predictions) -> Predictions:
    """Return predictions in the order of their ids: every model's rows are then of the same images."""
    return saved.take(np.argsort(saved.ids, kind="stable"))


def _images(record: ModelRecord, saved: Predictions, split: str) -> tuple:
    """Return what tells one set of compared images from another: skipped ones and other splits differ in their ids."""
    evaluation, part = record.splits[split], saved.part(split)
    labels = tuple(map(tuple, part.y.tolist())) if part.y.ndim == 2 else tuple(part.y.tolist())
    return (
        record.dataset_fingerprint,
        evaluation.task,
        evaluation.classes,
        evaluation.positive,
        tuple(part.ids.tolist()),
        labels,
    )


def _fixed(groups: Sequence[Leaderboard], names: Sequence[str], fixed_by: str) -> tuple[Leaderboard, ...]:
    """Return the groups, each with the model of those names that is in it."""
    known = {called: name for group in groups for called, name in _called(group)}
    for name in names:
        if name not in known:
            raise unknown_name("model", name, (*PREFERENCES, *known))
    found = []
    for group in groups:
        here = [name for called, name in _called(group) if called in names]
        if len(set(here)) > 1:
            raise InputError(f"{' and '.join(map(repr, here))} were fixed in advance for the same images: name one.")
        said = f"None of the models that {fixed_by} fixed in advance is among these: {', '.join(names)}."
        changes = {"how": here[0], "fixed_by": fixed_by} if here else {"remarks": (*group.remarks, said)}
        found.append(replace(group, **changes))
    return tuple(found)


def _called(group: Leaderboard) -> list[tuple[str, str]]:
    """Return what each model may be called: its name, and that without what all names end with."""
    return [(called, name) for name, label in zip(group.names, group.labels, strict=True) for called in {name, label}]


def _group(members: Sequence[tuple[ModelRecord, Predictions]], split: str, metric: str | None) -> Leaderboard:
    first = members[0][0]
    task = first.splits[split].task
    main, remarks = ordering_metric(metric, task, first.splits[split].metrics)
    ordered = sorted(members, key=lambda member: badness(member[0].splits[split].metrics[main], main))
    return Leaderboard(
        dataset=first.dataset,
        fingerprint=first.dataset_fingerprint,
        task=task,
        split=split,
        metric=main,
        models=tuple(record for record, _ in ordered),
        evaluations=tuple(record.splits[split] for record, _ in ordered),
        saved=tuple(saved for _, saved in ordered),
        remarks=remarks,
    )


def _left_out(records: Sequence[ModelRecord], split: str, groups: Sequence[Leaderboard]) -> tuple[str, ...]:
    missing = [record.name for record in records if split not in record.splits]
    notes = [f"Left out, because not evaluated on {split}: {', '.join(missing)}."] if missing else []
    if len(groups) > 1:
        notes.append("Models that were evaluated on different images are in separate tables, and not ranked together.")
    return tuple(notes)
