"""Fit a head on one embedding set or several, evaluate it on every split, and save model, metrics and predictions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.classifiers import HEADS, NetworkOutput
from hybrid.datasets import Dataset
from hybrid.embedding_set import EmbeddingSet
from hybrid.errors import InputError
from hybrid.extracting import extract_dataset
from hybrid.extractors import FeatureExtractor
from hybrid.fitted_model import FittedModel, finish_model
from hybrid.joined_set import JoinedSet, join_sets
from hybrid.pipelines import make_head_pipeline, tune
from hybrid.pipelines.folds import groups_for
from hybrid.workspace import Workspace


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
    seed : int, default=0
        Of the search's folds, and of the head unless `params` has a ``random_state``.
    """

    params: dict[str, Any] = field(default_factory=dict)
    scale: bool = True
    pca: int | float | None = None
    tune: str | None = None
    metric: str | None = None
    seed: int = 0


def fit_head(
    found: EmbeddingSet | JoinedSet | Sequence[EmbeddingSet],
    head: str,
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
    head : str
        A name in `hybrid.classifiers.HEADS`.
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
    pipeline = make_head_pipeline(head, scale=options.scale, pca=options.pca, **_seeded(head, options))
    started = time.perf_counter()
    train = found.part(X, "train")
    searched: dict[str, Any] = {}
    try:
        if options.tune:
            pipeline, searched = _tuned(pipeline, X, found, options)
        else:
            pipeline.fit(train.X, train.y, **groups_for(pipeline, train.groups))
    except InputError:
        raise
    except ValueError as error:  # scikit-learn's and XGBoost's own words on a parameter out of range
        given = ", ".join(f"{key}={value!r}" for key, value in options.params.items()) or "its defaults"
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{head} cannot be fitted to {len(train.y)} images with {given}: {reason}") from error
    seconds = time.perf_counter() - started
    extra = {
        "params": _json_values(pipeline.named_steps["head"].get_params()),
        "tuning": searched,
        "seed": options.seed,
    }
    name = name or _model_name(head, options, found)
    return finish_model(pipeline, X, found, head, workspace, name, seconds, positive, extra)


def fit_network(
    network: Path, dataset: Dataset, workspace: Workspace, name: str, seconds: float, positive: str | None = None
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
    seconds : float
        That the training took.
    positive : str, optional
        As in `fit_head`.

    Returns
    -------
    FittedModel
    """
    found = join_sets(extract_dataset(dataset, FeatureExtractor(network, layers="probabilities")))
    X = found.embeddings()
    train = found.part(X, "train")
    pipeline = Pipeline([("head", NetworkOutput().fit(train.X, train.y))])
    return finish_model(pipeline, X, found, "network", workspace, name, seconds, positive, {"params": {}, "tuning": {}})


def _model_name(head: str, options: HeadOptions, found: JoinedSet) -> str:
    """Return a name that tells a tuned head, or one behind a PCA, from a plain one."""
    parts = [head, "tuned" if options.tune else "", f"pca{options.pca}" if options.pca is not None else ""]
    return "-".join([part for part in parts if part] + [found.name])


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
        seed=options.seed,
    )
    chosen = {key.removeprefix("head__"): value for key, value in search.best_params_.items()}
    return search.best_estimator_, {
        "on": options.tune,
        "chosen": _json_values(chosen),
        "score": float(search.best_score_),
        "settings_tried": len(search.cv_results_["params"]),
    }


def _seeded(head: str, options: HeadOptions) -> dict[str, Any]:
    """Return the head's parameters, with the seed for a head that draws."""
    draws = head in HEADS and "random_state" in signature(HEADS[head].load()).parameters
    return {"random_state": options.seed, **options.params} if draws else options.params


def _json_values(params: dict[str, Any]) -> dict[str, Any]:
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in params.items()}
