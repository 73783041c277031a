"""Fit an ensemble: the mean probabilities of heads on embedding sets, and of fitted models of the workspace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from hybrid.classifiers import DEFAULT_HEADS, HEADS
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.embeddings.extract import describe_extractor
from hybrid.embeddings.joined_set import JoinedSet, join_sets
from hybrid.embeddings.set_names import joined_name, without_shared_start
from hybrid.errors import InputError, unknown_name
from hybrid.models.adjust import adjust_model
from hybrid.models.evaluate_and_save import FittedModel, evaluate_and_save
from hybrid.models.options import HeadOptions
from hybrid.pipelines import Ensemble, choose_weights, load_model, make_ensemble
from hybrid.pipelines.build import extractors_of
from hybrid.pipelines.fit import check_in_memory
from hybrid.pipelines.weighting import mixture_weights
from hybrid.progress import Spent, Stopwatch
from hybrid.workspace.fitted_models import load_record
from hybrid.workspace.model_record import Member, Seconds
from hybrid.workspace.set_record import SetRecord
from hybrid.workspace.workspace import Workspace

WEIGHTS = {
    "equal": "all members have the same weight",
    "val": "the mixture with the highest likelihood on validation, shrunk toward equal weights",
    "cv": "the same, by cross-validation inside train",
}


@dataclass(frozen=True)
class _SavedMember:
    """A model of the workspace as a member of the ensemble, with one embedding set for each of its extractors."""

    name: str
    head: str
    fit: Spent
    pipeline: Pipeline
    sets: tuple[EmbeddingSet, ...]


def fit_ensemble(
    embeddings: EmbeddingSet | Sequence[EmbeddingSet],
    workspace: Workspace,
    *,
    heads: Sequence[str] = DEFAULT_HEADS,
    models: Sequence[str] = (),
    weights: str = "equal",
    options: HeadOptions | None = None,
    positive: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit every head to every set, average the probabilities, evaluate the average on every split, and save it.

    Parameters
    ----------
    embeddings : EmbeddingSet or sequence of them
        Sets of one dataset. An empty sequence if the ensemble consists of `models` only.
    workspace : Workspace
        Contains `models`. The ensemble is saved in its folder ``models/NAME``.
    heads : sequence of str
        Names in `hybrid.classifiers.HEADS`. By default `DEFAULT_HEADS`.
    models : sequence of str
        Names of fitted models of the workspace, such as the output of a trained network. They become members without
        being fitted again. By default there are none.
    weights : {"equal", "val", "cv"}, default="equal"
        Weights of the members: equal, or chosen by :func:`hybrid.pipelines.choose_weights` on validation or by
        cross-validation. Equal weights are safer if new images differ from those that the weights are chosen on.
    options : HeadOptions, optional
        How each head is fitted, and how the ensemble is calibrated and its threshold chosen. Of the head's `params`
        only ``class_weight`` is allowed. To use a head with other settings, fit it first and name it in `models`.
    positive : str, optional
        The positive class of a binary task. By default the last of the sorted classes.
    name : str, optional
        Name of the ensemble. By default it is built from the sets and models.

    Returns
    -------
    FittedModel

    Raises
    ------
    InputError
        If sets and models are not of one dataset, there are no members, or the weights cannot be chosen.
    """
    options = options or HeadOptions()
    sets = [embeddings] if isinstance(embeddings, EmbeddingSet) else list(embeddings)
    heads = list(heads) if sets else []
    _check_arguments(heads, models, weights, options)
    base = join_sets(sets or _set_of_model(models[0], workspace))
    saved = [_load_member(model, base.sets[0], workspace) for model in models]
    joined = _extend(base if sets else None, saved)
    X = joined.embeddings()
    check_in_memory(X, "An ensemble")
    watch = Stopwatch()
    ensemble = _fit_heads(base, heads, X, options) if sets else Ensemble([])
    if saved:
        ensemble = _with_saved(ensemble, saved, joined)
    if weights != "equal":
        ensemble.set_params(weights=_choose_weights(ensemble, weights, joined, X, saved, options))
    pipeline, adjustment = adjust_model(Pipeline([("head", ensemble)]), X, joined, options, positive)
    fitted = sum((member.fit for member in saved), watch.lap())
    origins = [(head, part.name) for part in base.sets for head in heads]
    origins += [(member.head, member.name) for member in saved]
    return evaluate_and_save(
        pipeline,
        X,
        joined,
        workspace,
        name or _name(heads, base.name if sets else "", models, weights, options),
        positive,
        head="ensemble",
        fit=fitted,
        params={"heads": heads, "models": list(models)},
        scale=options.scale,
        pca=options.pca,
        class_weight=options.class_weight,
        weights=None if weights == "equal" else weights,
        members=_members(ensemble, origins),
        seed=options.seed,
        aim=options.aim,
        calibration=options.calibration,
        prevalence=options.prevalence,
        adjustment=adjustment,
    )


