"""`compare`: from a dataset, extractors and heads to a comparison, in one call."""

import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from hybrid.classifiers import DEFAULT_HEADS
from hybrid.comparison.choice import PREFERENCES
from hybrid.comparison.cross_validate import cross_validate_models
from hybrid.datasets import Dataset
from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.extractors import FeatureExtractor
from hybrid.models.evaluate_and_save import FittedModel
from hybrid.models.options import HeadOptions
from hybrid.pipelines.folds import parse_folds
from hybrid.run.compare_heads import ENSEMBLE, Heads, named_heads, own_options
from hybrid.run.compare_results import compare_results
from hybrid.run.result import Comparison
from hybrid.run.steps import PendingExtraction, RunProgress, ensemble_step, extract_step, fit_estimator_step, fit_step
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.workspace import Workspace, slug

ExtractorLike: TypeAlias = str | Path | FeatureExtractor


@renamed_parameters(positive="pos_label", seed="random_state")
def compare(
    dataset: Dataset,
    extractors: ExtractorLike | Sequence[ExtractorLike] | Mapping[str, ExtractorLike | Sequence[ExtractorLike]],
    heads: Heads = DEFAULT_HEADS,
    *,
    metric: str | None = None,
    pos_label: Any = None,
    aim: str | None = None,
    tune: bool = False,
    choose: str = "simplest",
    cv: int | str | None = None,
    random_state: int = 0,
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
    heads : sequence of str or estimators, or mapping
        Names in `hybrid.classifiers.HEADS`, and any scikit-learn classifiers with ``predict_proba``, such as
        ``KNeighborsClassifier()``, a Pipeline or a GridSearchCV. They get the standardised embeddings. ``"ensemble"``
        is the mean of the probabilities of the named heads. A mapping gives each name its parameters or its estimator.
        By default `hybrid.classifiers.DEFAULT_HEADS`.
    metric : str, optional
        What models are ordered and chosen by; by the task if not given.
    pos_label : object, optional
        The positive class of a binary task; the last of the sorted classes if not given.
    aim : str, optional
        What thresholds are chosen for, such as ``"balanced"`` or ``"recall=0.98"``.
    tune : bool, default=False
        Whether the settings of the named heads are searched, by cross-validation inside train. For an estimator give a
        GridSearchCV instead.
    choose : str, default="simplest"
        Which model is chosen, on validation: ``"simplest"`` of those within one standard error of the best, or
        ``"best"``; or the name of one that is fixed before any score is known, such as ``"svm-mobilenet_v2"``.
    cv : int or str, optional
        Folds, or folds and repeats such as ``"5x2"``, of a cross-validation inside train and validation beside.
    random_state : int, default=0
        Seed of the folds and of the named heads; an estimator keeps its own.
    workspace : path, optional
        Folder that gets the models; one that lives as long as the comparison if not given.

    Returns
    -------
    Comparison
        It shows itself in a notebook; see ``table()``, ``to_html(path)``, ``plot_bars()``. Its notes name the models
        that could be compared but not saved, because their types cannot be loaded safely.

    Raises
    ------
    InputError
        If an extractor or a head is unknown, or cannot be fitted.

    Examples
    --------
    >>> from hybrid import Dataset
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> images = np.repeat(np.arange(0, 240, 2, dtype=np.uint8), 256).reshape(120, 16, 16)
    >>> data = Dataset.from_arrays(images, ["dark"] * 60 + ["light"] * 60)
    >>> extractor = FeatureExtractor("convnet_small", size=16)
    >>> comparison = compare(data, {"random": extractor}, {"softmax": {"C": 0.1}, "neighbours": KNeighborsClassifier()})
    >>> sorted(comparison.table()["model"])
    ['neighbours-random', 'softmax-random']
    """
    named, features = _features(extractors)
    chosen_heads = named_heads(heads)
    own = {name: given for name, given in chosen_heads.items() if not isinstance(given, Mapping)}
    how = HeadOptions(aim=aim, seed=random_state)
    options = {
        name: replace(how, params=dict(params), tune="cv" if tune else None)
        for name, params in chosen_heads.items()
        if name not in (ENSEMBLE, *own)
    }
    known = (*PREFERENCES, *(slug(head, feature) for feature in features for head in chosen_heads))
    if choose not in known:
        raise unknown_name("model", choose, known)
    temporary = tempfile.TemporaryDirectory(prefix="hybrid-") if workspace is None else None
    place = Workspace(temporary.name if temporary else workspace or "")
    told, folds = RunProgress(), None if cv is None else parse_folds(str(cv))
    sets = extract_step({name: PendingExtraction(one) for name, one in named.items()}, dataset, place, "raise", told)
    names: list[str] = []
    unsaved: dict[str, FittedModel] = {}
    for feature, parts in features.items():
        together = [sets[part] for part in parts]
        fitted = {head: slug(head, feature) for head in options}
        for head, model in fitted.items():
            fit_step(head, options[head], together, model, place, pos_label, told)
        names += fitted.values()
        for head, estimator in own.items():
            names.append(slug(head, feature))
            done = fit_estimator_step(
                estimator, own_options(estimator, how), together, names[-1], place, pos_label, told
            )
            if done.unsaved:
                unsaved[names[-1]] = done
        if ENSEMBLE in chosen_heads:
            names.append(slug(ENSEMBLE, feature))
            ensemble_step(list(fitted.values()), "equal", how, names[-1], place, pos_label, told)
    comparison = compare_results(load_records(place, names), metric=metric, choose=choose)
    if folds:
        pipelines = {name: done.pipeline for name, done in unsaved.items()}
        crossed = cross_validate_models(
            place,
            folds=folds[0],
            repeats=folds[1],
            seed=random_state,
            metric=metric,
            models=names,
            pipelines=pipelines,
        )
        comparison = comparison.cross_validated(crossed)
    notes = [f"{name} is compared, but it is not saved. {done.unsaved}" for name, done in unsaved.items()]
    comparison = replace(comparison, notes=(*comparison.notes, *notes))
    if temporary:
        weakref.finalize(comparison, temporary.cleanup)
    return comparison


def _features(given: Any) -> tuple[dict[str, FeatureExtractor], dict[str, tuple[str, ...]]]:
    """Return the extractors by name, and for each feature the names of its extractors."""
    if not isinstance(given, Mapping):
        several = [given] if isinstance(given, ExtractorLike) else list(given)
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
        several = [value] if isinstance(value, ExtractorLike) else list(value)
        parts = [name] if len(several) == 1 else [f"{name}-{number}" for number in range(1, len(several) + 1)]
        named |= {part: _extractor(one) for part, one in zip(parts, several, strict=True)}
        features[name] = tuple(parts)
    if not features:
        raise InputError("No extractor was given: name a backbone, such as 'mobilenet_v2'.")
    return named, features


def _extractor(given: ExtractorLike) -> FeatureExtractor:
    return given if isinstance(given, FeatureExtractor) else FeatureExtractor(given)
