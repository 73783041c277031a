"""Cross-validated comparison: every model fitted anew on the same folds of train and validation, never on test."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from hybrid.comparison.candidate import Candidate, estimators_in, fitted_candidate, flattered
from hybrid.comparison.cv_result import CrossValidation, ModelScores, by_rank
from hybrid.comparison.ordering import MAIN_METRICS, ordering_metric
from hybrid.datasets.parts.groups import merge_groups
from hybrid.embeddings.joined_set import JoinedSet, in_order_of, join_sets
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import evaluate
from hybrid.pipelines.folds import groups_for, make_folds
from hybrid.progress import Progress
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.workspace import Workspace

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def cross_validate(
    candidates: Sequence[Candidate],
    *,
    folds: int = 5,
    repeats: int = 2,
    seed: int = 0,
    metric: str | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Cross-validate models on the same folds of the same images.

    The images of train and validation are dealt out together, stratified, never through a group or between copies of
    one image. Each repeat deals them out by a seed of its own, which is the heads' seed there too. Thresholds and
    calibrations are chosen anew, inside the training part of every fold.

    Parameters
    ----------
    candidates : sequence of Candidate
        On sets of one dataset.
    folds, repeats : int, default=5, 2
    seed : int, default=0
        Of the first repeat; the next one has `seed` + 1, and so on.
    metric : str, optional
        What models are ordered by and tested in pairs; by default that of the task.
    n_jobs : int, optional
        Folds at the same time, through joblib.
    progress : callable, optional
        Called with (fits done, fits to do).

    Returns
    -------
    CrossValidation

    Raises
    ------
    InputError
        If the candidates are not on the same images, or a class is too rare for two folds.
    """
    if not candidates:
        raise InputError("There are no models to cross-validate. Fit one first, for example: hybrid fit svm")
    first = candidates[0].embeddings
    task, development = first.task, first.split != "test"
    y, bound = first.y[development], _bound_together(first, development)
    splits = make_folds(y, bound, cv=folds, repeats=repeats, random_state=seed)
    made = len(splits) // repeats
    models = []
    for number, candidate in enumerate(candidates):
        X = _development_rows(candidate.embeddings, first)
        jobs = (
            delayed(_score)(candidate, X, y, bound, split, seed + place // made) for place, split in enumerate(splits)
        )
        scored = []
        for result in Parallel(n_jobs=n_jobs, return_as="generator")(jobs):
            scored.append(result)
            if metric is not None and metric not in result[0]:
                raise unknown_name("metric", metric, result[0])
            if progress:
                progress(number * len(splits) + len(scored), len(candidates) * len(splits))
        models.append(_collected(candidate, scored, repeats))
    main = metric or MAIN_METRICS[task]
    few = [f"{made} folds instead of {folds}: some class has no images for more."] if made < folds else []
    return CrossValidation(
        dataset=first.dataset.name,
        fingerprint=first.dataset.fingerprint,
        task=task,
        metric=main,
        models=by_rank(models, main),
        images=len(y),
        folds=made,
        repeats=repeats,
        seed=seed,
        ratio=float(np.mean([len(test) / len(train) for train, test in splits])),
        notes=(*few, *flattered(candidates, len(y)), *dict.fromkeys(note for one in candidates for note in one.notes)),
    )


def cross_validate_models(
    workspace: Workspace,
    *,
    folds: int = 5,
    repeats: int = 2,
    seed: int = 0,
    metric: str | None = None,
    models: Sequence[str] | None = None,
    pipelines: Mapping[str, Pipeline] | None = None,
    progress: Progress | None = None,
) -> list[CrossValidation]:
    """Cross-validate the fitted models of a workspace, with the settings they were fitted with.

    Parameters
    ----------
    workspace : Workspace
    folds, repeats, seed
        As for :func:`cross_validate`.
    metric : str, optional
        As there; models of a task that does not have it are ordered by that of the task, and a note says so.
    models : sequence of str, optional
        Names of those to take, all by default. Those that cannot be fitted anew are left out; a note says why.
    pipelines : mapping of str to Pipeline, optional
        Models that were not saved, by their names.
    progress : callable, optional
        Called with (fits done, fits to do) of each dataset.

    Returns
    -------
    list of CrossValidation
        One for each dataset, and for each positive class that models of it have.

    Raises
    ------
    InputError
        If there is no such model, none can be fitted anew, none has the metric, or a class is too rare for two folds.
    """
    records = {record.name: record for record in load_records(workspace, models)}
    by_data: dict[tuple, list[Candidate]] = {}
    left_out: dict[tuple[str, str], list[str]] = {}  # dataset and reason
    for name, record in records.items():
        members = by_data.setdefault((record.dataset_fingerprint, record.positive), [])
        try:
            members.append(fitted_candidate(record, workspace, (pipelines or {}).get(name)))
        except InputError as error:
            left_out.setdefault((record.dataset_fingerprint, str(error)), []).append(name)
    groups = [members for members in by_data.values() if members]
    notes = [(data, f"Left out: {', '.join(names)}. {reason}") for (data, reason), names in left_out.items()]
    if not groups:
        reason = " ".join(text for _, text in notes) or "Fit one first, for example: hybrid fit svm"
        raise InputError(f"There are no models to cross-validate. {reason}")
    known = [_metrics(records[members[0].name]) for members in groups]
    if metric is not None and not any(metric in names for names in known):
        raise unknown_name("metric", metric, set().union(*known))
    made = []
    for members, names in zip(groups, known, strict=True):
        main, remarks = ordering_metric(metric, members[0].embeddings.task, names)
        result = cross_validate(members, folds=folds, repeats=repeats, seed=seed, metric=main, progress=progress)
        own = (text for data, text in notes if data == result.fingerprint)
        made.append(replace(result, notes=(*result.notes, *remarks, *own)))
    return made


def _metrics(record: ModelRecord) -> set[str]:
    """Return the names of the metrics that a fitted model was evaluated by."""
    return {name for evaluation in record.splits.values() for name in evaluation.metrics}


def _score(
    candidate: Candidate, X: NDArray, y: NDArray, bound: NDArray | None, split: Fold, seed: int
) -> tuple[dict[str, float], float]:
    """Return the scores of a model fitted to one fold, and the seconds it took."""
    train, test = split
    started = time.perf_counter()
    pipeline = clone(candidate.pipeline)
    _seed(pipeline, seed)
    pipeline.fit(X[train], y[train], **groups_for(pipeline, None if bound is None else bound[train]))
    proba, predicted = pipeline.predict_proba(X[test]), pipeline.predict(X[test])
    seconds = time.perf_counter() - started
    result = evaluate(
        y[test],
        proba,
        candidate.embeddings.classes.tolist(),
        y_pred=predicted,
        pos_label=candidate.positive,
        n_boot=0,
    )
    values = {name: metric.value for name, metric in result.metrics.items()}
    return {name: np.nan if value is None else value for name, value in values.items()}, seconds


def _collected(candidate: Candidate, scored: Sequence[tuple[dict[str, float], float]], repeats: int) -> ModelScores:
    scores = {key: np.array([row[key] for row, _ in scored]).reshape(repeats, -1) for key in scored[0][0]}
    return ModelScores(candidate.name, scores, sum(seconds for _, seconds in scored), candidate.seen > 0)


def _seed(estimator: BaseEstimator, seed: int) -> None:
    """Set every seed inside an unfitted estimator, the members of an ensemble too."""
    for part in estimators_in(estimator):
        if part.get_params(deep=False).get("random_state") is not None:
            part.set_params(random_state=seed)


def _development_rows(found: JoinedSet, first: JoinedSet) -> NDArray[np.float32]:
    """Return the embeddings of train and validation, in the order of the first candidate's images."""
    ordered = join_sets([in_order_of(first.sets[0], one) for one in found.sets])
    return ordered.embeddings()[ordered.split != "test"]


def _bound_together(found: JoinedSet, rows: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Return for each image what may not be divided: its group, and copies of it, byte for byte; None if all may."""
    copies = np.unique(found.sets[0].keys[rows], axis=0, return_inverse=True)[1].ravel()
    if found.groups is None:
        return copies if copies.max() + 1 < len(copies) else None
    return merge_groups(copies, np.unique(found.groups[rows], return_inverse=True)[1])
