"""Compare fitted models: build one leaderboard for each set of images on which models were evaluated."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hybrid.comparison.choice import PREFERENCES
from hybrid.comparison.find_leakage import find_leakage
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.ordering import badness, ordering_metric
from hybrid.comparison.pair_settings import DEFAULT_PAIRS, PairSettings
from hybrid.comparison.per_group import scores_per_group
from hybrid.comparison.test_history import read_history
from hybrid.comparison.twins import find_twins, twins_sentence
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.metrics import metrics_of
from hybrid.progress import Progress
from hybrid.run.comparison import Comparison
from hybrid.run.named_models import aliases, planned, with_fixed_models, with_references
from hybrid.workspace.fitted_models import read_predictions, unsealed, with_varying_classes, workspace_of
from hybrid.workspace.history import SHOWN, Event, History, Plan
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.workspace import METRICS


def compare_results(
    records: Sequence[ModelRecord],
    *,
    split: str = "test",
    metric: str | None = None,
    choose: str | Sequence[str] | None = None,
    fixed_by: str = "the caller",
    order_by: str = "val",
    by: str = "compare_results",
    tested: PairSettings = DEFAULT_PAIRS,
    per_group: str | None = None,
    fixed_classes: bool = True,
    progress: Progress | None = None,
) -> Comparison:
    """Compare fitted models. Models that were evaluated on the same images are in one leaderboard.

    A comparison on test is a look at test, which is added to the history of the workspace. Scores on test are computed
    then, and saved with the models.

    Parameters
    ----------
    records : sequence of ModelRecord
        From :func:`hybrid.workspace.fitted_models.load_records`.
    split : str, default="test"
        The split to compare. Models that were not evaluated on it are left out, and a note lists them.
    metric : str, optional
        Metric by which models are ordered. By default the first primary metric of `tested`, that of the workspace's
        plan, or ``roc_auc`` for two classes, ``accuracy`` for more and ``average_precision_macro`` for multi-label.
    choose : str or sequence of str, optional
        How a model is chosen on validation: ``"simplest"`` (the simplest within one standard error of the best) or
        ``"best"``. Or the names of models that were fixed in advance, one for each set of images. By default as the
        workspace's plan says, or ``"simplest"``.
    fixed_by : str, default="the caller"
        Who or what fixed these models. The report shows it with the model's name.
    order_by : str, default="val"
        The split whose scores order the models, best first: ``"val"`` or the compared split. Without validation images
        it is the compared split.
    by : str, default="compare_results"
        The command or function that shows the scores, for the history of the workspace.
    tested : PairSettings
        Which differences are tested. By default those of each model and the chosen one, by `metric`.
    per_group : {"mean", "max", "vote"}, optional
        How the predictions for the images of a group, such as a patient, are combined for further scores with each
        group as one case. By default there are none.
    fixed_classes : bool, default=True
        Whether intervals and tests hold for other images with the same share of each class. If False, they hold for
        images whose shares vary as well, as in :func:`hybrid.evaluation.evaluate`. Saved scores are not changed.
    progress : callable, optional
        Called with the number of images checked for leakage and the total number of images.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If no model has the split, the metric or the name, if saved predictions are damaged, if the models are to be
        ordered by another split than validation and the compared one, or if the workspace locks test.
    """
    if order_by not in ("val", split):
        raise unknown_name("split to order by", order_by, dict.fromkeys(["val", split]))
    if not records:
        raise InputError("There are no models to compare. Fit one first, for example: hybrid fit svm")
    plan = _plan(records, split)
    evaluated = [record for record in records if split in (*record.splits, *record.sealed)]
    if not evaluated:
        known = {name for record in records for name in (*record.splits, *record.sealed)}
        raise unknown_name("split", split, known, "No fitted model was evaluated on it.")
    saved = [_sorted_by_id(read_predictions(record)) for record in evaluated]
    evaluated = [unsealed(record, part, split) for record, part in zip(evaluated, saved, strict=True)]
    to_save = {record.folder: record for record in evaluated}
    if not fixed_classes:
        pairs = zip(evaluated, saved, strict=True)
        evaluated = [with_varying_classes(record, part, ("val", split)) for record, part in pairs]
    metrics = {name for record in evaluated for name in record.splits[split].metrics}
    metric, asked, tested = _ordering(metric, tested, plan, metrics), tested, tested.with_planned(plan)
    same_images: dict[tuple, list[tuple[ModelRecord, Predictions]]] = {}
    for record, predictions in zip(evaluated, saved, strict=True):
        same_images.setdefault(_images_key(record, predictions, split), []).append((record, predictions))
    leaderboards = tuple(
        replace(_leaderboard(members, split, metric, order_by, tested), fixed_classes=fixed_classes)
        for members in same_images.values()
    )
    if choose is None:
        leaderboards = tuple(planned(leaderboard, plan) for leaderboard in leaderboards)
    elif choose not in PREFERENCES:
        leaderboards = with_fixed_models(leaderboards, [choose] if isinstance(choose, str) else choose, fixed_by)
    else:
        leaderboards = tuple(replace(leaderboard, how=choose) for leaderboard in leaderboards)
    leaderboards = with_references(leaderboards, asked.references, tested.references)
    if per_group is not None:
        leaderboards = tuple(_with_groups(leaderboard, per_group) for leaderboard in leaderboards)
    leaderboards = tuple(
        replace(leaderboard, leakage=find_leakage(leaderboard, progress)) for leaderboard in leaderboards
    )
    notes = _notes(records, split, leaderboards)
    if split == "test":
        leaderboards = tuple(_with_history(leaderboard) for leaderboard in leaderboards)
        notes += _add_look(leaderboards, to_save, by)
    return Comparison(split, leaderboards, notes)


def _with_groups(leaderboard: Leaderboard, how: str) -> Leaderboard:
    positive = leaderboard.evaluations[0].positive
    models, parts, fixed = leaderboard.models, leaderboard.predictions, leaderboard.fixed_classes
    return replace(leaderboard, per_group=scores_per_group(models, parts, positive, how, fixed))


def _plan(records: Sequence[ModelRecord], split: str) -> Plan:
    """Return the plan of the models' workspace, or the default plan; raise `InputError` if test is locked there."""
    workspace = workspace_of(records[0])
    history = History(workspace) if workspace else None
    if split == "test" and history and history.is_locked:
        raise InputError(
            "Scores on test are locked in this workspace: compare on validation (--hide-test), or unlock them with "
            "hybrid plan --unlock-test."
        )
    return (history and history.plan) or Plan()


