"""Cross-validate models on the same folds of train and validation. The test split is never used."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from hybrid.comparison.cross_validation_result import CrossValidation, ModelScores, by_rank
from hybrid.comparison.domains import domain_folds, domains_of
from hybrid.comparison.ordering import MAIN_METRICS, ordering_metric
from hybrid.comparison.refittable_model import (
    RefittableModel,
    load_refittable,
    set_seed,
    training_overlap_notes,
)
from hybrid.comparison.twins import find_twins, twins_sentence
from hybrid.embeddings.joined_set import JoinedSet, join_sets
from hybrid.embeddings.same_order import in_order_of
from hybrid.embeddings.stored_rows import StoredRows
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import evaluate
from hybrid.evaluation.metrics import known_metric, overall_name
from hybrid.pipelines.folds import as_folds, groups_for, make_folds
from hybrid.pipelines.on_workers import on_workers
from hybrid.progress import Progress
from hybrid.workspace.fitted_models import load_records, read_predictions
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import Workspace

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def cross_validate(
    models: Sequence[RefittableModel],
    *,
    folds: Any = 5,
    repeats: int = 2,
    seed: int = 0,
    metric: str | None = None,
    domains: str | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Cross-validate models on the same folds of the same images.

    The images of train and validation are divided into stratified folds. Images of the same group, and identical
    images, are in the same fold. Each repeat has its own seed, both for the folds and for the heads. Thresholds and
    calibrations are chosen again inside the training part of every fold.

    Parameters
    ----------
    models : sequence of RefittableModel
        Models on sets of one dataset.
    folds : int or splitter, default=5
        Number of folds, or a splitter of scikit-learn that keeps images of one group, and identical images, together.
    repeats : int, default=2
        How often the images are divided into folds. A splitter is used once.
    seed : int, default=0
        Seed of the first repeat. The next one has `seed` + 1, and so on.
    metric : str, optional
        Metric by which models are ordered and tested in pairs. By default the main metric of the task.
    domains : str, optional
        A column of the dataset, such as ``"hospital"``: each fold leaves out one of its values. `folds` and `repeats`
        are not used then.
    n_jobs : int, optional
        Number of folds to run in parallel, through joblib. By default they run one after the other.
    progress : callable, optional
        Called with the number of finished fits and the total number of fits.

    Returns
    -------
    CrossValidation

    Raises
    ------
    InputError
        If the models are not of the same images, or a class is too rare for two folds.
    """
    if not models:
        raise InputError("There are no models to cross-validate. Fit one first, for example: hybrid fit svm")
    metric = None if metric is None else overall_name(metric)
    first = models[0].embeddings
    task, development = first.task, first.split != "test"
    y, together = first.y[development], first.groups_with_copies
    inseparable = None if together is None else together[development]
    left_out = None
    if domains is not None:
        left_out = domain_folds(domains_of([model.embeddings for model in models], domains), y, inseparable)
        splits, repeats, folds = left_out.folds, 1, len(left_out.folds)
    elif isinstance(folds, int):
        splits = make_folds(y, inseparable, cv=folds, repeats=repeats, random_state=seed)
    else:
        splits, repeats = as_folds(folds, y, inseparable), 1
        folds = len(splits)
    actual_folds = len(splits) // repeats
    scores = []
    for number, model in enumerate(models):
        pipeline, classes = clone(model.pipeline), model.embeddings.classes.tolist()
        with on_workers() as divided:
            X = _development_embeddings(model.embeddings, first, divided)
            jobs = (
                delayed(_score)(
                    pipeline, classes, model.positive, X, y, inseparable, split, seed + index // actual_folds
                )
                for index, split in enumerate(splits)
            )
            scored = []
            for result in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
                scored.append(result)
                if metric is not None and metric not in result[0]:
                    raise unknown_name("metric", metric, result[0])
                if progress:
                    progress(number * len(splits) + len(scored), len(models) * len(splits))
        scores.append(_model_scores(model, scored, repeats))
    main = metric or MAIN_METRICS[task]
    notes = (
        [f"{actual_folds} folds instead of {folds}: a class has too few images for more."]
        if actual_folds < folds
        else []
    )
    return CrossValidation(
        dataset=first.dataset.name,
        fingerprint=first.dataset.fingerprint,
        task=task,
        metric=main,
        models=by_rank(scores, main),
        images=len(y),
        groups=None if inseparable is None else len(np.unique(inseparable)),
        group_name=first.group_name,
        folds=actual_folds,
        repeats=repeats,
        seed=seed,
        ratio=float(np.mean([len(test) / len(train) for train, test in splits])),
        domain=left_out.column if left_out else "",
        domains=left_out.names if left_out else (),
        domain_images=tuple(len(test) for _, test in splits) if left_out else (),
        notes=(
            *notes,
            *(left_out.notes if left_out else ()),
            *training_overlap_notes(models, len(y)),
            *dict.fromkeys(note for model in models for note in model.notes),
        ),
    )


