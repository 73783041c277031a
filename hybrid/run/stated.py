"""What a comparison will test, from the plan of the workspace and what was asked for, before any score is read."""

from collections.abc import Collection, Sequence

from hybrid.comparison.ordering import ordering_metric
from hybrid.comparison.pair_settings import PairSettings
from hybrid.errors import InputError
from hybrid.evaluation.metrics import known_metric, metrics_of
from hybrid.workspace.fitted_models import workspace_of
from hybrid.workspace.history import History, Plan
from hybrid.workspace.model_record import ModelRecord


def plan_of(records: Sequence[ModelRecord], split: str) -> Plan:
    """Return the plan of the models' workspace, or the default plan; raise `InputError` if test is locked there."""
    workspace = workspace_of(records[0])
    history = History(workspace) if workspace else None
    if split == "test" and history and history.is_locked:
        raise InputError(
            "Scores on test are locked in this workspace: compare on validation (--hide-test), or unlock them with "
            "hybrid plan --unlock-test."
        )
    return (history and history.plan) or Plan()


def stated(records: Sequence[ModelRecord], split: str, metric: str | None, tested: PairSettings) -> list[str]:
    """Return what a comparison will test, as sentences without their end: one for each task.

    No scores are read for it, so that it can be stated before any score on test is shown.
    """
    if len(records) < 2:
        return []
    plan = plan_of(records, split)
    known = {record.task: metrics_of(record.task) for record in records}
    by = ordering(metric, tested, plan, {name for names in known.values() for name in names})
    tested = tested.with_planned(plan)
    plans = [tested.for_metrics(ordering_metric(by, task, names)[0], names)[0] for task, names in known.items()]
    return list(dict.fromkeys(plan.sentence() for plan in plans))


def ordering(metric: str | None, tested: PairSettings, plan: Plan, known: Collection[str]) -> str | None:
    """Return the metric by which models are ordered: the given, first primary or planned one; None for the task's."""
    names = [known_metric(name, known) for name in (tested.primary if metric is None else (metric, *tested.primary))]
    return next(iter(names), plan.metric)