def _with_history(leaderboard: Leaderboard) -> Leaderboard:
    """Return a leaderboard with the looks at test that the workspace recorded, and how it differs from the plan."""
    workspace = workspace_of(leaderboard.models[0])
    if workspace is None:
        return leaderboard
    names = {leaderboard.how, *(alias for alias, name in aliases(leaderboard) if name == leaderboard.how)}
    history = read_history(workspace, leaderboard.models, names)
    differs: tuple[str, ...] = ()
    if history.plan:
        references = [alias for alias, name in aliases(leaderboard) if name == leaderboard.reference]
        differs = history.plan.differences(leaderboard.primary, names, references, leaderboard.tested.margin)
    return replace(leaderboard, history=history, remarks=(*leaderboard.remarks, *differs))


def _add_look(leaderboards: Sequence[Leaderboard], to_save: Mapping[Path, ModelRecord], by: str) -> tuple[str, ...]:
    """Add a look at test to the history of each workspace, and save the scores. Return a note if this is impossible."""
    try:
        for leaderboard in leaderboards:
            models = (*leaderboard.models, *leaderboard.hidden)
            if workspace := workspace_of(models[0]):
                shown = {model.name: model.predictions_sha256 for model in models}
                dataset, fingerprint = leaderboard.dataset, leaderboard.fingerprint
                look = Event(SHOWN, by=by, dataset=dataset, dataset_fingerprint=fingerprint, models=shown)
                History(workspace).add(look)
                for model in models:
                    if "test" in ModelRecord.read(model.folder / METRICS).sealed:
                        to_save[model.folder].write(model.folder / METRICS)
    except InputError as error:
        return (f"This look at test could not be added to the history of the workspace: {error}",)
    return ()


