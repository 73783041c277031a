"""Compare fitted models: build one leaderboard for each set of images on which models were evaluated."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hybrid.comparison.choice import PREFERENCES
from hybrid.comparison.compared_images import compared_images
from hybrid.comparison.find_leakage import find_leakage
from hybrid.comparison.find_shift import find_shift
from hybrid.comparison.find_usefulness import Prevalence, find_usefulness, named_prevalence
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.comparison.ordering import badness, ordering_metric
from hybrid.comparison.pair_settings import DEFAULT_PAIRS, PairSettings
from hybrid.comparison.per_group import scores_per_group
from hybrid.comparison.subgroups import compared_subgroups
from hybrid.comparison.twins import find_twins, twins_sentence
from hybrid.errors import InputError, unknown_name
from hybrid.progress import Progress
from hybrid.run.comparison import Comparison
from hybrid.run.named_models import planned, with_fixed_models, with_references
from hybrid.run.stated import ordering, plan_of
from hybrid.run.test_looks import add_look, with_history
from hybrid.workspace.fitted_models import read_predictions, unsealed, with_varying_classes
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions


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
    subgroups: Sequence[str] = (),
    fixed_classes: bool = True,
    prevalence: Prevalence = None,
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
        ``"best"``, or ``"domains"`` for the best mean over domains, once the comparison is cross-validated by leaving
        them out. Or the names of models that were fixed in advance, one for each set of images. By default as the
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
    subgroups : sequence of str, default=()
        What divides the images into subgroups that are scored as well, such as ``"sex"``, ``"age:50,70"`` or
        ``"sex+view"``: columns of the dataset.
    fixed_classes : bool, default=True
        Whether intervals and tests hold for other images with the same share of each class. If False, they hold for
        images whose shares vary as well, as in :func:`hybrid.evaluate`. Saved scores are not changed.
    prevalence : float or mapping of str to float, optional
        Share of the positive class, or of classes or labels by name, in the population in which the models would be
        used, for predictive values and net benefit there. It changes no probability and no label of a model.
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
    plan = plan_of(records, split)
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
    metric, asked, tested = ordering(metric, tested, plan, metrics), tested, tested.with_planned(plan)
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
    leaderboards = tuple(
        replace(each, prevalence=named_prevalence(each.evaluations[0], each.dataset, prevalence))
        for each in leaderboards
    )
    leaderboards = tuple(replace(each, useful=find_usefulness(each)) for each in leaderboards)
    if per_group is not None:
        leaderboards = tuple(_with_groups(leaderboard, per_group) for leaderboard in leaderboards)
    if subgroups:
        leaderboards = tuple(_with_subgroups(leaderboard, subgroups) for leaderboard in leaderboards)
    leaderboards = tuple(_with_images(leaderboard, progress) for leaderboard in leaderboards)
    notes = _notes(records, split, leaderboards)
    if split == "test":
        leaderboards = tuple(with_history(leaderboard) for leaderboard in leaderboards)
        notes += add_look(leaderboards, to_save, by)
    return Comparison(split, leaderboards, notes)


def _with_groups(leaderboard: Leaderboard, how: str) -> Leaderboard:
    positive = leaderboard.evaluations[0].positive
    models, parts, fixed = leaderboard.models, leaderboard.predictions, leaderboard.fixed_classes
    return replace(leaderboard, per_group=scores_per_group(models, parts, positive, how, fixed))


def _with_subgroups(leaderboard: Leaderboard, by: Sequence[str]) -> Leaderboard:
    positive = leaderboard.evaluations[0].positive
    models, parts, fixed = leaderboard.models, leaderboard.predictions, leaderboard.fixed_classes
    return replace(leaderboard, subgroups=compared_subgroups(models, parts, by, leaderboard.metric, positive, fixed))


def _with_images(leaderboard: Leaderboard, progress: Progress | None) -> Leaderboard:
    """Return a leaderboard with what its images tell: those that are also in train, and whether test differs."""
    images = compared_images(leaderboard, progress)
    return replace(leaderboard, leakage=find_leakage(leaderboard, images), shift=find_shift(leaderboard, images))


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