def _fit_heads(base: JoinedSet, heads: Sequence[str], X: np.ndarray, options: HeadOptions) -> Ensemble:
    """Return an ensemble of every head on every set, fitted to train. X has the columns of the sets first."""
    train = base.part(X[:, : sum(base.widths)], "train")
    ensemble = make_ensemble(
        base.widths,
        heads,
        names=without_shared_start([part.name for part in base.sets])[1],
        scale=options.scale,
        pca=options.pca,
        params={head: options.seeded(head) for head in heads},
    )
    return ensemble.fit(train.X, train.y, groups=train.groups)


def _with_saved(heads: Ensemble, saved: Sequence[_SavedMember], joined: JoinedSet) -> Ensemble:
    """Return one ensemble of the fitted heads and the saved models, without fitting any of them again."""
    stops = np.cumsum([0, *joined.widths]).tolist()
    columns = {part.fingerprint: (stops[number], stops[number + 1]) for number, part in enumerate(joined.sets)}
    members = [
        (member.name, clone(member.pipeline), [columns[part.fingerprint] for part in member.sets]) for member in saved
    ]
    models = [*getattr(heads, "models_", []), *(member.pipeline for member in saved)]
    return Ensemble([*heads.members, *members]).adopt(models, stops[-1])


def _choose_weights(
    ensemble: Ensemble,
    weights: str,
    joined: JoinedSet,
    X: np.ndarray,
    saved: Sequence[_SavedMember],
    options: HeadOptions,
) -> list[float]:
    balanced = options.class_weight == "balanced"
    if weights == "val":
        val = joined.part(X, "val")
        if not len(val.y):
            raise InputError("There is no validation split to choose weights on: use --weights equal or cv.")
        return mixture_weights(ensemble.member_probabilities(val.X), val.y, ensemble.classes_, balanced=balanced)
    for embedding_set in joined.sets:
        _check_not_trained_on(embedding_set)
    if networks := [member.name for member in saved if member.head == "network"]:
        raise InputError(
            f"{networks[0]!r} is a network that was trained on the training images, so cross-validation on them would "
            "overestimate it: use --weights val or equal."
        )
    train = joined.part(X, "train")
    return choose_weights(
        ensemble,
        train.X,
        train.y,
        groups=train.groups,
        cv=options.folds,
        repeats=options.repeats,
        random_state=options.seed,
        balanced=balanced,
    )


def _check_not_trained_on(embedding_set: EmbeddingSet) -> None:
    """Raise `InputError` if the network behind the features was trained on the training images."""
    train = embedding_set.split == "train"
    if count := int(embedding_set.in_training()[train].sum()):
        raise InputError(
            f"The network of the set {embedding_set.name!r} was trained on {count} of the {train.sum()} training "
            "images, so cross-validation on them would overestimate its features: use --weights val or equal."
        )


