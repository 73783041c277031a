"""The scores of models on subgroups of the compared images, such as on each hospital."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.embeddings.embedding_set import load_set
from hybrid.embeddings.joined_set import JoinedSet, join_sets
from hybrid.errors import InputError
from hybrid.evaluation.groups import GROUP
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.evaluation.subgroups.partition import Partition, make_partitions
from hybrid.evaluation.subgroups.result import SubgroupScores
from hybrid.evaluation.subgroups.scores import subgroup_scores
from hybrid.wording import first_few
from hybrid.workspace.fitted_models import workspace_of
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.predictions import Predictions, known_groups


@dataclass(frozen=True, eq=False)
class ComparedSubgroups:
    """The scores of models on subgroups of the same images.

    Attributes
    ----------
    by : tuple of str
        What divides the images, as it was asked for.
    scores : dict of str to SubgroupScores
        The scores of each model.
    """

    by: tuple[str, ...]
    scores: dict[str, SubgroupScores]

    @property
    def metric(self) -> str:
        """The metric by which models are compared."""
        return self.of(None).metrics[0]

    @property
    def columns(self) -> list[str]:
        """Names of the divisions."""
        return self.of(None).columns

    def of(self, model: str | None) -> SubgroupScores:
        """Return the scores of a model; those of the first one if the name is None."""
        return next(iter(self.scores.values())) if model is None else self.scores[model]

    @property
    def records(self) -> list[dict[str, Any]]:
        """One flat dict for each model, subgroup and metric."""
        return [{"model": name} | row for name, scores in self.scores.items() for row in scores.records]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {"by": list(self.by), "models": {name: scores.to_dict() for name, scores in self.scores.items()}}


def compared_subgroups(
    models: Sequence[ModelRecord],
    parts: Sequence[Predictions],
    by: Sequence[str],
    metric: str,
    positive: Any = None,
    fixed_classes: bool = True,
) -> ComparedSubgroups:
    """Return the scores of models on subgroups of the compared images.

    Parameters
    ----------
    models : sequence of ModelRecord
        Models of a workspace. The columns are those of their embedding sets.
    parts : sequence of Predictions
        Predictions of each model for the compared images.
    by : sequence of str
        What divides the images, as for :func:`hybrid.evaluation.by_subgroup`. Limits of bins that are not given are
        the quartiles of all images of the dataset.
    metric : str
        The first of the metrics whose gaps are tested; the main metrics of the task follow.
    positive : object, optional
        The positive class of a binary task.
    fixed_classes : bool, default=True
        As in :func:`hybrid.evaluate`.

    Raises
    ------
    InputError
        If the embedding set is gone or lacks a column, or a column cannot divide the images.
    """
    partitions = partitions_of_models(models, parts[0].ids, by)
    predictions = {model.name: part for model, part in zip(models, parts, strict=True)}
    name = models[0].group_name
    scores = scores_of_subgroups(predictions, partitions, metric, positive, fixed_classes, group_name=name)
    return ComparedSubgroups(tuple(by), scores)


def scores_of_subgroups(
    predictions: Mapping[str, Predictions],
    partitions: Sequence[Partition],
    metric: str | None = None,
    positive: Any = None,
    fixed_classes: bool = True,
    level: float = 0.95,
    group_name: str = GROUP,
) -> dict[str, SubgroupScores]:
    """Return the scores of models on subgroups.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        The predictions of each model for the same images in the same order.
    partitions : sequence of Partition
        The divisions of these images.
    metric : str, optional
        The first of the metrics whose gaps are tested. By default the metric by which models of this task are ordered.
    positive, fixed_classes
        As in :func:`compared_subgroups`.
    level : float, default=0.95
        Coverage of the intervals.
    group_name : str, default="group"
        What a group is called in words.
    """
    first = next(iter(predictions.values()))
    task = "multilabel" if first.y.ndim == 2 else "binary" if len(first.classes) == 2 else "multiclass"
    scores = subgroup_scores(
        first.y,
        {name: part.proba for name, part in predictions.items()},
        first.classes.tolist(),
        partitions=partitions,
        y_pred={name: part.predicted for name, part in predictions.items()},
        pos_label=positive,
        groups=known_groups(list(predictions.values())),
        metrics=tuple(dict.fromkeys([metric or TASKS[task].ordering, *TASKS[task].subgroups])),
        fixed_classes=fixed_classes,
        level=level,
    )
    return {name: one.with_group_name(group_name) for name, one in scores.items()}


def partitions_of_models(models: Sequence[ModelRecord], ids: np.ndarray, by: Sequence[str]) -> list[Partition]:
    """Return the divisions of some images by the columns of the models' embedding sets."""
    embeddings = next((found for model in models if (found := _set_of(model)) and found.columns), None)
    if embeddings is None:
        raise InputError(
            f"The columns for --by {' --by '.join(by)} are not known: no embedding set of these models has any. Run "
            "`hybrid extract` again, with the same options and --columns, --column-pattern or --table if the data have "
            "no such columns yet; the embeddings are in the store, so nothing is computed, and the models stay as they "
            "are."
        )
    try:
        partitions = make_partitions(embeddings.columns, by, len(embeddings))
    except InputError as error:
        raise InputError(
            f"{error} The embedding set {embeddings.name!r} has the columns {first_few(embeddings.columns, 12)}; "
            "`hybrid extract --columns` keeps others."
        ) from error
    row = {image_id: i for i, image_id in enumerate(embeddings.ids.tolist())}
    if missing := [image_id for image_id in ids.tolist() if image_id not in row]:
        raise InputError(
            f"The embedding set {embeddings.name!r} lacks {len(missing)} of the compared images, such as "
            f"{missing[0]!r}, since it was replaced: fit the models again."
        )
    rows = np.array([row[image_id] for image_id in ids.tolist()], dtype=np.intp)
    return [partition.take(rows) for partition in partitions]


def _set_of(model: ModelRecord) -> JoinedSet | None:
    """Return the embedding sets of a model; None if it has none, or they are no longer in its workspace."""
    workspace = workspace_of(model)
    if workspace is None or not model.sets:
        return None
    try:
        return join_sets([load_set(workspace, name) for name in model.sets])
    except InputError:
        return None
