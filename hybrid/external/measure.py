"""Measure a saved model on another dataset, and compare its scores with those on its own images."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.comparison.find_usefulness import Prevalence
from hybrid.comparison.subgroups import scores_of_subgroups
from hybrid.datasets import Dataset
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import SubgroupScores
from hybrid.evaluation.metrics import metric_for
from hybrid.evaluation.subgroups.partition import make_partitions
from hybrid.external.at_prevalence import values_at_prevalence
from hybrid.external.internal import InternalSide, find_internal
from hybrid.external.new_data import NewData, new_data
from hybrid.external.overlap import Overlap, find_overlap
from hybrid.external.proportions import explain_by_proportions
from hybrid.external.result import ExternalResult
from hybrid.external.scores import SideScores, class_differences, differences, side_scores, with_known
from hybrid.external.shift import Compared, ExternalShift, find_shift
from hybrid.external.words import shares_note
from hybrid.progress import Progress
from hybrid.wording import one_form, skipped_note
from hybrid.workspace.predictions import Predictions
from hybrid.workspace.workspace import DEFAULT_WORKSPACE


def measure(
    model: str | Path,
    dataset: "str | Path | Dataset",
    *,
    split: str | None = None,
    class_map: Mapping[str, str | None] | None = None,
    metric: str | None = None,
    pos_label: Any = None,
    level: float = 0.95,
    hide_test: bool = False,
    keep_known: bool = False,
    subgroups: Sequence[str] = (),
    shift: bool = True,
    prevalence: Prevalence = None,
    workspace: str | Path = DEFAULT_WORKSPACE,
    on_bad: str = "raise",
    progress: Progress | None = None,
    compared: Compared | None = None,
) -> ExternalResult:
    """Return the scores of a saved model on another dataset; the parameters are those of :func:`hybrid.validate`.

    `compared` holds the shift tests of the dataset that were made for other models, as in :func:`find_shift`. Nothing
    is saved, and no look at the model's own test images is recorded: the caller does both.
    """
    if not 0 < level < 1:
        raise InputError(f"level={level} was given; expected a number between 0 and 1, such as 0.95.")
    options: dict[str, Any] = {"class_map": class_map, "workspace": workspace, "on_bad": on_bad}
    data = new_data(model, dataset, split=split, **options, progress=progress)
    own = find_internal(data.path, hide_test=hide_test)
    positive = _positive(data, own, pos_label)
    name = metric_for(metric or "roc_auc", data.task).name
    overlap, known = find_overlap(data, own)
    if keep_known:
        overlap = replace(overlap, left_out=False)
        _check_lock(overlap, own, hide_test)
    elif known.all() and len(data):
        raise InputError(
            f"All {len(data)} images of {data.dataset.name} are also among those the model was made with, so nothing "
            "new can be measured on them: give other images, or measure them all the same with --keep-known "
            "(Python: keep_known=True)."
        )
    else:
        data = data.take(~known)
    external = side_scores(_as_predictions(data, split), positive, level, group_name=data.group_name)
    values, lacking = values_at_prevalence(external, data.dataset.name, prevalence)
    groups = _subgroup_scores(data, external.predictions, subgroups, name, positive, level)
    internal = _internal_scores(data, own, positive, level)
    tests = () if internal is None else differences(external, internal)
    of_classes = () if internal is None else class_differences(external, internal)
    found = find_shift(data, own, progress, compared) if shift else None
    proportions = explain_by_proportions(own, external, internal, name, of_classes)
    notes = (*_notes(data, own, overlap, external, internal, found), *lacking)
    return ExternalResult(
        data, split, name, external, internal, own, tests, of_classes, overlap, notes, proportions, groups, found,
        values,
    )  # fmt: skip


def _as_predictions(data: NewData, split: str | None) -> Predictions:
    """Return the predictions of the images, for the classes or labels that the dataset has."""
    splits = np.array([split or "external"] * len(data))
    whole = Predictions(data.ids, splits, data.y, data.predicted, data.proba, data.classes, data.groups)
    return with_known(whole, data.known) if data.task == "multilabel" else whole


def _subgroup_scores(
    data: NewData, predictions: Predictions, by: Sequence[str], metric: str, positive: Any, level: float
) -> SubgroupScores | None:
    """Return the scores on subgroups by the columns of the dataset; None if none were asked for."""
    if not by:
        return None
    columns = {name: values[data.rows] for name, values in data.dataset.columns.items()}
    if not columns:
        raise InputError(
            f"{data.dataset.name} has no columns that could divide its images by {', '.join(by)}: give a table with "
            "them (--table), or take them from the paths (--column-pattern)."
        )
    partitions = make_partitions(columns, by, len(data))
    return scores_of_subgroups(
        {data.name: predictions}, partitions, metric, positive, level=level, group_name=data.group_name
    )[data.name]


def _internal_scores(data: NewData, own: InternalSide, positive: Any, level: float) -> SideScores | None:
    if own.predictions is None or own.record is None:
        return None
    if data.known.all() and own.record.positive == positive:
        return side_scores(own.predictions, positive, level, own.saved_scores(), own.record.group_name)
    part = with_known(own.predictions, data.known)
    return side_scores(part, positive, level, group_name=own.record.group_name) if len(part) else None


def _positive(data: NewData, own: InternalSide, given: Any) -> Any:
    """Return the positive class of a binary task: the given one, that of the model's record, or the last class."""
    classes = data.classes.tolist()
    if data.task != "binary":
        if given is not None:
            raise InputError(f"A positive class {given!r} was given, but the task is {data.task}: leave it out.")
        return None
    if given is None:
        return own.record.positive if own.record and own.record.positive in classes else classes[-1]
    found = [label for label in classes if one_form(str(label)) == one_form(str(given))]
    if not found:
        raise unknown_name("positive class", str(given), map(str, classes))
    return found[0]


def _check_lock(overlap: Overlap, own: InternalSide, hide_test: bool) -> None:
    """Raise `InputError` if scores of test images would be shown although the workspace locks or hides them."""
    if overlap.of_split.get("test") and own.record is not None and not own.of_test:
        why = "they are hidden" if hide_test else "scores on test are locked in the model's workspace"
        raise InputError(
            f"{len(overlap.of_split['test'])} of the images are test images of the model, and {why}: leave out "
            "--keep-known, so that they are not measured."
        )


def _notes(
    data: NewData,
    own: InternalSide,
    overlap: Overlap,
    external: SideScores,
    internal: SideScores | None,
    shift: ExternalShift | None,
) -> tuple[str, ...]:
    skipped = [skipped_note(list(data.skipped))] if data.skipped else []
    compared = []
    if internal is not None and data.mapping.missing and data.task != "binary":
        compared.append(
            "The differences are those on the labels that both have."
            if data.task == "multilabel"
            else "The differences are those on the model's own images of the same classes."
        )
    shares = shares_note(external.evaluation, internal.evaluation if internal else None)
    tested = shift.note if shift else ""
    return tuple(
        filter(None, (overlap.sentence(), own.note, tested, *data.mapping.notes(), *skipped, *compared, shares))
    )  # fmt: skip
