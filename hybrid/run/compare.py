"""`compare`: from a dataset, extractors and heads to a comparison, in one call."""

import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from hybrid.classifiers import DEFAULT_HEADS, HEADS, make_head
from hybrid.comparison.choice import PREFERENCES
from hybrid.comparison.cross_validate import cross_validate_models
from hybrid.datasets import Dataset
from hybrid.errors import InputError, unknown_name
from hybrid.extractors import FeatureExtractor
from hybrid.models.fit import HeadOptions
from hybrid.pipelines.folds import parse_folds
from hybrid.run.compare_results import compare_results
from hybrid.run.result import Comparison
from hybrid.run.steps import PendingExtraction, RunProgress, ensemble_step, extract_step, fit_step
from hybrid.workspace.fitted_models import load_results
from hybrid.workspace.workspace import Workspace, slug

ENSEMBLE = "ensemble"

Given: TypeAlias = str | Path | FeatureExtractor


def compare(
    dataset: Dataset,
    extractors: Given | Sequence[Given] | Mapping[str, Given | Sequence[Given]],
    heads: Sequence[str] | Mapping[str, Mapping[str, Any]] = DEFAULT_HEADS,
    *,
    metric: str | None = None,
    positive: Any = None,
    aim: str | None = None,
    tune: bool = False,
    choose: str = "simplest",
    cv: str | None = None,
    seed: int = 0,
    workspace: str | Path | None = None,
) -> Comparison:
    """Fit heads to the features of extractors and compare them on the same images.

    Each image goes through each network once. Everything is fitted on train and chosen on validation; the test split
    is read at the end.

    Parameters
    ----------
    dataset : Dataset
    extractors : str, Path or FeatureExtractor; or several of them
        A backbone's name, a ``.keras`` file, or an extractor. A mapping gives names; a sequence in it stands for their
        embeddings side by side.
    heads : sequence of str, or mapping of str to mapping
        Names in `hybrid.classifiers.HEADS`, all of them by default, and ``"ensemble"`` for the mean of the others'
        probabilities; a mapping gives each its parameters.
    metric : str, optional
        What models are ordered and chosen by; by the task if not given.
    positive : object, optional
        The positive class of a binary task; the last of the sorted classes if not given.
    aim : str, optional
        What thresholds are chosen for, such as ``"balanced"`` or ``"recall=0.98"``.
    tune : bool, default=False
        Whether the heads' settings are searched, by cross-validation inside train.
    choose : str, default="simplest"
        Which model is chosen, on validation: ``"simplest"`` of those within one standard error of the best, or
        ``"best"``; or the name of one that is fixed before any score is known, such as ``"svm-mobilenet_v2"``.
    cv : str, optional
        Folds and repeats, such as ``"5x2"``, of a cross-validation inside train and validation beside.
    seed : int, default=0
    workspace : path, optional
        Folder that gets the models; one that lives as long as the comparison if not given.

    Returns
    -------
    Comparison
        It shows itself in a notebook; see ``table()``, ``to_html(path)``, ``plot_bars()``.

    Raises
    ------
    InputError
        If an extractor or a head is unknown, or cannot be fitted.
    """
    named, features = _features(extractors)
    options = {name: _options(name, params, aim, tune, seed) for name, params in _pairs(heads) if name != ENSEMBLE}
    known = (*PREFERENCES, *(slug(head, feature) for feature in features for head in heads))
    if choose not in known:
        raise unknown_name("model", choose, known)
    temporary = tempfile.TemporaryDirectory(prefix="hybrid-") if workspace is None else None
    place = Workspace(temporary.name if temporary else workspace or "")
    told, folds = RunProgress(), parse_folds(cv) if cv else None
    sets = extract_step({name: PendingExtraction(one) for name, one in named.items()}, dataset, place, "raise", told)
    names: list[str] = []
    for feature, parts in features.items():
        fitted = {head: slug(head, feature) for head in options}
        for head, model in fitted.items():
            fit_step(head, options[head], [sets[part] for part in parts], model, place, positive, told)
        names += fitted.values()
        if ENSEMBLE in heads:
            names.append(slug(ENSEMBLE, feature))
            how = HeadOptions(aim=aim, seed=seed)
            ensemble_step(list(fitted.values()), "equal", how, names[-1], place, positive, told)
    results = {result["model"]: result for result in load_results(place.models)}
    comparison = compare_results([results[name] for name in names], metric=metric, choose=choose)
    if folds:
        crossed = cross_validate_models(place, folds=folds[0], repeats=folds[1], seed=seed, metric=metric, models=names)
        comparison = comparison.cross_validated(crossed)
    if temporary:
        weakref.finalize(comparison, temporary.cleanup)
    return comparison


def _features(given: Any) -> tuple[dict[str, FeatureExtractor], dict[str, tuple[str, ...]]]:
    """Return the extractors by name, and for each feature the names of its extractors."""
    if not isinstance(given, Mapping):
        several = [given] if isinstance(given, Given) else list(given)
        given = {}
        for one in several:
            extractor = _extractor(one)
            name = slug(Path(extractor.backbone).stem)
            if name in given:
                raise InputError(f"Two extractors are called {name!r}: give them names, as in {{'first': …}}.")
            given[name] = extractor
    named: dict[str, FeatureExtractor] = {}
    features: dict[str, tuple[str, ...]] = {}
    for name, value in given.items():
        several = [value] if isinstance(value, Given) else list(value)
        parts = [name] if len(several) == 1 else [f"{name}-{number}" for number in range(1, len(several) + 1)]
        named |= {part: _extractor(one) for part, one in zip(parts, several, strict=True)}
        features[name] = tuple(parts)
    if not features:
        raise InputError("No extractor was given: name a backbone, such as 'mobilenet_v2'.")
    return named, features


def _extractor(given: Given) -> FeatureExtractor:
    return given if isinstance(given, FeatureExtractor) else FeatureExtractor(given)


def _pairs(heads: Any) -> list[tuple[str, Mapping[str, Any]]]:
    pairs = list(heads.items()) if isinstance(heads, Mapping) else [(name, {}) for name in heads]
    for name, _ in pairs:
        if name not in (*HEADS, ENSEMBLE):
            raise unknown_name("head", name, (*HEADS, ENSEMBLE))
    if all(name == ENSEMBLE for name, _ in pairs):
        raise InputError("No head was given that could be fitted: name one of svm, forest, xgboost, softmax.")
    return pairs


def _options(name: str, params: Mapping[str, Any], aim: str | None, tune: bool, seed: int) -> HeadOptions:
    make_head(name, **params)
    return HeadOptions(params=dict(params), aim=aim, tune="cv" if tune else None, seed=seed)
