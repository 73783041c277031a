"""Cross-validated comparison: every model fitted anew on the same folds of train and validation, never on test."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from hybrid.comparison.metrics import MAIN_METRICS
from hybrid.cross_validated import CrossValidation, ModelScores, by_rank
from hybrid.embedding_set import load_set
from hybrid.errors import InputError, unknown_name
from hybrid.evaluation import evaluate, load_results
from hybrid.joined_set import JoinedSet, in_order_of, join_sets
from hybrid.pipelines import load_model, read_manifest
from hybrid.pipelines.folds import groups_for, make_folds
from hybrid.seen import trained_on
from hybrid.workspace import Workspace

Progress = Callable[[int, int], None]
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model to cross-validate.

    Attributes
    ----------
    name : str
    found : JoinedSet
        Its embeddings, labels and splits.
    pipeline : Pipeline
        From embeddings to labels; it is left as it is, copies of it are fitted.
    positive : object, optional
        The positive class of a binary task.
    notes : tuple of str
        What its scores should be read with.
    """

    name: str
    found: JoinedSet
    pipeline: Pipeline
    positive: Any = None
    notes: tuple[str, ...] = field(default=())


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
    first = candidates[0].found
    task, development = first.task, first.split != "test"
    y, bound = first.y[development], _bound_together(first, development)
    splits = make_folds(y, bound, cv=folds, repeats=repeats, seed=seed)
    made = len(splits) // repeats
    models = []
    for number, candidate in enumerate(candidates):
        X = _development_rows(candidate.found, first)
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
        models.append(_collected(candidate.name, scored, repeats))
    main = metric or MAIN_METRICS[task]
    few = [f"{made} folds instead of {folds}: some class has no images for more."] if made < folds else []
    return CrossValidation(
        dataset=first.dataset["name"],
        fingerprint=first.dataset["fingerprint"],
        task=task,
        metric=main,
        models=by_rank(models, main),
        images=len(y),
        folds=made,
        repeats=repeats,
        seed=seed,
        ratio=float(np.mean([len(test) / len(train) for train, test in splits])),
        notes=(*few, *dict.fromkeys(note for one in candidates for note in (*one.notes, *_flattered(one)))),
    )


def cross_validate_models(
    workspace: Workspace,
    *,
    folds: int = 5,
    repeats: int = 2,
    seed: int = 0,
    metric: str | None = None,
    models: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[CrossValidation]:
    """Cross-validate the fitted models of a workspace, with the settings they were fitted with.

    Parameters
    ----------
    workspace : Workspace
    folds, repeats, seed, metric
        As for :func:`cross_validate`.
    models : sequence of str, optional
        Names of those to take. By default all that can be fitted anew; a note says which cannot, and why.
    progress : callable, optional
        Called with (fits done, fits to do) of each dataset.

    Returns
    -------
    list of CrossValidation
        One for each dataset, and for each positive class that models of it have.

    Raises
    ------
    InputError
        If there is no such model, one that is asked for cannot be fitted anew, or a class is too rare for two folds.
    """
    results = {result["model"]: result for result in load_results(workspace.models)}
    for name in models or ():
        if name not in results:
            raise unknown_name("model", name, results)
    by_data: dict[tuple, list[Candidate]] = {}
    left_out: list[str] = []
    for name in results if models is None else models:
        members = by_data.setdefault((results[name]["dataset_fingerprint"], results[name]["positive"]), [])
        try:
            members.append(_of_model(results[name], workspace))
        except InputError as error:
            if models is not None:
                raise
            left_out.append(f"{name} is left out. {error}")
    groups = [members for members in by_data.values() if members]
    if not groups:
        reason = " ".join(left_out) or "Fit one first, for example: hybrid fit svm"
        raise InputError(f"There are no models to cross-validate. {reason}")
    made = [
        cross_validate(members, folds=folds, repeats=repeats, seed=seed, metric=metric, progress=progress)
        for members in groups
    ]
    return [replace(result, notes=(*result.notes, *left_out)) for result in made]


def _of_model(result: Mapping[str, Any], workspace: Workspace) -> Candidate:
    """Return a fitted model as a candidate."""
    if result["head"] == "network":
        raise InputError(f"{result['model']!r} is a network's own output: it would have to be trained in every fold.")
    names = result["set"] if isinstance(result["set"], list) else [result["set"]]
    found = join_sets([load_set(workspace, name) for name in names])
    now = found.describe()["extractor_fingerprint"], found.dataset["fingerprint"]
    if now != (result["extractor_fingerprint"], result["dataset_fingerprint"]):
        raise InputError(
            f"The set of the model {result['model']!r} was extracted anew since, from other images or in another way: "
            "fit the model again."
        )
    folder = Path(workspace.models) / result["model"] / "model"
    pipeline = load_model(folder)
    if read_manifest(folder)["extractors"]:
        pipeline = pipeline[1:]
    notes = [
        f"The {what} of {result['model']} were chosen on these images, which flatters it a little."
        for what, key in (("settings", "tuning"), ("weights", "weights"))
        if result.get(key)
    ]
    if found.views is not None:
        notes.append(f"{result['model']} is fitted and scored here without the views of its images.")
    return Candidate(result["model"], found, pipeline, result["positive"], tuple(notes))


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
        candidate.found.classes.tolist(),
        y_pred=predicted,
        positive=candidate.positive,
        n_boot=0,
    )
    return {name: np.nan if value is None else value for name, value, *_ in result.table()}, seconds