def stated(records: Sequence[ModelRecord], split: str, metric: str | None, tested: PairSettings) -> list[str]:
    """Return what a comparison will test, as sentences without their end: one for each task.

    No scores are read for it, so that it can be stated before any score on test is shown.
    """
    if len(records) < 2:
        return []
    plan = _plan(records, split)
    known = {record.task: metrics_of(record.task) for record in records}
    ordering = _ordering(metric, tested, plan, {name for names in known.values() for name in names})
    tested = tested.with_planned(plan)
    plans = [tested.for_metrics(ordering_metric(ordering, task, names)[0], names)[0] for task, names in known.items()]
    return list(dict.fromkeys(plan.sentence() for plan in plans))


def _ordering(metric: str | None, tested: PairSettings, plan: Plan, known: Collection[str]) -> str | None:
    """Return the metric by which models are ordered: the given, first primary or planned one; None for the task's."""
    for name in tested.primary if metric is None else (metric, *tested.primary):
        if name not in known:
            raise unknown_name("metric", name, known)
    return metric or next(iter(tested.primary), plan.metric)


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


def _leaderboard(
    members: Sequence[tuple[ModelRecord, Predictions]],
    split: str,
    metric: str | None,
    order_by: str,
    tested: PairSettings,
) -> Leaderboard:
    first = members[0][0]
    task = first.splits[split].task
    known = {name: value for record, _ in members for name, value in record.splits[split].metrics.items()}
    main, remarks = ordering_metric(metric, task, known)
    tested, not_tested = tested.for_metrics(main, known)
    for record, _ in members:
        if main not in record.splits[split].metrics:
            raise InputError(
                f"The model {record.name!r} was evaluated without {main}, by an earlier version of hybrid: fit it "
                "again, or give another --metric."
            )
    twins = find_twins({record.name: predictions for record, predictions in members})
    shown = [member for member in members if member[0].name not in twins]
    if not any(order_by in record.splits for record, _ in shown):
        order_by = split
    ordered = sorted(shown, key=lambda member: _badness(member[0], order_by, main))
    return Leaderboard(
        dataset=first.dataset,
        fingerprint=first.dataset_fingerprint,
        task=task,
        split=split,
        metric=main,
        models=tuple(record for record, _ in ordered),
        evaluations=tuple(record.splits[split] for record, _ in ordered),
        saved=tuple(predictions for _, predictions in ordered),
        remarks=(*remarks, *not_tested, *([twins_sentence(twins)] if twins else [])),
        tested=tested,
        twins=twins,
        ordered_by=order_by,
        hidden=tuple(record for record, _ in members if record.name in twins),
    )


def _badness(record: ModelRecord, split: str, metric: str) -> float:
    """Return what sorts the best model first. Models without the score come last."""
    scores = record.splits[split].metrics if split in record.splits else {}
    return badness(scores[metric], metric) if metric in scores else math.inf


def _notes(records: Sequence[ModelRecord], split: str, leaderboards: Sequence[Leaderboard]) -> tuple[str, ...]:
    missing = [record.name for record in records if split not in (*record.splits, *record.sealed)]
    notes = [f"Left out, because they were not evaluated on {split}: {', '.join(missing)}."] if missing else []
    if len(leaderboards) > 1:
        notes.append(
            "Models that were evaluated on different images are in separate tables and are not ranked together."
        )
    return tuple(notes)
