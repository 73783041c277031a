"""`compare`: fit heads to the features of extractors and compare them, in one call."""

import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from hybrid.classifiers import DEFAULT_HEADS
from hybrid.comparison.choice import BY_DOMAINS, PREFERENCES
from hybrid.comparison.cross_validate import cross_validate_models
from hybrid.comparison.pair_settings import PairSettings
from hybrid.datasets import Dataset
from hybrid.errors import InputError, renamed_parameters, unknown_name
from hybrid.extractors import FeatureExtractor
from hybrid.models.evaluate_and_save import FittedModel
from hybrid.models.options import HeadOptions
from hybrid.pipelines.folds import parse_folds
from hybrid.run.compare_heads import ENSEMBLE, Heads, estimator_options, named_heads
from hybrid.run.compare_results import compare_results
from hybrid.run.comparison import Comparison
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
    reference: str | None = None,
    pairs: str | None = None,
    primary: str | Sequence[str] = (),
    margin: float | None = None,
    per_group: str | None = None,
    subgroups: str | Sequence[str] = (),
    fixed_classes: bool = True,
    cv: Any = None,
    cv_domains: str | None = None,
    random_state: int = 0,
    workspace: str | Path | None = None,
) -> Comparison:
    """Fit heads to the features of extractors and compare them on the same images.

    Each network processes each image once. Models are fitted on train and chosen on validation; the test split is
    used only for the final scores.

    Parameters
    ----------
    dataset : Dataset
    extractors : str, Path or FeatureExtractor; or several of them
        Each is the name of a backbone, a ``.keras`` file, or an extractor. The keys of a mapping are used as names; the
        embeddings of a sequence of extractors in a mapping are concatenated.
    heads : sequence of str or estimators, or mapping
        Names in `hybrid.classifiers.HEADS`, and any scikit-learn classifiers with ``predict_proba``, such as
        ``KNeighborsClassifier()``, a Pipeline or a GridSearchCV, which are fitted to the standardised embeddings.
        ``"ensemble"`` is the mean of the probabilities of the named heads. A mapping has the parameters or the
        estimator of each name. By default `hybrid.classifiers.DEFAULT_HEADS`.
    metric : str, optional
        Metric by which models are ordered and chosen. By default it depends on the task.
    pos_label : object, optional
        The positive class of a binary task. By default the last of the sorted classes.
    aim : str, optional
        Objective of the thresholds, such as ``"balanced"``, ``"recall=0.98"`` or, with a confidence for new images,
        ``"recall=0.98@0.95"``. By default the threshold is the frequency of the class in the training data, or 0.5 for
        heads without class weights.
    tune : bool, default=False
        Whether to tune the settings of the named heads by cross-validation inside train. To tune an estimator, give a
        GridSearchCV instead.
    choose : str, default="simplest"
        How a model is chosen on validation: ``"simplest"`` (the simplest within one standard error of the best) or
        ``"best"``. Or the name of a model that is fixed in advance, such as ``"svm-mobilenet_v2"``.
    reference : str, optional
        Name of the model that each other model is compared with. By default the chosen model.
    pairs : {"reference", "all"}, default="reference"
        Whether each model is compared with the reference only, or all pairs are tested.
    primary : str or sequence of str, default=()
        Metrics of which any may decide, besides `metric`. Holm's correction is for the tests of all of them.
    margin : float, optional
        The margin of a non-inferiority test: whether each model is worse than the reference by less than this in the
        primary metrics.
    per_group : {"mean", "max", "vote"}, optional
        How the predictions for the images of a group, such as a patient, are combined for further scores with each
        group as one case. By default there are none.
    subgroups : str or sequence of str, default=()
        Columns of the dataset that divide the images into subgroups, which are scored as well: ``"sex"``,
        ``"age:50,70"`` with limits of bins, or ``"sex+view"`` for combinations, as for
        :func:`hybrid.evaluation.by_subgroup`.
    fixed_classes : bool, default=True
        Whether intervals and tests hold for other images with the same share of each class. If False, they hold for
        images whose shares vary as well, as in :func:`hybrid.evaluate`.
    cv : int, str or splitter, optional
        Number of folds, folds and repeats such as ``"5x2"``, or a splitter of scikit-learn, of an additional
        cross-validation on train and validation. By default there is none.
    cv_domains : str, optional
        A column of the dataset, such as ``"hospital"``, of which one value at a time is left out in such a
        cross-validation, instead of `cv`. With ``choose="domains"``, the model with the best mean over them is chosen.
    random_state : int, default=0
        Seed of the folds and of the named heads. An estimator keeps its own.
    workspace : path, optional
        Folder in which the models are saved. By default a temporary folder, which is deleted with the comparison.

    Returns
    -------
    Comparison
        See its methods ``table()``, ``to_html(path)`` and ``plot_bars()``. Its notes list models that were compared but
        not saved, because their types cannot be loaded safely.

    Raises
    ------
    InputError
        If an extractor or a head is unknown, or a head cannot be fitted.

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
    estimators = {name: value for name, value in chosen_heads.items() if not isinstance(value, Mapping)}
    base_options = HeadOptions(aim=aim, seed=random_state)
    options = {
        name: replace(base_options, params=dict(params), tune="cv" if tune else None)
        for name, params in chosen_heads.items()
        if name not in (ENSEMBLE, *estimators)
    }
    models = [slug(head, feature) for feature in features for head in chosen_heads]
    if choose not in (*PREFERENCES, *models):
        raise unknown_name("model", choose, (*PREFERENCES, *models))
    if cv is not None and cv_domains is not None:
        raise InputError("cv and cv_domains are two ways to divide the images: give one of them.")
    if choose == BY_DOMAINS and cv_domains is None:
        raise InputError("choose='domains' needs the domains: name their column, such as cv_domains='hospital'.")
    if reference is not None and reference not in models:
        raise unknown_name("model", reference, models, "It was given as the reference.")
    tested = PairSettings.of(reference, pairs, primary, margin)
    temporary = tempfile.TemporaryDirectory(prefix="hybrid-") if workspace is None else None
    opened = Workspace(temporary.name if temporary else workspace or "")
    listener, folds = RunProgress(), None if cv is None else _folds_and_repeats(cv)
    pending = {name: PendingExtraction(extractor) for name, extractor in named.items()}
    sets = extract_step(pending, dataset, opened, "raise", listener)
    names: list[str] = []
    unsaved: dict[str, FittedModel] = {}
    for feature, parts in features.items():
        feature_sets = [sets[part] for part in parts]
        fitted = {head: slug(head, feature) for head in options}
        for head, model in fitted.items():
            fit_step(head, options[head], feature_sets, model, opened, pos_label, listener)
        names += fitted.values()
        for head, estimator in estimators.items():
            names.append(slug(head, feature))
            fitted_model = fit_estimator_step(
                estimator,
                estimator_options(estimator, base_options),
                feature_sets,
                names[-1],
                opened,
                pos_label,
                listener,
            )
            if fitted_model.unsaved:
                unsaved[names[-1]] = fitted_model
        if ENSEMBLE in chosen_heads:
            names.append(slug(ENSEMBLE, feature))
            ensemble_step(list(fitted.values()), "equal", base_options, names[-1], opened, pos_label, listener)
    comparison = compare_results(
        load_records(opened, names),
        metric=metric,
        choose=choose,
        tested=tested,
        per_group=per_group,
        subgroups=(subgroups,) if isinstance(subgroups, str) else tuple(subgroups),
        fixed_classes=fixed_classes,
        by="compare",
    )
    if cv_domains is not None:
        folds = (2, 1)  # not used
    if folds:
        pipelines = {name: model.pipeline for name, model in unsaved.items()}
        results = cross_validate_models(
            opened,
            folds=folds[0],
            repeats=folds[1],
            seed=random_state,
            metric=metric,
            domains=cv_domains,
            models=names,
            pipelines=pipelines,
        )
        comparison = comparison.cross_validated(results)
    notes = [f"{name} was compared but not saved. {model.unsaved}" for name, model in unsaved.items()]
    comparison = replace(comparison, notes=(*comparison.notes, *notes))
    if temporary:
        weakref.finalize(comparison, temporary.cleanup)
    return comparison


def _features(given: Any) -> tuple[dict[str, FeatureExtractor], dict[str, tuple[str, ...]]]:
    """Return the extractors by name, and the names of the extractors of each feature."""
    if not isinstance(given, Mapping):
        extractors = [given] if isinstance(given, ExtractorLike) else list(given)
        given = {}
        for value in extractors:
            extractor = _extractor(value)
            name = slug(Path(extractor.backbone).stem)
            if name in given:
                raise InputError(f"Two extractors have the name {name!r}: give them names, as in {{'first': …}}.")
            given[name] = extractor
    named: dict[str, FeatureExtractor] = {}
    features: dict[str, tuple[str, ...]] = {}
    for name, value in given.items():
        several = [value] if isinstance(value, ExtractorLike) else list(value)
        parts = [name] if len(several) == 1 else [f"{name}-{number}" for number in range(1, len(several) + 1)]
        named |= {part: _extractor(item) for part, item in zip(parts, several, strict=True)}
        features[name] = tuple(parts)
    if not features:
        raise InputError("No extractor was given: give the name of a backbone, such as 'mobilenet_v2'.")
    return named, features


def _extractor(given: ExtractorLike) -> FeatureExtractor:
    return given if isinstance(given, FeatureExtractor) else FeatureExtractor(given)


def _folds_and_repeats(cv: Any) -> tuple[Any, int]:
    """Return the number of folds and the repeats of `cv`, or the given splitter and 1."""
    return (cv, 1) if hasattr(cv, "split") and not isinstance(cv, str) else parse_folds(str(cv))
