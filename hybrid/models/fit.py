"""Fit a head on one embedding set or several, evaluate it on every split, and save model, metrics and predictions."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from hybrid.classifiers import HEADS, NetworkOutput, SklearnHead
from hybrid.datasets import Dataset
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.embeddings.extract import extract_dataset
from hybrid.embeddings.joined import JoinedSet, join_sets
from hybrid.errors import InputError, reason_of
from hybrid.evaluation import LOWER_IS_BETTER
from hybrid.extractors import FeatureExtractor
from hybrid.models.adjust import adjust_model
from hybrid.models.finish import FittedModel, finish_model, positive_class
from hybrid.pipelines import make_head_pipeline, tune
from hybrid.pipelines.adjusted import check_adjustment
from hybrid.pipelines.folds import groups_for
from hybrid.workspace.workspace import Workspace, slug


@dataclass
class HeadOptions:
    """How a head is fitted; the defaults are the head's own.

    Attributes
    ----------
    params : dict, default={}
        Parameters of the head.
    scale : bool, default=True
        Whether embeddings are standardised first.
    pca : int or float, optional
        Components, or the share of variance, that are kept.
    tune : {"cv", "val"}, optional
        Search the head's settings by cross-validation inside train, or on the validation split.
    metric : str, optional
        What the search maximises.
    aim : str, optional
        What the threshold is chosen for, such as ``"f1"`` or ``"recall=0.98"``; None leaves it at one half.
    calibration : str, optional
        How probabilities are calibrated, such as ``"auto"``; None leaves them as the head gives them.
    folds, repeats : int, default=5, 1
        Of each cross-validation inside train: how many, and how often the images are dealt out anew.
    seed : int, default=0
        Of the search's folds, and of the head unless `params` has a ``random_state``.
    """

    params: dict[str, Any] = field(default_factory=dict)
    scale: bool = True
    pca: int | float | None = None
    tune: str | None = None
    metric: str | None = None
    aim: str | None = None
    calibration: str | None = None
    folds: int = 5
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_adjustment(self.aim, self.calibration)

    @property
    def class_weight(self) -> Any:
        """Weight of each class, where the head has one: balanced unless `params` say otherwise."""
        return self.params.get("class_weight", "balanced")

    @property
    def words(self) -> list[str]:
        """What in a model's name tells that it was fitted in another way than by default."""
        words = [
            "tuned" if self.tune else "",
            f"pca{self.pca}" if self.pca is not None else "",
            "unweighted" if self.class_weight is None else "",
            "calibrated" if self.calibration else "",
            slug(self.aim) if self.aim else "",
        ]
        return [word for word in words if word]


