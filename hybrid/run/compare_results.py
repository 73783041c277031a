"""Compare fitted models: build one leaderboard for each set of images on which models were evaluated."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hybrid.comparison.choice import PREFERENCES
from hybrid.comparison.find_leakage import find_leakage
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.ordering import badness, ordering_metric
from hybrid.comparison.twins import find_twins, twins_sentence
from hybrid.errors import InputError, unknown_name
from hybrid.progress import Progress
from hybrid.run.comparison import Comparison
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
    """Compare fitted models. Models that were evaluated on the same images are in one leaderboard, best first.

    Parameters
    ----------
    records : sequence of ModelRecord
        From :func:`hybrid.workspace.fitted_models.load_records`.
    split : str, default="test"
        The split to compare. Models that were not evaluated on it are left out, and a note lists them.
    metric : str, optional
        Metric by which models are ordered. By default ``roc_auc`` for two classes, ``accuracy`` for more and
        ``average_precision_macro`` for multi-label.
    choose : str or sequence of str, default="simplest"
        How a model is chosen on validation: ``"simplest"`` (the simplest within one standard error of the best) or
        ``"best"``. Or the names of models that were fixed in advance, one for each set of images.
    fixed_by : str, default="the caller"
        Who or what fixed these models. The report shows it with the model's name.
    progress : callable, optional
        Called with the number of images checked for leakage and the total number of images.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If no model has the split, the metric or the name, or if saved predictions are damaged.
    """
    if not records:
        raise InputError("There are no models to compare. Fit one first, for example: hybrid fit svm")
    evaluated = [record for record in records if split in record.splits]
    if not evaluated:
        known = {name for record in records for name in record.splits}
        raise unknown_name("split", split, known, "No fitted model was evaluated on it.")
    metrics = {name for record in evaluated for name in record.splits[split].metrics}
    if metric is not None and metric not in metrics:
        raise unknown_name("metric", metric, metrics)
    same_images: dict[tuple, list[tuple[ModelRecord, Predictions]]] = {}
    for record in evaluated:
        predictions = _sorted_by_id(read_predictions(record))
        same_images.setdefault(_images_key(record, predictions, split), []).append((record, predictions))
    leaderboards = tuple(_leaderboard(members, split, metric) for members in same_images.values())
    if choose not in PREFERENCES:
        leaderboards = _with_fixed_models(leaderboards, [choose] if isinstance(choose, str) else choose, fixed_by)
    else:
        leaderboards = tuple(replace(leaderboard, how=choose) for leaderboard in leaderboards)
    leaderboards = tuple(
        replace(leaderboard, leakage=find_leakage(leaderboard, progress)) for leaderboard in leaderboards
    )
    return Comparison(split, leaderboards, _notes(records, split, leaderboards))


def _sorted_by_id(predictions: Predictions) -> Predictions:
    """Return predictions sorted by image id, so that the rows of all models are of the same images."""
    return predictions.take(np.argsort(predictions.ids, kind="stable"))


def _images_key(record: ModelRecord, predictions: Predictions, split: str) -> tuple:
    """Return a key that is equal for models that were evaluated on the same images with the same labels."""
    evaluation, part = record.splits[split], predictions.part(split)
    labels = tuple(map(tuple, part.y.tolist())) if part.y.ndim == 2 else tuple(part.y.tolist())
    return (
        record.dataset_fingerprint,
        evaluation.task,
        evaluation.classes,
        evaluation.positive,
        tuple(part.ids.tolist()),
        labels,
    )


def _with_fixed_models(
    leaderboards: Sequence[Leaderboard], names: Sequence[str], fixed_by: str
) -> tuple[Leaderboard, ...]:
    """Return the leaderboards, each with the model among `names` as its choice."""
    known = {alias: name for leaderboard in leaderboards for alias, name in _aliases(leaderboard)}
    for name in names:
        if name not in known:
            raise unknown_name("model", name, (*PREFERENCES, *known))
    with_models = []
    for leaderboard in leaderboards:
        fixed = [name for alias, name in _aliases(leaderboard) if alias in names]
        if len(set(fixed)) > 1:
            raise InputError(
                f"{' and '.join(map(repr, fixed))} were fixed in advance for the same images: give only one of them."
            )
        remark = f"None of these models was fixed in advance by {fixed_by}, which fixed {', '.join(names)}."
        changes = {"how": fixed[0], "fixed_by": fixed_by} if fixed else {"remarks": (*leaderboard.remarks, remark)}
        with_models.append(replace(leaderboard, **changes))
    return tuple(with_models)


def _aliases(leaderboard: Leaderboard) -> list[tuple[str, str]]:
    """Return pairs of an alias and a name. The aliases of a model are its name, and its name without the suffix.

    A model that is not shown, since another one is the same, is an alias of that one.
    """
    models = {name: name for name in leaderboard.names} | leaderboard.twins
    return [(alias, name) for other, name in models.items() for alias in {other, leaderboard.label(other)}]


def _leaderboard(members: Sequence[tuple[ModelRecord, Predictions]], split: str, metric: str | None) -> Leaderboard:
    first = members[0][0]
    task = first.splits[split].task
    known = {name: value for record, _ in members for name, value in record.splits[split].metrics.items()}
    main, remarks = ordering_metric(metric, task, known)
    for record, _ in members:
        if main not in record.splits[split].metrics:
            raise InputError(
                f"The model {record.name!r} was evaluated without {main}, by an earlier version of hybrid: fit it "
                "again, or give another --metric."
            )
    twins = find_twins({record.name: predictions for record, predictions in members})
    shown = [member for member in members if member[0].name not in twins]
    ordered = sorted(shown, key=lambda member: badness(member[0].splits[split].metrics[main], main))
    return Leaderboard(
        dataset=first.dataset,
        fingerprint=first.dataset_fingerprint,
        task=task,
        split=split,
        metric=main,
        models=tuple(record for record, _ in ordered),
        evaluations=tuple(record.splits[split] for record, _ in ordered),
        saved=tuple(predictions for _, predictions in ordered),
        remarks=(*remarks, twins_sentence(twins)) if twins else remarks,
        twins=twins,
        hidden=tuple(record for record, _ in members if record.name in twins),
    )


def _notes(records: Sequence[ModelRecord], split: str, leaderboards: Sequence[Leaderboard]) -> tuple[str, ...]:
    missing = [record.name for record in records if split not in record.splits]
    notes = [f"Left out, because they were not evaluated on {split}: {', '.join(missing)}."] if missing else []
    if len(leaderboards) > 1:
        notes.append(
            "Models that were evaluated on different images are in separate tables and are not ranked together."
        )
    return tuple(notes)