def _check_arguments(heads: Sequence[str], models: Sequence[str], weights: str, options: HeadOptions) -> None:
    if weights not in WEIGHTS:
        raise unknown_name("choice of weights", weights, WEIGHTS)
    for head in heads:
        if head not in HEADS:
            raise unknown_name("head", head, HEADS)
    for kind, names in (("head", heads), ("model", models)):
        if twice := sorted({name for name in names if list(names).count(name) > 1}):
            raise InputError(f"The {kind} {twice[0]!r} was given twice: leave it out once.")
    if not heads and not models:
        raise InputError("The ensemble has no members: give embedding sets and heads, or fitted models.")
    if set(options.params) - {"class_weight"} or options.tune:
        raise InputError(
            "The heads of an ensemble are fitted with their default settings: to use tuned or other settings, fit the "
            "head first and add the fitted model to the ensemble (--member)."
        )


def _sets_of_dataset(fingerprint: str, workspace: Workspace) -> dict[str, str]:
    """Return the names of the embedding sets of a dataset, keyed by the fingerprint of their extractor."""
    records = {path.stem: SetRecord.read(path) for path in workspace.records("sets")}
    return {
        record.extractor.fingerprint: name
        for name, record in records.items()
        if record.dataset.fingerprint == fingerprint
    }


def _set_of_model(model: str, workspace: Workspace) -> EmbeddingSet:
    """Return any embedding set of the dataset that a model was fitted to."""
    names = _sets_of_dataset(load_record(workspace, model).dataset_fingerprint, workspace)
    if not names:
        raise InputError(
            f"There is no embedding set of the images that {model!r} was fitted to: run `hybrid extract` on them "
            "first, with the same split and seed."
        )
    return load_set(workspace, next(iter(names.values())))


def _load_member(model: str, base: EmbeddingSet, workspace: Workspace) -> _SavedMember:
    """Load a model of the workspace, which must be of the same dataset as `base`."""
    record, dataset = load_record(workspace, model), base.record.dataset
    if record.dataset_fingerprint != dataset.fingerprint:
        raise InputError(
            f"The model {model!r} and the set {base.name!r} differ in images, labels or splits: fit the model to the "
            "same dataset."
        )
    pipeline = load_model(workspace.models / model / "model")
    extractors = extractors_of(pipeline[0])
    names = _sets_of_dataset(dataset.fingerprint, workspace)
    times, processor = record.seconds, record.processor or Seconds(train=None)
    set_record = replace(
        base.record,
        dataset=replace(dataset, warnings=record.warnings),
        trained=record.trained,
        trained_processor=record.trained_processor,
        cost=None if times.extract is None else times.extract / len(extractors),
        processor=None if processor.extract is None else processor.extract / len(extractors),
        measure="runs" if times.measure == "runs" else "wall",
        passes=(),
        views=None,
    )
    sets = [
        load_set(workspace, names[extractor.fingerprint])
        if extractor.fingerprint in names
        else replace(
            base, name=model, view_keys=None, record=replace(set_record, extractor=describe_extractor(extractor))
        )
        for extractor in extractors
    ]
    return _SavedMember(model, record.head, Spent(times.fit or 0.0, processor.fit), pipeline[1:], tuple(sets))


def _extend(base: JoinedSet | None, saved: Sequence[_SavedMember]) -> JoinedSet:
    """Return the sets, followed by those of the saved models' extractors that are not among them yet."""
    sets = {part.fingerprint: part for part in (base.sets if base else ())}
    for member in saved:
        for part in member.sets:
            sets.setdefault(part.fingerprint, part)
    return join_sets(list(sets.values()))


def _members(ensemble: Ensemble, origins: Sequence[tuple[str, str]]) -> tuple[Member, ...]:
    """Return the record of each member. `origins` has for each its head, and the name of its set or model."""
    rows = zip(ensemble.members, origins, ensemble.shares.tolist(), strict=True)
    return tuple(Member(name, head, origin, round(share, 6)) for (name, *_), (head, origin), share in rows)


def _name(heads: Sequence[str], sets: str, models: Sequence[str], weights: str, options: HeadOptions) -> str:
    """Return a name that is built from the heads, the sets and the models of an ensemble, and from the options."""
    head_names = "+".join(heads) if heads and set(heads) != set(DEFAULT_HEADS) else ""
    sources = "+".join([sets, *models] if sets else models)
    parts = ["ensemble", "" if weights == "equal" else weights, head_names, *options.name_parts, sources]
    return joined_name(["-".join(part for part in parts if part)])