def _collected(name: str, scored: Sequence[tuple[dict[str, float], float]], repeats: int) -> ModelScores:
    scores = {key: np.array([row[key] for row, _ in scored]).reshape(repeats, -1) for key in scored[0][0]}
    return ModelScores(name, scores, sum(seconds for _, seconds in scored))


def _seed(estimator: BaseEstimator, seed: int) -> None:
    """Set every seed inside an unfitted estimator, the members of an ensemble too."""
    params = estimator.get_params(deep=True)
    estimator.set_params(**{key: seed for key, value in params.items() if _is_seed(key, value)})
    for value in params.values():
        for item in value if isinstance(value, list) else ():
            for part in item if isinstance(item, tuple) else ():
                if isinstance(part, BaseEstimator):
                    _seed(part, seed)


def _is_seed(key: str, value: Any) -> bool:
    return key.rpartition("__")[2] == "random_state" and value is not None


def _development_rows(found: JoinedSet, first: JoinedSet) -> NDArray[np.float32]:
    """Return the embeddings of train and validation, in the order of the first candidate's images."""
    ordered = join_sets([in_order_of(first.sets[0], one) for one in found.sets])
    return ordered.embeddings()[ordered.split != "test"]


def _bound_together(found: JoinedSet, rows: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Return for each image what may not be divided: its group, and copies of it, byte for byte; None if all may."""
    copies = np.unique(found.sets[0].keys[rows], axis=0, return_inverse=True)[1].ravel()
    if found.groups is None:
        return copies if copies.max() + 1 < len(copies) else None
    groups = np.unique(found.groups[rows], return_inverse=True)[1]
    first_group = copies.max() + 1
    size = first_group + groups.max() + 1
    links = coo_array((np.ones(len(copies)), (copies, first_group + groups)), shape=(size, size))
    return connected_components(links, directed=False)[1][copies]


def _flattered(candidate: Candidate) -> list[str]:
    """Return a sentence for a model whose features are of a network that was trained on the images of the folds."""
    development = candidate.found.split != "test"
    seen = np.zeros(len(candidate.found), bool)
    for one in candidate.found.sets:
        seen |= trained_on(one)
    known = int((seen & development).sum())
    if not known:
        return []
    return [
        f"The network behind {candidate.name} was trained on, or chosen by, {known} of these {development.sum()} "
        "images: no fold is new to it, and its scores flatter it; compare it on test."
    ]