def cross_validate_models(
    workspace: Workspace,
    *,
    folds: Any = 5,
    repeats: int = 2,
    seed: int = 0,
    metric: str | None = None,
    domains: str | None = None,
    models: Sequence[str] | None = None,
    pipelines: Mapping[str, Pipeline] | None = None,
    progress: Progress | None = None,
) -> list[CrossValidation]:
    """Cross-validate the fitted models of a workspace with the settings that they were fitted with.

    Parameters
    ----------
    workspace : Workspace
    folds, repeats, seed
        As for :func:`cross_validate`.
    metric : str, optional
        As for :func:`cross_validate`. Models whose task does not have this metric are ordered by the main metric of
        their task, and a note says so.
    domains : str, optional
        As for :func:`cross_validate`.
    models : sequence of str, optional
        Names of the models; by default all. Models that cannot be fitted again are left out, and a note says why.
    pipelines : mapping of str to Pipeline, optional
        Pipelines of models that were not saved, keyed by their names.
    progress : callable, optional
        Called with the number of finished fits and the total number of fits of each dataset.

    Returns
    -------
    list of CrossValidation
        One for each dataset and positive class.

    Raises
    ------
    InputError
        If there is no such model, none can be fitted again, none has the metric, or a class is too rare for two folds.
    """
    records = {record.name: record for record in load_records(workspace, models)}
    twins = find_twins({name: read_predictions(record) for name, record in records.items()})
    by_data: dict[tuple, list[RefittableModel]] = {}
    left_out: dict[tuple[str, str], list[str]] = {}  # names of models by dataset and reason
    for name, record in records.items():
        if name in twins:
            continue
        members = by_data.setdefault((record.dataset_fingerprint, record.positive), [])
        try:
            members.append(load_refittable(record, workspace, (pipelines or {}).get(name)))
        except InputError as error:
            left_out.setdefault((record.dataset_fingerprint, str(error)), []).append(name)
    comparable = [members for members in by_data.values() if members]
    notes = [(data, f"Left out: {', '.join(names)}. {reason}") for (data, reason), names in left_out.items()]
    notes += [(records[last].dataset_fingerprint, twins_sentence({last: best})) for last, best in twins.items()]
    if not comparable:
        reason = " ".join(text for _, text in notes) or "Fit one first, for example: hybrid fit svm"
        raise InputError(f"There are no models to cross-validate. {reason}")
    known = [_metrics(records[members[0].name]) for members in comparable]
    if metric is not None:
        metric = known_metric(metric, set().union(*known))
    results = []
    for members, names in zip(comparable, known, strict=True):
        main, remarks = ordering_metric(metric, members[0].embeddings.task, names)
        result = cross_validate(
            members, folds=folds, repeats=repeats, seed=seed, metric=main, domains=domains, progress=progress
        )
        own_notes = (text for data, text in notes if data == result.fingerprint)
        results.append(replace(result, notes=(*result.notes, *remarks, *own_notes)))
    return results


def _metrics(record: ModelRecord) -> set[str]:
    """Return the names of the metrics of a fitted model."""
    return {name for evaluation in record.splits.values() for name in evaluation.metrics}


def _score(
    pipeline: Pipeline,
    classes: list,
    positive: Any,
    X: NDArray | StoredRows,
    y: NDArray,
    inseparable: NDArray | None,
    split: Fold,
    seed: int,
) -> tuple[dict[str, float], float]:
    """Fit a model to one fold; return its scores and the seconds that fitting and predicting took."""
    train, test = split
    started = time.perf_counter()
    pipeline = clone(pipeline)
    set_seed(pipeline, seed)
    pipeline.fit(X[train], y[train], **groups_for(pipeline, None if inseparable is None else inseparable[train]))
    proba, predicted = pipeline.predict_proba(X[test]), pipeline.predict(X[test])
    seconds = time.perf_counter() - started
    result = evaluate(y[test], proba, classes, y_pred=predicted, pos_label=positive, n_boot=0)
    values = {name: metric.value for name, metric in result.metrics.items()}
    return {name: np.nan if value is None else value for name, value in values.items()}, seconds


def _model_scores(
    model: RefittableModel, scored: Sequence[tuple[dict[str, float], float]], repeats: int
) -> ModelScores:
    scores = {key: np.array([row[key] for row, _ in scored]).reshape(repeats, -1) for key in scored[0][0]}
    return ModelScores(model.name, scores, sum(seconds for _, seconds in scored), model.images_in_training > 0)


def _development_embeddings(embeddings: JoinedSet, first: JoinedSet, divided: bool) -> NDArray[np.float32] | StoredRows:
    """Return the embeddings of train and validation, in the order of the first model's images.

    If the work is divided among several machines, they read the rows from the store.
    """
    ordered = join_sets([in_order_of(first.sets[0], part) for part in embeddings.sets])
    development = ordered.split != "test"
    rows = ordered.embeddings()[development]
    return ordered.stored(development, rows) if divided else rows
