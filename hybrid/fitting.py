"""Fit a head on an embedding set, evaluate it on every split, and save model, metrics and predictions."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hybrid.classifiers import NetworkOutput
from hybrid.datasets import Dataset
from hybrid.embedding_set import EmbeddingSet, extract_dataset
from hybrid.errors import InputError
from hybrid.evaluation import Evaluation, evaluate
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.atomic import replace_folder, write_json
from hybrid.pipelines import make_head_pipeline, save_model, tune
from hybrid.predictions import Predictions, write_predictions
from hybrid.workspace import Workspace

SPLITS = ("train", "val", "test")
_MOST_TRAIN_DRAWN = 20_000  # beyond it, intervals of the training scores cost minutes and say nothing


@dataclass
class FittedModel:
    """A fitted head with its results.

    Attributes
    ----------
    name : str
    pipeline : Pipeline
        From embeddings to labels.
    splits : dict of str to Evaluation
        One for each split that has images.
    record : dict
        What ``metrics.json`` holds.
    """

    name: str
    pipeline: Pipeline
    splits: dict[str, Evaluation]
    record: dict[str, Any]


@dataclass
class HeadOptions:
    """How a head is fitted; the defaults are the head's own.

    Attributes
    ----------
    params : dict
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
    """

    params: dict[str, Any]
    scale: bool = True
    pca: int | float | None = None
    tune: str | None = None
    metric: str | None = None
    seed: int = 0


def fit_head(
    found: EmbeddingSet,
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
    found : EmbeddingSet
    head : str
        A name in `hybrid.classifiers.HEADS`.
    options : HeadOptions
    workspace : Workspace
        Where the model is saved: ``models/NAME``.
    positive : str, optional
        The positive class of a binary task; the last of the sorted classes if not given.
    name : str, optional
        Of the model; head and set if not given.

    Returns
    -------
    FittedModel

    Raises
    ------
    InputError
        If the embeddings are not whole or the head cannot learn from them.
    """
    X = found.embeddings()
    _check_finite(X, found.ids)
    pipeline = make_head_pipeline(head, scale=options.scale, pca=options.pca, **options.params)
    started = time.perf_counter()
    train = found.split == "train"
    searched: dict[str, Any] = {}
    try:
        if options.tune:
            pipeline, searched = _tuned(pipeline, X, found, options)
        else:
            pipeline.fit(X[train], found.y[train])
    except InputError:
        raise
    except ValueError as error:  # scikit-learn's and XGBoost's own words on a parameter out of range
        given = ", ".join(f"{key}={value!r}" for key, value in options.params.items()) or "its defaults"
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{head} cannot be fitted to {train.sum()} images with {given}: {reason}") from error
    seconds = time.perf_counter() - started
    extra = {"params": _json_values(pipeline.named_steps["head"].get_params()), "tuning": searched}
    return finish_model(
        pipeline,
        X,
        found,
        head,
        workspace,
        name or _model_name(head, options, found),
        seconds,
        found.extractor,
        positive,
        extra,
    )


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
    extractor = FeatureExtractor(network, layers="probabilities")
    found = extract_dataset(dataset, extractor)
    X, train = found.embeddings(), found.split == "train"
    pipeline = Pipeline([("head", NetworkOutput().fit(X[train], found.y[train]))])
    return finish_model(
        pipeline, X, found, "network", workspace, name, seconds, extractor, positive, {"params": {}, "tuning": {}}
    )


def finish_model(
    pipeline: Pipeline,
    X: np.ndarray,
    found: EmbeddingSet,
    head: str,
    workspace: Workspace,
    name: str,
    fit_seconds: float,
    extractor: FeatureExtractor,
    positive: str | None,
    extra: dict[str, Any],
) -> FittedModel:
    """Evaluate a fitted pipeline on every split and save it; every model of the product goes through here."""
    started = time.perf_counter()
    proba = pipeline.predict_proba(X)
    predict_seconds = time.perf_counter() - started
    predicted = pipeline.predict(X)
    positive_class = _positive(found, positive)
    splits = {
        split: evaluate(
            found.y[here],
            proba[here],
            found.classes.tolist(),
            y_pred=predicted[here],
            positive=positive_class,
            n_boot=0 if split == "train" and here.sum() > _MOST_TRAIN_DRAWN else 2000,
        )
        for split in SPLITS
        if (here := found.split == split).any()
    }
    info = found.info
    record = {
        "schema": 1,
        "model": name,
        "head": head,
        "backbone": info["extractor"]["params"]["backbone"],
        "layers": info["extractor"]["identity"]["fields"]["layers"],
        "pooling": info["extractor"]["identity"]["fields"]["pooling"],
        "set": found.name,
        "dataset": info["dataset"]["name"],
        "dataset_fingerprint": info["dataset"]["fingerprint"],
        "extractor_fingerprint": info["extractor"]["fingerprint"],
        "task": found.task,
        "classes": found.classes.tolist(),
        "positive": positive_class,
        "width": X.shape[1],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": {"extract": info["seconds"], "fit": round(fit_seconds, 3), "predict": round(predict_seconds, 3)},
        "splits": {split: result.to_dict() for split, result in splits.items()},
        "skipped": len(info["skipped"]),
        "warnings": info["dataset"].get("warnings", []),
    } | extra
    with replace_folder(workspace.models / name) as folder:
        save_model(
            pipeline,
            folder / "model",
            extractor=extractor,
            info={"model": name, "dataset": info["dataset"], "head": head, "labels": found.classes.tolist()},
        )
        saved = Predictions(found.ids, found.split, found.y, predicted, proba, found.classes)
        write_predictions(folder / "predictions.csv", saved)
        write_json(folder / "metrics.json", record)
    return FittedModel(name, pipeline, splits, record)


def _model_name(head: str, options: HeadOptions, found: EmbeddingSet) -> str:
    """Return a name that tells a tuned head, or one behind a PCA, from a plain one."""
    parts = [head, "tuned" if options.tune else "", f"pca{options.pca}" if options.pca is not None else ""]
    return "-".join([part for part in parts if part] + [found.name])


def _tuned(
    pipeline: Pipeline, X: np.ndarray, found: EmbeddingSet, options: HeadOptions
) -> tuple[Pipeline, dict[str, Any]]:
    train, val = found.split == "train", found.split == "val"
    if options.tune == "val" and not val.any():
        raise InputError(f"The set {found.name!r} has no validation split: tune by cross-validation (--tune).")
    search = tune(
        pipeline,
        X[train],
        found.y[train],
        groups=None if found.groups is None else found.groups[train],
        validation=(X[val], found.y[val]) if options.tune == "val" else None,
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


def _positive(found: EmbeddingSet, given: str | None) -> Any:
    if found.task != "binary":
        if given is not None:
            raise InputError(f"A positive class {given!r} was given, but the task is {found.task}: leave it out.")
        return None
    if given is None:
        return found.classes.tolist()[-1]
    for label in found.classes.tolist():
        if str(label) == str(given):
            return label
    raise InputError(f"The positive class {given!r} was given; the classes are {', '.join(map(str, found.classes))}.")


def _check_finite(X: np.ndarray, ids: np.ndarray) -> None:
    wrong = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if wrong.size:
        raise InputError(
            f"The embeddings of {wrong.size} of {len(X)} images hold NaN or infinity, first {str(ids[wrong[0]])!r}: "
            "check the network's weights and its preprocessing, then extract again."
        )


def _json_values(params: dict[str, Any]) -> dict[str, Any]:
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in params.items()}
