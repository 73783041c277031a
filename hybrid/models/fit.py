"""Fit a head to embedding sets, evaluate it on every split, and save the model, its scores and its predictions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from hybrid.classifiers import NetworkOutput, SklearnHead
from hybrid.datasets import Dataset
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.extract import extract_dataset
from hybrid.embeddings.joined_set import JoinedSet, join_sets
from hybrid.errors import InputError, reason_of
from hybrid.extractors import FeatureExtractor
from hybrid.models.adjust import adjust_model, positive_class
from hybrid.models.evaluate_and_save import FittedModel, evaluate_and_save
from hybrid.models.options import HeadOptions
from hybrid.pipelines import make_head_pipeline, tune
from hybrid.pipelines.fit import check_in_memory, fit_pipeline
from hybrid.pipelines.on_workers import on_workers
from hybrid.progress import Stopwatch
from hybrid.workspace.model_record import Tuning
from hybrid.workspace.provenance import training_class_weight
from hybrid.workspace.workspace import Workspace


def fit_head(
    embeddings: EmbeddingSet | JoinedSet | Sequence[EmbeddingSet],
    head: str | BaseEstimator,
    options: HeadOptions,
    workspace: Workspace,
    *,
    positive: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit a head on train, evaluate it on every split, and save it.

    Parameters
    ----------
    embeddings : EmbeddingSet or sequence of them
        Several sets must be of one dataset; their embeddings are concatenated.
    head : str or estimator
        A name in `hybrid.classifiers.HEADS`, or any scikit-learn classifier with ``predict_proba``.
    options : HeadOptions
    workspace : Workspace
        The model is saved in its folder ``models/NAME``.
    positive : str, optional
        The positive class of a binary task. By default the last of the sorted classes.
    name : str, optional
        Name of the model. By default it is built from the head, the options and the sets.

    Returns
    -------
    FittedModel

    Raises
    ------
    InputError
        If embeddings are missing or not finite, or the head cannot be fitted to them.
    """
    joined = join_sets(embeddings)
    X = joined.embeddings()
    pipeline = _head_pipeline(head, options)
    if options.tune:
        check_in_memory(X, "A search of the settings")
    head = head if isinstance(head, str) else type(head).__name__
    watch = Stopwatch()
    train = joined.part(X, "train")
    tuning: Tuning | None = None
    try:
        if options.tune:
            pipeline, tuning = _tuned(pipeline, X, joined, options, positive_class(joined, positive))
        else:
            fit_pipeline(pipeline, train.X, train.y, train.groups)
        params = _json_values(pipeline.named_steps["head"])
        pipeline, adjustment = adjust_model(pipeline, X, joined, options, positive)
    except InputError:
        raise
    except ValueError as error:  # from scikit-learn or XGBoost, on a parameter out of range
        given = ", ".join(f"{key}={value!r}" for key, value in options.params.items()) or "its defaults"
        raise InputError(
            f"{head} cannot be fitted to {len(train.y)} images with {given}: {reason_of(error)}"
        ) from error
    fitted = watch.lap()
    return evaluate_and_save(
        pipeline,
        X,
        joined,
        workspace,
        name or "-".join([head, *options.name_parts, joined.name]),
        positive,
        head=head,
        fit=fitted,
        params=params,
        scale=options.scale,
        pca=options.pca,
        class_weight=options.class_weight,
        tuning=tuning,
        seed=options.seed,
        aim=options.aim,
        calibration=options.calibration,
        prevalence=options.prevalence,
        adjustment=adjustment,
    )


def fit_network(
    network: Path,
    dataset: Dataset,
    workspace: Workspace,
    name: str,
    positive: str | None = None,
    *,
    options: HeadOptions | None = None,
    embeddings: EmbeddingSet | None = None,
) -> FittedModel:
    """Evaluate the output of a trained network itself and save it as a model.

    Parameters
    ----------
    network : Path
        A ``.keras`` file whose last layer returns one probability per class, in the order of the dataset's classes.
    dataset : Dataset
    workspace : Workspace
    name : str
        Name of the model.
    positive : str, optional
        As in `fit_head`.
    options : HeadOptions, optional
        How the probabilities are calibrated and the threshold is chosen. By default neither is.
    embeddings : EmbeddingSet, optional
        The network's outputs for the dataset. By default they are extracted.

    Returns
    -------
    FittedModel
    """
    outputs = join_sets(embeddings or extract_dataset(dataset, FeatureExtractor(network, layers="probabilities")))
    X = outputs.embeddings()
    watch = Stopwatch()
    train = outputs.part(X, "train")
    head = NetworkOutput(class_weight=training_class_weight(network))
    pipeline = Pipeline([("head", head.fit(train.X, train.y))])
    options = options or HeadOptions()
    pipeline, adjustment = adjust_model(pipeline, X, outputs, options, positive)
    return evaluate_and_save(
        pipeline,
        X,
        outputs,
        workspace,
        name,
        positive,
        head="network",
        fit=watch.lap(),
        aim=options.aim,
        calibration=options.calibration,
        prevalence=options.prevalence,
        adjustment=adjustment,
    )


def _tuned(
    pipeline: Pipeline, X: np.ndarray, joined: JoinedSet, options: HeadOptions, positive: Any
) -> tuple[Pipeline, Tuning]:
    train, val = joined.part(X, "train"), joined.part(X, "val")
    if options.tune == "val" and not len(val.y):
        raise InputError(f"The set {joined.name!r} has no validation split: tune by cross-validation (--tune).")
    with on_workers() as divided:
        rows: Any = train.X
        val_rows: Any = val.X
        if divided:
            rows = joined.stored(joined.split == "train", train.X, with_views=True)
            val_rows = joined.stored(joined.split == "val", val.X)
        search = tune(
            pipeline,
            rows,
            train.y,
            groups=train.groups,
            validation=(val_rows, val.y) if options.tune == "val" else None,
            metric=options.metric,
            pos_label=positive,
            cv=options.folds,
            repeats=options.repeats,
            random_state=options.seed,
        )
    chosen = {key.removeprefix("head__"): value for key, value in search.best_params_.items()}
    return search.best_estimator_, Tuning(
        on=options.tune or "cv",
        chosen={key: _json_value(value) for key, value in chosen.items()},
        metric=search.scoring.metric,
        score=search.scoring.sign * float(search.best_score_),
        settings_tried=len(search.cv_results_["params"]),
    )


def _head_pipeline(head: str | BaseEstimator, options: HeadOptions) -> Pipeline:
    if isinstance(head, str):
        return make_head_pipeline(head, scale=options.scale, pca=options.pca, **options.seeded(head))
    return make_head_pipeline(SklearnHead(head), scale=options.scale, pca=options.pca)


def _json_values(head: BaseEstimator) -> dict[str, Any]:
    """Return the parameters of a head, or of the classifier it wraps, as JSON values; other objects by their repr."""
    estimator = head.estimator if isinstance(head, SklearnHead) else head
    return {key: _json_value(value) for key, value in estimator.get_params().items()}


def _json_value(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)
    return value