def fit_head(
    found: EmbeddingSet | JoinedSet | Sequence[EmbeddingSet],
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
    found : EmbeddingSet or sequence of them
        Of several, which must be of one dataset, the embeddings are put side by side.
    head : str or estimator
        A name in `hybrid.classifiers.HEADS`, or any scikit-learn classifier with ``predict_proba``.
    options : HeadOptions
    workspace : Workspace
        Where the model is saved: ``models/NAME``.
    positive : str, optional
        The positive class of a binary task; the last of the sorted classes if not given.
    name : str, optional
        Of the model; head and sets if not given.

    Returns
    -------
    FittedModel

    Raises
    ------
    InputError
        If the embeddings are not whole or the head cannot learn from them.
    """
    found = join_sets(found)
    X = found.embeddings()
    pipeline = _head_pipeline(head, options)
    head = head if isinstance(head, str) else type(head).__name__
    started = time.perf_counter()
    train = found.part(X, "train")
    searched: dict[str, Any] = {}
    try:
        if options.tune:
            pipeline, searched = _tuned(pipeline, X, found, options)
        else:
            pipeline.fit(train.X, train.y, **groups_for(pipeline, train.groups))
        params = _json_values(pipeline.named_steps["head"])
        pipeline, adjusted = adjusted_by(options, pipeline, X, found, positive)
    except InputError:
        raise
    except ValueError as error:  # scikit-learn's and XGBoost's own words on a parameter out of range
        given = ", ".join(f"{key}={value!r}" for key, value in options.params.items()) or "its defaults"
        raise InputError(
            f"{head} cannot be fitted to {len(train.y)} images with {given}: {reason_of(error)}"
        ) from error
    seconds = time.perf_counter() - started
    extra = {
        "params": params,
        "scale": options.scale,
        "pca": options.pca,
        "class_weight": options.class_weight,
        "tuning": searched,
        "seed": options.seed,
        **adjusted,
    }
    name = name or "-".join([head, *options.words, found.name])
    return finish_model(pipeline, X, found, head, workspace, name, seconds, positive, extra)


def fit_network(
    network: Path,
    dataset: Dataset,
    workspace: Workspace,
    name: str,
    positive: str | None = None,
    *,
    options: HeadOptions | None = None,
    found: EmbeddingSet | None = None,
) -> FittedModel:
    """Evaluate a trained network's own output, and save it, as a model like every other.

    Parameters
    ----------
    network : Path
        A ``.keras`` file whose last layer gives one probability a class, in the order of the dataset's classes.
    dataset : Dataset
    workspace : Workspace
    name : str
        Of the model.
    positive : str, optional
        As in `fit_head`.
    options : HeadOptions, optional
        How its probabilities are calibrated, and what its threshold is chosen for.
    found : EmbeddingSet, optional
        The network's outputs for the dataset, if they were extracted already.

    Returns
    -------
    FittedModel
    """
    outputs = join_sets(found or extract_dataset(dataset, FeatureExtractor(network, layers="probabilities")))
    X = outputs.embeddings()
    started = time.perf_counter()
    train = outputs.part(X, "train")
    pipeline = Pipeline([("head", NetworkOutput().fit(train.X, train.y))])
    pipeline, adjusted = adjusted_by(options or HeadOptions(), pipeline, X, outputs, positive)
    seconds = time.perf_counter() - started
    extra = {"params": {}, "tuning": {}, **adjusted}
    return finish_model(pipeline, X, outputs, "network", workspace, name, seconds, positive, extra)


def _tuned(
    pipeline: Pipeline, X: np.ndarray, found: JoinedSet, options: HeadOptions
) -> tuple[Pipeline, dict[str, Any]]:
    train, val = found.part(X, "train"), found.part(X, "val")
    if options.tune == "val" and not len(val.y):
        raise InputError(f"The set {found.name!r} has no validation split: tune by cross-validation (--tune).")
    search = tune(
        pipeline,
        train.X,
        train.y,
        groups=train.groups,
        validation=(val.X, val.y) if options.tune == "val" else None,
        metric=options.metric,
        cv=options.folds,
        repeats=options.repeats,
        seed=options.seed,
    )
    chosen = {key.removeprefix("head__"): value for key, value in search.best_params_.items()}
    metric, score = search.scoring.metric, float(search.best_score_)
    return search.best_estimator_, {
        "on": options.tune,
        "chosen": {key: _json_value(value) for key, value in chosen.items()},
        "metric": metric,
        "score": -score if metric in LOWER_IS_BETTER else score,
        "settings_tried": len(search.cv_results_["params"]),
    }


def adjusted_by(
    options: HeadOptions, pipeline: Pipeline, X: np.ndarray, found: JoinedSet, positive: str | None
) -> tuple[Pipeline, dict[str, Any]]:
    """Return a fitted pipeline with the calibration and the threshold that are asked for, and the record of them."""
    return adjust_model(
        pipeline,
        X,
        found,
        aim=options.aim,
        calibration=options.calibration,
        class_weight=options.class_weight,
        positive=positive_class(found, positive),
        cv=options.folds,
        repeats=options.repeats,
        seed=options.seed,
    )


def seeded(head: str, options: HeadOptions) -> dict[str, Any]:
    """Return the head's parameters, with the seed for a head that draws."""
    draws = head in HEADS and "random_state" in signature(HEADS[head].load()).parameters
    return {"random_state": options.seed, **options.params} if draws else options.params


def _head_pipeline(head: str | BaseEstimator, options: HeadOptions) -> Pipeline:
    if isinstance(head, str):
        return make_head_pipeline(head, scale=options.scale, pca=options.pca, **seeded(head, options))
    return make_head_pipeline(SklearnHead(head), scale=options.scale, pca=options.pca)


def _json_values(head: BaseEstimator) -> dict[str, Any]:
    """Return the parameters of a head, or of the classifier in it, as JSON values; of objects what they print."""
    estimator = head.estimator if isinstance(head, SklearnHead) else head
    return {key: _json_value(value) for key, value in estimator.get_params().items()}


def _json_value(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)
    return value
